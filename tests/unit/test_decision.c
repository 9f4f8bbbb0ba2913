/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/decision.h"

#include <criterion/criterion.h>
#include <string.h>

#include "funnel/clock.h"
#include "funnel/mem.h"
#include "funnel/zone.h"

static const struct decision ADVANCE = {.seq = 7, .source = 3, .kind = DECISION_ADVANCE, .at = 12};

static struct decision advance_at(uint64_t seq, int64_t at, int64_t value)
{
    struct decision d = ADVANCE;

    d.seq = seq;
    d.at = at;
    d.value = value;
    return d;
}

static struct decision control_of(const char *text)
{
    return (struct decision){.seq = 9,
                             .source = DECISION_JUDGES,
                             .kind = DECISION_CONTROL,
                             .at = -4,
                             .text = span_of(text)};
}

/* Its bytes, in `into` (buf_deinit). */
static struct codec_in coded(const struct decision *d, struct buf *into)
{
    unsigned char block[64];
    struct codec_out out = {
        .data = block, .cap = sizeof(block), .flush = codec_flush_buf, .context = into};

    decision_put(&out, d);
    cr_assert(codec_flush_buf(&out));
    return (struct codec_in){.p = (const unsigned char *)into->data, .left = into->len};
}

static void expect_same(const struct decision *a, const struct decision *b)
{
    cr_expect(a->seq == b->seq);
    cr_expect(a->source == b->source);
    cr_expect(a->kind == b->kind);
    cr_expect(a->at == b->at);
    cr_expect(a->value == b->value);
    cr_expect(span_equal(a->text, b->text));
}

Test(decision, comes_back_as_it_was)
{
    struct decision all[] = {
        advance_at(1, 0, ETIME_MIN_MS),
        advance_at(UINT64_MAX, INT64_MAX, ETIME_MAX_MS),
        {.seq = 2, .source = 0, .kind = DECISION_DARK, .at = 5, .value = 1710752400000},
        {.seq = 3, .source = 1, .kind = DECISION_RELEASE, .at = 5, .value = -1},
        {.seq = 4, .source = UINT32_MAX - 1, .kind = DECISION_BOOTSTRAP_END, .at = 5},
        {.seq = 5, .source = 1, .kind = DECISION_GAP, .at = 5, .value = 4000},
        {.seq = 6, .source = 1, .kind = DECISION_SWITCH, .at = 5, .value = INT64_MIN},
        control_of("{\"kind\":\"expire\",\"id\":\"a\"}"),
        control_of(""),
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct buf bytes = {0};
        struct codec_in in = coded(&all[i], &bytes);
        struct decision got;

        decision_get(&in, &got);
        cr_expect(!in.error && in.left == 0, "%zu: %s", i, in.error);
        expect_same(&got, &all[i]);
        buf_deinit(&bytes);
    }
}

/* What one more minute of silence costs in commit metadata. */
Test(decision, is_small)
{
    struct decision d = {
        .seq = 100000, .source = 11, .kind = DECISION_DARK, .at = 900000, .value = 1710752400000};
    struct buf bytes = {0};

    coded(&d, &bytes);
    cr_expect(bytes.len <= 15, "%zu bytes", bytes.len);
    buf_deinit(&bytes);
}

static const char *refused(struct decision d)
{
    struct buf bytes = {0};
    struct codec_in in = coded(&d, &bytes);
    struct decision got;

    decision_get(&in, &got);
    cr_expect(!in.error || got.seq == 0);
    buf_deinit(&bytes);
    return in.error;
}

Test(decision, what_no_one_decides_is_refused)
{
    struct decision d = ADVANCE;

    cr_expect(!refused(d));
    d.seq = 0;
    cr_expect(refused(d));
    d = advance_at(1, -1, 0);
    cr_expect(refused(d));
    d = advance_at(1, 1, ETIME_MAX_MS + 1);
    cr_expect(refused(d));
    d = advance_at(1, 1, INT64_MIN);
    cr_expect(refused(d));
    d.kind = DECISION_BOOTSTRAP_END; /* has no time */
    cr_expect(!refused(d));
    d.kind = DECISION_GAP;
    cr_expect(refused(d));
    d = ADVANCE;
    d.source = DECISION_JUDGES;
    cr_expect(refused(d));
    d = control_of("{}");
    cr_expect(!refused(d));
    d.source = 0;
    cr_expect(refused(d));
    d = control_of("{}");
    d.at = INT64_MIN;
    cr_expect(refused(d));
    d = ADVANCE;
    d.kind = (enum decision_kind)0;
    cr_expect(refused(d));
    d.kind = (enum decision_kind)(DECISION_CONTROL + 1);
    cr_expect(refused(d));
}

