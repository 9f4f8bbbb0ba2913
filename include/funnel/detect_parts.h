/* SPDX-License-Identifier: Apache-2.0 */
/* What a detector is made of: for its own files, for tests and explain.
 *
 * A track is one step (or the funnel's entries: volume) with its baseline. Each track has the judge's leaves and
 * series by their numbers. What is learned changes once a day, at a fixed pane; everything else the tests go by is
 * derived from it, then and when a state is loaded. */
#ifndef FUNNEL_DETECT_PARTS_H
#define FUNNEL_DETECT_PARTS_H

#include "funnel/cusum.h"
#include "funnel/detect.h"
#include "funnel/judge.h"
#include "funnel/level.h"
#include "funnel/season.h"

#define DETECT_TESTS 20 /* of a track: drop 16, rise 4; volume 5 */
#define DETECT_BATTERIES 2
#define DETECT_DAYS 4 /* days not learned yet, today's too */
#define DETECT_HALF_LIFE 14.0
#define DETECT_SEASON_HALF_LIFE 28.0
#define DETECT_LEARNING_DAYS 7
#define DETECT_DOUBT_DAYS 14 /* until then tests allow for what the season may be off by */
#define DETECT_PSEUDO 200.0  /* entrants that a configured rate counts for */
#define DETECT_GROUPS 4      /* of ages, each with a season of its own */

/* A day's counts, by pane: not learned until an alert that names them would have fired. */
struct detect_leaf_day {
    double y[AGES_BINS], d[AGES_BINS];
};
struct detect_leaf {
    double y[AGES_BINS]; /* learned exposure, decayed; volume: y[0] is panes */
    double o;            /* learned conversions, decayed */
    struct detect_leaf_day days[DETECT_DAYS];
    /* derived */
    double p;
    double h[AGES_BINS];
    bool frozen; /* an alert that fires names it */
};

struct detect_series_day {
    double squares[CUSUM_FAMILIES][CUSUM_SCALES], variances[CUSUM_FAMILIES][CUSUM_SCALES];
    double o, entries, panes;
};
/* Sums of one pane, or of a block of panes. */
struct detect_sum {
    float n, e, entries, slow; /* slow: score of a slow-down */
};
#define DETECT_FINE 64    /* the last panes, or minutes where panes are shorter */
#define DETECT_COARSE 192 /* the last blocks of half an hour: four days */
#define DETECT_LOOK_BACK_MS (4 * ZONE_DAY_MS)
#define DETECT_COARSE_MS INT64_C(1800000)
#define DETECT_FINE_MS INT64_C(60000)
struct detect_series {
    double o, entries, days; /* learned, decayed: conversions, entries, days of data */
    struct dispersion phi[CUSUM_FAMILIES][CUSUM_SCALES];
    struct detect_series_day pending[DETECT_DAYS];
    double r[CUSUM_FAMILIES][CUSUM_SCALES], v[CUSUM_FAMILIES][CUSUM_SCALES]; /* open blocks */
    double w[DETECT_TESTS];
    int64_t zero[DETECT_TESTS]; /* the last pane after which w was 0 */
    struct detect_sum fine[DETECT_FINE], coarse[DETECT_COARSE];
    bool own_pace; /* it was accepted as slower than the rest: only tested at all ages together */
    /* derived */
    double b[DETECT_TESTS];       /* infinite: not tested */
    double inverse[DETECT_TESTS]; /* 1 / phi */
    double rho[DETECT_TESTS];     /* indifference, 1 for slow */
};

/* The pane being worked on, of one series; f: of frozen leaves. */
struct detect_pane {
    double e[AGES_BINS], n[AGES_BINS], fe[AGES_BINS], fn[AGES_BINS];
    double entries, fentries;
};

struct detect_day {
    int64_t day; /* INT64_MIN: the slot is free */
    double o, e; /* of the whole, with season and level */
    double so[DETECT_GROUPS][SEASON_HOURS], se[DETECT_GROUPS][SEASON_HOURS];
    bool tainted; /* an alert's: teaches only what that leaves untouched */
    bool holiday; /* teaches nothing */
};

/* The tests of one rule on a track. */
struct detect_battery {
    size_t rule;         /* index into judge.rules */
    int kind;            /* RULE_DROP, RULE_RISE, RULE_VOLUME */
    size_t first, count; /* of track.tests */
    double alpha;        /* false alarms a week this track may give */
    double min_effect;
};

/* The first crossing since the last pane that counted. */
struct detect_crossing {
    bool found;
    uint32_t series;
    size_t test;
    int64_t zero;
    double w, b;
};

