/* SPDX-License-Identifier: Apache-2.0 */
/* What comes of a stream, and properties of many. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/detect.h"
#include "funnel/mem.h"
#include "lib/standings.h"
#include "lib/streams.h"

#define AUDITED 0.05 /* of the batches, before which a run is audited */

/* --- runs --- */

/* An alert about the source is the pulse's: it stands apart. */
static int funnel_of(const struct records *r, size_t i)
{
    const char *name;

    if (strncmp(pipe_header(r, i, "ce_subject"), "source=", 7) == 0)
        return RUN_SOURCE;
    name = pipe_field(r, i, NULL, "funnel");
    return name && name[0] == 'f' ? name[1] - '0' : 0;
}

static bool is_detected(const struct records *r, size_t i)
{
    const char *kind = pipe_field(r, i, "rule", "kind");

    return kind &&
           (strcmp(kind, "drop") == 0 || strcmp(kind, "rise") == 0 || strcmp(kind, "volume") == 0);
}

static void take_records(struct pipe *k, struct run_result *ret)
{
    for (size_t i = 0; i < k->out.count; i++) {
        if (k->out.items[i].target == RECORD_DEADLETTER) {
            pipe_record_text(&k->out, i,
                             &ret->deadletters[atoi(pipe_header(&k->out, i, "funneld_partition"))]);
            continue;
        }
        pipe_record_text(&k->out, i, &ret->alerts[funnel_of(&k->out, i)]);
        if (strcmp(pipe_field(&k->out, i, NULL, "status"), "firing") == 0) {
            ret->fired++;
            ret->detected += is_detected(&k->out, i);
        }
        ret->resolved += strcmp(pipe_field(&k->out, i, NULL, "status"), "resolved") == 0;
    }
}

/* Where its tests stand is seen in no record until one fires. */
static void take_detector(const struct judge *j, struct buf *ret)
{
    unsigned char window[512];
    struct codec_out out = {
        .data = window, .cap = sizeof(window), .flush = codec_flush_buf, .context = ret};

    detect_save(j, &out);
    codec_flush_buf(&out);
}

void run_result_audit(const struct pipe *k, struct run_result *ret)
{
    const char *said = *ret->audit ? NULL : audit_differs(k->p);

    if (said)
        snprintf(ret->audit, sizeof(ret->audit), "%s", said);
}

void run_result_take(struct pipe *k, struct run_result *ret)
{
    struct counters sum;

    take_records(k, ret);
    pipe_report(k, CALENDAR_WEEK, &ret->report);
    for (size_t i = 0; i < k->p->source_count; i++)
        ret->tally_digests[i] = pipeline_tally_digest(k->p, (uint32_t)i);
    ret->judge_digest = pipeline_judge_digest(k->p);
    pipeline_counters(k->p, &sum);
    memcpy(ret->counts, sum.n, sizeof(ret->counts));
    for (size_t f = 0; f < k->p->funnel_count; f++)
        ret->conservation += judge_audit(&k->p->judges[f]);
    for (size_t f = 0; f < k->p->funnel_count; f++)
        take_detector(&k->p->judges[f], &ret->detector);
    run_result_audit(k, ret);
}

void run_result_deinit(struct run_result *r)
{
    for (size_t i = 0; i < PIPE_SOURCES_MAX; i++)
        buf_deinit(&r->deadletters[i]);
    for (size_t i = 0; i <= RUN_SOURCE; i++)
        buf_deinit(&r->alerts[i]);
    buf_deinit(&r->report);
    buf_deinit(&r->detector);
    *r = (struct run_result){0};
}

/* Where two texts part, with a little of both. */
static const char *text_differs(const char *what, const struct buf *a, const struct buf *b)
{
    static char said[1400];
    size_t at = 0, from;

    while (at < a->len && at < b->len && a->data[at] == b->data[at])
        at++;
    if (at == a->len && at == b->len)
        return NULL;
    from = at > 200 ? at - 200 : 0;
    snprintf(said, sizeof(said), "%s part at byte %zu of %zu and %zu:\n--- %.*s\n+++ %.*s", what,
             at, a->len, b->len, (int)(a->len - from > 500 ? 500 : a->len - from),
             a->data ? a->data + from : "", (int)(b->len - from > 500 ? 500 : b->len - from),
             b->data ? b->data + from : "");
    return said;
}

const char *run_result_differs(const struct run_result *a, const struct run_result *b)
{
    static char said[200];
    const char *differs = *a->audit ? a->audit : *b->audit ? b->audit : NULL;

    if (differs) { /* it outlives the results */
        static char audit[sizeof(a->audit)];

        memcpy(audit, differs, sizeof(audit));
        return audit;
    }
    for (size_t i = 0; !differs && i < PIPE_SOURCES_MAX; i++)
        differs = text_differs("dead letters", &a->deadletters[i], &b->deadletters[i]);
    for (size_t i = 0; !differs && i <= RUN_SOURCE; i++)
        differs = text_differs("alerts", &a->alerts[i], &b->alerts[i]);
    if (!differs)
        differs = text_differs("reports", &a->report, &b->report);
    if (!differs && (a->detector.len != b->detector.len ||
                     memcmp(a->detector.data, b->detector.data, a->detector.len) != 0))
        return "detectors differ";
    if (!differs && memcmp(a->tally_digests, b->tally_digests, sizeof(a->tally_digests)) != 0)
        return "tally digests differ";
    if (!differs && a->judge_digest != b->judge_digest)
        return "judge digests differ";
    for (int i = 0; !differs && i < COUNTER_COUNT; i++) {
        if (a->counts[i] == b->counts[i])
            continue;
        snprintf(said, sizeof(said), "counter %d: %" PRIu64 " and %" PRIu64, i, a->counts[i],
                 b->counts[i]);
        differs = said;
    }
    return differs;
}

