/* SPDX-License-Identifier: Apache-2.0 */
/* A change in several values of one dimension: the alert is of the whole, and marks them. */
#include <cJSON.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY)
#define BEGIN (T0 + 9 * DAY)
#define BACK (BEGIN + 6 * HOUR)
#define END (BACK + 6 * HOUR)
#define VALUES 4

static const char yaml[] = PIPE_KAFKA
    "inputs: [{topic: in, no_data: off}]\n"
    "time: {lateness: 0s, pane: 5m, zone: UTC}\n"
    "funnels: {f: {stages: [a, b], window: 2h, dims: {channel: {values: [c0, c1, c2, c3]}},\n"
    "  rules: [{id: drop, kind: drop}]}}\n";

static void say(struct pipe *k, int id, const char *stage, int64_t at)
{
    char text[200];

    snprintf(text, sizeof(text),
             "{\"entity_id\":%d,\"stage\":\"%s\",\"ts\":%" PRId64
             ",\"dims\":{\"channel\":\"c%d\"}}",
             id, stage, at, id % VALUES);
    pipe_log_add(&k->log, 0, -1, text);
}

/* Two entries a minute, of the channels in turn; those that convert do within a minute, 40 % of them, from BEGIN to
 * BACK rate[channel]. */
static void tell(struct pipe *k, const double rate[VALUES])
{
    struct dice d = {1};
    int id = 1;

    for (int64_t at = T0; at < END; at += MINUTE / 2, id++) {
        say(k, id, "a", at);
        if (dice_chance(&d, at >= BEGIN && at < BACK ? rate[id % VALUES] : 0.4))
            say(k, id, "b", at + 1 + dice_below(&d, MINUTE / 4));
    }
    pipe_feed(k);
}

/* "drop firing: c0 c2": of the last turn, and which of its segments are marked, in the order of the values. */
static const char *last_turn(const struct pipe *k)
{
    static char text[100];
    struct span value = record_value_of(&k->out, &k->out.items[k->out.count - 1]);
    cJSON *turn = cJSON_ParseWithLength(value.p, value.len), *part;
    char where[VALUES + 1] = "----";

    cJSON_ArrayForEach (part, cJSON_GetObjectItem(turn, "attribution")) {
        const char *segment = cJSON_GetStringValue(cJSON_GetObjectItem(part, "segment"));

        if (cJSON_IsTrue(cJSON_GetObjectItem(part, "affected")))
            where[segment[strlen("channel=c")] - '0'] = 'x';
    }
    snprintf(text, sizeof(text), "%s, labels %zu, %s",
             cJSON_GetStringValue(cJSON_GetObjectItem(turn, "status")),
             (size_t)cJSON_GetArraySize(cJSON_GetObjectItem(turn, "labels")), where);
    cJSON_Delete(turn);
    return text;
}

static void expect(const double rate[VALUES], const char *expected)
{
    struct pipe k;

    pipe_open(&k, yaml, 1);
    tell(&k, rate);
    cr_assert(k.out.count > 0, "nothing was found");
    cr_expect(strcmp(last_turn(&k), expected) == 0, "expected '%s', got '%s'", expected,
              last_turn(&k));
    pipe_close(&k);
}

Test(detect_values, three_of_four)
{
    expect((double[]){0.1, 0.4, 0.1, 0.1}, "resolved, labels 4, x-xx");
}

Test(detect_values, all_of_them)
{
    expect((double[]){0.1, 0.1, 0.1, 0.1}, "resolved, labels 4, ----");
}

Test(detect_values, one_is_named_by_the_labels)
{
    expect((double[]){0.4, 0.4, 0.05, 0.4}, "resolved, labels 5, --x-");
}