struct detect_track {
    int step; /* its stage's entries: volume */
    bool volume;
    struct ages one; /* volume: a single bin */
    const struct ages *ages;
    int bins;
    double target; /* configured rate that it begins with; 0: it has to learn first */
    struct detect_battery batteries[DETECT_BATTERIES];
    size_t battery_count;
    size_t test_count;

    /* learned */
    double d[AGES_BINS], y[AGES_BINS]; /* decayed, pooled */
    double so[DETECT_GROUPS][SEASON_HOURS], se[DETECT_GROUPS][SEASON_HOURS];
    struct level level;
    int64_t days_learned; /* not decayed */
    struct detect_day pending[DETECT_DAYS];
    int today;                    /* slot */
    int64_t day;                  /* that was begun last; INT64_MIN */
    int64_t blocks[CUSUM_SCALES]; /* the block that is open; INT64_MIN */
    int64_t coarse,
        fine; /* of the sums: the last block of half an hour, the last pane; INT64_MIN */
    struct detect_leaf *leaves;
    size_t leaf_count, leaf_cap;
    struct detect_series *series;
    size_t series_count, series_cap;

    /* derived */
    bool known;   /* there are hazards */
    bool testing; /* there are thresholds */
    struct hazard pool;
    int young;                /* bins */
    uint8_t group[AGES_BINS]; /* by bin: whose season it has */
    double *m[DIMS_MAX];
    size_t m_count[DIMS_MAX];
    double factor[DETECT_GROUPS][SEASON_HOURS];
    bool doubtful; /* factors are young: tests allow for their error, an sd of the log */
    double doubt[DETECT_GROUPS][SEASON_HOURS_A_DAY];
    double noise; /* how much more than counting it is */
    double gain;  /* e^L */
    struct cusum_test tests[DETECT_TESTS];
    double u[AGES_BINS][DETECT_TESTS], v[AGES_BINS][DETECT_TESTS];
    double z[CUSUM_FAMILIES][AGES_BINS]; /* residual weights, mean square 1 */
    double slow_u[AGES_BINS], slow_v[AGES_BINS];

    /* the pane being worked on */
    struct detect_pane *pane;
    size_t pane_cap;
    struct detect_crossing crossing[DETECT_BATTERIES];
    struct look *look; /* NULL: nobody looks */
};

/* What a slow-down's series shows by age. */
struct detect_shown {
    double y[AGES_BINS], d[AGES_BINS]; /* exposure, by the season's measure; conversions */
    double open[AGES_BINS];            /* of the pane being worked on; not saved */
};

struct incident {
    size_t track, battery, watch; /* watch: of the battery's rule */
    uint32_t series;
    bool slow;
    bool updated, recovered, accepted;
    int64_t onset, fired;           /* panes */
    double n, e, entries, slow_sum; /* since the onset, of its series */
    double statistic, threshold;
    double score, ratio;        /* of the last scan; ratio: or of what was worse than that */
    double r, phi;              /* what recovery is measured by */
    double all, recent;         /* recovery by all ages and by young ones, nats */
    bool confirming, by_recent; /* one of them was enough, and has to be once more: */
    double confirm;             /* nats for it, or against */
    struct detect_shown shown;  /* of a slow one, once it has gone on for long enough */
};

struct detect {
    struct detect_track *tracks;
    size_t track_count;
    struct incident *incidents;
    size_t incident_count, incident_cap;
    size_t others;  /* series beside the whole that the settings allow */
    int64_t cursor; /* the last pane that counted or was dropped; INT64_MIN */
    /* Late events, all events: sums that fade within an hour, and the judge's counts that they are made up to. */
    double late, events;
    int64_t late_counted, events_counted, late_pane; /* late_pane: INT64_MIN at first */
    int64_t blind_to; /* the last pane that does not count because of them; INT64_MIN */
    bool exposed;     /* detect_advance counts */
    bool holiday;     /* `day` is one */
    struct zone_cursor zone;
    int64_t day,
        day_first; /* of the pane being worked on: the day, and its first pane; INT64_MIN */
};

/* Hour of week of a pane's begin, with its fraction; of a holiday: that of a Sunday. */
double detect_hour(const struct judge *j, int64_t pane);

/* --- detect_late.c --- */
/* Counts the pane's late events; whether they are so many that it is blind from here on. */
bool detect_late(struct judge *j, int64_t pane);

