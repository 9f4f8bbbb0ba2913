/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/deadletter.h"

#define TEXT(literal) ((struct span){literal, sizeof(literal) - 1})

/* "name=value\n" for each header; a header without a value has no "=". */
static const char *headers_of(const struct records *r, const struct record *x)
{
    static struct buf out;
    const char *name;
    struct span value;
    size_t at = 0;

    buf_clear(&out);
    while (record_header_next(r, x, &at, &name, &value)) {
        buf_str(&out, name);
        if (value.p)
            buf_fmt(&out, "=%.*s", (int)value.len, value.p);
        buf_str(&out, "\n");
    }
    return buf_cstr(&out);
}

static void expect_headers(const struct records *r, size_t i, const char *expected)
{
    cr_expect(eq(str, (char *)headers_of(r, &r->items[i]), (char *)expected));
}

static struct span filled(size_t n)
{
    char *bytes = malloc(n);

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + i % 26);
    return (struct span){bytes, (uint32_t)n};
}

Test(deadletter, keeps_the_bytes_and_says_why)
{
    static const struct message_header headers[] = {{TEXT("trace"), TEXT("\x01\x02")},
                                                    {TEXT("nothing"), SPAN_NONE},
                                                    {TEXT("empty"), TEXT("")},
                                                    {TEXT("trace"), TEXT("again")}};
    struct message m = {.value = TEXT("{\"ts\":\0\xFF"),
                        .key = TEXT("k\0y"),
                        .headers = headers,
                        .header_count = 4,
                        .offset = INT64_C(9007199254740993),
                        .timestamp = 1700000000123};
    struct records out = {0};

    deadletter_put(&out, &m, "funnel.events", 11, REJECT_TIME, "ts", 6);
    cr_assert(eq(sz, out.count, 1));
    cr_assert(eq(int, out.items[0].target, RECORD_DEADLETTER));
    cr_assert(eq(i64, out.items[0].timestamp, -1));
    cr_assert(span_equal(record_value_of(&out, &out.items[0]), m.value));
    cr_assert(span_equal(record_key_of(&out, &out.items[0]), m.key));
    expect_headers(
        &out, 0,
        "funneld_reason=time\nfunneld_field=ts\nfunneld_byte=6\nfunneld_topic=funnel.events\n"
        "funneld_partition=11\nfunneld_offset=9007199254740993\n"
        "funneld_timestamp=1700000000123\ntrace=\x01\x02\nnothing\nempty=\ntrace=again\n");
    records_deinit(&out);
}

Test(deadletter, leaves_out_what_there_is_not)
{
    struct message m = {.offset = 0, .timestamp = -1};
    struct records out = {0};

    deadletter_put(&out, &m, "t", 0, REJECT_MALFORMED, NULL, 0);
    cr_assert(eq(int, out.items[0].has_key, 0));
    cr_assert(eq(int, out.items[0].has_value, 0));
    expect_headers(
        &out, 0,
        "funneld_reason=malformed\nfunneld_byte=0\nfunneld_topic=t\nfunneld_partition=0\n"
        "funneld_offset=0\n");
    m.value = TEXT("");
    m.key = TEXT("");
    deadletter_put(&out, &m, "t", 0, REJECT_MALFORMED, NULL, 0);
    cr_assert(eq(sz, out.count, 2));
    cr_assert(eq(int, out.items[1].has_key, 1));
    cr_assert(eq(int, out.items[1].has_value, 1));
    cr_assert(eq(sz, out.items[1].value_len, 0));
    records_deinit(&out);
}

Test(deadletter, every_reason_has_its_word)
{
    struct message m = {.timestamp = -1};
    struct records out = {0};

    for (int i = 0; i < REJECT_COUNT; i++) {
        const char *name;
        struct span value;
        size_t at = 0;

        deadletter_put(&out, &m, "t", 0, (enum reject)i, NULL, 0);
        cr_assert(record_header_next(&out, &out.items[i], &at, &name, &value));
        cr_assert(eq(str, (char *)name, (char *)"funneld_reason"));
        cr_assert(span_is(value, reject_word((enum reject)i)));
    }
    records_deinit(&out);
}

Test(deadletter, cuts_a_value_that_would_not_fit_and_says_so)
{
    struct span value = filled(DEADLETTER_VALUE_MAX + 1);
    struct message m = {.value = {value.p, DEADLETTER_VALUE_MAX}, .timestamp = -1};
    struct records out = {0};

    deadletter_put(&out, &m, "t", 0, REJECT_OVERSIZED, NULL, 5);
    cr_assert(span_equal(record_value_of(&out, &out.items[0]), m.value));
    expect_headers(
        &out, 0,
        "funneld_reason=oversized\nfunneld_byte=5\nfunneld_topic=t\nfunneld_partition=0\n"
        "funneld_offset=0\n");

    m.value = value;
    deadletter_put(&out, &m, "t", 0, REJECT_OVERSIZED, NULL, 5);
    cr_assert(eq(sz, out.items[1].value_len, DEADLETTER_VALUE_MAX));
    value.len = DEADLETTER_VALUE_MAX;
    cr_assert(span_equal(record_value_of(&out, &out.items[1]), value));
    expect_headers(
        &out, 1,
        "funneld_reason=oversized\nfunneld_byte=5\nfunneld_topic=t\nfunneld_partition=0\n"
        "funneld_offset=0\nfunneld_truncated=900001\n");
    free((char *)value.p);
    records_deinit(&out);
}

