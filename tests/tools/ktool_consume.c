/* SPDX-License-Identifier: Apache-2.0 */
/* A topic to stdout: from its begin (or another place) to where it ends now, or until so many records. */
#include "ktool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 1000

/* end: where a partition ended when we began, so that a topic that grows has an end too; -1 once it
 * was reached. */
struct reading {
    const struct options *o;
    int64_t *end;
    int open; /* partitions whose end was not reached yet */
    int64_t records;
    bool broken;
};

static void print_headers(const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;

    printf("\"headers\":{");
    if (!rd_kafka_message_headers(m, &headers))
        for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++) {
            if (i > 0)
                putchar(',');
            json_bytes(stdout, name, value, size);
        }
    printf("},");
}

static void print_record(const struct options *o, const rd_kafka_message_t *m)
{
    if (o->values) {
        fwrite(m->payload, 1, m->len, stdout);
        putchar('\n');
        return;
    }
    printf("{\"partition\":%d,\"offset\":%lld,\"ts\":%lld,", m->partition, (long long)m->offset,
           (long long)rd_kafka_message_timestamp(m, NULL));
    json_bytes(stdout, "key", m->key, m->key_len);
    putchar(',');
    print_headers(m);
    json_bytes(stdout, "value", m->payload, m->len);
    printf("}\n");
}

static bool reading_done(const struct reading *r)
{
    if (r->broken)
        return true;
    return r->o->count == NOT_GIVEN ? r->open == 0 : r->records >= r->o->count;
}

static void reading_ended(struct reading *r, int32_t partition)
{
    if (r->end[partition] >= 0)
        r->open--;
    r->end[partition] = -1;
}

static void reading_record(struct reading *r, const rd_kafka_message_t *m)
{
    bool bounded = r->o->count == NOT_GIVEN;

    if (bounded ? m->offset < r->end[m->partition] : r->records < r->o->count) {
        print_record(r->o, m);
        r->records++;
    }
    if (m->offset + 1 >= r->end[m->partition])
        reading_ended(r, m->partition);
}

static void reading_error(struct reading *r, const rd_kafka_message_t *m)
{
    switch ((int)m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        /* Comes before the end we saw where that is a transaction's marker, or one is open. */
        reading_ended(r, m->partition);
        return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        r->broken = true; /* the others librdkafka repairs by itself, within the timeout */
        break;
    }
    fail("%s", rd_kafka_message_errstr(m));
}

static void reading_run(struct reading *r, rd_kafka_queue_t *queue, int64_t deadline)
{
    rd_kafka_message_t *batch[BATCH];

    while (!reading_done(r) && now_ms() < deadline) {
        ssize_t n = rd_kafka_consume_batch_queue(queue, 50, batch, BATCH);

        for (ssize_t i = 0; i < n; i++) {
            (batch[i]->err ? reading_error : reading_record)(r, batch[i]);
            rd_kafka_message_destroy(batch[i]);
        }
        fflush(stdout); /* someone may be watching */
    }
}

static int64_t start_offset(const struct options *o)
{
    if (!o->from || strcmp(o->from, "beginning") == 0)
        return RD_KAFKA_OFFSET_BEGINNING;
    return strcmp(o->from, "end") == 0 ? RD_KAFKA_OFFSET_END : atoll(o->from);
}

/* The partitions to read, with where to begin; their ends go into r. Empty, and a message, on failure. */
static rd_kafka_topic_partition_list_t *reading_plan(struct reading *r, rd_kafka_t *rk,
                                                     int64_t deadline)
{
    const char *topic = r->o->topic;
    int count = client_partitions(rk, topic, deadline);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    int64_t low;

    r->end = calloc((size_t)count + 1, sizeof(*r->end));
    for (int p = 0; r->end && p < count; p++) {
        rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;

        if (r->o->partition != NOT_GIVEN && r->o->partition != p)
            continue;
        do {
            err = rd_kafka_query_watermark_offsets(rk, topic, p, &low, &r->end[p], 5000);
        } while (err && now_ms() < deadline);
        if (err) {
            fail("%s [%d]: %s", topic, p, rd_kafka_err2str(err));
            list->cnt = 0;
            break;
        }
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = start_offset(r->o);
    }
    r->open = list->cnt;
    return list;
}

int ktool_consume(const struct options *o)
{
    /* No group is joined; the library only refuses assign() without a name for one. */
    rd_kafka_t *rk = client_new(
        o, RD_KAFKA_CONSUMER, rd_kafka_conf_new(), "group.id", "ktool", "enable.auto.commit",
        "false", "enable.partition.eof", "true", "auto.offset.reset", "error", "fetch.wait.max.ms",
        "50", "isolation.level", o->uncommitted ? "read_uncommitted" : "read_committed", NULL);
    int64_t deadline = now_ms() + o->timeout_ms;
    struct reading r = {.o = o};
    rd_kafka_topic_partition_list_t *list;
    int status = KTOOL_ERROR;

    setvbuf(stdout, NULL, _IOFBF, 1 << 20);
    rd_kafka_poll_set_consumer(rk);
    list = reading_plan(&r, rk, deadline);
    if (r.open > 0 && !rd_kafka_assign(rk, list)) {
        reading_run(&r, rd_kafka_queue_get_consumer(rk), deadline);
        status = r.broken ? KTOOL_ERROR : reading_done(&r) ? KTOOL_OK : KTOOL_TIMEOUT;
    }
    if (status == KTOOL_TIMEOUT && o->count != NOT_GIVEN)
        fail("%lld of %lld records by the timeout; %s", (long long)r.records, (long long)o->count,
             client_trouble());
    else if (status == KTOOL_TIMEOUT)
        fail("%d partitions without an end by the timeout; %s", r.open, client_trouble());
    fflush(stdout);
    /* Not rd_kafka_destroy(): librdkafka 2.0.2 never comes back from it once a topic it read was
     * deleted, and nothing is left to be sent. */
    _exit(status);
}
