/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "funnel/control.h"
#include "lib/settings_kit.h"

#define SILENCE_TIMES "\"from\":\"2026-03-02T01:00:00Z\",\"to\":\"2026-03-02T02:00:00Z\""
#define SILENCE(rest) "{\"kind\":\"silence\",\"id\":\"s-1\"," SILENCE_TIMES rest "}"
#define MATCH ",\"matchers\":{\"funnel\":\"sales\"}"
#define MARK(rest) \
    "{\"kind\":\"intervention\",\"id\":\"i-1\",\"at\":\"2026-03-02T01:00:00Z\"" rest "}"

static const char *parse(const char *text, struct buf *scratch, struct control *ret)
{
    /* Its own memory to the byte, for the sanitizer. */
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    const char *wrong;

    memcpy(copy, text, n);
    wrong = control_parse((struct span){copy, (uint32_t)n}, scratch, ret);
    free(copy);
    return wrong;
}

/* Said again in its canonical form. */
static void expect_canonical(const char *text, const char *canonical)
{
    struct buf scratch = {0}, out = {0};
    struct control c;
    const char *wrong = parse(text, &scratch, &c);

    cr_assert(wrong == NULL, "%s: %s", text, wrong);
    control_write(&c, &out);
    cr_expect(eq(str, buf_cstr(&out), (char *)canonical));
    buf_deinit(&scratch);
    buf_deinit(&out);
}

Test(control, a_silence)
{
    struct buf scratch = {0};
    struct control c;

    cr_assert(parse(" {\"matchers\":{\"step\":\"a>b\",\"channel\":\"a\\u0064s\"},\"to\":"
                    "\"2026-03-02T10:00:00+08:00\",\"from\":\"2026-03-02T01:00:00.5Z\","
                    "\"id\":\"s-1\",\"comment\":\"up\\ngrade\",\"kind\":\"silence\"}\n",
                    &scratch, &c) == NULL);
    cr_expect(eq(int, (int)c.kind, CONTROL_SILENCE));
    cr_expect(eq(str, (char *)c.id.p, "s-1"));
    cr_expect(eq(i64, c.from.ms, INT64_C(1772413200500)));
    cr_expect(eq(i64, c.to.ms, INT64_C(1772416800000)));
    cr_assert(eq(sz, c.matcher_count, 2));
    cr_expect(eq(str, (char *)c.matchers[0].label.p, "channel")); /* by name */
    cr_expect(eq(str, (char *)c.matchers[0].value.p, "ads"));
    cr_expect(eq(str, (char *)c.comment.p, "up\ngrade"));
    cr_expect(eq(ptr, (void *)c.author.p, NULL));
    buf_deinit(&scratch);
}

Test(control, one_canonical_form)
{
    expect_canonical(SILENCE(",\"author\":\"li\",\"matchers\":{\"step\":\"a>b\",\"funnel\":\"f\"}"),
                     "{\"kind\":\"silence\",\"id\":\"s-1\",\"from\":\"2026-03-02T01:00:00.000Z\","
                     "\"to\":\"2026-03-02T02:00:00.000Z\","
                     "\"matchers\":{\"funnel\":\"f\",\"step\":\"a>b\"},\"author\":\"li\"}");
    expect_canonical(" { \"id\":\"\\u0041~!\" ,\"kind\":\"expire\"}",
                     "{\"kind\":\"expire\",\"id\":\"A~!\"}");
    expect_canonical(
        MARK(",\"funnel\":\"sales\""),
        "{\"kind\":\"intervention\",\"id\":\"i-1\",\"at\":\"2026-03-02T01:00:00.000Z\","
        "\"funnel\":\"sales\"}");
    expect_canonical(
        MARK(",\"window\":\"90m\",\"comment\":\"\",\"step\":\"a>b\",\"funnel\":\"s\""),
        "{\"kind\":\"intervention\",\"id\":\"i-1\",\"at\":\"2026-03-02T01:00:00.000Z\","
        "\"funnel\":\"s\",\"step\":\"a>b\",\"window\":\"1h30m\",\"comment\":\"\"}");
}

