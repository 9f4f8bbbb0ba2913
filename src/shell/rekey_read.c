/* SPDX-License-Identifier: Apache-2.0 */
/* The logs once more, for the keys alone: which entities a message is about is what the decoder says, where its key's
 * next message comes is what the partitioner says. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "funnel/decode.h"
#include "funnel/mem.h"
#include "funnel/pipeline_parts.h"
#include "shell/exit_codes.h"
#include "shell/kafka_client.h"
#include "shell/log.h"
#include "shell/rekey.h"

#define READ_BATCH 1000
#define READ_POLL_MS 100
#define READ_STALL_S 60 /* without a record */
#define READ_TELL_S 10

struct reading {
    rd_kafka_t *consumer;
    const struct rekey_plan *plan;
    const struct pipeline *p;
    enum partitioner by;
    struct homes *homes;
    struct rekey_seen *seen;
    struct decoder *decoder;
    bool *done; /* by source */
    size_t left;
    rd_kafka_message_t *raw[READ_BATCH];
    struct message batch[READ_BATCH];
    struct message_header *headers;
    size_t header_count, header_cap, count;
    char *why;
};

static time_t now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* --- a batch --- */

/* An old count or the new one: between the growth and the daemon's stop producers may have gone by the new one. */
static bool lies_there(const struct rekey_part *part, int32_t partition, enum partitioner by,
                       struct span key)
{
    return partitioner_of(by, key, part->count) == partition ||
           partitioner_of(by, key, part->more) == partition;
}

static void look_at_key(struct reading *r, const struct message *m)
{
    const struct rekey_part *part = &r->plan->olds[m->partition];
    int32_t partition = r->plan->sources[m->partition].partition;

    r->seen->records++;
    for (int by = 0; by < PARTITIONERS; by++) {
        if (!partitioner_decides((enum partitioner)by, m->key))
            continue;
        r->seen->of[by]++;
        r->seen->fits[by] += lies_there(part, partition, (enum partitioner)by, m->key);
    }
}

static void look_at_event(struct reading *r, const struct event *e)
{
    const struct message *m = &r->batch[e->message];
    const struct rekey_part *part = &r->plan->olds[m->partition];

    if (!partitioner_decides(r->by, m->key))
        return;
    homes_set(r->homes, m->partition, tally_fingerprint(&r->p->tallies[m->partition], e->entity),
              part->first + (uint32_t)partitioner_of(r->by, m->key, part->more));
}

static void read_batch(struct reading *r)
{
    const struct decoded *d;

    for (size_t i = 0; i < r->count; i++) {
        r->batch[i].headers = r->batch[i].header_count ? r->headers + (size_t)r->batch[i].headers
                                                       : NULL;
        look_at_key(r, &r->batch[i]);
    }
    d = decode_batch(r->decoder, r->batch, r->count);
    for (size_t i = 0; i < d->event_count; i++)
        look_at_event(r, &d->events[i]);
    for (size_t i = 0; i < r->count; i++)
        rd_kafka_message_destroy(r->raw[i]);
    r->count = r->header_count = 0;
}

/* --- a message --- */

static size_t read_find(const struct reading *r, const rd_kafka_message_t *m)
{
    size_t i = 0;

    while (m->rkt && i < r->plan->count &&
           (r->plan->sources[i].partition != m->partition ||
            strcmp(r->plan->sources[i].topic, rd_kafka_topic_name(m->rkt)) != 0))
        i++;
    return m->rkt ? i : r->plan->count;
}

