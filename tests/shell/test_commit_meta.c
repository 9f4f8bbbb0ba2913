/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/commit_meta.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <criterion/criterion.h>

#include "funnel/codec.h"
#include "funnel/decision.h"
#include "shell/base64url.h"
#include "shell/decision_log.h"

static struct buf scratch;

static const struct commit_meta full = {
    .instance = 0x0123456789abcdefu,
    .seq = 42,
    .generation = 7,
    .origin = 5,
    .watermark = -1234567890123,
    .last = {99, 1700000000000, 0xfeedfacecafebeefu},
    .tally_digest = UINT64_MAX,
    .has_base = true,
    .machine = 3,
    .settings_hash = 11,
    .zone_hash = 12,
    .layout_hash = 13,
    .judge_digest = 14,
    .cluster_hash = 15,
    .decision_seq = 16,
    .snapshots = {{6, 21, 22}, {7, 23, 24}},
    .snapshot_count = 2,
};

static const char *decode_bytes(struct buf *bytes, bool sum, struct commit_meta *ret)
{
    struct buf text = {0};
    const char *wrong;

    if (sum) {
        uint32_t x = (uint32_t)XXH3_64bits(bytes->data, bytes->len);

        buf_add(bytes, &x, 4); /* the tests run on little endian machines */
    }
    base64url_encode(bytes->data, bytes->len, &text);
    wrong = commit_meta_decode(text.data, text.len, &scratch, ret);
    buf_deinit(&text);
    return wrong;
}

/* The bytes of `full` without their checksum. */
static void full_bytes(struct buf *bytes)
{
    struct buf text = {0};
    unsigned char raw[COMMIT_META_MAX];
    ssize_t n;

    commit_meta_encode(&full, &text);
    n = base64url_decode(text.data, text.len, raw, sizeof(raw));
    cr_assert(n > 4);
    buf_add(bytes, raw, (size_t)n - 4);
    buf_deinit(&text);
}

Test(commit_meta, round_trip)
{
    struct commit_meta bare = full, got = {0};
    struct buf text = {0};

    commit_meta_encode(&full, &text);
    cr_assert(text.len < 400, "%zu characters", text.len);
    cr_assert_null(commit_meta_decode(text.data, text.len, &scratch, &got));
    cr_assert_eq(got.instance, full.instance);
    cr_assert_eq(got.seq, full.seq);
    cr_assert_eq(got.generation, full.generation);
    cr_assert_eq(got.origin, full.origin);
    cr_assert_eq(got.watermark, full.watermark);
    cr_assert_eq(got.last.offset, full.last.offset);
    cr_assert_eq(got.last.timestamp, full.last.timestamp);
    cr_assert_eq(got.last.hash, full.last.hash);
    cr_assert_eq(got.tally_digest, full.tally_digest);
    cr_assert(got.has_base);
    cr_assert_eq(got.judge_digest, full.judge_digest);
    cr_assert_eq(got.layout_hash, full.layout_hash);
    cr_assert_eq(got.cluster_hash, full.cluster_hash);
    cr_assert_eq(got.decision_seq, full.decision_seq);
    cr_assert_eq(got.snapshot_count, 2);
    cr_assert_eq(got.snapshots[1].generation, 7);
    cr_assert_eq(got.snapshots[0].instance, 21);
    cr_assert_eq(got.snapshots[1].seq, 24);
    cr_assert_eq(got.decisions.len, 0);

    bare.has_base = false;
    buf_clear(&text);
    commit_meta_encode(&bare, &text);
    cr_assert_null(commit_meta_decode(text.data, text.len, &scratch, &got));
    cr_assert_not(got.has_base);
    cr_assert_eq(got.machine, 0);
    buf_deinit(&text);
}

/* --- decisions --- */

static void put_decision(struct buf *b, uint64_t seq, uint32_t source, enum decision_kind kind)
{
    unsigned char room[64];
    struct codec_out out = {.data = room, .cap = sizeof(room)};
    struct decision d = {.seq = seq, .source = source, .kind = kind, .at = 5, .value = 6};

    if (kind == DECISION_CONTROL)
        d.text = span_of("{}");
    decision_put(&out, &d);
    buf_add(b, room, out.len);
}

