/* SPDX-License-Identifier: Apache-2.0 */
/* What operators say to the judges: silences, which mark alerts but never swallow them, and interventions ("price
 * page changed"), whose effect is measured. They come from the control topic as DECISION_CONTROL. Each judge
 * and each pulse holds all of them and goes by those that concern its alerts. */
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
#include "funnel/settings.h"

#define CONTROL_SILENCES_MAX 256
#define CONTROL_INTERVENTIONS_MAX 64
#define CONTROL_MATCHERS_MAX 8

enum control_kind { CONTROL_SILENCE, CONTROL_EXPIRE, CONTROL_INTERVENTION };

/* A matcher is label = value, exactly; all must match. */
struct control_matcher {
    struct span label, value;
};

/* One record of the control topic, as JSON; an id is 1 to 64 printable ASCII characters without blanks:
 *   {"kind":"silence","id":"…","from":"RFC 3339","to":"RFC 3339","matchers":{"funnel":"sales",…}}
 *   {"kind":"expire","id":"…"}                    ends a silence, forgets an intervention not yet measured
 *   {"kind":"intervention","id":"…","at":"RFC 3339","funnel":"…","step":"…","window":"1h"}
 * and in each "author" and "comment", which may be left out, as step and window may.
 * Spans are borrowed from control_parse's scratch. */
struct control {
    enum control_kind kind;
    struct span id;
    struct etime from, to; /* silence; intervention: at = from */
    struct control_matcher matchers[CONTROL_MATCHERS_MAX];
    size_t matcher_count;
    struct span author, comment;
    struct span funnel, step; /* intervention; absent step: every step */
    int64_t window_ms;        /* 0: the funnel's first one of fixed length */
};

/* Any bytes up to DECISION_TEXT_MAX. Returns NULL and fills *ret, or says what is wrong (static text). `scratch`
 * owns what *ret borrows, each text with a NUL behind it; it is emptied first. */
const char *control_parse(struct span text, struct buf *scratch, struct control *ret);
/* The same record in one canonical form: what the CLI writes. */
void control_write(const struct control *c, struct buf *out);

/* Whether it means something to these settings: labels that an alert can have, a funnel, its step, one of its
 * windows. NULL, or what is wrong (static text). */
const char *control_check(const struct control *c, const struct settings *settings);
/* Which of the funnel's windows an intervention is measured by; -1: none, it must be one of fixed length. */
int control_window(const struct control *c, const struct settings_funnel *f);

#endif