#define EIGHT \
    "\"a\":\"1\",\"b\":\"1\",\"c\":\"1\",\"d\":\"1\",\"e\":\"1\",\"f\":\"1\",\"g\":\"1\",\"h\":\"1\""
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

Test(control, what_is_no_record)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        {"", "empty"},
        {"{", "no JSON"},
        {"{}}", "no JSON"},
        {"{\"kind\":\"expire\",\"id\":\"\xff\"}", "no JSON"},
        {"{\"kind\":\"expire\",\"id\":\"\\u0000\"}", "no JSON"},
        {"{\"kind\":\"expire\",\"id\":\"x\",\"comment\":{\"a\":{}}}", "no JSON"}, /* too deep */
        {"[]", "no JSON object"},
        {"1", "no JSON object"},
        {"{}", "kind is missing"},
        {"{\"id\":\"x\"}", "kind is missing"},
        {"{\"kind\":1,\"id\":\"x\"}", "kind is no text"},
        {"{\"kind\":\"mute\",\"id\":\"x\"}", "kind is none of"},
        {"{\"kind\":\"expire\"}", "id is missing"},
        {"{\"kind\":\"expire\",\"id\":\"\"}", "id is no text"},
        {"{\"kind\":\"expire\",\"id\":\"a b\"}", "id is no text"},
        {"{\"kind\":\"expire\",\"id\":\"\\u007f\"}", "id is no text"},
        {"{\"kind\":\"expire\",\"id\":\"\xc3\xa4\"}", "id is no text"},
        {"{\"kind\":\"expire\",\"id\":7}", "id is no text"},
        {"{\"kind\":\"expire\",\"id\":\"x" X64 "\"}", "id is no text"},
        {"{\"kind\":\"expire\",\"id\":\"x\",\"id\":\"x\"}", "a key stands twice"},
        {"{\"kind\":\"expire\",\"id\":\"x\",\"Id\":\"x\"}", "unknown key"},
        {"{\"kind\":\"expire\",\"id\":\"x\",\"to\":\"2026-03-02T02:00:00Z\"}", "does not have"},
        {"{\"kind\":\"expire\",\"id\":\"x\",\"author\":null}", "author is no text"},
        {"{\"kind\":\"expire\",\"id\":\"x\",\"comment\":1}", "comment is no text"},
        {"{\"kind\":\"silence\",\"id\":\"x\"" MATCH "}", "from is missing"},
        {SILENCE(""), "matchers are missing"},
        {SILENCE(",\"matchers\":[]"), "matchers are no object"},
        {SILENCE(",\"matchers\":{}"), "no matcher"},
        {SILENCE(",\"matchers\":{\"a\":1}"), "no label with a text"},
        {SILENCE(",\"matchers\":{\"a\":\"\"}"), "no label with a text"},
        {SILENCE(",\"matchers\":{\"\":\"a\"}"), "no label with a text"},
        {SILENCE(",\"matchers\":{\"a\":\"1\",\"b\":\"1\",\"a\":\"1\"}"), "a label stands twice"},
        {SILENCE(",\"matchers\":{" EIGHT ",\"i\":\"1\"}"), "more than 8"},
        {SILENCE(MATCH ",\"at\":\"2026-03-02T02:00:00Z\""), "does not have"},
        {"{\"kind\":\"silence\",\"id\":\"x\",\"from\":\"now\",\"to\":\"2026-03-02T02:00:00Z\"" MATCH
         "}",
         "from is no RFC 3339"},
        {"{\"kind\":\"silence\",\"id\":\"x\",\"from\":\"2026-03-02T02:00:00Z\",\"to\":1" MATCH "}",
         "to is no RFC 3339"},
        {"{\"kind\":\"silence\",\"id\":\"x\",\"from\":\"2026-03-02T02:00:00Z\","
         "\"to\":\"2026-03-02T02:00:00Z\"" MATCH "}",
         "to is not after from"},
        {"{\"kind\":\"intervention\",\"id\":\"x\",\"funnel\":\"f\"}", "at is missing"},
        {MARK(""), "funnel is missing"},
        {MARK(",\"funnel\":\"\""), "funnel is no name"},
        {MARK(",\"funnel\":[]"), "funnel is no name"},
        {MARK(",\"funnel\":\"f\",\"step\":\"\""), "step is no name"},
        {MARK(",\"funnel\":\"f\",\"window\":\"1 h\""), "window is no duration"},
        {MARK(",\"funnel\":\"f\",\"window\":\"0s\""), "window is no duration"},
        {MARK(",\"funnel\":\"f\",\"window\":\"off\""), "window is no duration"},
        {MARK(",\"funnel\":\"f\",\"window\":3600}"), "no JSON"},
        {MARK(",\"funnel\":\"f\",\"matchers\":{\"a\":\"b\"}"), "does not have"},
    };
    struct buf scratch = {0};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct control c = {.matcher_count = 77};
        const char *wrong = parse(cases[i].text, &scratch, &c);

        cr_expect(wrong && strstr(wrong, cases[i].wrong), "%s: %s, not %s", cases[i].text,
                  wrong ? wrong : "nothing wrong", cases[i].wrong);
        cr_expect(eq(sz, c.matcher_count, 77)); /* untouched */
    }
    buf_deinit(&scratch);
}