static const char *decode_with(const struct buf *decisions, bool base, struct commit_meta *ret)
{
    struct commit_meta m = full;
    struct buf text = {0};
    const char *wrong;

    m.has_base = base;
    m.decisions = (struct span){decisions->data, (uint32_t)decisions->len};
    commit_meta_encode(&m, &text);
    wrong = commit_meta_decode(text.data, text.len, &scratch, ret);
    buf_deinit(&text);
    return wrong;
}

Test(commit_meta, decisions_come_back_byte_for_byte)
{
    struct commit_meta got;
    struct buf b = {0};

    put_decision(&b, 3, 4, DECISION_ADVANCE);
    put_decision(&b, 9, DECISION_JUDGES, DECISION_CONTROL);
    put_decision(&b, 300, 4, DECISION_SWITCH);
    cr_assert_null(decode_with(&b, true, &got));
    cr_assert_eq(got.decisions.len, b.len);
    cr_assert_arr_eq(got.decisions.p, b.data, b.len);
    cr_assert_eq(got.snapshot_count, 2, "the base is there, too");
    buf_deinit(&b);
}

Test(commit_meta, decisions_that_cannot_be)
{
    static const struct {
        const char *what;
        uint64_t seq[2];
        uint32_t source[2];
        enum decision_kind kind[2];
        bool base;
    } cases[] = {
        {"out of order", {2, 1}, {0, 0}, {DECISION_GAP, DECISION_GAP}, true},
        {"twice the same", {2, 2}, {0, 0}, {DECISION_GAP, DECISION_GAP}, true},
        {"of two partitions", {1, 2}, {0, 1}, {DECISION_GAP, DECISION_GAP}, true},
        {"the judges' not at the lowest",
         {1, 2},
         {3, DECISION_JUDGES},
         {DECISION_GAP, DECISION_CONTROL},
         false},
        {"without a number", {0, 2}, {0, 0}, {DECISION_GAP, DECISION_GAP}, true},
    };
    struct commit_meta got;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf b = {0};

        for (int k = 0; k < 2; k++)
            put_decision(&b, cases[i].seq[k], cases[i].source[k], cases[i].kind[k]);
        cr_assert_not_null(decode_with(&b, cases[i].base, &got), "%s", cases[i].what);
        buf_deinit(&b);
    }
}

Test(commit_meta, a_decision_cut_off)
{
    struct commit_meta got;
    struct buf b = {0};

    put_decision(&b, 1, 0, DECISION_GAP);
    put_decision(&b, 2, 0, DECISION_GAP);
    cr_assert_null(decode_with(&b, true, &got));
    b.len--;
    cr_assert_not_null(decode_with(&b, true, &got));
    buf_deinit(&b);
}

Test(commit_meta, the_most_it_can_carry_fits_the_broker)
{
    struct commit_meta m = full, got;
    struct buf b = {0}, text = {0};

    for (uint64_t seq = 1; b.len < DECISION_LOG_MAX - 16; seq++)
        put_decision(&b, seq, 0, DECISION_GAP);
    m.decisions = (struct span){b.data, (uint32_t)b.len};
    commit_meta_encode(&m, &text);
    cr_assert(text.len <= 4096, "%zu characters", text.len);
    cr_assert_null(commit_meta_decode(text.data, text.len, &scratch, &got));
    cr_assert(text.len / 4 * 3 + 16 - b.len + DECISION_LOG_MAX <= COMMIT_META_MAX,
              "and all else has its room beside the longest decisions");
    buf_deinit(&b);
    buf_deinit(&text);
}

Test(commit_meta, snapshots_out_of_order)
{
    struct commit_meta m = full, got;

    for (int i = 0; i < 2; i++) {
        struct buf text = {0};

        m.snapshots[1].generation = i == 0 ? 6 : 0;
        commit_meta_encode(&m, &text);
        cr_assert_not_null(commit_meta_decode(text.data, text.len, &scratch, &got));
        buf_deinit(&text);
    }
}

Test(commit_meta, clusters)
{
    cr_assert_eq(commit_meta_cluster(NULL), 0);
    cr_assert_eq(commit_meta_cluster(""), 0);
    cr_assert_neq(commit_meta_cluster("a"), commit_meta_cluster("b"));
}

