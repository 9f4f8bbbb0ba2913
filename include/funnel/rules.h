/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: what each watches, what it says of its windows, and the alerts that come of it. */
#ifndef FUNNEL_RULES_H
#define FUNNEL_RULES_H

#include "funnel/alert.h"
#include "funnel/judge.h"
#include "funnel/mix.h"

/* One rule on one step of one series. */
struct watch {
    uint32_t series;
    int step;
    struct alert_life life;
    enum alert_verdict verdict; /* the last one */
    uint32_t sequence;          /* alert records so far */
    struct etime starts_at;
    double reference;   /* change: the earlier rate at firing, what recovery is measured by */
    bool rise;          /* change: it fired on a rise */
    bool published;     /* the firing record is out: a muted one is not, until the mute ends */
    bool slow;          /* drop: a slow-down, an alert of its own */
    struct etime ended; /* detector's: when it resolved last; ETIME_NONE */
};

struct rule {
    const struct settings_rule *settings; /* borrowed */
    uint64_t hash;                        /* of its meaning, with what it means in this funnel */
    size_t spec;                          /* segment spec of `by` */
    size_t window;                        /* index into judge.windows */
    int64_t against;                      /* change: slots back; calendar: 0 */
    double z;                             /* what the test's statistic must exceed */
    bool *steps;                          /* by step: watched? */
    struct watch *watches;                /* in order of series, step */
    size_t count, cap;
    size_t series_seen;      /* series looked at for new watches */
    struct quality *quality; /* owned; data_quality's sums */
    struct mix *mix;         /* owned; mix's */
};

/* Where the sequence of an alert stands whose watch is gone: one with the same labels goes on from there. */
struct rules_past {
    uint64_t fingerprint;
    uint32_t sequence;
};
#define RULES_PAST_MAX 65536

struct rules {
    struct rule *items;
    size_t count;
    uint64_t alerts;         /* records put out */
    struct rules_past *past; /* by fingerprint, at most RULES_PAST_MAX */
    size_t past_count, past_cap;
};

/* Registers the rules' windows and segment specs with the judge: before any series is made. */
void rules_init(struct judge *j);
void rules_deinit(struct judge *j);
/* After pane `pane` was closed: verdicts where a window has ended, and what time alone turns. */
void rules_step(struct judge *j, int64_t pane, struct records *out);
/* The first pane after `pane` in which rules_step has something to do though no cell comes; INT64_MAX. */
int64_t rules_next(const struct judge *j, int64_t pane);
void rules_gauge(const struct judge *j, uint64_t *firing, uint64_t *pending);
/* rules_save.c: after the series. Each rule must mean what it meant, by its hash. */
void rules_save(const struct judge *j, struct codec_out *out);
void rules_load(struct judge *j, struct codec_in *in);

/* Puts out a record of the watch's alert. reason: why it ends; of no account where it does not. */
struct reading;
void rules_put(struct judge *j, const struct rule *r, struct watch *w, const struct reading *x,
               enum alert_status status, struct etime at, const char *reason, struct records *out);

/* What the detector does to its watches (detect.h); a watch is found by its index in the rule. */
size_t rules_watch(struct judge *j, size_t rule, uint32_t series, int step, bool slow);
void rules_breach(struct watch *w); /* fires with the next step of the rules */
void rules_update(struct judge *j, size_t rule, size_t watch, int64_t pane, struct records *out);
/* What fires as one watch goes on as another, in this order: the first ends, the second begins as old as that was. */
void rules_leave(struct judge *j, size_t rule, size_t watch, int64_t pane, struct records *out);
void rules_enter(struct judge *j, size_t rule, size_t from, size_t to, int64_t pane,
                 struct records *out);

uint64_t rules_fingerprint(const struct judge *j, const struct rule *r, const struct watch *w);
/* rules_switch.c: the last sequence of a past alert; 0: there was none. */
uint32_t rules_past(const struct rules *all, uint64_t fingerprint);

/* The values of its series' dims, sorted by name, borrowed; ret[DIMS_MAX]; how many. */
size_t watch_dims(const struct judge *j, const struct watch *w, struct alert_dim *ret);

/* --- rules_sums.c: rules that do not go by the judge's windows --- */

const struct window_def *rule_window_def(const struct judge *j, const struct rule *r);
/* False: it is none of them. */
bool rules_sums_init(const struct judge *j, struct rule *r);
void rules_sums_deinit(struct rule *r);
/* A pane that is not dark: its cells are applied, its touched steps still there. */
struct quality_pane;
void rules_sums_take(struct judge *j, int64_t pane, const struct quality_pane *quality);
void rules_sums_save(const struct rule *r, struct codec_out *out);
void rules_sums_load(struct rule *r, struct codec_in *in);
void rules_sums_take_over(struct rule *to, struct rule *from); /* of the same hash */
void rules_sums_begin(struct rule *r, int64_t pane); /* it knows nothing of what came before */
/* What such a rule's record says; parts and text live as the alert. */
struct reading;
void rules_sums_fill(const struct judge *j, const struct rule *r, const struct reading *x,
                     struct alert *a, struct alert_part parts[2], struct buf *text);

/* --- reading.c: what a rule sees, and what it says of it --- */
struct reading {
    struct etime from, to;
    struct etime since; /* of the earliest event it goes by: change looks further back */
    int64_t entries, conversions;
    int64_t before_entries, before_conversions; /* change */
    /* matured, else 0: entries by their maturity, its squares less what it is not sure of (stats.h), what has
     * converted of them; the curve is known */
    double stays, squares, converted;
    bool learned;
    double rate, low, high;
    double expected;        /* NaN where there is none yet */
    struct mix_shift shift; /* mix */
    /* data_quality: events of ids watched for split keys, and of split ones; entries, conversions, rate and statistic
     * are of these, where they say worse than all events do */
    int64_t watched, split;
    bool sampled;
    double statistic; /* > 0: worse than expected (change, rise: better), in standard deviations */
    bool rise;
    bool complete; /* by `since` the log had begun, and the series was what it is */
    enum alert_verdict verdict;
    const char *ends; /* detector's: why it would end now; NULL */
};
/* Whether the rule's window ends with this pane. */
bool reading_due(const struct judge *j, const struct rule *r, int64_t pane);
void reading_take(struct judge *j, const struct rule *r, const struct watch *w, int64_t pane,
                  struct reading *ret);

#endif
