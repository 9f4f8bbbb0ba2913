/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/log.h"

#include <cjson/cJSON.h>
#include <string.h>

#include <criterion/criterion.h>

static const struct log_style text_style = {LOG_FORMAT_TEXT, 1, NULL};
static const struct log_style json_style = {LOG_FORMAT_JSON, 1, "2026-01-02T03:04:05.678Z"};

static char *line(struct buf *b, const struct log_style *style, const char *value)
{
    const struct log_field fields[] = {LOG_TEXT("v", value), LOG_NUMBER("n", -7),
                                       LOG_TEXT("gone", NULL)};

    buf_clear(b);
    log_format(b, style, LOG_LEVEL_WARNING, "it happened", fields, 3, 0);
    return buf_cstr(b);
}

Test(log, text)
{
    struct buf b = {0};

    cr_assert_str_eq(line(&b, &text_style, "plain/1.2"),
                     "<4>level=warning msg=\"it happened\" v=plain/1.2 n=-7\n");
    cr_assert_str_eq(line(&b, &text_style, ""),
                     "<4>level=warning msg=\"it happened\" v=\"\" n=-7\n");
    buf_deinit(&b);
}

Test(log, hostile_values_stay_inside_their_quotes)
{
    static const char *const pairs[][2] = {
        {"a b", "\"a b\""},
        {"x\n<0>level=error", "\"x\\n<0>level=error\""},
        {"\"quoted\\", "\"\\\"quoted\\\\\""},
        {"\x1b[31m", "\"\\x1b[31m\""},
        {"bad\xff\xc0\xaf", "\"bad\\xff\\xc0\\xaf\""},
        {"\xe9\x94\x80\xe5\x94\xae", "\"\xe9\x94\x80\xe5\x94\xae\""},
        {"\xe2\x80\xae"
         "evil",
         "\"\\u202eevil\""},
        {"\xc2\x85", "\"\\x85\""},
        {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},
    };
    struct buf b = {0};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const char *got = line(&b, &text_style, pairs[i][0]);

        cr_assert_not_null(strstr(got, pairs[i][1]), "%s", got);
        cr_assert_eq(strchr(got, '\n'), got + b.len - 1, "one line: %s", got);
    }
    buf_deinit(&b);
}

Test(log, json_is_json_whatever_the_bytes)
{
    struct buf b = {0};
    char value[5] = {0};

    for (int i = 1; i < 256; i++) {
        cJSON *root;

        value[0] = (char)i;
        value[1] = '"';
        root = cJSON_Parse(line(&b, &json_style, value));
        cr_assert_not_null(root, "byte %d: %s", i, b.data);
        cr_assert_not_null(cJSON_GetObjectItem(root, "v"));
        cr_assert_eq(cJSON_GetObjectItem(root, "n")->valueint, -7);
        cr_assert_str_eq(cJSON_GetObjectItem(root, "level")->valuestring, "warning");
        cJSON_Delete(root);
    }
    buf_deinit(&b);
}

Test(log, long_values_are_cut)
{
    static char value[LOG_VALUE_MAX * 3];
    struct buf b = {0};

    memset(value, 'x', sizeof(value) - 1);
    line(&b, &text_style, value);
    cr_assert(b.len < LOG_VALUE_MAX + 100);
    cr_assert_not_null(strstr(b.data, "...\""));
    buf_deinit(&b);
}

Test(log, a_call_site_is_limited_and_says_what_it_left_out)
{
    struct log_site site = {0};
    uint32_t left_out;
    int admitted = 0;

    for (int i = 0; i < 100; i++)
        admitted += log_site_admit(&site, 1000 + i, &left_out);
    cr_assert_eq(admitted, LOG_BURST);
    cr_assert(log_site_admit(&site, 1000 + LOG_WINDOW_MS, &left_out));
    cr_assert_eq(left_out, 100 - LOG_BURST);
    cr_assert(log_site_admit(&site, 1001 + LOG_WINDOW_MS, &left_out));
    cr_assert_eq(left_out, 0);
}
