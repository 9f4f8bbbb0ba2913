/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the control topic: as decisions, and as the list of silences. */
#include <criterion/criterion.h>
#include <string.h>

#include "funnel/control.h"
#include "lib/settings_kit.h"
#include "shell/control_in.h"
#include "shell/control_topic.h"

#define SILENCE(id, from, to) \
    "{\"kind\":\"silence\",\"id\":\"" id "\",\"from\":\"2026-03-02T" from \
    ":00Z\",\"to\":\"2026-03-02T" to ":00Z\",\"matchers\":{\"funnel\":\"f\"}}"
#define NOW ((struct etime){INT64_C(1772413200000)}) /* 01:00 */

static const char *refused(const char *value, struct decision *ret)
{
    struct settings *s = kit_parse(KIT_SMALL);
    struct message m = {.value = span_of(value)};
    const char *why = "";
    bool taken = control_in_decision(s, &m, 77, ret, &why);

    cr_expect_eq(taken, !why);
    settings_free(s);
    return why;
}

Test(control_in, a_record_becomes_a_decision)
{
    static const char text[] = SILENCE("x", "01:00", "02:00");
    struct decision d = {.seq = 5};

    cr_expect_null(refused(text, &d));
    cr_expect_eq(d.kind, DECISION_CONTROL);
    cr_expect_eq(d.source, DECISION_JUDGES);
    cr_expect_eq(d.at, 77);
    cr_expect_eq(d.seq, 0);
    cr_expect_eq(d.text.p, text);
    cr_expect_eq(d.text.len, strlen(text));
}

Test(control_in, before_the_first_pane_there_is_a_place_too)
{
    struct settings *s = kit_parse(KIT_SMALL);
    struct message m = {.value = span_of("{\"kind\":\"expire\",\"id\":\"x\"}")};
    struct decision d;
    const char *why;

    cr_assert(control_in_decision(s, &m, INT64_MIN, &d, &why));
    cr_expect_eq(d.at, ETIME_MIN_MS);
    settings_free(s);
}

Test(control_in, what_means_nothing_is_refused)
{
    struct decision d = {.seq = 5};

    cr_expect(strstr(refused(NULL, &d), "empty") != NULL); /* a tombstone */
    cr_expect(strstr(refused("{", &d), "no JSON") != NULL);
    cr_expect(strstr(refused("{\"kind\":\"intervention\",\"id\":\"x\",\"funnel\":\"g\","
                             "\"at\":\"2026-03-02T01:00:00Z\"}",
                             &d),
                     "no such funnel") != NULL);
    cr_expect_eq(d.seq, 5); /* untouched */
}

Test(control_list, the_last_word_counts)
{
    static const char *const records[] = {
        SILENCE("over", "00:00", "01:00"),
        SILENCE("late", "03:00", "04:00"),
        SILENCE("x", "00:00", "02:00"),
        SILENCE("expired", "00:00", "02:00"),
        "{\"kind\":\"expire\",\"id\":\"expired\"}",
        "nonsense",
        "{\"kind\":\"intervention\",\"id\":\"b\",\"funnel\":\"g\",\"at\":\"2026-03-02T01:00:00Z\"}",
        SILENCE("cut", "00:00", "02:00"),
        SILENCE("cut", "00:00", "00:30"),
        SILENCE("a", "00:00", "02:00"),
        SILENCE("x", "00:00", "02:30"),
    };
    static const char *const left[] = {"a", "x", "late"};
    struct control_list l = {0};

    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
        control_list_take(&l, NOW, span_of(records[i]));
    control_list_sort(&l);
    cr_assert_eq(l.count, 3);
    for (size_t i = 0; i < 3; i++)
        cr_expect(span_is(l.items[i].control.id, left[i]), "%zu is not %s", i, left[i]);
    cr_expect_eq(l.items[1].control.to.ms, NOW.ms + 90 * 60000);
    cr_expect_eq(l.unreadable, 1);
    control_list_deinit(&l);
}
