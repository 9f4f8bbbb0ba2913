/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/decode_lines.h"

Test(decode_presets, cloudevents_structured)
{
    struct kit_settings k;

    kit_init(&k, PRESET_CLOUDEVENTS, "channel owner");
    EXPECT_LINES(
        &k,
        {TEXT(
             "{\"specversion\":\"1.0\",\"type\":\"deal\",\"source\":\"/crm\",\"id\":\"e-1\",\"subject\":\"deal-1\","
             "\"time\":\"2024-02-29T12:34:56.789Z\",\"data\":{\"stage\":\"lead\",\"amount\":5,"
             "\"owner\":\"li\",\"dims\":{\"channel\":\"ads\"}}}"),
         "#0 stage entity=deal-1 stage=lead at=" AT " amount=500 id=e-1 channel=ads owner=li\n"},
        {TEXT(
             "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"subject\":\"deal-1\",\"time\":\"2000-01-01T00:00:00Z\","
             "\"data\":{\"stage\":\"lead\",\"entity_id\":7,\"ts\":1,\"op\":\"r\"}}"),
         "#0 seed entity=7 stage=lead at=1000 id=e-1\n"},
        {TEXT("{\"specversion\":\"1.0\",\"stage\":\"lead\",\"entity_id\":7,\"ts\":1}"),
         "#0 unmapped entity_id @0\n"},
        {TEXT("{\"specversion\":\"1.0\",\"subject\":\"\",\"data\":{}}"),
         "#0 token entity_id @31\n"},
        {TEXT("{\"specversion\":\"1.0\",\"subject\":\"x\",\"time\":1,\"data\":{\"stage\":1}}"),
         "#0 type ts @42\n"},
        {TEXT("{\"specversion\":\"1.0\",\"subject\":\"x\",\"time\":\"1\",\"data\":{\"stage\":1}}"),
         "#0 time ts @42\n"},
        {TEXT("{\"specversion\":\"1.0\",\"subject\":\"x\",\"data\":\"{}\"}"),
         "#0 unmapped stage @0\n"},
        {TEXT("{\"entity_id\":7,\"stage\":\"lead\",\"ts\":1}"), "#0 unmapped specversion @0\n"},
        {TEXT("{\"specversion\":null}"), "#0 unmapped specversion @0\n"},
        {TEXT("[]"), "#0 unmapped specversion @0\n"});
    expect(&k, SPAN_NONE, "#0 unmapped specversion @0\n");
    k.input.map.entity_id.from = "/data/deal/id";
    expect(
        &k,
        TEXT(
            "{\"specversion\":\"1.0\",\"time\":\"2024-02-29T12:34:56.789Z\",\"data\":{\"stage\":\"s\","
            "\"deal\":{\"id\":9}}}"),
        "#0 stage entity=9 stage=s at=" AT "\n");
}

Test(decode_presets, cloudevents_binary)
{
    static const struct message_header headers[] = {
        {TEXT("ce_specversion"), TEXT("1.0")},
        {TEXT("ce_id"), TEXT("e-9")},
        {TEXT("ce_time"), TEXT("2024-02-29T12:34:56.789Z")},
        {TEXT("ce_subject"), TEXT("deal-9")},
    };
    struct message m = {.value = TEXT("{\"stage\":\"lead\"}"),
                        .headers = headers,
                        .header_count = 4,
                        .timestamp = -1};
    struct kit_settings k;

    kit_init(&k, PRESET_CLOUDEVENTS, "");
    expect_message(&k, m, "#0 stage entity=deal-9 stage=lead at=" AT " id=e-9\n");
    m.value = TEXT("{\"stage\":\"lead\",\"entity_id\":1,\"ts\":2}");
    expect_message(&k, m, "#0 stage entity=1 stage=lead at=2000 id=e-9\n");
    m.value = TEXT(
        "{\"specversion\":\"1.0\",\"data\":{\"stage\":\"lead\"}}"); /* the headers decide */
    expect_message(&k, m, "#0 unmapped stage @0\n");
    m.value = TEXT("no json");
    expect_message(&k, m, "#0 malformed - @1\n"); /* it began like null */
    m.value = SPAN_NONE;
    expect_message(&k, m, "#0 unmapped stage @0\n");
    m.header_count = 3;
    m.value = TEXT("{\"stage\":\"lead\"}");
    expect_message(&k, m, "#0 unmapped entity_id @0\n");
}

