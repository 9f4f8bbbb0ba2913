/* SPDX-License-Identifier: Apache-2.0 */
/* Messages out of Kafka onto the loop, in bounded turns. Keeps its own next offset per partition: the
 * library rewinds a partition now and then, and a record must not enter a machine twice. A record, or an end,
 * below the position is such a rewind, and dropped, unless the log itself has become shorter or nothing was
 * resumed since the partition's end was seen: that is a recreated topic, EXIT_RESET (the control topic's: EXIT_KAFKA,
 * as a restart just reads it anew). Loop thread. */
#ifndef SHELL_INTAKE_H
#define SHELL_INTAKE_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <uv.h>

#include "funnel/message.h"
#include "funnel/pipeline.h"
#include "shell/commit_meta.h"
#include "shell/flow.h"
#include "shell/kafka_client.h"
#include "shell/kafka_queue.h"

#define INTAKE_BATCH 1000
#define INTAKE_BUDGET 2000 /* messages per turn of the loop */
#define INTAKE_NO_STOP INT64_MAX
#define INTAKE_CONTROL UINT16_MAX /* as a source's input: a partition of the control topic */

struct intake_part {
    int64_t next;    /* the next offset to take */
    int64_t stop;    /* no record at or past it enters: the barrier of a rebuild */
    bool stopped;    /* it stands at the barrier */
    bool at_end;     /* the last event was end of partition, and it was not paused since */
    bool rewindable; /* resumed since: the library may give records again */
    unsigned paused; /* enum flow_reason bits */
    int64_t
        heard_at; /* ms of the loop's clock, of the last record; until then of the first assignment */
    uint32_t stamp; /* of the batch that last touched it */
    struct commit_last last;
    rd_kafka_resp_err_t error; /* the last one, until anything comes again; NO_ERROR */
    uint64_t messages;
};

struct intake_hooks {
    void *context;
    /* One batch, in log order per partition. */
    void (*step)(void *context, const struct message *messages, size_t count);
    /* After each turn that took anything, and each keep-alive. */
    void (*turned)(void *context);
    void (*failed)(void *context, int code, const char *why);
    /* Optional: the partition's offset is not in its log; reading of it has ended. Whether records were lost
     * to retention or the topic was recreated only a probe can tell. NULL: failed() with EXIT_GAP. */
    void (*lost)(void *context, size_t part, int64_t offset);
};

struct intake {
    uv_loop_t *loop;
    rd_kafka_t *consumer; /* borrowed */
    struct kafka_health *health;
    struct kafka_queue queue;
    uv_idle_t more;
    uv_timer_t keepalive;
    struct intake_hooks hooks;
    const struct pipeline_source *sources;
    struct intake_part *parts; /* owned */
    size_t count;
    size_t waiting; /* partitions that have not reached their stop */
    bool failed;    /* no record is taken any more */
    bool shut;      /* the gate: the queue is left alone */
    bool moved;     /* an end of partition moved an offset */
    uint32_t stamp;
    uint64_t drains, messages, stale; /* stale: dropped, below next */
    rd_kafka_message_t *raw[INTAKE_BATCH];
    struct message batch[INTAKE_BATCH];
    struct message_header *headers;
    size_t header_count, header_cap;
};

int intake_init(struct intake *in, uv_loop_t *loop, struct kafka_health *health,
                const struct pipeline_source *sources, size_t count,
                const struct intake_hooks *hooks);
/* Begins to read: each partition at parts[i].next, up to parts[i].stop. May be called again. */
void intake_assign(struct intake *in, rd_kafka_t *consumer);
void intake_shut(struct intake *in, bool shut);
/* Sets or clears one reason of one partition; pauses and resumes exactly the difference. */
void intake_pause(struct intake *in, size_t part, enum flow_reason reason, bool on);
void intake_pause_all(struct intake *in, enum flow_reason reason, bool on);
/* The cached end of the log, as the last fetch saw it; -1: not known. No I/O. */
int64_t intake_high(const struct intake *in, size_t part);
int64_t intake_lag(const struct intake *in, size_t part); /* -1: not known */
/* After a record, or an end of partition, below p->next: the log was made anew (true), or the library has gone
 * back (false). high: as intake_high(). Pure. */
bool intake_is_recreated(const struct intake_part *p, bool is_record, int64_t high);
/* Stops reading for good: no hook is called after. */
void intake_stop(struct intake *in);
void intake_close(struct intake *in);

#endif
