/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/alert.h"
#include "funnel/json_tree.h"

#define HOUR INT64_C(3600000)
#define MONDAY INT64_C(1772413200000) /* 2026-03-02T01:00:00Z */

static const struct alert_dim dims[] = {{{"channel", 7}, {"a\"d/s", 5}}};

static struct alert firing(void)
{
    return (struct alert){
        .status = ALERT_STATUS_FIRING,
        .group = "fun neld",
        .funnel = "sales",
        .step = "checkout>paid",
        .from_name = "Checkout",
        .to_name = "Paid",
        .dims = dims,
        .dim_count = 1,
        .rule_id = "paid-target",
        .rule_kind = RULE_TARGET,
        .rule_hash = UINT64_C(0x0123456789abcdef),
        .severity = "warning",
        .at = {MONDAY + HOUR},
        .starts_at = {MONDAY + HOUR},
        .ends_at = ETIME_NONE,
        .from = {MONDAY},
        .to = {MONDAY + HOUR},
        .zone = "UTC",
        .measure = MEASURE_THROUGHPUT,
        .entries = 101,
        .conversions = 25,
        .rate = 0.24752475247524752,
        .low = 1.7364843078641157e-7,
        .high = NAN,
        .expected_rate = 0.6,
        .expected_conversions = 60.6,
        .expected_source = "target",
        .effect_absolute = -0.3524752475247525,
        .effect_relative = -0.5874587458745875,
        .lost_conversions = 35.6,
        .statistic = 7.23,
        .threshold = 2.326347874,
        .budget = NAN,
        .change_point = ETIME_NONE,
        .maturity = NAN,
        .watermark = {MONDAY + HOUR},
        .complete = true,
        .sequence = 9,
        .language = LANGUAGE_EN,
        .amount_decimals = 2,
    };
}

static struct records published, closed;

static void done(void)
{
    records_deinit(&published);
    records_deinit(&closed);
}

TestSuite(alert_close, .fini = done);

static struct span key_of(const struct records *r)
{
    return record_key_of(r, &r->items[0]);
}

static struct span value_of(const struct records *r)
{
    return record_value_of(r, &r->items[0]);
}

static bool close_at(const struct alert *a, int64_t at, int language)
{
    records_clear(&published);
    records_clear(&closed);
    alert_put(&published, a);
    return alert_close_put(&closed, key_of(&published), value_of(&published), "state_lost",
                           (struct etime){at}, a->group, language);
}

/* `text` with its first `old` replaced. */
static char *with(char *text, const char *old, const char *new)
{
    char *at = strstr(text, old), *result;
    size_t size = strlen(text) + strlen(new) + 1;

    cr_assert_not_null(at, "no %s in %s", old, text);
    result = malloc(size);
    snprintf(result, size, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    free(text);
    return result;
}

static const char *header_of(const struct records *r, const char *wanted)
{
    static char text[512];
    const char *name;
    struct span value;
    size_t at = 0;

    while (record_header_next(r, &r->items[0], &at, &name, &value)) {
        if (strcmp(name, wanted) == 0) {
            snprintf(text, sizeof(text), "%.*s", (int)value.len, value.p);
            return text;
        }
    }
    return "none";
}

Test(alert_close, changes_what_must_be_and_nothing_else)
{
    struct alert a = firing();
    char *expected, *got;

    cr_assert(close_at(&a, MONDAY + 2 * HOUR, LANGUAGE_EN));
    cr_assert_eq(closed.count, 1);
    expected = strndup(value_of(&published).p, value_of(&published).len);
    expected = with(expected, "\"status\":\"firing\"", "\"status\":\"resolved\"");
    expected = with(expected, "\"summary\":\"",
                    "\"summary\":\"The alert was closed (the daemon's state was lost): ");
    expected = with(expected, "\"endsAt\":null", "\"endsAt\":\"2026-03-02T03:00:00.000Z\"");
    expected = with(expected, "\"endsReason\":null", "\"endsReason\":\"state_lost\"");
    expected = with(expected, "\"sequence\":9", "\"sequence\":10");
    got = strndup(value_of(&closed).p, value_of(&closed).len);
    cr_assert_str_eq(got, expected);
    cr_assert(span_equal(key_of(&closed), key_of(&published)));
    cr_assert_eq(closed.items[0].timestamp, MONDAY + 2 * HOUR);
    cr_assert_eq(closed.items[0].target, RECORD_ALERT);
    free(expected);
    free(got);
}

Test(alert_close, headers_as_the_machine_would_have_written_them)
{
    static const char *const names[] = {"ce_specversion", "ce_id",   "ce_type",     "ce_source",
                                        "ce_subject",     "ce_time", "content-type"};
    struct alert a = firing(), b = firing();
    struct records expected = {0};

    b.status = ALERT_STATUS_RESOLVED;
    b.at = b.ends_at = (struct etime){MONDAY + 2 * HOUR};
    b.ends_reason = "state_lost";
    b.sequence = 10;
    alert_put(&expected, &b);
    cr_assert(close_at(&a, MONDAY + 2 * HOUR, LANGUAGE_EN));
    cr_assert_eq(closed.items[0].header_count, 7);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char want[512];

        snprintf(want, sizeof(want), "%s", header_of(&expected, names[i]));
        cr_assert_str_neq(want, "none");
        cr_assert_str_eq(header_of(&closed, names[i]), want);
    }
    records_deinit(&expected);
}

