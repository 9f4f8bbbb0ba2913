/* SPDX-License-Identifier: Apache-2.0 */
/* What else a start asks the brokers: which cluster it is, whether the last records consumed are still the same,
 * where the control topic stands, how long the inputs keep their records. */
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/log.h"
#include "shell/start_stage.h"

#define LAST_RECORDS_MS 10000 /* without a record; then once more from the beginning */
#define LAST_RECORDS_POLL_MS 100
#define CONTROL_PARTS_MAX 64

/* --- the cluster --- */

enum stage_result stage_cluster(struct start *s)
{
    char *id = rd_kafka_clusterid(s->consumer, START_CALL_MS);

    mem_free(s->cluster_id);
    s->cluster_id = mem_strdup(id ? id : "");
    if (id)
        rd_kafka_mem_free(s->consumer, id);
    else
        log_notice("the brokers do not tell their cluster's id: it is not compared");
    return STAGE_DONE;
}

/* --- the control topic --- */

static enum stage_result control_committed(struct start *s)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(
        (int)s->control_count);
    rd_kafka_resp_err_t code;

    for (size_t i = 0; i < s->control_count; i++)
        rd_kafka_topic_partition_list_add(list, s->settings->control, s->controls[i].partition);
    code = kafka_committed(s->consumer, list);
    for (size_t i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < s->control_count; i++)
        s->controls[i].committed = list->elems[i].offset >= 0 ? list->elems[i].offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return STAGE_DONE;
    stage_note(s, "waiting for the group coordinator: %s", rd_kafka_err2str(code));
    return STAGE_AGAIN;
}

static enum stage_result control_ends(struct start *s)
{
    for (size_t i = 0; i < s->control_count; i++) {
        struct start_control *c = &s->controls[i];
        rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
            s->consumer, s->settings->control, c->partition, &c->low, &c->high, START_CALL_MS);

        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && !atomic_load(&s->cancel))
            continue;
        stage_note(s, "waiting for the leader of %s/%d: %s", s->settings->control, c->partition,
                   rd_kafka_err2str(code));
        return STAGE_AGAIN;
    }
    return STAGE_DONE;
}

/* Without the topic there are no silences: that is fine, and it need not be asked for again. */
enum stage_result stage_control(struct start *s)
{
    rd_kafka_resp_err_t code, wrong = RD_KAFKA_RESP_ERR_NO_ERROR;
    enum stage_result result;
    int partitions = 0;

    s->control_count = 0;
    if (strcmp(s->settings->control, "off") == 0)
        return STAGE_DONE;
    code = kafka_topic_state(s->consumer, s->settings->control, START_CALL_MS, &wrong, &partitions);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        stage_note(s, "waiting for the brokers: %s", rd_kafka_err2str(code));
        return STAGE_AGAIN;
    }
    if (wrong != RD_KAFKA_RESP_ERR_NO_ERROR || partitions == 0) {
        log_info("no control topic: silences and interventions are not read",
                 LOG_TEXT("topic", s->settings->control),
                 LOG_TEXT("error", rd_kafka_err2str(wrong)));
        return STAGE_DONE;
    }
    if (partitions > CONTROL_PARTS_MAX)
        return stage_fail(s, EXIT_CONFIGURATION, s->settings->control,
                          "a control topic of more than 64 partitions; one is enough");
    mem_free(s->controls);
    s->controls = mem_zero((size_t)partitions, sizeof(*s->controls));
    s->control_count = (size_t)partitions;
    for (int p = 0; p < partitions; p++)
        s->controls[p] = (struct start_control){.partition = p, .committed = -1};
    result = control_committed(s);
    return result == STAGE_DONE ? control_ends(s) : result;
}

/* --- the last records consumed --- */

struct rereading {
    struct start *s;
    int64_t *wanted; /* by source; -1: nothing (any more) */
    size_t waiting;
};

/* Which are still in their logs. */
static void rereading_init(struct rereading *r, struct start *s)
{
    struct buf scratch = {0};

    *r = (struct rereading){s, mem_zero(s->count, sizeof(*r->wanted)), 0};
    for (size_t i = 0; i < s->count; i++) {
        struct start_part *p = &s->parts[i];
        struct commit_meta m;

        p->reread = false;
        r->wanted[i] = -1;
        if (!p->meta || commit_meta_decode(p->meta, p->meta_len, &scratch, &m) ||
            m.last.offset < p->low || m.last.offset >= p->high)
            continue;
        r->wanted[i] = m.last.offset;
        r->waiting++;
    }
    buf_deinit(&scratch);
}

static rd_kafka_topic_partition_list_t *rereading_list(const struct rereading *r)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)r->waiting);

    for (size_t i = 0; i < r->s->count; i++) {
        if (r->wanted[i] >= 0)
            rd_kafka_topic_partition_list_add(list, r->s->sources[i].topic,
                                              r->s->sources[i].partition)
                ->offset = r->wanted[i];
    }
    return list;
}

