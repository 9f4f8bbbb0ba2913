/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/decode_lines.h"

Test(decode, a_whole_plain_event)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "channel region owner vip");
    expect(
        &k,
        TEXT("{\"entity_id\":\"deal-4711\",\"funnel\":\"sales\",\"stage\":\"方案\","
             "\"ts\":\"2024-02-29T20:34:56.789+08:00\",\"amount\":\"1250.50\",\"owner\":\"李雷\","
             "\"event_id\":\"e-1\",\"reason\":\"price\",\"entered_at\":1700000000,\"op\":\"c\","
             "\"dims\":{\"channel\":\"ads\",\"region\":12,\"vip\":true,\"other\":[1]},\"x\":{}}"),
        "#0 stage entity=deal-4711 funnel=sales stage=方案 at=" AT
        " amount=125050 id=e-1 reason=price"
        " entered_at=1700000000000 channel=ads region=12 owner=李雷 vip=true\n");
}

Test(decode, the_least_plain_event)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "channel owner");
    EXPECT_LINES(
        &k,
        {TEXT("{\"entity_id\":4711,\"stage\":3,\"ts\":" AT "}"),
         "#0 stage entity=4711 stage=3 at=" AT "\n"},
        {TEXT("\n{\"ts\":\"" AT "\" , \"stage\":\"s\",\"entity_id\":\"4711\"}\n"),
         "#0 stage entity=4711 stage=s at=" AT "\n"},
        {TEXT(
             "{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"amount\":null,\"owner\":null,\"dims\":null,"
             "\"op\":null,\"event_id\":null,\"funnel\":null,\"reason\":null,\"entered_at\":null}"),
         "#0 stage entity=1 stage=s at=0\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"dims\":{\"channel\":null}}"),
         "#0 stage entity=1 stage=s at=0\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"dims\":[\"ads\"]}"),
         "#0 stage entity=1 stage=s at=0\n"});
}

Test(decode, ops)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "");
    EXPECT_LINES(&k,
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"op\":\"r\"}"),
                  "#0 seed entity=1 stage=s at=0\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"op\":\"d\"}"),
                  "#0 delete entity=1 stage=s at=0\n"},
                 {TEXT("{\"entity_id\":1,\"ts\":0,\"op\":\"d\"}"), "#0 delete entity=1 at=0\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"op\":\"\"}"),
                  "#0 stage entity=1 stage=s at=0\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"op\":\"R\"}"),
                  "#0 stage entity=1 stage=s at=0\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"op\":1}"), "#0 type op @39\n"},
                 {TEXT("{\"entity_id\":1,\"ts\":0,\"op\":\"r\"}"), "#0 unmapped stage @0\n"},
                 {TEXT("{\"ts\":0,\"op\":\"d\"}"), "#0 unmapped entity_id @0\n"},
                 {TEXT("{\"entity_id\":1,\"op\":\"d\"}"), "#0 unmapped ts @0\n"});
}

Test(decode, what_is_no_json)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "");
    EXPECT_LINES(&k, {TEXT(""), "#0 malformed - @0\n"}, {TEXT("hello"), "#0 malformed - @0\n"},
                 {TEXT("{\"entity_id\":1,}"), "#0 malformed - @15\n"},
                 {TEXT("{\"entity_id\":01}"), "#0 malformed - @14\n"},
                 {TEXT("{\"entity_id\":1}{}"), "#0 malformed - @15\n"},
                 {TEXT("{\"entity_id\":\"a\xFF\"}"), "#0 utf8 - @15\n"},
                 {TEXT("{\"entity_id\":\"a\\u0000\"}"), "#0 utf8 - @15\n"},
                 {TEXT("{\"x\":\"\\ud800\"}"), "#0 utf8 - @6\n"});
}

