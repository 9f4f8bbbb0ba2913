/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "funnel/mapping.h"
#include "lib/decode_kit.h"

static void describe_place(struct buf *out, const struct mapping_place *place)
{
    static const char *const kinds[] = {"whole", "envelope", "row",       "key",
                                        "key:",  "header",   "timestamp", "constant"};
    static const char *const formats[] = {"", ":rfc3339", ":s", ":ms", ":us"};

    buf_fmt(out, "%s%s", kinds[place->kind], formats[place->format]);
    for (size_t i = 0; i < place->token_count; i++)
        buf_fmt(out, " [%s]", place->tokens[i]);
    if (place->text)
        buf_fmt(out, " %s", place->text);
}

/* "entity_id: row [entity_id] | header ce_subject" */
static const char *describe(const struct mapping_source *source)
{
    static struct buf out;

    buf_clear(&out);
    buf_fmt(&out, "%s:", source->name);
    for (size_t i = 0; i < source->count; i++) {
        buf_str(&out, i ? " | " : " ");
        describe_place(&out, &source->places[i]);
    }
    return buf_cstr(&out);
}

static void expect(const struct mapping_source *source, const char *text)
{
    cr_expect(eq(str, (char *)describe(source), (char *)text));
}

static const enum mapping_field IN_ORDER[] = {MAPPING_OP,       MAPPING_ENTITY, MAPPING_FUNNEL,
                                              MAPPING_STAGE,    MAPPING_TS,     MAPPING_AMOUNT,
                                              MAPPING_EVENT_ID, MAPPING_REASON, MAPPING_ENTERED_AT};

static void expect_all(const struct mapping *map, const char *const *texts)
{
    for (size_t i = 0; i < MAPPING_OF_COUNT; i++)
        expect(&map->of[IN_ORDER[i]], texts[i]);
}

Test(mapping, plain_has_every_field_at_the_top)
{
    static const char *const texts[] = {"op: row [op]",
                                        "entity_id: row [entity_id]",
                                        "funnel: row [funnel]",
                                        "stage: row [stage]",
                                        "ts: row [ts]",
                                        "amount: row [amount]",
                                        "event_id: row [event_id]",
                                        "reason: row [reason]",
                                        "entered_at: row [entered_at]"};
    struct kit_settings k;
    struct arena *arena = arena_new();
    struct mapping_input *inputs;

    kit_init(&k, PRESET_PLAIN, "channel owner a/b~c");
    inputs = mapping_new(&k.settings, arena);
    cr_assert(eq(int, inputs[0].preset, PRESET_PLAIN));
    expect_all(&inputs[0].map, texts);
    expect(&inputs[0].map.fields[0], "dims.channel: row [dims] [channel]");
    expect(&inputs[0].map.fields[1], "owner: row [owner]");
    expect(&inputs[0].map.fields[2], "dims.a/b~c: row [dims] [a/b~c]");
    cr_assert(eq(str, (char *)inputs[0].map.key_member, "entity_id"));
    arena_free(arena);
}

Test(mapping, cloudevents_structured_looks_into_data_then_around_it)
{
    static const char *const texts[] = {"op: row [op]",
                                        "entity_id: row [entity_id] | envelope [subject]",
                                        "funnel: row [funnel]",
                                        "stage: row [stage]",
                                        "ts: row [ts] | envelope:rfc3339 [time]",
                                        "amount: row [amount]",
                                        "event_id: row [event_id] | envelope [id]",
                                        "reason: row [reason]",
                                        "entered_at: row [entered_at]"};
    struct kit_settings k;
    struct arena *arena = arena_new();
    struct mapping_input *inputs;

    kit_init(&k, PRESET_CLOUDEVENTS, "channel");
    inputs = mapping_new(&k.settings, arena);
    expect_all(&inputs[0].map, texts);
    expect(&inputs[0].map.fields[0], "dims.channel: row [dims] [channel]");
    arena_free(arena);
}

Test(mapping, cloudevents_binary_falls_back_to_headers)
{
    static const char *const texts[] = {"op: row [op]",
                                        "entity_id: row [entity_id] | header ce_subject",
                                        "funnel: row [funnel]",
                                        "stage: row [stage]",
                                        "ts: row [ts] | header:rfc3339 ce_time",
                                        "amount: row [amount]",
                                        "event_id: row [event_id] | header ce_id",
                                        "reason: row [reason]",
                                        "entered_at: row [entered_at]"};
    struct kit_settings k;
    struct arena *arena = arena_new();
    struct mapping_input *inputs;

    kit_init(&k, PRESET_CLOUDEVENTS, "");
    inputs = mapping_new(&k.settings, arena);
    expect_all(&inputs[0].binary, texts);
    arena_free(arena);
}

Test(mapping, debezium_knows_only_what_every_table_has)
{
    static const char *const texts[] = {"op: envelope [op]",
                                        "entity_id: row [id]",
                                        "funnel:",
                                        "stage: row [stage]",
                                        "ts: envelope:ms [source] [ts_ms]",
                                        "amount: row [amount]",
                                        "event_id:",
                                        "reason:",
                                        "entered_at:"};
    struct kit_settings k;
    struct arena *arena = arena_new();
    struct mapping_input *inputs;

    kit_init(&k, PRESET_DEBEZIUM, "channel owner");
    inputs = mapping_new(&k.settings, arena);
    expect_all(&inputs[0].map, texts);
    expect(&inputs[0].map.fields[0], "dims.channel: row [channel]");
    expect(&inputs[0].map.fields[1], "owner: row [owner]");
    cr_assert(eq(str, (char *)inputs[0].map.key_member, "id"));
    arena_free(arena);
}

