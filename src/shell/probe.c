/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/probe.h"

#include <stdio.h>
#include <string.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/log.h"

#define PROBE_LEAST_MS 100

/* --- the worker's half: it touches p->asked and the consumer --- */

/* One request to each leader for all its partitions; one by one each would wait for a fetch to come back. In
 * read_committed the end is at most the last stable offset. False: no broker answered. */
static bool probe_offsets(struct probe *p, int64_t which)
{
    rd_kafka_topic_partition_list_t *list = kafka_list_new(p->sources, p->count);
    rd_kafka_resp_err_t code;
    bool answered = false;

    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = which;
    code = rd_kafka_offsets_for_times(p->consumer, list, PROBE_CALL_MS);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        struct probe_part *part = &p->asked.parts[i];
        const rd_kafka_topic_partition_t *x = &list->elems[i];

        if (x->err != RD_KAFKA_RESP_ERR_NO_ERROR || x->offset < 0)
            continue;
        answered = true;
        if (which == RD_KAFKA_OFFSET_END)
            part->high = x->offset;
        else
            part->low = x->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return answered;
}

static bool probe_topics(struct probe *p)
{
    for (size_t i = 0; i < p->settings->inputs.count && !atomic_load(&p->cancel); i++) {
        struct probe_topic *t = &p->asked.topics[i];

        if (kafka_topic_state(p->consumer, p->settings->inputs.items[i].topic, PROBE_CALL_MS,
                              &t->error, &t->partitions) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return false;
    }
    return true;
}

static void on_work(uv_work_t *work)
{
    struct probe *p = work->data;

    /* Each only if the one before was answered: brokers that are away cost one time-out, not three. */
    p->answered = probe_topics(p);
    if (p->answered && !atomic_load(&p->cancel))
        p->answered = probe_offsets(p, RD_KAFKA_OFFSET_END);
    if (p->answered && !atomic_load(&p->cancel))
        p->answered = probe_offsets(p, RD_KAFKA_OFFSET_BEGINNING);
}

/* --- the loop's half --- */

static void probe_blank(struct probe *p)
{
    for (size_t i = 0; i < p->count; i++)
        p->asked.parts[i].low = p->asked.parts[i].high = -1;
    for (size_t i = 0; i < p->settings->inputs.count; i++)
        p->asked.topics[i] = (struct probe_topic){RD_KAFKA_RESP_ERR_NO_ERROR, -1, 0};
}

static void probe_learn_part(struct probe_part *known, const struct probe_part *asked, int64_t at)
{
    if (asked->low >= 0)
        known->low = asked->low;
    if (asked->high < 0)
        return;
    known->high = asked->high;
    known->at = at;
    known->asked_next = asked->asked_next;
    known->shorts = asked->high < asked->asked_next ? known->shorts + 1 : 0;
}

static void probe_learn_topic(struct probe_topic *known, const struct probe_topic *asked)
{
    bool missing = asked->error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                   asked->error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;

    if (asked->partitions < 0)
        return;
    known->error = asked->error;
    known->partitions = asked->partitions;
    known->misses = missing ? known->misses + 1 : 0;
}

static void on_worked(uv_work_t *work, int status)
{
    struct probe *p = work->data;

    (void)status; /* a job that was cancelled before it began has learnt nothing */
    p->working = false;
    for (size_t i = 0; i < p->count; i++)
        probe_learn_part(&p->result.parts[i], &p->asked.parts[i], p->begun);
    for (size_t i = 0; i < p->settings->inputs.count; i++)
        probe_learn_topic(&p->result.topics[i], &p->asked.topics[i]);
    if (p->answered)
        atomic_store(&p->health->down, false);
    else if (!atomic_load(&p->cancel))
        log_info("the brokers did not answer a question about the inputs");
    p->done(p->context);
}

void probe_init(struct probe *p, uv_loop_t *loop, const struct settings *settings,
                struct kafka_health *health, const struct pipeline_source *sources, size_t count,
                void (*done)(void *context), void *context)
{
    size_t inputs = settings->inputs.count;

    *p = (struct probe){.loop = loop,
                        .settings = settings,
                        .health = health,
                        .sources = sources,
                        .count = count,
                        .done = done,
                        .context = context,
                        .begun = INT64_MIN};
    p->work.data = p;
    p->result.parts = mem_zero(count, sizeof(*p->result.parts));
    p->asked.parts = mem_zero(count, sizeof(*p->asked.parts));
    p->result.topics = mem_zero(inputs, sizeof(*p->result.topics));
    p->asked.topics = mem_zero(inputs, sizeof(*p->asked.topics));
    for (size_t i = 0; i < count; i++)
        p->result.parts[i] = (struct probe_part){.low = -1, .high = -1, .at = INT64_MIN};
    for (size_t i = 0; i < inputs; i++)
        p->result.topics[i].partitions = -1;
}

void probe_deinit(struct probe *p)
{
    mem_free(p->result.parts);
    mem_free(p->result.topics);
    mem_free(p->asked.parts);
    mem_free(p->asked.topics);
    p->result = p->asked = (struct probe_result){0};
}

void probe_begin(struct probe *p, rd_kafka_t *consumer, const int64_t *next)
{
    if (p->working || atomic_load(&p->cancel))
        return;
    p->consumer = consumer;
    p->begun = (int64_t)uv_now(p->loop);
    p->answered = false;
    probe_blank(p);
    for (size_t i = 0; i < p->count; i++)
        p->asked.parts[i].asked_next = next[i];
    p->working = uv_queue_work(p->loop, &p->work, on_work, on_worked) == 0;
}

void probe_cancel(struct probe *p)
{
    atomic_store(&p->cancel, true);
    if (p->working)
        uv_cancel((uv_req_t *)&p->work); /* only where it has not begun */
}

/* --- judging --- */

int64_t probe_due(int64_t begun, bool candidate, const struct settings_time *time)
{
    int64_t soon = time->idle_after / 2 < PROBE_SOON_MS ? time->idle_after / 2 : PROBE_SOON_MS;

    if (begun == INT64_MIN)
        return INT64_MIN;
    if (!candidate)
        return begun + PROBE_EVERY_MS;
    return begun + (soon < PROBE_LEAST_MS ? PROBE_LEAST_MS : soon);
}

static int probe_sources_of(const struct pipeline_source *sources, size_t count, size_t input)
{
    int n = 0;

    for (size_t i = 0; i < count; i++)
        n += sources[i].input == input;
    return n;
}

static enum probe_verdict probe_judge_topic(const struct probe_topic *t, const char *name,
                                            int pinned, int *ret_code, char why[512])
{
    if (t->misses >= 2) {
        snprintf(why, 512, "%s: the topic does not exist any more", name);
        *ret_code = EXIT_RESET;
        return PROBE_TOPIC_MISSING;
    }
    if (t->partitions <= 0 || t->error != RD_KAFKA_RESP_ERR_NO_ERROR || t->partitions == pinned)
        return PROBE_FINE;
    snprintf(why, 512, "%s: the topic has %d partitions now, not %d", name, t->partitions, pinned);
    *ret_code = EXIT_PARTITIONS;
    return PROBE_PARTITIONS;
}

enum probe_verdict probe_judge(const struct probe_result *r, const struct settings *settings,
                               const struct pipeline_source *sources, size_t count, int *ret_code,
                               char why[512])
{
    for (size_t i = 0; i < settings->inputs.count; i++) {
        enum probe_verdict v = probe_judge_topic(&r->topics[i], settings->inputs.items[i].topic,
                                                 probe_sources_of(sources, count, i), ret_code,
                                                 why);

        if (v != PROBE_FINE)
            return v;
    }
    for (size_t i = 0; i < count; i++) {
        const struct probe_part *p = &r->parts[i];

        if (p->shorts < 2)
            continue;
        snprintf(
            why, 512,
            "%s/%d: the log ends at offset %lld, %lld was read before: it was recreated or truncated",
            sources[i].topic, sources[i].partition, (long long)p->high, (long long)p->asked_next);
        *ret_code = EXIT_RESET;
        return PROBE_RESET;
    }
    *ret_code = EXIT_OK;
    return PROBE_FINE;
}

/* One that both ends enclose again was outside a moment ago: a new log has grown past it. */
int probe_lost_offset(const struct probe_part *part, int64_t offset, int64_t lost_at)
{
    if (part->at <= lost_at || part->low < 0)
        return EXIT_OK;
    return offset < part->low ? EXIT_GAP : EXIT_RESET;
}
