/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline with something in every corner: saved without an allocation, refused when it is not what it was. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/maturity.h"
#include "funnel/controls.h"
#include "funnel/pulse_parts.h"
#include "funnel/rules.h"
#include "lib/saved.h"

/* Linked with --wrap: all of the core's memory comes through here. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t n);

static size_t allocations, allocated;

static void count(size_t n)
{
    allocations++;
    allocated += n;
}

void *__wrap_malloc(size_t n)
{
    count(n);
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    count(n * size);
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    count(n);
    return __real_realloc(p, n);
}

/* --- a busy pipeline --- */

#define MINUTE INT64_C(60000)
#define T0 (INT64_C(19800) * 1440 * MINUTE)
#define YAML(rule) \
    PIPE_KAFKA "inputs: [{topic: in}]\n" \
               "time: {lateness: 2m, pane: 1m, max_jump: 20m, max_ahead: 2h}\n" \
               "funnels:\n" \
               "  f:\n" \
               "    stages: [a, b, c, d]\n" \
               "    lost: [lost]\n" \
               "    skip: reject\n" \
               "    dedupe: 1h\n" \
               "    window: 30m\n" \
               "    windows: [5m]\n" \
               "    dims: {channel: {top: 2}}\n" \
               "    breakdowns: [owner]\n" \
               "    rules:\n" \
               "      - {id: low, kind: target, target: " rule ", window: 5m, min_entries: 3, " \
               "significance: 0.2, step: a>b}\n"
#define SETTINGS YAML("50%")

static void event(struct pipe *k, int entity, const char *stage, int64_t at, int64_t record)
{
    char text[300];

    snprintf(text, sizeof(text),
             "{\"entity_id\":\"e%d\",\"stage\":\"%s\",\"ts\":%" PRId64 ",\"event_id\":\"i%d%s\","
             "\"amount\":%d,\"owner\":\"o%d\",\"reason\":\"r%d\",\"dims\":{\"channel\":\"c%d\"}}",
             entity, stage, at, entity, stage, entity, entity % 3, entity % 2, entity % 4);
    pipe_say_on(k, (uint32_t)entity % 2, record, text);
}

/* Entities, dead letters still due, events in disorder and in the future, a firing alert, panes not closed. */
static void make_busy(struct pipe *k)
{
    for (int i = 0; i < 60; i++) {
        int64_t at = T0 + i * MINUTE / 4;

        event(k, i, "a", at, at);
        if (i % 6 == 0)
            event(k, i, "b", at + 20000, at);
        if (i % 10 == 0)
            event(k, i, i % 20 ? "d" : "lost", at + 30000, at);
        if (i % 7 == 0)
            event(k, i, "c", at - 50000, at);
        if (i == 50)
            event(k, 1000, "a", at + 60 * MINUTE, at);
    }
    cr_assert(k->p->tallies[0].waiting_count > 0);
    cr_assert(reorder_count(&k->p->tallies[0].reorder) > 3);
    cr_assert(k->p->tallies[0].reorder.heap_count > 0);
    cr_assert(k->p->judges[0].pending_count > 0);
    cr_assert(k->out.count > 0);
}

static struct pipe k;
static struct saved saved;

static void open_all(void)
{
    pipe_open(&k, SETTINGS, 2);
    make_busy(&k);
    saved_take(&saved, k.p);
}

static void close_all(void)
{
    saved_deinit(&saved);
    pipe_close(&k);
}

TestSuite(pipeline_save, .init = open_all, .fini = close_all);

Test(pipeline_save, comes_back)
{
    const char *wrong = saved_restart(&k);

    cr_assert(!wrong, "%s", wrong);
}

/* Those that a random stream seldom asks for. */
Test(pipeline_save, what_matters_seldom_comes_back)
{
    struct pipeline *p = saved_fresh(&k);
    const struct judge *j = pipe_judge(&k), *loaded = &p->judges[0];

    cr_assert_null(saved_load(&saved, p));
    for (size_t i = 0; i < k.p->source_count; i++) {
        cr_expect_eq(p->tallies[i].newest_record_ms, k.p->tallies[i].newest_record_ms);
        cr_expect_eq(p->tallies[i].lettered, k.p->tallies[i].lettered);
    }
    cr_assert(k.p->tallies[0].newest_record_ms >= 0 && k.p->tallies[0].lettered >= 0);
    cr_assert(j->day != INT64_MIN && j->last_pane != INT64_MIN);
    cr_expect_eq(loaded->day, j->day);
    cr_expect_eq(loaded->last_pane, j->last_pane);
    pipeline_free(p);
}