Test(alert_close, never_ends_before_it_began)
{
    struct alert a = firing();

    a.status = ALERT_STATUS_UPDATED;
    cr_assert(close_at(&a, MONDAY - HOUR, LANGUAGE_ZH));
    cr_assert_eq(closed.items[0].timestamp, MONDAY + HOUR);
    cr_assert_str_eq(header_of(&closed, "ce_time"), "2026-03-02T02:00:00.000Z");
}

Test(alert_close, what_is_no_firing_alert)
{
    static const char *const edits[][2] = {
        {"\"status\":\"firing\"", "\"status\":\"resolved\""},
        {"\"status\":\"firing\"", "\"status\":1"},
        {"\"status\":", "\"statuS\":"},
        {"\"fingerprint\":\"", "\"fingerprint\":\"0"},
        {"\"labels\":{", "\"labels\":[],\"x\":{"},
        {"\"labels\":{", "\"labels\":{\"n\":1,"},
        {"\"summary\":\"", "\"summary\":{},\"x\":\""},
        {"\"sequence\":9", "\"sequence\":1e3"},
        {"\"sequence\":9", "\"sequence\":-9"},
        {"\"sequence\":9", "\"sequence\":9999999999"},
        {"\"hash\":\"0123456789abcdef\"", "\"hash\":\"0123456789abcdeg\""},
        {"\"hash\":\"0123456789abcdef\"", "\"hash\":null"},
        {"\"to\":\"", "\"to\":\"x"},
        {"\"startsAt\":\"", "\"startsAt\":\"x"},
        {"\"endsReason\":null,", ""},
        {"{", "["},
        {"\"sequence\":9}", "\"sequence\":9"},
    };
    struct alert a = firing();

    cr_assert(close_at(&a, MONDAY, LANGUAGE_EN));
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        char *text = strndup(value_of(&published).p, value_of(&published).len);

        text = with(text, edits[i][0], edits[i][1]);
        records_clear(&closed);
        cr_assert_not(alert_close_put(&closed, key_of(&published), span_of(text), "state_lost",
                                      a.at, "g", LANGUAGE_EN),
                      "%s", edits[i][1]);
        cr_assert_eq(closed.count, 0);
        free(text);
    }
    cr_assert_not(alert_close_put(&closed, key_of(&published), SPAN_NONE, "x", a.at, "g", 0));
    cr_assert_not(alert_close_put(&closed, SPAN_NONE, value_of(&published), "x", a.at, "g", 0));
    cr_assert_not(alert_close_put(&closed, span_of("bbb8edd1cfb973f2"), value_of(&published), "x",
                                  a.at, "g", 0),
                  "another key");
}

Test(alert_close, any_cut_is_refused)
{
    struct alert a = firing();
    struct span value;

    cr_assert(close_at(&a, MONDAY, LANGUAGE_EN));
    value = value_of(&published);
    for (uint32_t n = 0; n < value.len; n++) {
        records_clear(&closed);
        cr_assert_not(alert_close_put(&closed, key_of(&published), (struct span){value.p, n}, "x",
                                      a.at, "g", LANGUAGE_EN));
    }
}
