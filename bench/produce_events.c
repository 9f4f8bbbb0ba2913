/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a topic with events for the end-to-end benchmark: plain JSON of about 240 bytes, keyed by entity,
 * lz4. Event time moves on steadily and in order, so every partition advances evenly; it is the record's
 * timestamp too. The same arguments give the same events.
 *
 *   produce_events BROKERS TOPIC [EVENTS [ENTITIES [EVENTS_PER_SECOND [LATENESS_MS]]]]
 *
 * EVENTS_PER_SECOND is of event time. With LATENESS_MS they are sent at that rate, with the clock's time, and
 * nobody reaches checkout in every second second: a rule with a window of one second fires and resolves in
 * turn. A line "second=T known=U" (epoch ms) then tells for each second's end when the last event that
 * closes it, one per partition, was acknowledged. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "funnel/mem.h"

#define BASE_MS INT64_C(1700000000000)
#define VALUE_MAX 400
#define STAGES 4
#define CHECKOUT 2

struct work {
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    uint64_t events, entities, per_second;
    uint8_t *stages; /* of each entity so far: the next one it enters */
    uint64_t born;
    uint64_t random;
    uint64_t bytes;
    int64_t base_ms;
    int64_t behind_ms; /* live: the worst of the clock over what was due */
    bool live;
};

#define PARTITIONS_MAX 256
#define SECONDS_MAX 3600

/* Live: per second's end, how many partitions have an event past it and its lateness, and since when. */
struct closing {
    int64_t from_ms, lateness_ms;
    int64_t next[PARTITIONS_MAX]; /* the first second a partition has not closed */
    int64_t known_ms[SECONDS_MAX];
    int partitions[SECONDS_MAX];
};

static uint64_t delivered, failed;
static struct closing closing; /* from_ms 0: not live */

static uint64_t next_random(uint64_t *state) /* splitmix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void closing_note(struct closing *c, const rd_kafka_message_t *m)
{
    int64_t reached = rd_kafka_message_timestamp(m, NULL) - c->lateness_ms - c->from_ms;
    int64_t *next;

    if (m->partition < 0 || m->partition >= PARTITIONS_MAX)
        return;
    next = &c->next[m->partition];
    for (; *next < SECONDS_MAX && (*next + 1) * 1000 <= reached; ++*next) {
        c->known_ms[*next] = clock_ms();
        c->partitions[*next]++;
    }
}

static void closing_print(const struct closing *c)
{
    for (int i = 0; i < SECONDS_MAX && c->partitions[i]; i++) {
        if (c->partitions[i] == c->partitions[0])
            printf("second=%" PRId64 " known=%" PRId64 "\n", c->from_ms + (i + 1) * 1000,
                   c->known_ms[i]);
    }
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk, (void)opaque;
    if (m->err && failed++ == 0)
        fprintf(stderr, "not delivered: %s\n", rd_kafka_err2str(m->err));
    delivered += !m->err;
    if (!m->err && closing.from_ms)
        closing_note(&closing, m);
}

/* New entities come evenly over the whole run; the others move a known one on. */
static uint64_t work_entity(struct work *w, uint64_t i, uint64_t r)
{
    if (w->born == 0 || w->born * w->events < i * w->entities)
        return w->born++;
    return r % w->born;
}

/* Mostly one stage on; one in 16 jumps one over, one in 32 falls back to the first. After the last the
 * journey begins anew. */
static unsigned work_stage(struct work *w, uint64_t entity, uint64_t r, bool blocked)
{
    unsigned stage = w->stages[entity];

    if (stage > 0 && (r & 15) == 0 && stage + 1 < STAGES)
        stage++;
    else if ((r & 31) == 1)
        stage = 0;
    if (blocked && stage == CHECKOUT)
        stage = 0;
    w->stages[entity] = (uint8_t)((stage + 1) % STAGES);
    return stage;
}

static int make_value(char *out, uint64_t i, uint64_t entity, unsigned stage, int64_t ms,
                      uint64_t r)
{
    static const char *const stages[STAGES] = {"visit", "cart", "checkout", "paid"};
    static const char *const channels[] = {"ads", "search", "mail", "direct", "social"};
    static const char *const regions[] = {"east", "west", "north", "south"};
    static const char *const devices[] = {"mobile", "desktop", "tablet"};

    return snprintf(out, VALUE_MAX,
                    "{\"event_id\":\"e%012" PRIu64 "\",\"entity_id\":\"deal-%010" PRIu64 "\","
                    "\"funnel\":\"sales\",\"stage\":\"%s\",\"ts\":%" PRId64 ",\"amount\":%" PRIu64
                    ".%02" PRIu64 ",\"owner\":\"owner-%03" PRIu64 "\",\"dims\":{\"channel\":\"%s\","
                    "\"region\":\"%s\",\"device\":\"%s\"},\"note\":\"as told by phone\"}",
                    i, entity, stages[stage], ms, r % 90000, r % 100, r % 200, channels[entity % 5],
                    regions[entity % 4], devices[entity % 3]);
}