Test(decode, what_is_json_but_no_event)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "");
    EXPECT_LINES(
        &k, {TEXT("null"), "#0 unmapped entity_id @0\n"}, {TEXT("7"), "#0 unmapped entity_id @0\n"},
        {TEXT("\"x\""), "#0 unmapped entity_id @0\n"}, {TEXT("[]"), "#0 unmapped entity_id @0\n"},
        {TEXT("{}"), "#0 unmapped entity_id @0\n"},
        {TEXT("{\"Entity_id\":1}"), "#0 unmapped entity_id @0\n"},
        {TEXT("{\"entity_id\":null,\"stage\":\"s\",\"ts\":0}"), "#0 unmapped entity_id @0\n"},
        {TEXT("{\"entity_id\":1,\"ts\":0}"), "#0 unmapped stage @0\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\"}"), "#0 unmapped ts @0\n"});
    expect(&k, SPAN_NONE, "#0 unmapped entity_id @0\n");
}

Test(decode, wrong_types_with_field_and_byte)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "channel owner");
    EXPECT_LINES(
        &k, {TEXT("{\"entity_id\":true,\"stage\":\"s\",\"ts\":0}"), "#0 type entity_id @13\n"},
        {TEXT("{\"entity_id\":{\"a\":1},\"stage\":\"s\",\"ts\":0}"), "#0 type entity_id @13\n"},
        {TEXT("{\"entity_id\":1,\"stage\":false,\"ts\":0}"), "#0 type stage @23\n"},
        {TEXT("{\"entity_id\":1,\"stage\":[\"s\"],\"ts\":0}"), "#0 type stage @23\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":true}"), "#0 type ts @32\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":[0]}"), "#0 type ts @32\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"amount\":{}}"), "#0 type amount @43\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"funnel\":{}}"), "#0 type funnel @43\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"reason\":[]}"), "#0 type reason @43\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"event_id\":true}"),
         "#0 type event_id @45\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"entered_at\":{}}"),
         "#0 type entered_at @47\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"owner\":{}}"), "#0 type owner @42\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"dims\":{\"channel\":[1]}}"),
         "#0 type dims.channel @52\n"});
}

Test(decode, tokens_that_are_none)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "channel");
    EXPECT_LINES(
        &k, {TEXT("{\"entity_id\":\"\",\"stage\":\"s\",\"ts\":0}"), "#0 token entity_id @13\n"},
        {TEXT("{\"entity_id\":1.0,\"stage\":\"s\",\"ts\":0}"), "#0 token entity_id @13\n"},
        {TEXT("{\"entity_id\":1e3,\"stage\":\"s\",\"ts\":0}"), "#0 token entity_id @13\n"},
        {TEXT("{\"entity_id\":-0,\"stage\":\"s\",\"ts\":0}"), "#0 token entity_id @13\n"},
        {TEXT("{\"entity_id\":\"1.0\",\"stage\":\"s\",\"ts\":0}"),
         "#0 stage entity=1.0 stage=s at=0\n"},
        {TEXT("{\"entity_id\":-5,\"stage\":\"s\",\"ts\":0}"), "#0 stage entity=-5 stage=s at=0\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"\",\"ts\":0}"), "#0 token stage @23\n"},
        {TEXT("{\"entity_id\":1,\"stage\":1.5,\"ts\":0}"), "#0 token stage @23\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"dims\":{\"channel\":\"\"}}"),
         "#0 token dims.channel @52\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"dims\":{\"channel\":2.5}}"),
         "#0 token dims.channel @52\n"},
        {TEXT(
             "{\"entity_id\":12345678901234567890123456789012345678901234567890123456789012345678901,"
             "\"stage\":\"s\",\"ts\":0}"),
         "#0 stage entity=12345678901234567890123456789012345678901234567890123456789012345678901"
         " stage=s at=0\n"});
}

Test(decode, times_and_amounts_that_are_none)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "");
    EXPECT_LINES(&k, {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":\"\"}"), "#0 time ts @32\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":\"2023-02-29T00:00:00Z\"}"),
                  "#0 time ts @32\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":1e300}"), "#0 time ts @32\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":1.7e9}"),
                  "#0 stage entity=1 stage=s at=1700000000000\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"entered_at\":\"soon\"}"),
                  "#0 time entered_at @47\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"amount\":\"\"}"),
                  "#0 amount amount @43\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"amount\":\"1,5\"}"),
                  "#0 amount amount @43\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"amount\":1e99}"),
                  "#0 amount amount @43\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"amount\":0.29}"),
                  "#0 stage entity=1 stage=s at=0 amount=29\n"},
                 {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"amount\":-1.005e2}"),
                  "#0 stage entity=1 stage=s at=0 amount=-10050\n"});
}

