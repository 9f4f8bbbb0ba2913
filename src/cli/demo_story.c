/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_story.h"

#include <math.h> /* isfinite */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FOUND_WITHIN HOUR_MS /* after the end, an alert is no longer about this incident */
#define RESOLVED_WITHIN (4 * HOUR_MS)
#define INDENT "                  " /* as wide as a line's time */

static void __attribute__((format(printf, 3, 4)))
story_line(const struct demo_story *s, int64_t at_ms, const char *format, ...)
{
    char when[32];
    va_list args;

    if (s->silent)
        return;
    demo_time_format(at_ms, true, when, sizeof(when));
    printf("%s  ", when);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static void story_begins(struct demo_story *s)
{
    const struct incident_kind *k = s->incident.kind;
    double before = scenario_rate(s->start_ms, s->incident.from_ms - 1, k->step,
                                  k->channel < 0 ? 0 : k->channel, k->device < 0 ? 0 : k->device);
    char step[64], falls[128];

    scenario_step(k->step, step, sizeof(step));
    snprintf(falls, sizeof(falls), demo_word(s->language, WORD_FALLS), step, 100 * before,
             100 * k->rate);
    story_line(s, s->incident.from_ms, "%s%s%s", demo_word(s->language, WORD_BEGINS),
               demo_word(s->language, k->story), falls);
}

void demo_story_advance(struct demo_story *s, int64_t now_ms)
{
    int64_t live = scenario_live(s->start_ms);

    if (!s->live && now_ms >= live) {
        s->live = true;
        s->incident = scenario_incident(s->start_ms, 0);
        story_line(s, live, "%s", demo_word(s->language, WORD_LIVE));
    }
    if (!s->live)
        return;
    if (!s->begun && now_ms >= s->incident.from_ms) {
        s->begun = true;
        story_begins(s);
    }
    if (s->begun && now_ms >= s->incident.to_ms) {
        s->begun = false;
        story_line(s, s->incident.to_ms, "%s", demo_word(s->language, WORD_ENDS));
        s->incident = scenario_incident(s->start_ms, s->incident.number + 1);
    }
}

static bool story_expects(const struct demo_story *s, const struct demo_alert *x)
{
    struct incident first = scenario_incident(s->start_ms, 0);
    char step[64];

    scenario_step(first.kind->step, step, sizeof(step));
    return strcmp(x->rule, first.kind->rule) == 0 && strcmp(x->step, step) == 0 &&
           demo_alert_has(x, first.kind->label, first.kind->value) &&
           x->starts_ms > first.from_ms && x->starts_ms <= first.to_ms + FOUND_WITHIN;
}

static void story_evidence(const struct demo_story *s, const struct demo_alert *x)
{
    if (s->silent)
        return;
    printf(INDENT "%s\n", x->summary);
    if (!x->firing || !isfinite(x->expected))
        return;
    printf(INDENT);
    printf(demo_word(s->language, WORD_EVIDENCE), (long long)x->conversions, x->expected,
           x->statistic, x->threshold);
    putchar('\n');
}

static enum demo_word turn_of(const struct demo_alert *x)
{
    if (x->firing)
        return x->updated ? WORD_UPDATED : WORD_FIRING;
    return x->moved ? WORD_MOVED : WORD_RESOLVED;
}

void demo_story_alert(struct demo_story *s, const struct demo_alert *x)
{
    story_line(s, x->at_ms, "%s  %s  %s%s%s", demo_word(s->language, turn_of(x)), x->rule, x->step,
               x->dims[0] ? "  " : "", x->dims);
    story_evidence(s, x);
    fflush(stdout);
    if (!story_expects(s, x))
        return;
    if (s->fired_ms == 0)
        s->fired_ms = x->starts_ms;
    s->found = *x;
    s->resolved_ms = x->firing || x->moved ? 0
                                           : x->ends_ms; /* it may fire again before it is over */
}

bool demo_story_done(const struct demo_story *s)
{
    return s->fired_ms > 0 && s->resolved_ms > scenario_incident(s->start_ms, 0).to_ms;
}

bool demo_story_hopeless(const struct demo_story *s, int64_t now_ms)
{
    return now_ms > scenario_incident(s->start_ms, 0).to_ms + RESOLVED_WITHIN;
}

void demo_story_missing(const struct demo_story *s, struct buf *out)
{
    struct incident first = scenario_incident(s->start_ms, 0);

    buf_fmt(out, "the alert %s for %s=%s ", first.kind->rule, first.kind->label, first.kind->value);
    if (s->fired_ms == 0)
        buf_str(out, "did not fire during the incident");
    else if (s->resolved_ms == 0)
        buf_str(out, "fired, but did not resolve");
    else
        buf_str(out, "resolved before the incident ended");
}