static void work_pace(struct work *w, int64_t due)
{
    int64_t behind = clock_ms() - due;

    if (behind < 0)
        nanosleep(&(struct timespec){-behind / 1000, -behind % 1000 * 1000000}, NULL);
    if (behind > w->behind_ms)
        w->behind_ms = behind;
}

static void work_send(struct work *w, uint64_t i)
{
    uint64_t r = next_random(&w->random), entity = work_entity(w, i, r);
    int64_t ms = w->base_ms + (int64_t)(i * 1000 / w->per_second);
    unsigned stage = work_stage(w, entity, r >> 32, w->live && ms / 1000 % 2);
    rd_kafka_resp_err_t err;
    char value[VALUE_MAX], key[32];
    int n = make_value(value, i, entity, stage, ms, r >> 8);
    int k = snprintf(key, sizeof(key), "deal-%010" PRIu64, entity);

    if (w->live)
        work_pace(w, ms);
    do {
        err = rd_kafka_producev(w->rk, RD_KAFKA_V_RKT(w->topic), RD_KAFKA_V_KEY(key, (size_t)k),
                                RD_KAFKA_V_VALUE(value, (size_t)n), RD_KAFKA_V_TIMESTAMP(ms),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (err || w->live || i % 1000 == 0)
            rd_kafka_poll(w->rk, err == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 50 : 0);
    } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    if (err) {
        fprintf(stderr, "%s\n", rd_kafka_err2str(err));
        exit(1);
    }
    w->bytes += (uint64_t)n;
}

static void work_init(struct work *w, const char *brokers, const char *topic)
{
    /* In order and once: idempotent. Batches as a busy producer has them. */
    const char *const properties[][2] = {
        {"enable.idempotence", "true"},
        {"compression.type", "lz4"},
        {"linger.ms", w->live ? "5" : "50"},
        {"partitioner", "murmur2_random"},
        {"message.timeout.ms", "120000"},
        {"queue.buffering.max.messages", "500000"},
        {"log_level", "3"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[512];

    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, error, sizeof(error));
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        if (rd_kafka_conf_set(conf, properties[i][0], properties[i][1], error, sizeof(error)) !=
            RD_KAFKA_CONF_OK) {
            fprintf(stderr, "%s\n", error);
            exit(2);
        }
    }
    w->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    w->topic = w->rk ? rd_kafka_topic_new(w->rk, topic, NULL) : NULL;
    if (!w->topic) {
        fprintf(stderr, "%s\n", error);
        exit(2);
    }
    w->stages = mem_zero(w->entities, sizeof(*w->stages));
}

static uint64_t number(int argc, char **argv, int i, uint64_t otherwise)
{
    uint64_t n = argc > i ? strtoull(argv[i], NULL, 10) : otherwise;

    return n > 0 ? n : otherwise;
}

int main(int argc, char **argv)
{
    struct work w = {
        .events = number(argc, argv, 3, 4000000),
        .entities = number(argc, argv, 4, 1000000),
        .per_second = number(argc, argv, 5, 2000),
        .base_ms = BASE_MS,
        .live = argc > 6,
    };

    if (argc < 3) {
        fprintf(
            stderr,
            "usage: produce_events BROKERS TOPIC [EVENTS [ENTITIES [PER_SECOND [LATENESS_MS]]]]\n");
        return 2;
    }
    work_init(&w, argv[1], argv[2]);
    if (w.live) {
        w.base_ms = clock_ms() / 1000 * 1000 + 1000;
        closing.from_ms = w.base_ms;
        closing.lateness_ms = atoll(argv[6]);
    }
    for (uint64_t i = 0; i < w.events; i++)
        work_send(&w, i);
    while (rd_kafka_outq_len(w.rk) > 0) /* bounded by message.timeout.ms */
        rd_kafka_poll(w.rk, 10);
    closing_print(&closing);
    printf("events=%" PRIu64 " entities=%" PRIu64 " failed=%" PRIu64
           " bytes_per_event=%.1f behind_ms=%" PRId64 "\n",
           delivered, w.born, failed, (double)w.bytes / (double)w.events, w.behind_ms);
    rd_kafka_topic_destroy(w.topic);
    rd_kafka_destroy(w.rk);
    mem_free(w.stages);
    return failed > 0;
}