Test(decode, bounds)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "");
    k.settings.limits.message = 40;
    k.settings.limits.depth = 2;
    k.settings.limits.id = 4;
    EXPECT_LINES(
        &k,
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"_\":1}"),
         "#0 stage entity=1 stage=s at=0\n"},
        {TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"__\":1}"), "#0 oversized - @40\n"},
        {TEXT("[[1],{\"a\":1}]"), "#0 unmapped entity_id @0\n"},
        {TEXT("[[1],{\"a\":[]}]"), "#0 depth - @10\n"},
        {TEXT("{\"entity_id\":\"12345\",\"stage\":1}"), "#0 token entity_id @13\n"},
        {TEXT("{\"entity_id\":12345,\"stage\":1}"), "#0 token entity_id @13\n"},
        {TEXT("{\"entity_id\":\"方1\",\"stage\":1,\"ts\":0}"),
         "#0 stage entity=方1 stage=1 at=0\n"},
        /* As it stands for, not as it is written: four bytes in twelve. */
        {TEXT("{\"entity_id\":\"\\u65b91\",\"stage\":1,\"ts\":0}"),
         "#0 stage entity=方1 stage=1 at=0\n"});
}

Test(decode, the_first_failure_in_the_order_of_fields_is_the_one)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "b a");
    EXPECT_LINES(
        &k,
        {TEXT(
             "{\"dims\":{\"a\":[],\"b\":[]},\"ts\":[],\"stage\":[],\"entity_id\":{},\"op\":[],\"amount\":[]}"),
         "#0 type op @63\n"},
        {TEXT(
             "{\"dims\":{\"a\":[],\"b\":[]},\"ts\":[],\"stage\":[],\"entity_id\":{},\"amount\":[]}"),
         "#0 type entity_id @55\n"},
        {TEXT("{\"dims\":{\"a\":[],\"b\":[]},\"ts\":[],\"entity_id\":1,\"amount\":[]}"),
         "#0 unmapped stage @0\n"},
        {TEXT("{\"dims\":{\"a\":[],\"b\":[]},\"ts\":[],\"stage\":1,\"entity_id\":1,\"amount\":[]}"),
         "#0 type ts @29\n"},
        {TEXT("{\"dims\":{\"a\":[],\"b\":[]},\"ts\":1,\"stage\":1,\"entity_id\":1}"),
         "#0 type dims.b @20\n"});
}

Test(decode, escapes_are_resolved)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "channel");
    EXPECT_LINES(
        &k,
        {TEXT(
             "{\"entity\\u005fid\":\"\\u0061\\\"\\/\\ud83d\\ude00\",\"stage\":\"\\u65b9案\",\"ts\":\"0\\u0030\","
             "\"dims\":{\"channel\":\"a\\\\b\"}}"),
         "#0 stage entity=a\"/😀 stage=方案 at=0 channel=a\\b\n"},
        {TEXT(
             "{\"entity_id\":1,\"stage\":1,\"ts\":\"2024-02-29\\u005412:34:56.789Z\",\"amount\":\"\\u0031\"}"),
         "#0 stage entity=1 stage=1 at=" AT " amount=100\n"});
}

Test(decode, of_duplicate_keys_the_first_counts)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "channel");
    EXPECT_LINES(
        &k,
        {TEXT("{\"entity_id\":1,\"entity_id\":{},\"stage\":\"a\",\"stage\":\"b\",\"ts\":1,\"ts\":2,"
              "\"dims\":{\"channel\":\"x\",\"channel\":\"y\"},\"dims\":{\"channel\":\"z\"}}"),
         "#0 stage entity=1 stage=a at=1000 channel=x\n"},
        {TEXT("{\"entity_id\":null,\"entity_id\":1,\"stage\":\"a\",\"ts\":1}"),
         "#0 unmapped entity_id @0\n"});
}

