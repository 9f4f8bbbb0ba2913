/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/heartbeat.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "lib/pipe_kit.h"

static struct records out;

static void clear(void)
{
    records_deinit(&out);
}

TestSuite(heartbeat, .fini = clear);

static char *header(size_t i, const char *name)
{
    return (char *)pipe_header(&out, i, name);
}

Test(heartbeat, is_a_record_of_the_alert_topic)
{
    struct buf text = {0};
    struct span value, key;

    heartbeat_put(&out, "team \"a\"", 1772413200500, 60000, "1.2.3");
    cr_assert_eq(out.count, 1);
    cr_expect_eq(out.items[0].target, RECORD_ALERT);
    cr_expect_eq(out.items[0].timestamp, 1772413200500);
    key = record_key_of(&out, &out.items[0]);
    cr_expect(span_is(key, "heartbeat/team \"a\""));
    value = record_value_of(&out, &out.items[0]);
    buf_add(&text, value.p, value.len);
    cr_expect(eq(str, buf_cstr(&text),
                 (char *)"{\"status\":\"alive\",\"group\":\"team \\\"a\\\"\","
                         "\"at\":\"2026-03-02T01:00:00.500Z\",\"every_ms\":60000,"
                         "\"version\":\"1.2.3\"}"));
    cr_expect(eq(str, header(0, "ce_type"), (char *)"io.funneld.heartbeat"));
    cr_expect(eq(str, header(0, "ce_source"), (char *)"funneld/team%20%22a%22"));
    cr_expect(eq(str, header(0, "ce_time"), (char *)"2026-03-02T01:00:00.500Z"));
    buf_deinit(&text);
}

Test(heartbeat, its_id_is_of_the_group_and_the_time)
{
    char ids[4][40];

    heartbeat_put(&out, "a", 1000, 60000, "1");
    heartbeat_put(&out, "a", 1000, 60000, "1");
    heartbeat_put(&out, "a", 1001, 60000, "1");
    heartbeat_put(&out, "b", 1000, 60000, "1");
    for (size_t i = 0; i < 4; i++)
        strncpy(ids[i], header(i, "ce_id"), sizeof(ids[i]));
    cr_expect_eq(strlen(ids[0]), 32);
    cr_expect_str_eq(ids[0], ids[1]);
    cr_expect_str_neq(ids[0], ids[2]);
    cr_expect_str_neq(ids[0], ids[3]);
}
