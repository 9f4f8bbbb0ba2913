/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "funnel/json_out.h"

Test(json_out, commas_and_brackets)
{
    struct buf b = {0};
    struct json_out j = {.out = &b};

    json_open(&j, '{');
    json_pair_int(&j, "n", -5);
    json_key(&j, "list");
    json_open(&j, '[');
    json_int(&j, 1);
    json_open(&j, '{');
    json_close(&j, '}');
    json_open(&j, '[');
    json_close(&j, ']');
    json_bool(&j, 1);
    json_close(&j, ']');
    json_pair_number(&j, "x", 1.0 / 3);
    json_pair_number(&j, "nan", __builtin_nan(""));
    json_pair_number(&j, "inf", __builtin_inf());
    json_pair_string(&j, "none", NULL);
    json_pair_string(&j, "empty", "");
    json_close(&j, '}');
    cr_expect(eq(str, buf_cstr(&b),
                 "{\"n\":-5,\"list\":[1,{},[],true],\"x\":0.333333333,\"nan\":null,\"inf\":null,"
                 "\"none\":null,\"empty\":\"\"}"));
    buf_deinit(&b);
}

Test(json_out, texts_are_escaped)
{
    struct buf b = {0};
    struct json_out j = {.out = &b};

    json_open(&j, '{');
    json_key_span(&j, (struct span){"a\"\\\n\0z", 6});
    json_string(&j, span_of("停\t\x7f/"));
    json_close(&j, '}');
    cr_expect(eq(str, buf_cstr(&b), "{\"a\\\"\\\\\\u000a\\u0000z\":\"停\\u0009\\u007f/\"}"));
    buf_deinit(&b);
}

static void expect_amount(int64_t minor, int decimals, const char *text)
{
    struct buf b = {0};

    buf_amount(&b, minor, decimals);
    cr_expect(eq(str, buf_cstr(&b), (char *)text));
    buf_deinit(&b);
}

Test(json_out, amounts_are_exact)
{
    expect_amount(1234, 2, "12.34");
    expect_amount(-5, 2, "-0.05");
    expect_amount(0, 2, "0.00");
    expect_amount(7, 0, "7");
    expect_amount(1000001, 6, "1.000001");
    expect_amount(INT64_MIN, 2, "-92233720368547758.08");
    expect_amount(INT64_MAX, 0, "9223372036854775807");
}
