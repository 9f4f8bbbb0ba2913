/* SPDX-License-Identifier: Apache-2.0 */
/* After lost state: which alerts does the alert topic say are firing? A job on the thread pool reads the whole topic
 * (read_committed) up to its end as of now, and keeps the last record of each key. */
#ifndef SHELL_RECONCILE_H
#define SHELL_RECONCILE_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "funnel/buf.h"
#include "funnel/settings.h"
#include "shell/kafka_client.h"

#define RECONCILE_BYTES_MAX ((size_t)64 << 20) /* of the firing records kept */
#define RECONCILE_KEY_MAX 64
#define RECONCILE_VALUE_MAX 65536

/* --- the table: pure --- */

struct reconcile_alert {
    char *key, *value; /* owned */
    uint32_t key_len, value_len;
};

struct reconcile_table;
struct reconcile_table *reconcile_table_new(const char *group);
void reconcile_table_free(struct reconcile_table *t); /* accepts NULL */
/* One record of the topic, in log order within its key; source: its ce_source, absent where it has none. Of another
 * group, an intervention, or a heartbeat and whatever else is no alert: passed over. Bytes that are nothing known:
 * skipped, counted. False: too much is firing to be held. */
bool reconcile_table_take(struct reconcile_table *t, struct span key, struct span value,
                          struct span source);
uint64_t reconcile_table_skipped(const struct reconcile_table *t);
/* Takes the firing ones out, by key in byte order: see reconcile_alerts_free(). */
size_t reconcile_table_firing(struct reconcile_table *t, struct reconcile_alert **ret);
void reconcile_alerts_free(struct reconcile_alert *alerts, size_t count);

/* --- the job --- */

struct reconcile {
    uv_work_t work;
    const struct settings *settings;
    struct kafka_health *health;
    void (*done)(struct reconcile *r); /* on the loop */
    void *context;
    _Atomic bool cancel;
    /* Results */
    int code; /* EXIT_OK: the rest is filled */
    char why[512];
    struct reconcile_alert *alerts; /* firing or updated by their last record, by key */
    size_t count;
    uint64_t records, skipped; /* read; of them, nothing that is known */
};

/* With a consumer of its own, which it destroys. It waits for brokers as long as it takes; a topic that does not exist
 * has no alerts. Returns 0, or a negative uv error. */
int reconcile_begin(struct reconcile *r, uv_loop_t *loop, const struct settings *settings,
                    struct kafka_health *health, void (*done)(struct reconcile *), void *context);
void reconcile_cancel(struct reconcile *r);
void reconcile_deinit(struct reconcile *r); /* after done */

#endif
