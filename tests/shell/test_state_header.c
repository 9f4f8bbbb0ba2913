/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/state_header.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "funnel/mem.h"
#include "lib/state_kit.h"

static const struct pipeline_source sources[] = {{"orders", 0, 0}, {"orders", 1, 0}};

static const char *decode(const struct buf *b, size_t len, struct arena **ret_memory,
                          struct state_header *ret)
{
    *ret_memory = arena_new();
    return state_header_decode(b->data, len, *ret_memory, ret);
}

Test(state_header, round_trip)
{
    struct state_header h = state_kit_header(7), got;
    struct buf b = {0};
    struct arena *memory;

    state_header_encode(&h, &b);
    cr_assert_null(decode(&b, b.len, &memory, &got));
    cr_assert_eq(got.generation, 7);
    cr_assert_eq(got.instance, h.instance);
    cr_assert_eq(got.txn_seq, 41);
    cr_assert_eq(got.decision_seq, 17);
    cr_assert_eq(got.machine, COMMIT_META_MACHINE);
    cr_assert_eq(got.zone_hash, 99);
    cr_assert_eq(got.settings_hash, 98);
    cr_assert_eq(got.taken_at, 1700000001000);
    cr_assert_str_eq(got.group, "sales");
    cr_assert_str_eq(got.cluster_id, "cluster-1");
    cr_assert(span_equal(got.settings, h.settings));
    cr_assert_eq(got.part_count, STATE_KIT_PARTS);
    for (size_t i = 0; i < STATE_KIT_PARTS; i++) {
        const struct state_part *a = &got.parts[i], *e = &state_kit_parts[i];

        cr_assert_str_eq(a->topic, e->topic);
        cr_assert_eq(a->partition, e->partition);
        cr_assert_eq(a->next, e->next);
        cr_assert_eq(a->origin, e->origin);
        cr_assert_eq(a->watermark, e->watermark);
        cr_assert_eq(a->last.offset, e->last.offset);
        cr_assert_eq(a->last.timestamp, e->last.timestamp);
        cr_assert_eq(a->last.hash, e->last.hash);
    }
    cr_assert_eq(got.control_count, 1);
    cr_assert_eq(got.controls[0].next, 12);
    arena_free(memory);
    buf_deinit(&b);
}

Test(state_header, every_cut_is_refused_and_noise_survived)
{
    struct state_header h = state_kit_header(7), got;
    struct buf b = {0};
    struct arena *memory;

    state_header_encode(&h, &b);
    for (size_t n = 0; n < b.len; n++) {
        cr_assert_not_null(decode(&b, n, &memory, &got), "cut at %zu", n);
        arena_free(memory);
    }
    srandom(1);
    for (int round = 0; round < 20000; round++) {
        size_t at = (size_t)random() % b.len;
        char was = b.data[at];

        b.data[at] = (char)random();
        decode(&b, b.len, &memory,
               &got); /* hashes keep this from happening: it only must not crash */
        arena_free(memory);
        b.data[at] = was;
    }
    buf_char(&b, 'x');
    cr_assert_not_null(decode(&b, b.len, &memory, &got));
    arena_free(memory);
    buf_deinit(&b);
}

Test(state_header, impossible_ones_are_refused)
{
    static const struct state_part parts[] = {
        {"", 0, 5, 0, 0, {4, 0, 0}},          {"t", -1, 5, 0, 0, {4, 0, 0}},
        {"t", 0, -1, 0, 0, {-1, 0, 0}},       {"t", 0, 5, 6, 0, {4, 0, 0}},
        {"t", 0, 5, 0, 0, {5, 0, 0}},         {"t", 0, 5, 0, 0, {-2, 0, 0}},
        {"t", 0, INT64_MIN, 0, 0, {4, 0, 0}},
    };
    struct state_header h = state_kit_header(7), got;
    struct buf b = {0};
    struct arena *memory;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        h.parts = &parts[i];
        h.part_count = 1;
        buf_clear(&b);
        state_header_encode(&h, &b);
        cr_assert_not_null(decode(&b, b.len, &memory, &got), "part %zu", i);
        arena_free(memory);
    }
    h = state_kit_header(0);
    buf_clear(&b);
    state_header_encode(&h, &b);
    cr_assert_not_null(decode(&b, b.len, &memory, &got), "no generation");
    arena_free(memory);
    h = state_kit_header(1);
    h.settings.len = 0;
    buf_clear(&b);
    state_header_encode(&h, &b);
    cr_assert_not_null(decode(&b, b.len, &memory, &got), "no settings");
    arena_free(memory);
    buf_deinit(&b);
}

static bool is_ours(struct state_header h, struct state_ours ours)
{
    char why[512] = "";
    bool good = state_header_is_ours(&h, &ours, why);

    cr_assert_eq(good, *why == '\0', "%s", why);
    return good;
}

Test(state_header, whose_it_is)
{
    struct state_header h = state_kit_header(7), x = h;
    struct state_ours ours = {"sales", sources, 2}, o = ours;

    cr_assert(is_ours(h, ours));
    o.group = "others";
    cr_assert_not(is_ours(h, o));
    o = ours;
    o.source_count = 1;
    cr_assert_not(is_ours(h, o));
    o = ours;
    o.sources = (const struct pipeline_source[]){{"orders", 0, 0}, {"orders", 2, 0}};
    cr_assert_not(is_ours(h, o));
    x.machine++;
    cr_assert_not(is_ours(x, ours));
}