Test(commit_meta, refuses_what_is_not_its_own)
{
    static const char *const texts[] = {
        "",    "A",        "Ag",        "====",     "hello world",
        "RjE", "RjEAAAAA", "{\"v\":1}", "\xff\xfe", "AAAAAAAAAAAAAAAAAAAA",
    };
    struct commit_meta got;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        cr_assert_not_null(commit_meta_decode(texts[i], strlen(texts[i]), &scratch, &got), "%s",
                           texts[i]);
}

Test(commit_meta, every_cut_and_every_flip_is_refused)
{
    struct buf text = {0};
    struct commit_meta got;

    commit_meta_encode(&full, &text);
    for (size_t n = 0; n < text.len; n++)
        cr_assert_not_null(commit_meta_decode(text.data, n, &scratch, &got), "cut at %zu", n);
    for (size_t i = 0; i < text.len; i++) {
        char was = text.data[i];

        for (int c = 0; c < 256; c++) {
            text.data[i] = (char)c;
            if ((char)c != was)
                cr_assert_not_null(commit_meta_decode(text.data, text.len, &scratch, &got),
                                   "%d at %zu", c, i);
        }
        text.data[i] = was;
    }
    buf_deinit(&text);
}

Test(commit_meta, sections_of_newer_versions)
{
    static const unsigned char needed[] = {3, 1, 0, 'x'}, optional[] = {200, 1, 0, 'x'},
                               repeated[] = {1, 0, 0}, overlong[] = {200, 9, 0, 'x'},
                               cut[] = {200, 1};
    static const struct {
        const unsigned char *bytes;
        size_t n;
        bool ok;
    } cases[] = {
        {needed, sizeof(needed), false},     {optional, sizeof(optional), true},
        {repeated, sizeof(repeated), false}, {overlong, sizeof(overlong), false},
        {cut, sizeof(cut), false},
    };
    struct commit_meta got;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf bytes = {0};
        const char *wrong;

        full_bytes(&bytes);
        buf_add(&bytes, cases[i].bytes, cases[i].n);
        wrong = decode_bytes(&bytes, true, &got);
        cr_assert_eq(!wrong, cases[i].ok, "case %zu: %s", i, wrong ? wrong : "accepted");
        buf_deinit(&bytes);
    }
}

Test(commit_meta, survives_noise_with_a_right_checksum)
{
    struct commit_meta got;

    srandom(1);
    for (int round = 0; round < 20000; round++) {
        struct buf bytes = {0};
        size_t n = (size_t)random() % 200;

        full_bytes(&bytes);
        if (n < bytes.len)
            bytes.len = n;
        for (size_t i = 0; i < (size_t)random() % 8; i++)
            buf_char(&bytes, (char)random());
        decode_bytes(&bytes, true, &got);
        buf_deinit(&bytes);
    }
}

Test(commit_meta, too_long)
{
    struct buf bytes = {0};
    struct commit_meta got;

    for (int i = 0; i < COMMIT_META_MAX + 1; i++)
        buf_char(&bytes, 'F');
    cr_assert_not_null(decode_bytes(&bytes, true, &got));
    buf_deinit(&bytes);
}

Test(base64url, rfc4648_vectors_and_strictness)
{
    static const char *const pairs[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
    unsigned char out[16];

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct buf b = {0};
        size_t n = strlen(pairs[i][0]);

        base64url_encode(pairs[i][0], n, &b);
        cr_assert_str_eq(buf_cstr(&b), pairs[i][1]);
        cr_assert_eq(base64url_decode(b.data, b.len, out, sizeof(out)), (ssize_t)n);
        cr_assert_arr_eq(out, pairs[i][0], n);
        buf_deinit(&b);
    }
    cr_assert_eq(base64url_decode("Zh", 2, out, sizeof(out)), -1, "bits left over");
    cr_assert_eq(base64url_decode("Zg==", 4, out, sizeof(out)), -1, "padding");
    cr_assert_eq(base64url_decode("Zm9v", 4, out, 2), -1, "no room");
}
