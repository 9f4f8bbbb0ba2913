/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/ready.h"

#include <cjson/cJSON.h>
#include <string.h>

#include <criterion/criterion.h>

static bool ready_of(const struct ready_view *v, const char *reason)
{
    struct buf out = {0};
    bool ready = ready_write(v, &out);
    cJSON *root = cJSON_Parse(buf_cstr(&out));
    const cJSON *reasons = cJSON_GetObjectItem(root, "reasons");

    cr_assert_not_null(root, "%s", out.data);
    cr_assert_eq(cJSON_IsTrue(cJSON_GetObjectItem(root, "ready")), ready);
    cr_assert_eq(cJSON_GetArraySize(reasons), ready ? 0 : 1, "%s", out.data);
    if (reason)
        cr_assert_not_null(strstr(out.data, reason), "%s", out.data);
    cJSON_Delete(root);
    buf_deinit(&out);
    return ready;
}

static const struct ready_view running = {.life = LIFE_RUNNING,
                                          .parts = 2,
                                          .slowest = {"ev", 1, 1700000000000},
                                          .others_have_events = true};

Test(ready, running)
{
    cr_assert(ready_of(&running, "\"watermark\":\"2023-11-14T22:13:20Z\""));
}

Test(ready, each_reason)
{
    struct ready_view v = running;

    v.life = LIFE_STARTING;
    v.note = "waiting for topic \"x\"";
    cr_assert_not(ready_of(&v, "waiting for topic \\\"x\\\""));
    v.life = LIFE_REBUILDING;
    v.waiting = 1;
    cr_assert_not(ready_of(&v, "1 of 2 partitions"));
    v.waiting = v.parts = 0;
    cr_assert_not(ready_of(&v, "loading"));
    v = running;
    v.life = LIFE_DRAINING;
    cr_assert_not(ready_of(&v, "stopping"));
    v = running;
    v.brokers_down = true;
    cr_assert_not(ready_of(&v, "no broker"));
    v = running;
    v.aborts = READY_ABORTS - 1;
    cr_assert(ready_of(&v, NULL), "twice may happen");
    v.aborts = READY_ABORTS;
    v.abort_reason = "commit_transaction: no";
    v.commit_ms = READY_COMMIT_MS * 9;
    cr_assert_not(ready_of(&v, "3 attempts to commit failed: commit_transaction: no"));
    v.aborts = 0;
    cr_assert_not(ready_of(&v, "since 90 s"));
    v = running;
    v.deadletters_refused = "TOPIC_AUTHORIZATION_FAILED";
    cr_assert_not(ready_of(&v, "TOPIC_AUTHORIZATION_FAILED"));
    v = running;
    v.input = (struct ready_input){"orders", "TOPIC_AUTHORIZATION_FAILED"};
    cr_assert_not(ready_of(&v, "orders cannot be read: TOPIC_AUTHORIZATION_FAILED"));
    v.input.error = NULL;
    v.alerts_refused = "INVALID_RECORD";
    cr_assert_not(ready_of(&v, "INVALID_RECORD"));
}

Test(ready, a_partition_without_events_is_named)
{
    struct ready_view v = running;

    v.slowest.watermark = INT64_MIN;
    cr_assert_not(ready_of(&v, "ev/1 has had no event"));
    v.others_have_events = false;
    cr_assert(ready_of(&v, "\"watermark\":null"), "nothing has begun yet");
}