void stream_run(struct stream *s, const size_t *order, size_t count, stream_batch_fn *batch,
                void *user, struct run_result *ret)
{
    const struct message *all = pipe_log_messages(&s->log);
    struct message *mine = mem_alloc((count + 1) * sizeof(*mine));
    struct dice when = {s->seed ^ 0xa0d17};
    struct pipe k;

    *ret = (struct run_result){0};
    for (size_t i = 0; i < count; i++)
        mine[i] = all[order ? order[i] : i];
    pipe_open(&k, buf_cstr(&s->yaml), s->partitions);
    for (size_t at = 0, n; at < count; at += n) {
        n = batch ? batch(user, &k, at) : count;
        if (dice_chance(&when, AUDITED))
            run_result_audit(&k, ret);
        n = n > count - at ? count - at : n;
        pipeline_step(k.p, mine + at, n, &k.out);
    }
    pipe_end(&k);
    run_result_take(&k, ret);
    pipe_close(&k);
    mem_free(mine);
}

/* --- properties --- */

/* Leaves out ever smaller runs of lines while it still fails: for people, a minute of work at most. */
static size_t property_shrink(property_fn *check, struct stream *s, size_t *lines, size_t count,
                              const char *wrong)
{
    struct property_sums ignored = {0};
    size_t *less = mem_alloc((count + 1) * sizeof(*less));
    int tries = 3000;
    char kind[12]; /* what is wrong with fewer lines is to be the same */

    snprintf(kind, sizeof(kind), "%s", wrong);

    for (size_t run = count / 2; run > 0 && tries > 0; run = run > 1 ? (run + 1) / 2 : 0) {
        for (size_t from = 0; from < count && tries-- > 0;) {
            size_t gone = run < count - from ? run : count - from;

            memcpy(less, lines, from * sizeof(*less));
            memcpy(less + from, lines + from + gone, (count - from - gone) * sizeof(*less));
            wrong = check(s, less, count - gone, &ignored);
            if (wrong && strncmp(kind, wrong, sizeof(kind) - 1) == 0) {
                count -= gone;
                memcpy(lines, less, count * sizeof(*less));
            } else {
                from += gone;
            }
        }
        if (run == 1)
            break;
    }
    mem_free(less);
    return count;
}

static void property_print(const struct stream *s, const size_t *lines, size_t count,
                           const char *wrong)
{
    fprintf(stderr, "SEED=%" PRIu64 ": %s\nsettings:\n%.*s%zu lines, partition timestamp value:\n",
            s->seed, wrong, (int)s->yaml.len, s->yaml.data, count);
    for (size_t i = 0; i < count && i < 60; i++) {
        const struct pipe_line *x = &s->log.lines[lines[i]];

        fprintf(stderr, "  p%u %" PRId64 " %.*s\n", x->partition, x->timestamp, (int)x->len,
                s->log.text.data + x->at);
    }
}

static const char *property_seed(property_fn *check, uint64_t seed, size_t max_partitions,
                                 unsigned flags, struct property_sums *sums)
{
    struct stream s;
    const char *wrong;
    size_t *lines, count;

    stream_make(&s, seed, 1 + seed % max_partitions, flags);
    count = s.log.count;
    lines = mem_alloc(count * sizeof(*lines));
    for (size_t i = 0; i < count; i++)
        lines[i] = i;
    sums->streams++;
    wrong = check(&s, lines, count, sums);
    if (wrong) {
        struct property_sums ignored = {0};

        count = property_shrink(check, &s, lines, count, wrong);
        wrong = check(&s, lines, count, &ignored);
        property_print(&s, lines, count, wrong);
    }
    mem_free(lines);
    stream_deinit(&s);
    return wrong;
}

const char *property_run(property_fn *check, uint64_t first, size_t count, size_t max_partitions,
                         unsigned flags, struct property_sums *ret_sums)
{
    const char *only = getenv("SEED"), *wrong = NULL;

    *ret_sums = (struct property_sums){0};
    if (only)
        return property_seed(check, strtoull(only, NULL, 10), max_partitions, flags, ret_sums);
    if (getenv("TEST_LIGHT")) /* under a sanitizer everything takes ten times as long */
        count = (count + 2) / 3;
    for (uint64_t seed = first; !wrong && seed < first + count; seed++)
        wrong = property_seed(check, seed, max_partitions, flags, ret_sums);
    return wrong;
}

size_t property_least(size_t n)
{
    return getenv("TEST_LIGHT") ? n / 8 : n;
}