/* More of it is of no use, and would only be in the others' way. */
static void read_done(struct reading *r, size_t i)
{
    rd_kafka_topic_partition_list_t *list;

    if (r->done[i])
        return;
    r->left--;
    r->done[i] = true;
    list = kafka_list_new(&r->plan->sources[i], 1);
    rd_kafka_pause_partitions(r->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static void read_headers(struct reading *r, const rd_kafka_message_t *m, struct message *out)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;

    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    /* An index for now: the array may move until the batch is complete. */
    out->headers = (const struct message_header *)r->header_count;
    while (rd_kafka_header_get_all(headers, out->header_count, &name, &value, &size) ==
           RD_KAFKA_RESP_ERR_NO_ERROR) {
        r->headers = mem_grow(r->headers, r->header_count, &r->header_cap, sizeof(*r->headers));
        r->headers[r->header_count++] = (struct message_header){
            span_of(name), {value, value ? (uint32_t)size : 0}};
        out->header_count++;
    }
}

/* True: the batch has it. */
static bool read_keep(struct reading *r, rd_kafka_message_t *m, size_t i)
{
    if (r->done[i] || m->offset >= r->plan->parts[i].committed)
        return false;
    r->raw[r->count] = m;
    r->batch[r->count] = (struct message){
        .value = {m->payload, m->payload ? (uint32_t)m->len : 0},
        .key = {m->key, m->key ? (uint32_t)m->key_len : 0},
        .offset = m->offset,
        .timestamp = rd_kafka_message_timestamp(m, NULL),
        .partition = (uint32_t)i,
        .input = r->plan->sources[i].input,
    };
    read_headers(r, m, &r->batch[r->count++]);
    return true;
}

/* False: it cannot go on. */
static bool read_take(struct reading *r, rd_kafka_message_t *m)
{
    size_t i = read_find(r, m);
    int64_t stop = i < r->plan->count ? r->plan->parts[i].committed : -1;
    rd_kafka_resp_err_t err = m->err;
    bool kept = false;

    if (!err && i < r->plan->count) {
        kept = read_keep(r, m, i);
        if (m->offset + 1 >= stop)
            read_done(r, i);
    } else if (err == RD_KAFKA_RESP_ERR__PARTITION_EOF && i < r->plan->count && m->offset >= stop) {
        read_done(r, i);
    } else if (err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
               err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        snprintf(r->why, REKEY_WHY, "the logs cannot be read: %s", rd_kafka_message_errstr(m));
    }
    if (!kept)
        rd_kafka_message_destroy(m);
    if (r->count == READ_BATCH)
        read_batch(r);
    return !*r->why;
}

/* --- all of it --- */

static void read_assign(struct reading *r)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)r->plan->count);

    for (size_t i = 0; i < r->plan->count; i++) {
        const struct start_part *part = &r->plan->parts[i];

        r->done[i] = part->low >= part->committed;
        r->left -= r->done[i];
        if (r->done[i])
            continue;
        rd_kafka_topic_partition_list_add(list, r->plan->sources[i].topic,
                                          r->plan->sources[i].partition)
            ->offset = part->low;
    }
    rd_kafka_assign(r->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static int read_run(struct reading *r)
{
    time_t heard = now_s(), told = heard;

    while (r->left > 0) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->consumer, READ_POLL_MS);

        if (m && !m->err)
            heard = now_s();
        if (m && !read_take(r, m))
            return EXIT_KAFKA;
        if (!m && now_s() - heard > READ_STALL_S) {
            snprintf(r->why, REKEY_WHY, "no record came for %d s: are the brokers well?",
                     READ_STALL_S);
            return EXIT_KAFKA;
        }
        if (now_s() - told >= READ_TELL_S) {
            told = now_s();
            log_notice("reading the logs", LOG_NUMBER("records", r->seen->records),
                       LOG_NUMBER("partitions_left", r->left));
        }
    }
    read_batch(r);
    return EXIT_OK;
}

int rekey_read(rd_kafka_t *consumer, const struct rekey_plan *plan, const struct pipeline *p,
               enum partitioner by, struct homes *homes, struct rekey_seen *ret,
               char why[REKEY_WHY])
{
    struct reading *r = mem_zero(1, sizeof(*r));
    int code;

    *why = '\0';
    *ret = (struct rekey_seen){0};
    r->consumer = consumer;
    r->plan = plan;
    r->p = p;
    r->by = by;
    r->homes = homes;
    r->seen = ret;
    r->why = why;
    r->left = plan->count;
    r->done = mem_zero(plan->count, sizeof(*r->done));
    r->decoder = decoder_new(p->settings);
    read_assign(r);
    code = read_run(r);
    for (size_t i = 0; i < r->count; i++)
        rd_kafka_message_destroy(r->raw[i]);
    rd_kafka_assign(consumer, NULL);
    decoder_free(r->decoder);
    mem_free(r->headers);
    mem_free(r->done);
    mem_free(r);
    return code;
}

/* --- what was seen --- */

double rekey_share(const struct rekey_seen *seen, enum partitioner by)
{
    return seen->of[by] ? (double)seen->fits[by] / (double)seen->of[by] : 1;
}

bool rekey_fits(const struct rekey_seen *seen, enum partitioner by, char why[REKEY_WHY])
{
    const char *other = NULL;

    if (rekey_share(seen, by) >= REKEY_FITS)
        return true;
    for (int i = 0; i < PARTITIONERS; i++)
        if (i != (int)by && seen->of[i] && rekey_share(seen, (enum partitioner)i) >= REKEY_FITS)
            other = partitioner_names[i];
    snprintf(
        why, REKEY_WHY, "%s puts only %.1f %% of the records that have a key where they lie%s%s%s",
        partitioner_names[by], 100 * rekey_share(seen, by), other ? "; --partitioner " : "",
        other ? other : "",
        other ? " does so with all"
              : ", and no other known one does better: the producers choose partitions in "
                "their own way. With --partitioner same every entity stays where it is, which "
                "is right where that way keeps old keys in place; else go on with --new-epoch");
    return false;
}