Test(deadletter, cuts_a_key_that_would_not_fit_and_says_so)
{
    struct span key = filled(DEADLETTER_KEY_MAX + 5);
    struct message m = {.key = key, .timestamp = -1};
    struct records out = {0};

    deadletter_put(&out, &m, "t", 0, REJECT_TOKEN, "entity_id", 0);
    cr_assert(eq(sz, out.items[0].key_len, DEADLETTER_KEY_MAX));
    expect_headers(
        &out, 0,
        "funneld_reason=token\nfunneld_field=entity_id\nfunneld_byte=0\nfunneld_topic=t\n"
        "funneld_partition=0\nfunneld_offset=0\nfunneld_key_truncated=32773\n");
    free((char *)key.p);
    records_deinit(&out);
}

Test(deadletter, drops_headers_beyond_the_bound_and_counts_them)
{
    struct span large = filled(DEADLETTER_HEADERS_MAX - 1 - 5 - 2 * DEADLETTER_HEADER_FRAMING);
    struct message_header headers[] = {
        {TEXT("a"), large},
        {TEXT("bcd"), TEXT("ef")}, /* now it is full to the byte */
        {TEXT("g"), SPAN_NONE},
        {TEXT("h"), SPAN_NONE},
    };
    struct message m = {.headers = headers, .header_count = 2, .timestamp = -1};
    struct records out = {0};

    deadletter_put(&out, &m, "t", 0, REJECT_DEPTH, NULL, 0);
    cr_assert(eq(u32, out.items[0].header_count, 5 + 2));
    m.header_count = 4;
    deadletter_put(&out, &m, "t", 0, REJECT_DEPTH, NULL, 0);
    cr_assert(eq(u32, out.items[1].header_count, 5 + 1 + 2));
    cr_assert(
        ne(ptr, (void *)strstr(headers_of(&out, &out.items[1]), "funneld_headers_dropped=2\na=abc"),
           NULL));
    free((char *)large.p);
    records_deinit(&out);
}

Test(deadletter, drops_headers_it_cannot_or_must_not_copy)
{
    struct span name = filled(DEADLETTER_HEADER_NAME_MAX + 1);
    struct message_header headers[] = {
        {TEXT("funneld_reason"), TEXT("an earlier letter's")},
        {TEXT("nul\0in it"), TEXT("x")},
        {name, TEXT("x")},
        {SPAN_NONE, TEXT("x")},
        {TEXT("funneld"), TEXT("kept")},
        {TEXT(""), TEXT("kept, too")},
        {{name.p, DEADLETTER_HEADER_NAME_MAX}, SPAN_NONE},
    };
    struct message m = {.headers = headers, .header_count = 6, .timestamp = -1};
    struct records out = {0};

    deadletter_put(&out, &m, "t", 3, REJECT_LATE, NULL, 0);
    expect_headers(&out, 0,
                   "funneld_reason=late\nfunneld_byte=0\nfunneld_topic=t\nfunneld_partition=3\n"
                   "funneld_offset=0\nfunneld_headers_dropped=4\nfunneld=kept\n=kept, too\n");
    m.header_count = 7;
    deadletter_put(&out, &m, "t", 3, REJECT_LATE, NULL, 0);
    cr_assert(eq(u32, out.items[1].header_count, 5 + 1 + 3));
    free((char *)name.p);
    records_deinit(&out);
}

/* The largest of everything, as librdkafka counts it with some room for its framing. */
Test(deadletter, fits_into_one_message)
{
    struct span large = filled(2000000), field = filled(600);
    struct message_header headers[] = {
        {TEXT("h"), {large.p, DEADLETTER_HEADERS_MAX - 1 - DEADLETTER_HEADER_FRAMING}}};
    struct message m = {.value = large,
                        .key = {large.p, 100000},
                        .headers = headers,
                        .header_count = 1,
                        .offset = INT64_MIN,
                        .timestamp = INT64_MAX};
    struct records out = {0};
    char topic[250] = {0}, *long_field = strndup(field.p, field.len);

    memset(topic, 't', sizeof(topic) - 1);
    deadletter_put(&out, &m, topic, INT32_MIN, REJECT_OVERSIZED, long_field, UINT32_MAX);
    cr_assert(lt(sz, out.bytes.len, 970000));
    cr_assert(eq(sz, out.items[0].value_len, DEADLETTER_VALUE_MAX));
    cr_assert(eq(u32, out.items[0].header_count, 9 + 1));
    free(long_field);
    free((char *)field.p);
    free((char *)large.p);
    records_deinit(&out);
}
