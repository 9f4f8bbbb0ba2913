/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/metrics.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "shell/notify.h"

static size_t name_length(const char *p)
{
    size_t n = 0;

    while (isalnum((unsigned char)p[n]) || p[n] == '_')
        n++;
    return n;
}

/* name, or name{label="value",…}: returns what follows it. */
static const char *sample_name(const char *p)
{
    p += name_length(p);
    if (*p != '{')
        return p;
    do {
        p++;
        p += name_length(p);
        cr_assert_eq(strncmp(p, "=\"", 2), 0, "%.40s", p);
        for (p += 2; *p != '"'; p++) {
            cr_assert(*p && *p != '\n', "label value does not end");
            if (*p == '\\')
                cr_assert(strchr("\\\"n", *++p), "unknown escape");
        }
        p++;
    } while (*p == ',');
    cr_assert_eq(*p, '}');
    return p + 1;
}

/* Every sample stands below HELP and TYPE of its name, once; every line is one of the three forms. */
static void check_format(char *text)
{
    char name[128] = "";
    int heads = 0;

    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *end;

        if (strncmp(line, "# HELP ", 7) == 0) {
            snprintf(name, sizeof(name), "%.*s", (int)name_length(line + 7), line + 7);
            cr_assert(strlen(line) > 8 + strlen(name), "help is empty: %s", line);
            heads++;
            continue;
        }
        if (strncmp(line, "# TYPE ", 7) == 0) {
            cr_assert_eq(strncmp(line + 7, name, strlen(name)), 0, "%s", line);
            cr_assert(strstr(line, " counter") || strstr(line, " gauge"), "%s", line);
            continue;
        }
        cr_assert_eq(strncmp(line, name, strlen(name)), 0, "%s is not below its head", line);
        cr_assert_eq(name_length(line), strlen(name), "%s", line);
        end = (char *)(uintptr_t)sample_name(line);
        cr_assert_eq(*end, ' ', "%s", line);
        strtod(end + 1, &end);
        cr_assert_eq(*end, '\0', "%s", line);
    }
    cr_assert(heads > METRIC_COUNT + COUNTER_COUNT);
}

static const struct metrics_part parts[] = {
    {"orders", 0, 12, 0, 100, 1700000000123},
    {"we\"ird\\top\nic", 1, -1, 5, 0, INT64_MIN},
};

Test(metrics, format)
{
    struct counters counters = {.n = {[COUNTER_MESSAGES] = UINT64_MAX}};
    struct pipeline_gauges gauges = {.closed = {-1}};
    struct metrics_view v = {.state = "running",
                             .version = "1.2.3",
                             .counters = &counters,
                             .gauges = &gauges,
                             .parts = parts,
                             .part_count = 2};
    struct buf out = {0};

    v.shell[METRIC_COMMIT_SECONDS] = 1e-7;
    metrics_write(&v, &out);
    cr_assert_not_null(strstr(buf_cstr(&out), "funneld_messages_total 18446744073709551615\n"));
    cr_assert_not_null(
        strstr(out.data, "funneld_partition_lag{topic=\"orders\",partition=\"0\"} 12\n"));
    cr_assert_null(strstr(out.data, "lag{topic=\"we"), "an unknown lag is left out");
    cr_assert_not_null(strstr(out.data, "{topic=\"we\\\"ird\\\\top\\nic\",partition=\"1\"} 5\n"));
    cr_assert_not_null(strstr(out.data, "closed_timestamp_seconds -0.001\n"));
    cr_assert_not_null(strstr(out.data, "} 1700000000.123\n"));
    check_format(out.data);
    buf_deinit(&out);
}

Test(metrics, before_there_is_a_pipeline)
{
    struct metrics_view v = {.state = "starting", .version = "1.2.3"};
    struct buf out = {0};

    metrics_write(&v, &out);
    cr_assert_not_null(strstr(buf_cstr(&out), "funneld_ready 0\n"));
    buf_deinit(&out);
}

Test(notify, alive_means_the_drain_path_moves)
{
    struct notify_pulse before = {.drains = 5, .messages = 9}, now = before;

    cr_assert_not(notify_is_alive(&before, &now), "the loop turns, but nothing is drained");
    now.drains = 6;
    cr_assert(notify_is_alive(&before, &now), "nothing was there");
    before.queued = now.queued = 3;
    cr_assert_not(notify_is_alive(&before, &now), "messages wait and none is taken");
    now.messages = 10;
    cr_assert(notify_is_alive(&before, &now));
    now = (struct notify_pulse){.idle = true};
    cr_assert(notify_is_alive(&before, &now));
}