#define SOURCE "\"source\":{\"ts_ms\":" AT "},\"ts_ms\":1"

Test(decode_presets, debezium_rows)
{
    struct kit_settings k;

    kit_init(&k, PRESET_DEBEZIUM, "channel owner");
    EXPECT_LINES(
        &k,
        {TEXT(
             "{\"before\":null,\"after\":{\"id\":4711,\"stage\":\"lead\",\"amount\":\"12.50\",\"owner\":\"li\","
             "\"channel\":\"ads\"}," SOURCE ",\"op\":\"c\"}"),
         "#0 stage entity=4711 stage=lead at=" AT " amount=1250 channel=ads owner=li\n"},
        {TEXT(
             "{\"before\":{\"id\":4711,\"stage\":\"lead\"},\"after\":{\"id\":4711,\"stage\":\"won\"}," SOURCE
             ",\"op\":\"u\"}"),
         "#0 stage entity=4711 stage=won at=" AT "\n"},
        {TEXT("{\"before\":null,\"after\":{\"id\":4711,\"stage\":\"won\"}," SOURCE
              ",\"op\":\"r\"}"),
         "#0 seed entity=4711 stage=won at=" AT "\n"},
        {TEXT("{\"before\":{\"id\":4711,\"stage\":\"won\"},\"after\":null," SOURCE
              ",\"op\":\"d\"}"),
         "#0 delete entity=4711 stage=won at=" AT "\n"},
        {TEXT(
             "{\"schema\":{\"type\":\"struct\"},\"payload\":{\"before\":null,\"after\":{\"id\":4711,"
             "\"stage\":\"lead\"}," SOURCE ",\"op\":\"c\"}}"),
         "#0 stage entity=4711 stage=lead at=" AT "\n"},
        /* A column called payload does not make a wrapper. */
        {TEXT("{\"payload\":1,\"after\":{\"id\":4711,\"stage\":\"lead\"}," SOURCE ",\"op\":\"c\"}"),
         "#0 stage entity=4711 stage=lead at=" AT "\n"},
        {TEXT("{\"after\":{\"id\":4711,\"stage\":\"lead\"},\"op\":\"c\",\"ts_ms\":1}"),
         "#0 unmapped ts @0\n"},
        {TEXT("{\"after\":{\"id\":1.5,\"stage\":\"lead\"}," SOURCE ",\"op\":\"c\"}"),
         "#0 token entity_id @15\n"},
        {TEXT("{\"schema\":0,\"payload\":{\"after\":{\"id\":1,\"stage\":[]}," SOURCE
              ",\"op\":\"c\"}}"),
         "#0 type stage @47\n"});
}

Test(decode_presets, debezium_without_a_row)
{
    struct kit_settings k;

    kit_init(&k, PRESET_DEBEZIUM, "");
    EXPECT_LINES(&k, {TEXT("{}"), "#0 unmapped entity_id @0\n"},
                 {TEXT("{\"ts_ms\":1709210096789}"), "#0 unmapped entity_id @0\n"},
                 {TEXT("{\"schema\":{},\"payload\":{\"ts_ms\":1}}"), "#0 unmapped entity_id @0\n"},
                 {TEXT("{" SOURCE
                       ",\"databaseName\":\"crm\",\"ddl\":\"CREATE TABLE t\",\"tableChanges\":[]}"),
                  "#0 unmapped entity_id @0\n"},
                 {TEXT("{\"op\":\"t\"," SOURCE ",\"before\":null,\"after\":null}"),
                  "#0 unmapped entity_id @0\n"},
                 {TEXT("{\"op\":\"m\"," SOURCE ",\"message\":{\"prefix\":\"p\"}}"),
                  "#0 unmapped entity_id @0\n"},
                 {TEXT("{\"op\":\"c\"," SOURCE ",\"after\":[1]}"), "#0 unmapped entity_id @0\n"},
                 {TEXT("[]"), "#0 unmapped entity_id @0\n"},
                 {TEXT("1"), "#0 unmapped entity_id @0\n"});
}