static size_t rereading_find(const struct rereading *r, const rd_kafka_message_t *m)
{
    size_t i = 0;

    while (i < r->s->count && (r->s->sources[i].partition != m->partition ||
                               strcmp(r->s->sources[i].topic, rd_kafka_topic_name(m->rkt)) != 0))
        i++;
    return i;
}

/* Its end, or that the log has no such place, answer the question, too: not there. An error does not: a topic that may
 * not be read is no other one. */
static bool rereading_failed(struct rereading *r, const rd_kafka_message_t *m, size_t i)
{
    if (!m->err || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
        m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        return false;
    stage_note(r->s, "waiting for the last record consumed of %s/%d: %s", r->s->sources[i].topic,
               r->s->sources[i].partition, rd_kafka_err2str(m->err));
    return true;
}

/* A later record (that one was compacted away) answers it as well. */
static void rereading_take(struct rereading *r, const rd_kafka_message_t *m)
{
    size_t i = m->rkt ? rereading_find(r, m) : r->s->count;
    struct start_part *p;

    if (i == r->s->count || r->wanted[i] < 0)
        return;
    p = &r->s->parts[i];
    if (rereading_failed(r, m, i) || (!m->err && m->offset < r->wanted[i]))
        return;
    if (!m->err && m->offset == r->wanted[i]) {
        p->reread = true;
        p->last = (struct commit_last){m->offset, rd_kafka_message_timestamp(m, NULL),
                                       XXH3_64bits(m->payload, m->len)};
    }
    r->wanted[i] = -1;
    r->waiting--;
}

static void rereading_run(struct rereading *r)
{
    rd_kafka_t *consumer = r->s->consumer;
    int64_t left = LAST_RECORDS_MS;

    while (r->waiting > 0 && left > 0 && !atomic_load(&r->s->cancel)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(consumer, LAST_RECORDS_POLL_MS);

        if (!m) {
            left -= LAST_RECORDS_POLL_MS;
            continue;
        }
        rereading_take(r, m);
        rd_kafka_message_destroy(m);
    }
}

/* All partitions at once, one record each. */
enum stage_result stage_last_records(struct start *s)
{
    struct rereading r;
    rd_kafka_topic_partition_list_t *list;
    size_t waiting;

    rereading_init(&r, s);
    if (r.waiting > 0) {
        list = rereading_list(&r);
        rd_kafka_assign(s->consumer, list);
        rd_kafka_topic_partition_list_destroy(list);
        rereading_run(&r);
        rd_kafka_assign(s->consumer, NULL);
    }
    waiting = r.waiting;
    mem_free(r.wanted);
    return waiting == 0 ? STAGE_DONE : STAGE_AGAIN;
}

/* --- retention --- */

static const char *entry_value(const rd_kafka_ConfigResource_t *resource, const char *name)
{
    size_t count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0)
            return rd_kafka_ConfigEntry_value(entries[i]);
    }
    return NULL;
}

static void retention_take(struct start *s, const rd_kafka_ConfigResource_t *resource)
{
    const char *policy = entry_value(resource, "cleanup.policy");
    const char *text = entry_value(resource, "retention.ms");
    const char *topic = rd_kafka_ConfigResource_name(resource);
    long long ms = text && policy && strstr(policy, "delete") ? strtoll(text, NULL, 10) : -1;

    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->sources[i].topic, topic) == 0)
            s->parts[i].retention_ms = ms > 0 ? ms : -1;
    }
}

static void retention_ask(struct start *s, rd_kafka_queue_t *queue)
{
    size_t n = s->settings->inputs.count;
    rd_kafka_ConfigResource_t **resources = mem_zero(n, sizeof(*resources));
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(s->consumer,
                                                                 RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    char error[256];

    for (size_t i = 0; i < n; i++)
        resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
                                                   s->settings->inputs.items[i].topic);
    rd_kafka_AdminOptions_set_request_timeout(options, START_CALL_MS, error, sizeof(error));
    rd_kafka_DescribeConfigs(s->consumer, resources, n, options, queue);
    for (size_t i = 0; i < n; i++)
        rd_kafka_ConfigResource_destroy(resources[i]);
    rd_kafka_AdminOptions_destroy(options);
    mem_free(resources);
}

/* Not every client may ask; it only helps to take snapshots in time. */
enum stage_result stage_retention(struct start *s)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(s->consumer);
    const rd_kafka_ConfigResource_t **resources;
    rd_kafka_event_t *event;
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++)
        s->parts[i].retention_ms = -1;
    retention_ask(s, queue);
    event = rd_kafka_queue_poll(queue, 2 * START_CALL_MS);
    if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT &&
        !rd_kafka_event_error(event)) {
        resources = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &count);
        for (size_t i = 0; i < count; i++) {
            if (rd_kafka_ConfigResource_error(resources[i]) == RD_KAFKA_RESP_ERR_NO_ERROR)
                retention_take(s, resources[i]);
        }
    }
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    return STAGE_DONE;
}
