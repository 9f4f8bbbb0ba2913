/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/probe.h"

#include <string.h>

#include <criterion/criterion.h>

#include "shell/exit_codes.h"

static struct settings_input inputs[] = {{.topic = "a"}, {.topic = "b"}};
static const struct settings settings = {.inputs = {inputs, 2}};
static const struct pipeline_source sources[] = {{"a", 0, 0}, {"a", 1, 0}, {"b", 0, 1}};
static struct probe_part parts[3];
static struct probe_topic topics[2];
static struct probe_result result = {.parts = parts, .topics = topics};
static char why[512];

static void good(void)
{
    for (size_t i = 0; i < 3; i++)
        parts[i] = (struct probe_part){.low = 5, .high = 20, .at = 1000, .asked_next = 20};
    topics[0] = (struct probe_topic){.partitions = 2};
    topics[1] = (struct probe_topic){.partitions = 1};
}
TestSuite(probe, .init = good);

static void expect(enum probe_verdict verdict, int code, const char *text)
{
    int found;

    cr_assert_eq(probe_judge(&result, &settings, sources, 3, &found, why), verdict);
    cr_assert_eq(found, code);
    if (text)
        cr_assert_not_null(strstr(why, text), "%s", why);
}

Test(probe, fine)
{
    expect(PROBE_FINE, EXIT_OK, NULL);
    parts[0].high = 100;
    expect(PROBE_FINE, EXIT_OK, NULL);
}

Test(probe, never_answered_is_no_finding)
{
    parts[0] = (struct probe_part){.low = -1, .high = -1, .at = INT64_MIN, .asked_next = 20};
    topics[0].partitions = -1;
    expect(PROBE_FINE, EXIT_OK, NULL);
}

Test(probe, partitions_grew_or_shrank)
{
    topics[0].partitions = 3;
    expect(PROBE_PARTITIONS, EXIT_PARTITIONS, "a: the topic has 3 partitions now, not 2");
    topics[0].partitions = 1;
    expect(PROBE_PARTITIONS, EXIT_PARTITIONS, "1 partitions now, not 2");
    topics[0] = (struct probe_topic){RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, 0, 0};
    expect(PROBE_FINE, EXIT_OK, NULL);
}

Test(probe, a_topic_must_be_missed_twice)
{
    topics[1] = (struct probe_topic){RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, 0, 1};
    expect(PROBE_FINE, EXIT_OK, NULL);
    topics[1].misses = 2;
    expect(PROBE_TOPIC_MISSING, EXIT_RESET, "b: the topic does not exist any more");
}

Test(probe, a_log_must_be_short_twice)
{
    parts[1].high = 7;
    parts[1].shorts = 1;
    expect(PROBE_FINE, EXIT_OK, NULL);
    parts[1].shorts = 2;
    expect(PROBE_RESET, EXIT_RESET, "a/1: the log ends at offset 7, 20 was read");
}

Test(probe, where_a_lost_offset_went)
{
    cr_assert_eq(probe_lost_offset(&parts[0], 4, 999), EXIT_GAP);
    cr_assert_eq(probe_lost_offset(&parts[0], 21, 999), EXIT_RESET);
    cr_assert_eq(probe_lost_offset(&parts[0], 12, 999), EXIT_RESET, "a new log, longer by now");
    cr_assert_eq(probe_lost_offset(&parts[0], 21, 1000), EXIT_OK, "asked before it was lost");
    parts[0].low = parts[0].high = -1;
    parts[0].at = INT64_MIN;
    cr_assert_eq(probe_lost_offset(&parts[0], 21, 0), EXIT_OK, "nobody knows yet");
}

Test(probe, when_it_is_due)
{
    const struct settings_time slow = {.idle_after = 30000}, quick = {.idle_after = 1000},
                               instant = {.idle_after = 0};

    cr_assert_eq(probe_due(INT64_MIN, false, &slow), INT64_MIN, "at once");
    cr_assert_eq(probe_due(7, false, &slow), 7 + PROBE_EVERY_MS);
    cr_assert_eq(probe_due(7, true, &slow), 7 + PROBE_SOON_MS);
    cr_assert_eq(probe_due(7, true, &quick), 7 + 500);
    cr_assert_eq(probe_due(7, true, &instant), 7 + 100);
}