Test(decode_presets, debezium_tombstones)
{
    struct message m = {.key = TEXT("{\"id\":4711}"), .timestamp = 1709210096789};
    struct kit_settings k;

    kit_init(&k, PRESET_DEBEZIUM, "owner");
    expect_message(&k, m, "#0 delete entity=4711 at=" AT "\n");
    m.key = TEXT("{\"schema\":{\"type\":\"struct\",\"fields\":[]},\"payload\":{\"id\":4711}}");
    expect_message(&k, m, "#0 delete entity=4711 at=" AT "\n");
    m.key = TEXT("4711");
    expect_message(&k, m, "#0 delete entity=4711 at=" AT "\n");
    m.key = TEXT("{\"id\":4711}");
    m.value = TEXT("null");
    expect_message(&k, m, "#0 delete entity=4711 at=" AT "\n");
    m.value = TEXT("{\"schema\":null,\"payload\":null}");
    expect_message(&k, m, "#0 delete entity=4711 at=" AT "\n");
    m.value = SPAN_NONE;
    m.key = SPAN_NONE;
    expect_message(&k, m, "#0 unmapped entity_id @0\n");
    m.key = TEXT("{\"id\":1.5}");
    expect_message(&k, m, "#0 token entity_id @0\n");
    m.key = TEXT("\xFF");
    expect_message(&k, m, "#0 utf8 entity_id @0\n");
    m.key = TEXT("{\"id\":4711}");
    m.timestamp = -1;
    expect_message(&k, m, "#0 unmapped ts @0\n");
    m.timestamp = ETIME_MAX_MS + 1;
    expect_message(&k, m, "#0 time ts @0\n");
    m.timestamp = 5;
    k.input.map.ts.fallback = "1970-01-01T00:00:09Z";
    expect_message(&k, m, "#0 delete entity=4711 at=9000\n");
}

Test(decode_presets, debezium_deletes_fall_back_to_the_key)
{
    struct message m = {.value = TEXT("{\"before\":null," SOURCE ",\"op\":\"d\"}"),
                        .key = TEXT("{\"tenant\":1,\"deal_id\":\"x\"}"),
                        .timestamp = 5};
    struct kit_settings k;

    kit_init(&k, PRESET_DEBEZIUM, "");
    expect_message(&k, m, "#0 unmapped entity_id @0\n"); /* two members, none of them id */
    k.input.map.entity_id.from = "/after/deal_id";
    expect_message(&k, m, "#0 delete entity=x at=" AT "\n");
    m.value = SPAN_NONE;
    expect_message(&k, m, "#0 delete entity=x at=5\n");
    /* Only deletes: another row without its id is a mistake in the mapping. */
    m.value = TEXT("{\"after\":{\"stage\":\"s\"}," SOURCE ",\"op\":\"u\"}");
    expect_message(&k, m, "#0 unmapped entity_id @0\n");
}

Test(decode_presets, debezium_mapped_pointers_are_into_the_whole_message)
{
    struct kit_settings k;

    kit_init(&k, PRESET_DEBEZIUM, "");
    k.input.map.entity_id.from = "/payload/after/deal_id";
    k.input.map.stage.from = "/payload/after/status";
    k.input.map.ts = (struct settings_source){.from = "/payload/after/changed",
                                              .format = FORMAT_EPOCH_US};
    k.input.map.op.constant = "r";
    expect(&k,
           TEXT("{\"schema\":{},\"payload\":{\"after\":{\"deal_id\":8,\"status\":\"won\","
                "\"changed\":1709210096789000},\"op\":\"c\"}}"),
           "#0 seed entity=8 stage=won at=" AT "\n");
}
