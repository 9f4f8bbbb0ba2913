/* SPDX-License-Identifier: Apache-2.0 */
/* What is found where, seen through the decoder. */
#include "lib/decode_lines.h"

Test(lookup, the_wire_prefix_is_skipped_and_counted)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "");
    EXPECT_LINES(
        &k,
        {TEXT("\0\0\0\0\7{\"entity_id\":1,\"stage\":\"s\",\"ts\":0}"),
         "#0 stage entity=1 stage=s at=0\n"},
        {TEXT("\0\0\0\0\7{\"entity_id\":1,\"stage\":\"\",\"ts\":0}"), "#0 token stage @28\n"},
        {TEXT("\0\0\0\0\7{\"entity_id\":1,}"), "#0 malformed - @20\n"},
        {TEXT("\0{{{{ {\"entity_id\":\"\xFF\"}"), "#0 utf8 - @20\n"},
        {TEXT("\0\0\0\0\7Obj"), "#0 malformed - @0\n"}, {TEXT("\0\0\0\0\7"), "#0 malformed - @0\n"},
        {TEXT("\0"), "#0 malformed - @0\n"}, {TEXT("\1\0\0\0\7{}"), "#0 malformed - @0\n"},
        {TEXT("\0\0\0\0{}"), "#0 malformed - @0\n"});
}

Test(lookup, sources_other_than_the_value)
{
    static const struct message_header headers[] = {
        {TEXT("stage"), TEXT("lead")}, {TEXT("stage"), TEXT("the second does not count")},
        {TEXT("nothing"), SPAN_NONE},  {TEXT("bad"), TEXT("\xC3(")},
        {TEXT("nul"), TEXT("a\0b")},   {TEXT("empty"), TEXT("")},
        {TEXT("price"), TEXT("12.5")},
    };
    struct message m = {.value = TEXT("{\"x\":{\"t\":1700000000}}"),
                        .key = TEXT("deal-1"),
                        .headers = headers,
                        .header_count = 7,
                        .timestamp = 1700000000123};
    struct kit_settings k;
    struct settings_map *map = &k.input.map;

    kit_init(&k, PRESET_PLAIN, "");
    map->entity_id.from = "key";
    map->stage.from = "header:stage";
    map->ts.from = "timestamp";
    expect_message(&k, m, "#0 stage entity=deal-1 stage=lead at=1700000000123\n");
    map->ts = (struct settings_source){.from = "/x/t", .format = FORMAT_EPOCH_MS};
    expect_message(&k, m, "#0 stage entity=deal-1 stage=lead at=1700000000\n");
    map->amount.from = "header:price";
    map->reason = (struct settings_source){.from = "/nowhere", .fallback = "none"};
    map->funnel = (struct settings_source){.constant = "sales"};
    map->event_id.from = "timestamp";
    expect_message(&k, m,
                   "#0 stage entity=deal-1 funnel=sales stage=lead at=1700000000 amount=1250"
                   " id=1700000000123 reason=none\n");
    map->reason.from = "header:empty";
    expect_message(&k, m, "#0 token reason @0\n");
    map->reason = (struct settings_source){.from = "header:nothing"};
    map->funnel.constant = NULL;
    map->funnel.from = "header:bad";
    expect_message(&k, m, "#0 utf8 funnel @0\n");
    map->funnel.from = "header:nul";
    expect_message(&k, m, "#0 utf8 funnel @0\n");
    map->funnel.from = "header:absent";
    map->stage.from = "header:Stage";
    expect_message(&k, m, "#0 unmapped stage @0\n");
    map->stage.from = "header:stage";
    map->ts = (struct settings_source){.from = "timestamp"};
    m.timestamp = -1;
    expect_message(&k, m, "#0 unmapped ts @0\n");
    m.timestamp = INT64_MAX;
    expect_message(&k, m, "#0 time ts @0\n");
    m.value = SPAN_NONE; /* nothing is needed from it */
    m.timestamp = 5;
    map->amount.from = NULL;
    expect_message(&k, m, "#0 stage entity=deal-1 stage=lead at=5 id=5\n");
}

Test(lookup, a_constant_is_held_to_the_same_rules)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "channel");
    k.input.map.amount.fallback = "a lot";
    expect(&k, TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0}"), "#0 amount amount @0\n");
    expect(&k, TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":0,\"amount\":1}"),
           "#0 stage entity=1 stage=s at=0 amount=100\n");
}

Test(lookup, time_formats)
{
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "");
    k.input.map.ts.format = FORMAT_RFC3339;
    expect(&k, TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":1700000000}"), "#0 type ts @32\n");
    expect(&k, TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":\"1700000000\"}"), "#0 time ts @32\n");
    k.input.map.ts.format = FORMAT_EPOCH_US;
    expect(&k, TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":1700000}"),
           "#0 stage entity=1 stage=s at=1700\n");
    expect(&k, TEXT("{\"entity_id\":1,\"stage\":\"s\",\"ts\":\"2024-02-29T12:34:56Z\"}"),
           "#0 time ts @32\n");
}

