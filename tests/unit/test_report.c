/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

#include "lib/pipe_kit.h"

#define T0 INT64_C(1710720000000) /* 2024-03-18 */
#define HEAD PIPE_KAFKA "inputs: [{topic: in}]\ntime: {lateness: 0s}\n"

static void open_sales(struct pipe *k, const char *language)
{
    struct buf y = {0};

    buf_fmt(&y, HEAD "language: %s\n", language);
    buf_str(&y,
            "funnels:\n  销售:\n    stages:\n"
            "      - {id: lead, name: 线索, target: 50%, owner: '李, \"老\"', note: 'see below'}\n"
            "      - {id: contact, name: 接触}\n      - won\n"
            "    lost: [lost]\n    dims: {channel: {}}\n    breakdowns: [owner]\n");
    pipe_open(k, buf_cstr(&y), 1);
    buf_deinit(&y);
    for (int i = 0; i < 4; i++) {
        pipe_say(k,
                 "{\"entity_id\":%d,\"stage\":\"lead\",\"ts\":%" PRId64
                 ",\"amount\":\"12.34\",\"owner\":\"li\","
                 "\"dims\":{\"channel\":\"a,b\\\"c\\n\"}}",
                 i, T0 + i);
        if (i < 3)
            pipe_say(k,
                     "{\"entity_id\":%d,\"stage\":\"%s\",\"ts\":%" PRId64 ",\"reason\":\"q\\\"x\"}",
                     i, i < 2 ? "contact" : "lost", T0 + 1000 + i);
    }
    pipe_end(k);
}

static void write_report(struct pipe *k, enum report_format format, struct buf *out)
{
    struct report_options options = {.format = format, .cohort = CALENDAR_WEEK};

    report_write(k->p, &options, out);
}

Test(report, json_is_json_and_adds_up)
{
    const char *end = NULL;
    struct buf text = {0};
    const cJSON *step;
    struct pipe k;
    cJSON *j;

    open_sales(&k, "en");
    write_report(&k, REPORT_JSON, &text);
    j = cJSON_ParseWithOpts(buf_cstr(&text), &end, 0);
    cr_assert(j != NULL && strcmp(end, "\n") == 0, "%s", text.data);
    step = cJSON_GetArrayItem(cJSON_GetObjectItem(j, "steps"), 0);
    cr_expect(eq(int, cJSON_GetObjectItem(step, "entered")->valueint, 4));
    cr_expect(eq(int, cJSON_GetObjectItem(step, "advanced")->valueint, 2));
    cr_expect(eq(int, cJSON_GetObjectItem(step, "lost")->valueint, 1));
    cr_expect(eq(int, cJSON_GetObjectItem(step, "open")->valueint, 1));
    cr_expect(
        eq(int, cJSON_GetObjectItem(cJSON_GetObjectItem(j, "lost_reasons"), "q\"x")->valueint, 1));
    cr_expect(eq(
        str,
        cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(j, "stages"), 0), "stock_amount")
            ->valuestring,
        "12.34"));
    cr_expect(
        eq(str,
           cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(j, "cohorts"), 0), "name")
               ->valuestring,
           "2024-W12"));
    cr_expect(eq(int, cJSON_GetArraySize(cJSON_GetObjectItem(j, "targets")), 1));
    cJSON_Delete(j);
    buf_deinit(&text);
    pipe_close(&k);
}

/* Columns a terminal would use: here everything is ASCII or CJK of three bytes. */
static size_t columns_until(const char *line, const char *at)
{
    size_t n = 0;

    for (const char *p = line; p < at; p++)
        n += (*p & 0xc0) == 0x80 ? 0 : (unsigned char)*p >= 0xe3 ? 2 : 1;
    return n;
}

Test(report, the_table_lines_up_in_chinese)
{
    struct buf text = {0};
    const char *head, *row, *percent;
    struct pipe k;

    open_sales(&k, "zh");
    write_report(&k, REPORT_TABLE, &text);
    head = strstr(buf_cstr(&text), "步骤");
    row = strstr(text.data, "线索 -> 接触");
    cr_assert(head && row, "%s", text.data);
    percent = strstr(row, "50.0 %");
    cr_assert(percent != NULL);
    /* Right-aligned: a column's cells end at one place. */
    cr_expect(columns_until(head, strstr(head, "转化率") + strlen("转化率")) ==
                  columns_until(row, percent + strlen("50.0 %")),
              "%s", text.data);
    buf_deinit(&text);
    pipe_close(&k);
}

Test(report, csv_quotes_what_needs_it)
{
    struct buf text = {0};
    struct pipe k;

    open_sales(&k, "en");
    write_report(&k, REPORT_CSV, &text);
    cr_expect(strncmp(buf_cstr(&text), "funnel,segment,from,to,entered,", 31) == 0);
    cr_expect(strstr(text.data, "\r\n销售,,lead,contact,4,0,0,2,1,0,0,0,0,1,0.5,") != NULL, "%s",
              text.data);
    cr_expect(strstr(text.data, "\r\n销售,\"channel=a,b\"\"c\n\",lead,contact,4,") != NULL, "%s",
              text.data);
    cr_expect(strstr(text.data, ",\"李, \"\"老\"\"\",see below\r\n") != NULL, "%s", text.data);
    buf_deinit(&text);
    pipe_close(&k);
}

Test(report, of_nothing)
{
    const enum report_format formats[] = {REPORT_JSON, REPORT_TABLE, REPORT_CSV};
    struct pipe k;

    pipe_open(&k, HEAD "funnels: {f: {stages: [a, b]}, g: {stages: [a, b]}}\n", 1);
    for (int i = 0; i < 3; i++) {
        struct report_options options = {.format = formats[i], .cohort = -1, .funnel = "g"};
        struct buf text = {0};

        report_write(k.p, &options, &text);
        cr_expect(text.len > 0);
        if (i == 0)
            cr_expect(strncmp(buf_cstr(&text),
                              "{\"funnel\":\"g\",\"from\":null,\"to\":null,\"events\":0", 45) == 0,
                      "%s", text.data);
        buf_deinit(&text);
    }
    pipe_close(&k);
}