Test(decode, an_array_of_ids_is_an_event_each)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "channel");
    EXPECT_LINES(
        &k,
        {TEXT(
             "{\"entity_id\":[\"a\",2,\"\\u0063\",\"a\"],\"stage\":\"s\",\"ts\":0,\"event_id\":\"e\","
             "\"dims\":{\"channel\":\"x\"}}"),
         "#0 stage entity=a stage=s at=0 id=e channel=x\n#0 stage entity=2 stage=s at=0 id=e channel=x\n"
         "#0 stage entity=c stage=s at=0 id=e channel=x\n#0 stage entity=a stage=s at=0 id=e channel=x\n"},
        {TEXT("{\"entity_id\":[\"a\"],\"stage\":\"s\",\"ts\":0}"),
         "#0 stage entity=a stage=s at=0\n"},
        {TEXT("{\"entity_id\":[],\"stage\":\"s\",\"ts\":0}"), "#0 unmapped entity_id @13\n"},
        {TEXT("{\"entity_id\":[1,null],\"stage\":\"s\",\"ts\":0}"), "#0 type entity_id @16\n"},
        {TEXT("{\"entity_id\":[1,[2]],\"stage\":\"s\",\"ts\":0}"), "#0 type entity_id @16\n"},
        {TEXT("{\"entity_id\":[1, \"\"],\"stage\":\"s\",\"ts\":0}"), "#0 token entity_id @17\n"},
        {TEXT("{\"entity_id\":[1,2.0],\"stage\":\"s\",\"ts\":0}"), "#0 token entity_id @16\n"},
        {TEXT("{\"entity_id\":[1,2],\"stage\":\"s\",\"ts\":0,\"amount\":\"x\"}"),
         "#0 amount amount @47\n"});
}

Test(decode, an_array_has_at_most_64_ids)
{
    struct buf value = {0};
    struct kit_settings k;
    const char *text;
    size_t lines = 0;

    kit_init(&k, PRESET_PLAIN, "");
    buf_str(&value, "{\"stage\":\"s\",\"ts\":0,\"entity_id\":[0");
    for (int i = 1; i < 64; i++)
        buf_fmt(&value, ",%d", i);
    buf_str(&value, "]}");
    text = kit_decode(
        &k, &(struct message){.value = {value.data, (uint32_t)value.len}, .timestamp = -1}, 1);
    for (; *text; text++)
        lines += *text == '\n';
    cr_assert(eq(sz, lines, 64));

    value.len -= 2;
    buf_str(&value, ",64]}");
    expect(&k, (struct span){value.data, (uint32_t)value.len}, "#0 token entity_id @215\n");
    buf_deinit(&value);
}

Test(decode, a_failure_leaves_the_others_of_its_batch_alone)
{
    static const struct message batch[] = {
        {.value = TEXT(
             "{\"entity_id\":1,\"stage\":\"\\u0061\",\"ts\":1,\"dims\":{\"channel\":\"x\"}}"),
         .timestamp = -1},
        {.value = TEXT("{"), .timestamp = -1},
        {.value = TEXT("{\"entity_id\":[2,3],\"stage\":\"b\",\"ts\":2}"), .timestamp = -1},
        {.value = TEXT(
             "{\"entity_id\":[4,5],\"stage\":\"b\",\"ts\":\"x\",\"dims\":{\"channel\":\"y\"}}"),
         .timestamp = -1},
        {.value = SPAN_NONE, .timestamp = -1},
        {.value = TEXT("{\"entity_id\":\"\\u0036\",\"stage\":\"c\",\"ts\":3}"), .timestamp = -1},
    };
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "channel");
    cr_assert(eq(str, (char *)kit_decode(&k, batch, 6),
                 (char *)"#0 stage entity=1 stage=a at=1000 channel=x\n"
                         "#2 stage entity=2 stage=b at=2000\n#2 stage entity=3 stage=b at=2000\n"
                         "#5 stage entity=6 stage=c at=3000\n"
                         "#1 malformed - @1\n#3 time ts @36\n#4 unmapped entity_id @0\n"));
    cr_assert(eq(str, (char *)kit_decode(&k, NULL, 0), (char *)""));
}