/* As after a reload, or at a cap. */
Test(pipeline_save, what_is_seldom_there_comes_back)
{
    const char *wrong;

    pipe_judge(&k)->windows[0].since = 28512003;
    k.p->tallies[1].funnels[0].dedupe.overflow = 7;
    wrong = saved_restart(&k);
    cr_assert(!wrong, "%s", wrong);
    cr_expect_eq(pipe_judge(&k)->windows[0].since, 28512003);
    cr_expect_eq(k.p->tallies[1].funnels[0].dedupe.overflow, 7);
}

Test(pipeline_save, sections_have_names)
{
    static const char *const names[] = {"pipeline", "tally 0", "tally 1", "pulse 0", "judge 0"};

    cr_assert_eq(saved.count, sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < saved.count; i++) {
        char name[32];

        pipeline_section_name(k.p, i, name);
        cr_expect_str_eq(name, names[i]);
    }
}

static size_t written;

static bool drop(struct codec_out *out)
{
    written += out->len;
    out->len = 0;
    return true;
}

/* It is done in a forked child, where another thread of the parent may have held the allocator's lock. */
Test(pipeline_save, allocates_nothing)
{
    static unsigned char window[64];
    struct codec_out out = {.data = window, .cap = sizeof(window), .flush = drop};
    size_t before = allocations, all = 0;

    cr_assert(before > 0, "the hook is not linked");
    for (size_t i = 0; i < pipeline_sections(k.p); i++) {
        pipeline_section_save(k.p, i, &out);
        out.flush(&out);
        all += saved.sections[i].len;
    }
    cr_expect_eq(allocations, before);
    cr_expect_eq(written, all);
}

/* --- what is not what it was --- */

/* Section i is `data` instead; exactly allocated, for a sanitizer to see what is read beyond. */
static const char *load_with(struct pipeline *p, size_t i, const void *data, size_t len)
{
    struct saved changed = {.sections = calloc(saved.count, sizeof(*changed.sections)),
                            .count = saved.count};
    char *exact = malloc(len + 1);
    const char *wrong;

    memcpy(exact + 1, data, len);
    memcpy(changed.sections, saved.sections, saved.count * sizeof(*changed.sections));
    changed.sections[i] = (struct buf){.data = exact + 1, .len = len};
    wrong = saved_load(&changed, p);
    free(exact);
    free(changed.sections);
    return wrong;
}

Test(pipeline_save, cut_short_anywhere_it_is_refused)
{
    size_t step = getenv("TEST_LIGHT") ? 7 : 1;

    for (size_t i = 0; i < saved.count; i++) {
        for (size_t len = 0; len < saved.sections[i].len; len += step) {
            struct pipeline *p = saved_fresh(&k);

            cr_assert_not_null(load_with(p, i, saved.sections[i].data, len), "%zu: %zu bytes", i,
                               len);
            pipeline_free(p);
        }
    }
}

Test(pipeline_save, too_long_it_is_refused)
{
    struct pipeline *p = saved_fresh(&k);

    buf_char(&saved.sections[1], '\0');
    cr_expect_str_eq(saved_load(&saved, p), "tally 0: something is left over");
    pipeline_free(p);
}

/* Nothing crashes: what is not refused is a state, and goes on. */
Test(pipeline_save, flipped_bits_do_no_harm)
{
    struct dice d = {1};
    size_t refused = 0, tries = getenv("TEST_LIGHT") ? 400 : 4000;

    for (size_t n = 0; n < tries; n++) {
        size_t i = (size_t)dice_below(&d, (int64_t)saved.count);
        struct pipe other = k;
        struct buf bytes = {0};

        buf_add(&bytes, saved.sections[i].data, saved.sections[i].len);
        for (int64_t flips = 1 + dice_below(&d, 3); flips > 0; flips--)
            bytes.data[dice_below(&d, (int64_t)bytes.len)] ^= (char)(1 << dice_below(&d, 8));
        other.p = saved_fresh(&k);
        other.out = (struct records){0};
        other.log = (struct pipe_log){0};
        other.fed = 0;
        if (load_with(other.p, i, bytes.data, bytes.len)) {
            refused++;
        } else {
            struct buf report = {0};

            for (int e = 0; e < 40; e++)
                event(&other, e, e % 2 ? "b" : "a", T0 + (16 + e) * MINUTE, T0 + (16 + e) * MINUTE);
            pipe_end(&other);
            pipe_report(&other, CALENDAR_DAY, &report);
            buf_deinit(&report);
        }
        pipe_log_deinit(&other.log);
        pipeline_free(other.p);
        records_deinit(&other.out);
        buf_deinit(&bytes);
    }
    cr_expect(refused > tries / 4, "%zu of %zu refused", refused, tries);
}