Test(mapping, every_kind_of_source_is_taken_apart)
{
    static struct settings_named_source dims[] = {
        {"channel", {.from = "/utm/~0source~1x"}},
        {"region", {.constant = "east"}},
        {"product", {.fallback = "none"}},
    };
    struct kit_settings k;
    struct arena *arena = arena_new();
    const struct mapping *map;

    kit_init(&k, PRESET_PLAIN, "channel region product owner");
    k.input.map.entity_id = (struct settings_source){.from = "key"};
    k.input.map.funnel = (struct settings_source){
        .constant = "sales", .from = "/x", .fallback = "y"};
    k.input.map.stage = (struct settings_source){.from = "header:stage", .fallback = "lead"};
    k.input.map.ts = (struct settings_source){.from = "/meta/0/at", .format = FORMAT_EPOCH_S};
    k.input.map.amount = (struct settings_source){.from = "key:/a/b"};
    k.input.map.event_id = (struct settings_source){.from = "/"};
    k.input.map.entered_at = (struct settings_source){.from = "timestamp"};
    k.input.map.reason = (struct settings_source){.from = "no source at all"};
    k.input.map.dims.items = dims;
    k.input.map.dims.count = 3;
    map = &mapping_new(&k.settings, arena)[0].map;
    expect(&map->of[MAPPING_ENTITY], "entity_id: key");
    expect(&map->of[MAPPING_FUNNEL], "funnel: constant sales | constant y");
    expect(&map->of[MAPPING_STAGE], "stage: header stage | constant lead");
    expect(&map->of[MAPPING_TS], "ts: whole:s [meta] [0] [at]");
    expect(&map->of[MAPPING_AMOUNT], "amount: key: [a] [b]");
    expect(&map->of[MAPPING_EVENT_ID], "event_id: whole []");
    expect(&map->of[MAPPING_ENTERED_AT], "entered_at: timestamp:ms");
    expect(&map->of[MAPPING_REASON], "reason:");
    expect(&map->of[MAPPING_OP], "op: row [op]");
    expect(&map->fields[0], "dims.channel: whole [utm] [~source/x]");
    expect(&map->fields[1], "dims.region: constant east");
    expect(&map->fields[2], "dims.product: row [dims] [product] | constant none");
    expect(&map->fields[3], "owner: row [owner]");
    cr_assert(eq(str, (char *)map->key_member, "id"));
    arena_free(arena);
}

Test(mapping, pointers_unescape_in_the_order_of_the_rfc)
{
    struct kit_settings k;
    struct arena *arena = arena_new();

    kit_init(&k, PRESET_PLAIN, "");
    k.input.map.stage = (struct settings_source){.from = "/~01/a~1b/m~0n/ /~2/~"};
    expect(&mapping_new(&k.settings, arena)[0].map.of[MAPPING_STAGE],
           "stage: whole [~1] [a/b] [m~n] [ ] [~2] [~]");
    arena_free(arena);
}

Test(mapping, a_format_is_for_the_producers_field_not_the_envelopes)
{
    struct kit_settings k;
    struct arena *arena = arena_new();

    kit_init(&k, PRESET_CLOUDEVENTS, "");
    k.input.map.ts = (struct settings_source){.format = FORMAT_EPOCH_US};
    expect(&mapping_new(&k.settings, arena)[0].map.of[MAPPING_TS],
           "ts: row:us [ts] | envelope:rfc3339 [time]");
    arena_free(arena);
}

Test(mapping, a_source_from_elsewhere_replaces_all_of_the_presets_places)
{
    struct kit_settings k;
    struct arena *arena = arena_new();
    struct mapping_input *inputs;

    kit_init(&k, PRESET_CLOUDEVENTS, "");
    k.input.map.entity_id = (struct settings_source){.from = "/data/deal/id"};
    inputs = mapping_new(&k.settings, arena);
    expect(&inputs[0].map.of[MAPPING_ENTITY], "entity_id: whole [data] [deal] [id]");
    expect(&inputs[0].binary.of[MAPPING_ENTITY], "entity_id: whole [data] [deal] [id]");
    cr_assert(eq(str, (char *)inputs[0].map.key_member, "id"));
    arena_free(arena);
}

Test(mapping, the_owner_may_stand_among_the_dims)
{
    static struct settings_named_source dims[] = {{"owner", {.from = "/rep"}}};
    struct kit_settings k;
    struct arena *arena = arena_new();

    kit_init(&k, PRESET_PLAIN, "owner");
    k.input.map.dims.items = dims;
    k.input.map.dims.count = 1;
    expect(&mapping_new(&k.settings, arena)[0].map.fields[0], "owner: whole [rep]");
    k.input.map.owner = (struct settings_source){.from = "/owner/name"};
    expect(&mapping_new(&k.settings, arena)[0].map.fields[0], "owner: whole [owner] [name]");
    arena_free(arena);
}

Test(mapping, each_input_has_its_own)
{
    struct settings_input two[2] = {{.preset = PRESET_PLAIN}, {.preset = PRESET_DEBEZIUM}};
    struct kit_settings k;
    struct arena *arena = arena_new();
    struct mapping_input *inputs;

    kit_init(&k, PRESET_PLAIN, "");
    k.settings.inputs.items = two;
    k.settings.inputs.count = 2;
    inputs = mapping_new(&k.settings, arena);
    expect(&inputs[0].map.of[MAPPING_ENTITY], "entity_id: row [entity_id]");
    expect(&inputs[1].map.of[MAPPING_ENTITY], "entity_id: row [id]");
    arena_free(arena);
}
