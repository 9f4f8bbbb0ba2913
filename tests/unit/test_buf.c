/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "funnel/buf.h"

Test(buf, grows_and_keeps_its_bytes)
{
    struct buf b = {0};

    for (int i = 0; i < 1000; i++)
        buf_fmt(&b, "%d,", i);
    cr_assert(eq(sz, b.len, 3890));
    cr_assert(zero(int, memcmp(b.data, "0,1,2,", 6)));
    cr_assert(zero(int, memcmp(b.data + b.len - 8, "998,999,", 8)));
    buf_deinit(&b);
    cr_assert(zero(ptr, b.data));
    buf_deinit(&b);
}

Test(buf, formats_longer_than_what_is_left)
{
    struct buf b = {0};
    char long_text[500];

    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    buf_str(&b, "<");
    buf_fmt(&b, "%s", long_text);
    buf_char(&b, '>');
    cr_assert(eq(sz, b.len, 501));
    cr_assert(eq(chr, b.data[500], '>'));
    cr_assert(eq(chr, b.data[499], 'x'));
    buf_deinit(&b);
}

/* One byte more or less than the room there is, around the first capacity. */
Test(buf, formats_at_every_length_around_its_capacity)
{
    for (int len = 50; len < 150; len++) {
        struct buf b = {0};

        buf_fmt(&b, "%0*d", len, 7);
        cr_assert(eq(sz, b.len, (size_t)len));
        cr_assert(eq(sz, strlen(buf_cstr(&b)), (size_t)len));
        buf_deinit(&b);
    }
}

Test(buf, adding_nothing_needs_no_memory)
{
    struct buf b = {0};

    buf_add(&b, NULL, 0);
    buf_str(&b, "");
    cr_assert(zero(ptr, b.data));
    cr_assert(eq(str, buf_cstr(&b), ""));
    buf_deinit(&b);
}

Test(buf, clear_keeps_the_memory)
{
    struct buf b = {0};
    size_t cap;

    buf_str(&b, "something");
    cap = b.cap;
    buf_clear(&b);
    cr_assert(zero(sz, b.len));
    cr_assert(eq(sz, b.cap, cap));
    buf_add(&b, "a\0b", 3);
    cr_assert(eq(sz, b.len, 3));
    cr_assert(zero(int, memcmp(b.data, "a\0b", 3)));
    buf_deinit(&b);
}

Test(span, absent_is_not_empty)
{
    cr_assert(zero(ptr, (void *)span_of(NULL).p));
    cr_assert(span_of("").p != NULL);
    cr_assert(not(span_equal(SPAN_NONE, span_of(""))));
    cr_assert(span_equal(SPAN_NONE, SPAN_NONE));
    cr_assert(span_equal(span_of(""), span_of("")));
}

Test(span, equal_is_equal_bytes)
{
    cr_assert(span_is(span_of("方案"), "方案"));
    cr_assert(not(span_is(span_of("a"), "ab")));
    cr_assert(not(span_is(span_of("ab"), "a")));
    cr_assert(not(span_equal((struct span){"a\0b", 3}, (struct span){"a\0c", 3})));
}

Test(span, order_is_by_bytes_and_then_by_length)
{
    cr_assert(lt(int, span_compare(span_of("a"), span_of("b")), 0));
    cr_assert(lt(int, span_compare(span_of("a"), span_of("ab")), 0));
    cr_assert(gt(int, span_compare(span_of("\xff"), span_of("a")), 0));
    cr_assert(zero(int, span_compare(span_of("ab"), span_of("ab"))));
    cr_assert(zero(int, span_compare(SPAN_NONE, SPAN_NONE)));
    cr_assert(lt(int, span_compare(span_of(""), span_of("a")), 0));
}