/* What loading allocates is bounded by what there is to load, not by the numbers in it. */
Test(pipeline_save, counts_do_not_allocate)
{
    unsigned char huge[40];

    memset(huge, 0xff, sizeof(huge));
    for (size_t i = 0; i < saved.count; i++) {
        for (size_t at = 0; at < saved.sections[i].len; at += 3) {
            struct pipeline *p = saved_fresh(&k);
            size_t before = allocated, len = saved.sections[i].len;
            struct buf bytes = {0};

            buf_add(&bytes, saved.sections[i].data, len);
            memcpy(bytes.data + at, huge, len - at < 9 ? len - at : 9);
            if (len - at > 9)
                bytes.data[at + 9] = 1;
            load_with(p, i, bytes.data, len);
            cr_assert(allocated - before < 4 << 20, "%zu at %zu: %zu bytes", i, at,
                      allocated - before);
            buf_deinit(&bytes);
            pipeline_free(p);
        }
    }
}

static const char *load_into(const char *yaml, size_t partitions)
{
    struct pipe other;
    const char *wrong;

    pipe_open(&other, yaml, partitions);
    wrong = saved_load(&saved, other.p);
    pipe_close(&other);
    return wrong;
}

Test(pipeline_save, of_other_settings_it_is_refused)
{
    cr_expect_null(load_into(SETTINGS, 2));
    cr_expect_str_eq(load_into(SETTINGS, 3), "pipeline: it is of other partitions or funnels");
    cr_expect_str_eq(load_into(YAML("51%"), 2), "judge 0: a rule means something else");
}

Test(pipeline_save, a_judge_of_another_time_is_refused)
{
    struct pipeline *p = saved_fresh(&k);
    struct saved later;
    const char *wrong;

    event(&k, 2001, "a", T0 + 20 * MINUTE, T0 + 20 * MINUTE);
    event(&k, 2003, "b", T0 + 23 * MINUTE, T0 + 23 * MINUTE);
    pipe_say_on(&k, 1, T0 + 30 * MINUTE,
                "{\"entity_id\":\"n\",\"stage\":\"a\",\"ts\":\"2024-03-18T00:30:00Z\","
                "\"dims\":{\"channel\":\"new\"}}");
    event(&k, 2005, "a", T0 + 40 * MINUTE, T0 + 40 * MINUTE);
    saved_take(&later, k.p);
    wrong = load_with(p, 4, later.sections[4].data, later.sections[4].len);
    cr_expect_str_eq(wrong, "judge 0: it does not belong to these tallies");
    saved_deinit(&later);
    pipeline_free(p);
}

/* A member that is not saved is noticed by nobody until a restart. So whoever adds one comes by here: save it, or
 * say beside it in the struct why not; then write the new size. (Of 64-bit machines.) */
Test(pipeline_save, every_member_was_thought_of)
{
    static const struct {
        const char *name;
        size_t is, was;
    } structs[] = {
#define SIZE(name, was) {#name, sizeof(struct name), was}
        SIZE(pipeline, 168),       SIZE(tally, 8296),         SIZE(tally_funnel, 11576),
        SIZE(arrival, 120),        SIZE(judge, 6272),         SIZE(judge_source, 176),
        SIZE(judge_leaf, 184),     SIZE(judge_step, 344),     SIZE(judge_stage, 48),
        SIZE(series, 56),          SIZE(window_def, 56),      SIZE(pending_pane, 40),
        SIZE(rules, 48),           SIZE(rule, 104),           SIZE(watch, 72),
        SIZE(dedupe, 72),          SIZE(leaves, 560),         SIZE(names, 64),
        SIZE(entity_shard, 40),    SIZE(riskset, 120),        SIZE(dwell, 48),
        SIZE(break_step, 72),      SIZE(cohort_day, 40),      SIZE(controls, 112),
        SIZE(control_mark, 992),   SIZE(pulse_part, 72),      SIZE(pulse, 5824),
        SIZE(detect, 160),         SIZE(detect_track, 79104), SIZE(detect_leaf, 1944),
        SIZE(detect_series, 7328), SIZE(detect_day, 10784),   SIZE(incident, 736),
        SIZE(maturity_step, 2360), SIZE(maturity_day, 112),
#undef SIZE
    };

    for (size_t i = 0; i < sizeof(structs) / sizeof(structs[0]); i++)
        cr_expect_eq(structs[i].is, structs[i].was, "struct %s has %zu bytes now", structs[i].name,
                     structs[i].is);
}
