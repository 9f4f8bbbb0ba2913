/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/codec.h"

#include <criterion/criterion.h>
#include <string.h>

static unsigned char window[16]; /* the smallest allowed: everything is flushed again and again */
static struct buf bytes;
static struct codec_out out;

static void open_out(void)
{
    out = (struct codec_out){
        .data = window, .cap = sizeof(window), .flush = codec_flush_buf, .context = &bytes};
}

static struct codec_in written(void)
{
    out.flush(&out);
    return (struct codec_in){.p = (unsigned char *)bytes.data, .left = bytes.len};
}

static void close_out(void)
{
    buf_deinit(&bytes);
}

TestSuite(codec, .init = open_out, .fini = close_out);

Test(codec, numbers_come_back)
{
    struct codec_in in;

    codec_put_u8(&out, 0xfe);
    codec_put_u16(&out, 0xfedc);
    codec_put_u32(&out, 0xfedcba98);
    codec_put_u64(&out, UINT64_MAX - 1);
    codec_put_i64(&out, INT64_MIN);
    codec_put_f64(&out, -0.1);
    in = written();
    cr_assert_eq(in.left, 1 + 2 + 4 + 8 + 8 + 8);
    cr_assert_eq(codec_get_u8(&in), 0xfe);
    cr_assert_eq(codec_get_u16(&in), 0xfedc);
    cr_assert_eq(codec_get_u32(&in), 0xfedcba98);
    cr_assert_eq(codec_get_u64(&in), UINT64_MAX - 1);
    cr_assert_eq(codec_get_i64(&in), INT64_MIN);
    cr_assert_eq(codec_get_f64(&in), -0.1);
    cr_assert_null(in.error);
    cr_assert_eq(in.left, 0);
}

Test(codec, is_little_endian)
{
    codec_put_u32(&out, 0x01020304);
    cr_assert_arr_eq(written().p, "\x04\x03\x02\x01", 4);
}

Test(codec, varints_of_every_length_come_back)
{
    static const size_t sizes[] = {1, 1, 1, 2, 2, 9, 10, 10};
    static const uint64_t values[] = {0,      1,         0x7f,           0x80,
                                      0x3fff, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct codec_in in;

        buf_clear(&bytes);
        codec_put_varint(&out, values[i]);
        in = written();
        cr_expect_eq(in.left, sizes[i], "%zu: %zu bytes", i, in.left);
        cr_expect_eq(codec_get_varint(&in), values[i]);
        cr_expect_null(in.error);
    }
}

Test(codec, zigzags_come_back)
{
    static const int64_t values[] = {0, -1, 1, -64, 64, INT64_MIN, INT64_MAX};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct codec_in in;

        buf_clear(&bytes);
        codec_put_zigzag(&out, values[i]);
        in = written();
        cr_expect_eq(codec_get_zigzag(&in), values[i]);
        cr_expect_null(in.error);
    }
}

Test(codec, spans_come_back_and_absent_is_not_empty)
{
    struct codec_in in;

    codec_put_span(&out, span_of("a text longer than the buffer it goes through"));
    codec_put_span(&out, span_of(""));
    codec_put_span(&out, SPAN_NONE);
    in = written();
    cr_assert(span_is(codec_get_span(&in), "a text longer than the buffer it goes through"));
    cr_assert(span_is(codec_get_span(&in), ""));
    cr_assert_null(codec_get_span(&in).p);
    cr_assert_null(in.error);
}

Test(codec, after_an_error_everything_is_zero)
{
    struct codec_in in = {.p = (const unsigned char *)"\x01\x02\x03", .left = 3};

    cr_assert_eq(codec_get_u8(&in), 1);
    cr_assert_eq(codec_get_u32(&in), 0);
    cr_assert_str_eq(in.error, "it ends too early");
    cr_assert_eq(codec_get_u8(&in), 0);
    cr_assert_null(codec_get(&in, 0));
    cr_assert_null(codec_get_span(&in).p);
    cr_assert_eq(codec_get_count(&in, 0), 0);
    codec_fail(&in, "another");
    cr_assert_str_eq(in.error, "it ends too early");
}

static const char *varint_error(const char *text, size_t len)
{
    struct codec_in in = {.p = (const unsigned char *)text, .left = len};

    codec_get_varint(&in);
    return in.error;
}

Test(codec, wrong_varints_are_refused)
{
    cr_expect_str_eq(varint_error("\x80", 1), "it ends too early");
    cr_expect_str_eq(varint_error("\x80\x00", 2), "a number is written wrong");
    cr_expect_str_eq(varint_error("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10),
                     "a number is written wrong");
    cr_expect_str_eq(varint_error("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11),
                     "a number is written wrong");
    cr_expect_null(varint_error("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10));
}

Test(codec, counts_are_bounded_by_what_is_left)
{
    struct codec_in in = {.p = (const unsigned char *)"\x03"
                                                      "abcdefghi",
                          .left = 10};
    struct codec_in more = {.p = (const unsigned char *)"\x04"
                                                        "abcdefghi",
                            .left = 10};
    struct codec_in huge = {.p = (const unsigned char *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                            .left = 10};

    cr_expect_eq(codec_get_count(&in, 3), 3);
    cr_expect_null(in.error);
    cr_expect_eq(codec_get_count(&more, 3), 0);
    cr_expect_str_eq(more.error, "a count is larger than what follows");
    cr_expect_eq(codec_get_count(&huge, 3), 0);
    cr_expect_not_null(huge.error);
}

Test(codec, a_span_longer_than_the_input_is_refused)
{
    struct codec_in in = {.p = (const unsigned char *)"\x05"
                                                      "abc",
                          .left = 4};
    struct codec_in huge = {.p = (const unsigned char *)"\x82\x80\x80\x80\x10", .left = 5};

    cr_expect_null(codec_get_span(&in).p);
    cr_expect_not_null(in.error);
    cr_expect_null(codec_get_span(&huge).p);
    cr_expect_str_eq(huge.error, "a text is too long");
}

static bool refuse(struct codec_out *o)
{
    ++*(int *)o->context;
    return false;
}

Test(codec, a_flush_that_fails_is_not_tried_again)
{
    int tries = 0;

    out.flush = refuse;
    out.context = &tries;
    for (int i = 0; i < 100; i++)
        codec_put_u64(&out, 1);
    cr_assert(out.failed);
    cr_assert_eq(tries, 1);
}