Test(control, its_length_is_bounded)
{
    struct buf text = {0}, scratch = {0};
    struct control c;

    buf_str(&text, "{\"kind\":\"expire\",\"id\":\"x\"");
    while (text.len < DECISION_TEXT_MAX - 1)
        buf_char(&text, ' ');
    buf_char(&text, '}');
    cr_expect(control_parse((struct span){text.data, (uint32_t)text.len}, &scratch, &c) == NULL);
    buf_char(&text, ' ');
    cr_expect(control_parse((struct span){text.data, (uint32_t)text.len}, &scratch, &c) != NULL);
    cr_expect(control_parse(SPAN_NONE, &scratch, &c) != NULL);
    buf_deinit(&text);
    buf_deinit(&scratch);
}

/* --- against settings --- */

#define SETTINGS \
    KIT_HEAD \
    "funnels: {f: {stages: [a, b, c], windows: [{calendar: day}, 1h, 1d], dims: {channel: {}}}}\n"

static void expect_check(const char *text, const char *wrong)
{
    struct settings *s = kit_parse(SETTINGS);
    struct buf scratch = {0};
    struct control c;
    const char *said;

    cr_assert(parse(text, &scratch, &c) == NULL);
    said = control_check(&c, s);
    cr_expect(wrong ? said && strstr(said, wrong) : !said, "%s: %s", text, said ? said : "nothing");
    buf_deinit(&scratch);
    settings_free(s);
}

Test(control, labels_that_no_alert_has)
{
    expect_check(SILENCE(",\"matchers\":{\"alertname\":\"x\",\"severity\":\"x\",\"funnel\":\"x\","
                         "\"step\":\"x\",\"source\":\"x\",\"channel\":\"x\"}"),
                 NULL);
    expect_check(SILENCE(",\"matchers\":{\"funnel\":\"f\",\"chanel\":\"x\"}"), "no alert has");
    expect_check("{\"kind\":\"expire\",\"id\":\"x\"}", NULL);
}

Test(control, interventions_that_mean_nothing)
{
    struct settings *s = kit_parse(SETTINGS);
    struct buf scratch = {0};
    struct control c;

    expect_check(MARK(",\"funnel\":\"f\""), NULL);
    expect_check(MARK(",\"funnel\":\"f\",\"step\":\"b>c\",\"window\":\"24h\""), NULL);
    expect_check(MARK(",\"funnel\":\"f\",\"step\":\"overall\""), NULL);
    expect_check(MARK(",\"funnel\":\"g\""), "no such funnel");
    expect_check(MARK(",\"funnel\":\"f\",\"step\":\"a>c\""), "no such step");
    expect_check(MARK(",\"funnel\":\"f\",\"window\":\"2h\""), "window is none of");
    cr_assert(parse(MARK(",\"funnel\":\"f\""), &scratch, &c) == NULL);
    cr_expect(eq(int, control_window(&c, &s->funnels.items[0]), 1)); /* the first of fixed length */
    c.window_ms = 86400000;
    cr_expect(eq(int, control_window(&c, &s->funnels.items[0]), 2));
    buf_deinit(&scratch);
    settings_free(s);
}
