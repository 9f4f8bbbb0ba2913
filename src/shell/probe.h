/* SPDX-License-Identifier: Apache-2.0 */
/* What the brokers say of the inputs, asked now and then on the thread pool: where each log begins and ends, how
 * many partitions each topic has. The loop never waits; a broker that does not answer is no answer. */
#ifndef SHELL_PROBE_H
#define SHELL_PROBE_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "funnel/pipeline.h"
#include "funnel/settings.h"
#include "shell/kafka_client.h"

#define PROBE_EVERY_MS 60000 /* at least */
#define PROBE_SOON_MS 5000   /* while a partition may be quiet; sooner with a short idle_after */
#define PROBE_CALL_MS 2000   /* of each call */

struct probe_part {
    int64_t low, high; /* -1: never answered */
    int64_t at; /* ms of the loop's clock when the answered question was begun; INT64_MIN: never */
    int64_t asked_next; /* the intake's next offset then */
    unsigned shorts;    /* answers in a row that ended below asked_next */
};

struct probe_topic {
    rd_kafka_resp_err_t error; /* of the last answer */
    int partitions;            /* the same; -1: never answered */
    unsigned misses;           /* answers in a row that know no such topic */
};

/* What was learnt, all of it on the loop. */
struct probe_result {
    struct probe_part *parts;   /* owned; one a source */
    struct probe_topic *topics; /* owned; one an input */
};

struct probe {
    uv_loop_t *loop;
    uv_work_t work;
    rd_kafka_t *consumer; /* borrowed */
    struct kafka_health *health;
    const struct settings *settings;
    const struct pipeline_source *sources;
    size_t count;
    void (*done)(void *context); /* on the loop, after each probe, a cancelled one too */
    void *context;
    bool working;  /* the worker holds `asked` */
    int64_t begun; /* ms of the loop's clock, of the last one; INT64_MIN: none */
    _Atomic bool cancel;
    struct probe_result result;
    struct probe_result asked; /* the worker's, while it works */
    bool answered;             /* the worker heard from a broker */
};

/* settings, sources and health are borrowed for its life. */
void probe_init(struct probe *p, uv_loop_t *loop, const struct settings *settings,
                struct kafka_health *health, const struct pipeline_source *sources, size_t count,
                void (*done)(void *context), void *context);
/* Not while working. */
void probe_deinit(struct probe *p);

/* Begins one; nothing while working. next[count]: the intake's offsets now. */
void probe_begin(struct probe *p, rd_kafka_t *consumer, const int64_t *next);
/* The worker ends after the call it is in. `done` is called all the same, so that closing can go on. */
void probe_cancel(struct probe *p);

/* When the next one is due, on the loop's clock: candidate: some partition may be quiet. Pure. */
int64_t probe_due(int64_t begun, bool candidate, const struct settings_time *time);

enum probe_verdict {
    PROBE_FINE,
    PROBE_TOPIC_MISSING, /* two answers in a row know no such topic: it was deleted */
    PROBE_RESET,         /* two answers in a row end before our position: recreated or truncated */
    PROBE_PARTITIONS,    /* a topic has more or fewer partitions than sources */
};
/* The first one found, topics before partitions; *ret_code is an exit code, why[512] names topic and reason.
 * Pure. */
enum probe_verdict probe_judge(const struct probe_result *r, const struct settings *settings,
                               const struct pipeline_source *sources, size_t count, int *ret_code,
                               char why[512]);
/* At lost_at (ms of the loop's clock) a partition's offset was found not to be in its log: EXIT_GAP where the log
 * begins later, else EXIT_RESET; EXIT_OK until a probe begun after lost_at was answered. Pure. */
int probe_lost_offset(const struct probe_part *part, int64_t offset, int64_t lost_at);

#endif