Test(lookup, keys_as_ids)
{
    static const struct {
        struct span key;
        const char *expected;
    } cases[] = {
        {TEXT("deal-1"), "#0 stage entity=deal-1 stage=s at=0\n"},
        {TEXT("4711"), "#0 stage entity=4711 stage=s at=0\n"},
        {TEXT("12e4567"), "#0 stage entity=12e4567 stage=s at=0\n"},
        {TEXT("007"), "#0 stage entity=007 stage=s at=0\n"},
        {TEXT("true"), "#0 stage entity=true stage=s at=0\n"},
        {TEXT(" x"), "#0 stage entity= x stage=s at=0\n"},
        {TEXT("\"4711\""), "#0 stage entity=4711 stage=s at=0\n"},
        {TEXT("\"\\u0061\""), "#0 stage entity=a stage=s at=0\n"},
        {TEXT("\"quoted"), "#0 stage entity=\"quoted stage=s at=0\n"},
        {TEXT("{\"id\":4711}"), "#0 stage entity=4711 stage=s at=0\n"},
        {TEXT("{\"tenant\":1,\"id\":4711}"), "#0 stage entity=4711 stage=s at=0\n"},
        {TEXT("{\"deal_id\":\"x\"}"), "#0 stage entity=x stage=s at=0\n"},
        {TEXT("{\"schema\":{\"type\":\"struct\"},\"payload\":{\"deal_id\":5}}"),
         "#0 stage entity=5 stage=s at=0\n"},
        {TEXT("{\"schema\":{},\"payload\":5}"), "#0 stage entity=5 stage=s at=0\n"},
        {TEXT("{\"schema\":{},\"payload\":1.5}"), "#0 token entity_id @0\n"},
        {TEXT("\0\0\0\0\1{\"id\":\"avro-less\"}"), "#0 stage entity=avro-less stage=s at=0\n"},
        {TEXT("{curly"), "#0 stage entity={curly stage=s at=0\n"},
        {TEXT("[1,2]"), "#0 stage entity=[1,2] stage=s at=0\n"},
        {TEXT("{\"a\":1,\"b\":2}"), "#0 unmapped entity_id @0\n"},
        {TEXT("{}"), "#0 unmapped entity_id @0\n"},
        {TEXT("{\"id\":null}"), "#0 unmapped entity_id @0\n"},
        {TEXT("null"), "#0 unmapped entity_id @0\n"},
        {TEXT("{\"id\":{\"x\":1}}"), "#0 type entity_id @0\n"},
        {TEXT(""), "#0 token entity_id @0\n"},
        {TEXT("\xFFx"), "#0 utf8 entity_id @0\n"},
        {TEXT("a\0b"), "#0 utf8 entity_id @0\n"},
    };
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "");
    k.input.map.entity_id.from = "key";
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_message(&k,
                       (struct message){.value = TEXT("{\"stage\":\"s\",\"ts\":0}"),
                                        .key = cases[i].key,
                                        .timestamp = -1},
                       cases[i].expected);
    expect(&k, TEXT("{\"stage\":\"s\",\"ts\":0}"), "#0 unmapped entity_id @0\n");
}

Test(lookup, pointers_into_the_key)
{
    struct message m = {.value = TEXT("{\"stage\":\"s\",\"ts\":0}"), .timestamp = -1};
    struct kit_settings k;

    kit_init(&k, PRESET_PLAIN, "");
    k.input.map.entity_id.from = "key:/ids";
    m.key = TEXT("{\"ids\":[1,\"b\"]}");
    expect_message(&k, m, "#0 stage entity=1 stage=s at=0\n#0 stage entity=b stage=s at=0\n");
    m.key = TEXT("{\"ids\":[1,{}]}");
    expect_message(&k, m, "#0 type entity_id @0\n");
    m.key = TEXT("{\"id\":1}");
    expect_message(&k, m, "#0 unmapped entity_id @0\n");
    m.key = TEXT("plain text");
    expect_message(&k, m, "#0 malformed entity_id @0\n");
    m.key = TEXT("\"\xFF\"");
    expect_message(&k, m, "#0 utf8 entity_id @0\n");
    m.key = SPAN_NONE;
    expect_message(&k, m, "#0 unmapped entity_id @0\n");
    k.settings.limits.depth = 1;
    m.key = TEXT("{\"ids\":[1]}");
    expect_message(&k, m, "#0 depth entity_id @0\n");
    k.settings.limits.message = 22;
    m.key = TEXT("{\"ids\":            1    }");
    expect_message(&k, m, "#0 oversized entity_id @0\n");
}

/* The whole way from the file: what the settings take is what the mapping understands. */
Test(lookup, sources_as_a_settings_file_has_them)
{
    static const char yaml[] = "kafka: {bootstrap.servers: 127.0.0.1:9092}\n"
                               "inputs:\n"
                               "  - topic: crm\n"
                               "    map:\n"
                               "      entity_id: key:/deal~1id\n"
                               "      funnel: {const: sales}\n"
                               "      stage: {from: header:stage, default: lead}\n"
                               "      ts: {from: /at, format: epoch_us}\n"
                               "      amount: {default: 7.5}\n"
                               "      entered_at: timestamp\n"
                               "      owner: /rep/name\n"
                               "      dims: {channel: /utm/0}\n"
                               "funnels:\n"
                               "  sales:\n"
                               "    stages: [lead, won]\n"
                               "    dims: {channel: {top: 5}}\n"
                               "    breakdowns: [owner]\n";
    struct message m = {
        .value = TEXT("{\"at\":1709210096789000,\"rep\":{\"name\":\"li\"},\"utm\":[\"ads\"]}"),
        .key = TEXT("{\"deal/id\":4711}"),
        .timestamp = 5,
    };
    struct settings_problems problems = {0};
    struct settings *settings = settings_parse(yaml, sizeof(yaml) - 1, &problems);
    struct decoder *d;
    struct buf out = {0};

    cr_assert(ne(ptr, settings, NULL), "%s",
              problems.count > 0 ? problems.items[0].message : "without a problem");
    d = decoder_new(settings);
    kit_dump(&out, settings, decode_batch(d, &m, 1));
    cr_assert(eq(str, buf_cstr(&out),
                 (char *)"#0 stage entity=4711 funnel=sales stage=lead at=" AT
                         " amount=750 entered_at=5 channel=ads owner=li\n"));
    decoder_free(d);
    settings_free(settings);
    settings_problems_deinit(&problems);
    buf_deinit(&out);
}