Test(decode, a_decoder_forgets_its_last_batch)
{
    const struct message first = {
        .value = TEXT("{\"entity_id\":\"\\u0031\",\"stage\":\"s\",\"ts\":0}"), .timestamp = -1};
    const struct message second = {.value = TEXT("{\"ts\":0}"), .timestamp = -1};
    struct kit_settings k;
    struct decoder *d;
    const struct decoded *out;

    kit_init(&k, PRESET_PLAIN, "");
    d = decoder_new(&k.settings);
    out = decode_batch(d, &first, 1);
    cr_assert(eq(sz, out->event_count, 1));
    cr_assert(eq(sz, out->failure_count, 0));
    out = decode_batch(d, &second, 1);
    cr_assert(eq(sz, out->event_count, 0));
    cr_assert(eq(sz, out->failure_count, 1));
    decoder_free(d);
    decoder_free(NULL);
}

Test(decode, a_large_batch_grows_the_arrays_and_keeps_all_of_it)
{
    enum { COUNT = 3000 };
    struct message *messages = calloc(COUNT, sizeof(*messages));
    struct kit_settings k;
    struct decoder *d;
    const struct decoded *out;

    kit_init(&k, PRESET_PLAIN, "");
    for (size_t i = 0; i < COUNT; i++) {
        char text[80];
        int n = snprintf(text, sizeof(text),
                         "{\"entity_id\":\"\\u0065%zu\",\"stage\":%s,\"ts\":%zu}", i,
                         i % 3 ? "\"s\"" : "[]", i);

        messages[i].value = (struct span){strndup(text, (size_t)n), (uint32_t)n};
        messages[i].timestamp = -1;
    }
    d = decoder_new(&k.settings);
    out = decode_batch(d, messages, COUNT);
    cr_assert(eq(sz, out->event_count, COUNT / 3 * 2));
    cr_assert(eq(sz, out->failure_count, COUNT / 3));
    for (size_t i = 0; i < out->event_count; i++) {
        const struct event *e = &out->events[i];
        char name[16];

        snprintf(name, sizeof(name), "e%u", e->message);
        cr_assert(span_is(e->entity, name));
        cr_assert(eq(i64, e->at.ms, (int64_t)e->message * 1000));
    }
    decoder_free(d);
    for (size_t i = 0; i < COUNT; i++)
        free((char *)messages[i].value.p);
    free(messages);
}

Test(decode, inputs_differ)
{
    struct settings_input two[2] = {{.preset = PRESET_PLAIN}, {.preset = PRESET_DEBEZIUM}};
    const struct message batch[] = {
        {.value = TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0}"), .timestamp = -1, .input = 0},
        {.value = TEXT("{\"after\":{\"id\":2,\"stage\":\"s\"},"
                       "\"source\":{\"ts_ms\":" AT "}"
                       ",\"op\":\"c\"}"),
         .timestamp = -1,
         .input = 1},
        {.value = TEXT("{\"entity_id\":3,\"stage\":\"s\",\"ts\":0}"), .timestamp = -1, .input = 1},
    };
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "");
    k.settings.inputs.items = two;
    k.settings.inputs.count = 2;
    cr_assert(eq(str, (char *)kit_decode(&k, batch, 3),
                 (char *)"#0 stage entity=1 stage=s at=0\n#1 stage entity=2 stage=s at=" AT "\n"
                         "#2 unmapped entity_id @0\n"));
}

Test(decode, every_reason_has_its_word_and_text)
{
    for (int i = 0; i < REJECT_COUNT; i++) {
        const char *word = reject_word((enum reject)i);

        cr_assert(gt(sz, strlen(reject_text((enum reject)i)), 0));
        cr_assert(eq(sz, strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(word)));
        for (int j = 0; j < i; j++)
            cr_assert(ne(str, (char *)word, (char *)reject_word((enum reject)j)));
    }
    cr_assert(eq(str, (char *)reject_word(REJECT_MALFORMED), (char *)"malformed"));
    cr_assert(eq(str, (char *)reject_word(REJECT_SKIPPED), (char *)"skipped"));
}