/* --- detect_track.c --- */
void track_reserve(const struct judge *j, struct detect_track *t); /* leaves and series */
void track_expose(struct judge *j, struct detect_track *t, int64_t pane);
void track_finish(struct judge *j, struct detect_track *t, int64_t pane, double hour);
/* Sums of a series since a pane, this one included. */
struct track_sums {
    double n, e, entries, slow;
};
struct track_sums track_since(const struct judge *j, const struct detect_track *t, uint32_t series,
                              int64_t from, int64_t to);
void track_reset(struct detect_track *t, int64_t pane); /* every W to 0, blocks too */
void track_drop(struct detect_track *t);                /* the pane being worked on */

int64_t track_coarse_panes(const struct judge *j); /* of a block of half an hour */
int64_t track_fine_panes(const struct judge *j);   /* of one of a minute, at least one */

/* --- detect_look.c: counts by age, for explain; neither saved nor taken over --- */
void look_free(struct look *l); /* accepts NULL */
void look_add(const struct judge *j, const struct detect_track *t, size_t series, int64_t pane);
struct look_sums {
    int64_t from; /* the first pane in them: of blocks, the nearest */
    double n[AGES_BINS], e[AGES_BINS];
};
/* As track_since(), by age. False: they are not kept. */
bool look_since(const struct judge *j, const struct detect_track *t, uint32_t series, int64_t from,
                int64_t to, struct look_sums *ret);

/* --- detect_cold.c: a step that begins with a configured rate and typical dwell --- */
void cold_init(const struct judge *j, struct detect_track *t);
bool cold_is(const struct detect_track *t);                            /* it still goes by them */
bool cold_is_hour(const struct judge *j, size_t number, int64_t pane); /* thresholds are due */
/* Conversions a day, as far as can be said, and conversions that the baseline rests on. */
void cold_facts(const struct judge *j, const struct detect_track *t, const struct detect_series *s,
                double *ret_nu, double *ret_o);

/* --- detect_doubt.c: the first two weeks --- */
void doubt_derive(struct detect_track *t, double noise);
/* What a series may convert of what is expected of it in this pane, by group of ages. Of a doubtful track. */
struct doubt_shares {
    double least, most;
};
void doubt_shares(const struct judge *j, const struct detect_track *t, uint32_t series,
                  int64_t pane, int hour, struct doubt_shares ret[DETECT_GROUPS]);

/* --- detect_learn.c --- */
void track_day(const struct judge *j, struct detect_track *t, size_t number,
               int64_t pane); /* begins one, if it is time */
void track_derive(const struct judge *j, struct detect_track *t);
void track_derive_shared(const struct judge *j, struct detect_track *t); /* all but the series */
void track_derive_leaf(const struct judge *j, struct detect_track *t, size_t leaf);
void track_derive_series(const struct judge *j, struct detect_track *t, size_t series);
/* Conversions a day, and conversions known. */
struct track_facts {
    double nu, o;
};
struct track_facts track_facts(const struct judge *j, const struct detect_track *t, size_t series);
/* What it knows does not reach as far back as a stay may last. */
bool track_is_short(const struct judge *j, const struct detect_track *t);
/* Nothing of a segment's leaves since a pane is learned. */
void track_taint(const struct judge *j, struct detect_track *t, uint32_t series, int64_t since);
/* The series goes on at `ratio` of what it was. */
void track_accept(const struct judge *j, struct detect_track *t, uint32_t series, double ratio);

/* --- detect_incident.c --- */
void incidents_mark(const struct judge *j); /* frozen leaves */
/* The sums of all series reach back to its onset: they can be taken over the same panes. */
bool incident_is_in_ring(const struct judge *j, const struct incident *c, int64_t pane);
struct incident *incident_of(const struct judge *j, const struct watch *w);
/* Adds the track's pane to what its incidents show. season: the hour's factor, by group of ages. */
void incidents_count(struct judge *j, const struct detect_track *t, int64_t pane,
                     const double *season);
void incidents_step(struct judge *j, int64_t pane, struct records *out);

/* --- detect_slow.c: slow-downs that are there to stay --- */
void slow_expose(const struct judge *j, const struct detect_track *t); /* of the pane */
void slow_count(const struct judge *j, const struct detect_track *t, struct incident *c,
                int64_t pane, const double *season);
/* What it showed is from now on what its series is expected to do. */
void slow_accept(const struct judge *j, struct detect_track *t, const struct incident *c);

/* --- detect_fill.c --- */
/* Conversions that would have come since its onset; entries, of volume. */
double incident_due(const struct judge *j, const struct incident *c, int64_t pane);

#endif
