/* SPDX-License-Identifier: Apache-2.0 */
/* What the alert topic says: the newest state of every alert, and each turn of it as it comes. */
#ifndef CLI_DEMO_ALERTS_H
#define CLI_DEMO_ALERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEMO_ALERTS_MAX = 64, DEMO_LABELS_MAX = 128, DEMO_SUMMARY_MAX = 512 };

struct demo_alert {
    char fingerprint[20];
    char rule[40], step[40];
    char dims[DEMO_LABELS_MAX]; /* "channel=ads device=mobile" */
    char summary[DEMO_SUMMARY_MAX];
    bool firing;                /* else resolved */
    bool updated;               /* firing, with more evidence */
    bool moved;                 /* resolved, and goes on as another segment's */
    int64_t starts_ms, ends_ms; /* ends_ms: 0 while it fires */
    int64_t at_ms;              /* of this turn */
    int64_t sequence;
    int64_t onset_ms;      /* when the change began; 0: not said */
    int64_t conversions;   /* since then */
    double expected, lost; /* conversions; NAN: not said */
    char lost_amount[32];  /* "": not said */
    double statistic, threshold;
};

/* Zero-initialised is empty. The oldest makes room when there are too many. */
struct demo_alerts {
    struct demo_alert items[DEMO_ALERTS_MAX]; /* in order of their last turn, newest last */
    size_t count;
    int64_t records; /* taken from the topic */
    char wrong[256]; /* the last record that was not understood */
};

/* One record's value. Returns the alert it turned, or NULL for a repeated or broken one. */
const struct demo_alert *demo_alerts_take(struct demo_alerts *a, const char *value, size_t len);
bool demo_alert_has(const struct demo_alert *x, const char *label, const char *value);

/* "2026-03-02T07:12:00.000Z" to ms; -1 when it is none. */
int64_t demo_time_parse(const char *text);
/* "2026-03-02 07:12"; or only "07:12". */
void demo_time_format(int64_t ms, bool date, char *ret, size_t size);

#endif
