/* SPDX-License-Identifier: Apache-2.0 */
/* What operators say to the judges: silences, which mark alerts but never swallow them, and interventions ("price
 * page changed"), whose effect is measured. They come from the control topic as DECISION_CONTROL. Each judge
 * holds all of them and goes by those that concern its funnel. */
#ifndef FUNNEL_CONTROL_H
#define FUNNEL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/alert.h"
#include "funnel/buf.h"
#include "funnel/clock.h"
#include "funnel/codec.h"
#include "funnel/decision.h"

#define CONTROL_SILENCES_MAX 256
#define CONTROL_INTERVENTIONS_MAX 64
#define CONTROL_MATCHERS_MAX 8

enum control_kind { CONTROL_SILENCE, CONTROL_EXPIRE, CONTROL_INTERVENTION };

/* A matcher is label = value, exactly; all must match. */
struct control_matcher {
    struct span label, value;
};

/* One record of the control topic, as JSON:
 *   {"kind":"silence","id":"…","from":"RFC 3339","to":"RFC 3339","matchers":{"funnel":"sales",…},
 *    "author":"…","comment":"…"}
 *   {"kind":"expire","id":"…"}                                   ends a silence
 *   {"kind":"intervention","id":"…","at":"RFC 3339","funnel":"…","step":"…","window":"1h","comment":"…"}
 * Spans are borrowed from its text. */
struct control {
    enum control_kind kind;
    struct span id;
    struct etime from, to; /* silence; intervention: at = from */
    struct control_matcher matchers[CONTROL_MATCHERS_MAX];
    size_t matcher_count;
    struct span author, comment;
    struct span funnel, step; /* intervention; absent step: every step */
    int64_t window_ms;
};

/* Any bytes up to DECISION_TEXT_MAX. Returns NULL and fills *ret, or says what is wrong. `scratch` owns what
 * *ret borrows. */
const char *control_parse(struct span text, struct buf *scratch, struct control *ret);
/* The same record in one canonical form: what the CLI writes. */
void control_write(const struct control *c, struct buf *out);

#endif
