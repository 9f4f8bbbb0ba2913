/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/reconcile.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static struct reconcile_table *table;

static void begin(void)
{
    table = reconcile_table_new("our group");
}

static void end(void)
{
    reconcile_table_free(table);
}

TestSuite(reconcile, .init = begin, .fini = end);

static bool take_of(const char *key, const char *value, const char *source)
{
    return reconcile_table_take(table, span_of(key), span_of(value), span_of(source));
}

static bool take(const char *key, const char *status, int sequence)
{
    char value[256];

    snprintf(value, sizeof(value),
             "{\"status\":\"%s\",\"fingerprint\":\"%s\",\"rule\":{\"kind\":\"target\"},"
             "\"sequence\":%d}",
             status, key, sequence);
    return take_of(key, value, "funneld/our%20group");
}

/* "key=sequence " of what is firing. */
static const char *firing(void)
{
    static struct buf text;
    struct reconcile_alert *alerts;
    size_t count = reconcile_table_firing(table, &alerts);

    buf_clear(&text);
    for (size_t i = 0; i < count; i++)
        buf_fmt(&text, "%.*s%s ", (int)alerts[i].key_len, alerts[i].key,
                strrchr(alerts[i].value, ':'));
    reconcile_alerts_free(alerts, count);
    return buf_cstr(&text);
}

Test(reconcile, the_last_record_of_each_key_counts)
{
    take("b", "firing", 1);
    take("a", "firing", 1);
    take("c", "firing", 1);
    take("a", "updated", 2);
    take("c", "resolved", 2);
    take("d", "resolved", 4);
    cr_assert_str_eq(firing(), "a:2} b:1} ");
    cr_assert_str_eq(firing(), "", "they were taken out");
    take("c", "firing", 3);
    cr_assert_str_eq(firing(), "c:3} ");
    cr_assert_eq(reconcile_table_skipped(table), 0);
}

Test(reconcile, another_groups_alerts_are_not_ours)
{
    const char *value = "{\"status\":\"firing\",\"fingerprint\":\"a\"}";

    cr_assert(take_of("a", value, "funneld/other"));
    cr_assert(take_of("a", value, "funneld/our"));
    cr_assert(take_of("a", value, NULL));
    cr_assert_str_eq(firing(), "");
    cr_assert_eq(reconcile_table_skipped(table), 0);
    cr_assert(take_of("a", value, "funneld/our%20group"));
    cr_assert_str_neq(firing(), "");
}

Test(reconcile, what_is_no_alert)
{
    static const char *const values[] = {
        "",
        "x",
        "[]",
        "1",
        "{\"status\":\"firing\",\"fingerprint\":\"b\"}",
        "{\"status\":\"?\",\"fingerprint\":\"a\"}",
        "{\"fingerprint\":\"a\"}",
        "\xff",
        "{\"status\":\"firing\",\"fingerprint\":\"a\"",
        "[[[[[[[[[[[[]]]]]]]]]]]]",
    };
    size_t n = sizeof(values) / sizeof(values[0]);
    struct span source = span_of("funneld/our%20group");
    char *huge = malloc(RECONCILE_VALUE_MAX + 1), key[RECONCILE_KEY_MAX + 1];

    take("a", "firing", 1);
    for (size_t i = 0; i < n; i++)
        cr_assert(take_of("a", values[i], "funneld/our%20group"));
    cr_assert_eq(reconcile_table_skipped(table), n);
    memset(huge, ' ', RECONCILE_VALUE_MAX + 1);
    memset(key, 'k', sizeof(key));
    reconcile_table_take(table, span_of("a"), (struct span){huge, RECONCILE_VALUE_MAX + 1}, source);
    reconcile_table_take(table, (struct span){key, sizeof(key)}, span_of("{}"), source);
    reconcile_table_take(table, SPAN_NONE, span_of("{}"), source);
    cr_assert_eq(reconcile_table_skipped(table), n + 3);
    /* Known, and nothing to resolve. */
    cr_assert(take_of("a", NULL, "funneld/our%20group"));
    cr_assert(take_of("h", "{\"heartbeat\":1}", "funneld/our%20group"));
    cr_assert(take_of("i",
                      "{\"status\":\"firing\",\"fingerprint\":\"i\","
                      "\"rule\":{\"kind\":\"intervention\"}}",
                      "funneld/our%20group"));
    cr_assert_eq(reconcile_table_skipped(table), n + 3);
    cr_assert_str_eq(firing(), "a:1} ", "noise under its key ends no alert");
    free(huge);
}

Test(reconcile, bounded)
{
    char *value = malloc(RECONCILE_VALUE_MAX + 1);
    struct span source = span_of("funneld/our%20group");
    size_t n = 0;

    for (bool ok = true; ok; n++) {
        char head[64];
        int len = snprintf(head, sizeof(head), "{\"status\":\"firing\",\"fingerprint\":\"%zu\"", n);
        char key[16];

        memset(value, ' ', RECONCILE_VALUE_MAX);
        memcpy(value, head, (size_t)len);
        value[RECONCILE_VALUE_MAX - 1] = '}';
        snprintf(key, sizeof(key), "%zu", n);
        ok = reconcile_table_take(table, span_of(key), (struct span){value, RECONCILE_VALUE_MAX},
                                  source);
        cr_assert(n < 2 * RECONCILE_BYTES_MAX / RECONCILE_VALUE_MAX);
    }
    cr_assert(n > RECONCILE_BYTES_MAX / RECONCILE_VALUE_MAX / 2);
    free(value);
}
