/* SPDX-License-Identifier: Apache-2.0 */
/* The demo in lines of text: what the script does, what the daemon finds, and whether the one matches the
 * other. */
#ifndef CLI_DEMO_STORY_H
#define CLI_DEMO_STORY_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/demo_alerts.h"
#include "cli/demo_scenario.h"
#include "cli/demo_words.h"
#include "funnel/buf.h"

/* Zero-initialised but for the first three. */
struct demo_story {
    enum demo_language language;
    int64_t start_ms;
    bool silent;              /* the screen tells it instead */
    bool live, begun;         /* history is over; the incident has begun */
    struct incident incident; /* going on, or else the next one */
    /* The alert the first incident has to raise. */
    int64_t fired_ms, resolved_ms; /* event time; 0: not yet */
    struct demo_alert found;       /* as it stood last */
};

/* What the script has come to by now_ms. */
void demo_story_advance(struct demo_story *s, int64_t now_ms);
void demo_story_alert(struct demo_story *s, const struct demo_alert *x);
/* Fired during the first incident and resolved after it. */
bool demo_story_done(const struct demo_story *s);
/* Long after the first incident: what has not happened will not happen. */
bool demo_story_hopeless(const struct demo_story *s, int64_t now_ms);
/* What demo_story_done() waits for. */
void demo_story_missing(const struct demo_story *s, struct buf *out);

#endif