Test(decision, too_long_a_text_is_refused)
{
    char text[DECISION_TEXT_MAX + 2];

    memset(text, 'x', sizeof(text));
    text[DECISION_TEXT_MAX] = '\0';
    cr_expect(!refused(control_of(text)));
    text[DECISION_TEXT_MAX] = 'x';
    text[DECISION_TEXT_MAX + 1] = '\0';
    cr_expect(refused(control_of(text)));
}

Test(decision, a_cut_one_is_refused)
{
    struct decision d = control_of("abc");
    struct buf bytes = {0};

    coded(&d, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct codec_in in = {.p = (const unsigned char *)bytes.data, .left = len};
        struct decision got;

        decision_get(&in, &got);
        cr_expect(in.error != NULL, "%zu bytes", len);
    }
    buf_deinit(&bytes);
}

Test(decision, only_the_last_of_a_run_need_be_kept)
{
    int64_t t = 1000 * ZONE_DAY_MS;
    struct decision a = advance_at(1, 5, t), b = advance_at(2, 5, t + 60000), c;

    cr_expect(decision_replaces(&b, &a, t - 60000));
    cr_expect(!decision_replaces(&a, &b, t - 60000));       /* it would do less */
    cr_expect(!decision_replaces(&b, &a, t - ZONE_DAY_MS)); /* together they would be a gap */
    cr_expect(!decision_replaces(&b, &a, INT64_MIN));
    c = b;
    c.at = 6;
    cr_expect(!decision_replaces(&c, &a, t));
    c = b;
    c.source = 1;
    cr_expect(!decision_replaces(&c, &a, t));
    c = b;
    c.kind = DECISION_DARK;
    cr_expect(!decision_replaces(&c, &a, t));
    a.kind = DECISION_DARK;
    cr_expect(decision_replaces(&c, &a, t));
    a.kind = c.kind = DECISION_RELEASE;
    cr_expect(!decision_replaces(&c, &a, t));
}

/* --- the queue --- */

Test(decision, queue_gives_by_place_then_by_number)
{
    struct decision_queue q = {0};
    struct decision items[] = {advance_at(2, 9, 20), advance_at(1, 9, 10), advance_at(3, 4, 30)}, d;

    cr_expect(decision_queue_next(&q) == INT64_MAX);
    cr_expect(!decision_queue_take(&q, INT64_MAX, &d));
    for (int i = 0; i < 3; i++)
        decision_queue_push(&q, &items[i]);
    cr_expect(decision_queue_next(&q) == 4);
    cr_expect(!decision_queue_take(&q, 3, &d));
    cr_expect(decision_queue_take(&q, 8, &d) && d.seq == 3);
    cr_expect(!decision_queue_take(&q, 8, &d));
    cr_expect(decision_queue_take(&q, 9, &d) && d.seq == 1);
    cr_expect(decision_queue_take(&q, 10, &d) && d.seq == 2);
    cr_expect(!decision_queue_take(&q, INT64_MAX, &d));
    decision_queue_deinit(&q);
}

Test(decision, queue_owns_texts)
{
    struct decision_queue q = {0};
    char text[] = "silence";
    struct decision d = control_of(text);

    decision_queue_push(&q, &d);
    decision_queue_push(&q, &d);
    text[0] = 'X';
    cr_expect(decision_queue_take(&q, 0, &d) && span_is(d.text, "silence"));
    mem_free((char *)d.text.p);
    decision_queue_deinit(&q);
}

static struct codec_in saved(const struct decision_queue *q, struct buf *into)
{
    unsigned char block[16];
    struct codec_out out = {
        .data = block, .cap = sizeof(block), .flush = codec_flush_buf, .context = into};

    decision_queue_save(q, &out);
    cr_assert(codec_flush_buf(&out));
    return (struct codec_in){.p = (const unsigned char *)into->data, .left = into->len};
}

Test(decision, queue_is_saved)
{
    struct decision_queue q = {0}, got = {0};
    struct decision a = advance_at(2, 9, 20), b = control_of("text");
    struct buf bytes = {0};
    struct codec_in in;

    decision_queue_push(&q, &a);
    decision_queue_push(&q, &b);
    in = saved(&q, &bytes);
    decision_queue_load(&got, &in);
    cr_assert(!in.error && in.left == 0 && got.count == 2);
    expect_same(&got.items[0], &b);
    expect_same(&got.items[1], &a);
    decision_queue_deinit(&q);
    decision_queue_deinit(&got);
    buf_deinit(&bytes);
}

/* However many it says it holds, only what is there is read. */
Test(decision, queue_does_not_believe_a_count)
{
    static const unsigned char lies[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1, 1, 0, 0};
    struct codec_in in = {.p = lies, .left = sizeof(lies)};
    struct decision_queue q = {0};

    decision_queue_load(&q, &in);
    cr_expect(in.error != NULL);
    decision_queue_deinit(&q);
}
