/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/mapping.h"

#include <string.h>

enum shape {
    SHAPE_PLAIN = 1,
    SHAPE_STRUCTURED = 2, /* CloudEvents in JSON: everything in the value */
    SHAPE_BINARY = 4,     /* CloudEvents with its attributes in ce_ headers */
    SHAPE_DEBEZIUM = 8,
};
#define SHAPES_PLAIN \
    (SHAPE_PLAIN | SHAPE_STRUCTURED | SHAPE_BINARY) /* they share the row's names */

enum {
    MAPPING_OWNER = MAPPING_OF_COUNT, /* decoded as a field named owner, where one is used */
    MAPPING_DIM,                      /* `from` is what goes before /NAME */
};

/* The presets. Several places of one field stand in the order in which they are tried. */
static const struct preset_place {
    unsigned shapes;
    int field;
    enum mapping_place_kind kind;
    const char *from;
    int format;
} preset_places[] = {
    {SHAPES_PLAIN, MAPPING_OP, PLACE_ROW, "/op", FORMAT_AUTO},
    {SHAPES_PLAIN, MAPPING_ENTITY, PLACE_ROW, "/entity_id", FORMAT_AUTO},
    {SHAPES_PLAIN, MAPPING_FUNNEL, PLACE_ROW, "/funnel", FORMAT_AUTO},
    {SHAPES_PLAIN, MAPPING_STAGE, PLACE_ROW, "/stage", FORMAT_AUTO},
    {SHAPES_PLAIN, MAPPING_TS, PLACE_ROW, "/ts", FORMAT_AUTO},
    {SHAPES_PLAIN, MAPPING_AMOUNT, PLACE_ROW, "/amount", FORMAT_AUTO},
    {SHAPES_PLAIN, MAPPING_EVENT_ID, PLACE_ROW, "/event_id", FORMAT_AUTO},
    {SHAPES_PLAIN, MAPPING_REASON, PLACE_ROW, "/reason", FORMAT_AUTO},
    {SHAPES_PLAIN, MAPPING_ENTERED_AT, PLACE_ROW, "/entered_at", FORMAT_AUTO},
    {SHAPES_PLAIN, MAPPING_OWNER, PLACE_ROW, "/owner", FORMAT_AUTO},
    {SHAPES_PLAIN, MAPPING_DIM, PLACE_ROW, "/dims", FORMAT_AUTO},

    {SHAPE_STRUCTURED, MAPPING_ENTITY, PLACE_ENVELOPE, "/subject", FORMAT_AUTO},
    {SHAPE_STRUCTURED, MAPPING_TS, PLACE_ENVELOPE, "/time", FORMAT_RFC3339},
    {SHAPE_STRUCTURED, MAPPING_EVENT_ID, PLACE_ENVELOPE, "/id", FORMAT_AUTO},
    {SHAPE_BINARY, MAPPING_ENTITY, PLACE_HEADER, "ce_subject", FORMAT_AUTO},
    {SHAPE_BINARY, MAPPING_TS, PLACE_HEADER, "ce_time", FORMAT_RFC3339},
    {SHAPE_BINARY, MAPPING_EVENT_ID, PLACE_HEADER, "ce_id", FORMAT_AUTO},

    {SHAPE_DEBEZIUM, MAPPING_OP, PLACE_ENVELOPE, "/op", FORMAT_AUTO},
    {SHAPE_DEBEZIUM, MAPPING_ENTITY, PLACE_ROW, "/id", FORMAT_AUTO},
    {SHAPE_DEBEZIUM, MAPPING_STAGE, PLACE_ROW, "/stage", FORMAT_AUTO},
    {SHAPE_DEBEZIUM, MAPPING_TS, PLACE_ENVELOPE, "/source/ts_ms", FORMAT_EPOCH_MS},
    {SHAPE_DEBEZIUM, MAPPING_AMOUNT, PLACE_ROW, "/amount", FORMAT_AUTO},
    {SHAPE_DEBEZIUM, MAPPING_OWNER, PLACE_ROW, "/owner", FORMAT_AUTO},
    {SHAPE_DEBEZIUM, MAPPING_DIM, PLACE_ROW, "", FORMAT_AUTO},
};

/* In place: ~1 is a slash, ~0 a tilde (RFC 6901, section 4). */
static void pointer_unescape(char *token)
{
    char *to = token;

    for (; *token; token++) {
        *to = *token;
        if (*token == '~' && (token[1] == '0' || token[1] == '1'))
            *to = *++token == '0' ? '~' : '/';
        to++;
    }
    *to = '\0';
}

/* `more` is one token as it stands, or NULL. */
static void pointer_compile(struct mapping_place *place, const char *pointer, const char *more,
                            struct arena *arena)
{
    size_t count = more != NULL;
    const char **tokens;

    for (const char *p = pointer; *p; p++)
        count += *p == '/';
    tokens = arena_alloc(arena, (count + 1) * sizeof(*tokens));
    place->tokens = tokens;
    place->token_count = count;
    while (*pointer == '/') {
        size_t len = strcspn(++pointer, "/");
        char *token = arena_strndup(arena, pointer, len);

        pointer_unescape(token);
        *tokens++ = token;
        pointer += len;
    }
    if (more)
        *tokens = more;
}

static struct mapping_place *source_add(struct mapping_source *out, enum mapping_place_kind kind,
                                        int format)
{
    struct mapping_place *place = &out->places[out->count++];

    *place = (struct mapping_place){.kind = kind, .format = format};
    return place;
}

/* A format in the settings is for the producer's field; what the envelope's standard says stays. */
static void source_add_preset(struct mapping_source *out, enum shape shape, int field,
                              const char *dim, int format, struct arena *arena)
{
    for (size_t i = 0; i < sizeof(preset_places) / sizeof(preset_places[0]); i++) {
        const struct preset_place *preset = &preset_places[i];
        struct mapping_place *place;

        if (preset->field != field || !(preset->shapes & shape))
            continue;
        place = source_add(out, preset->kind,
                           preset->format != FORMAT_AUTO ? preset->format : format);
        if (preset->kind == PLACE_HEADER)
            place->text = preset->from;
        else
            pointer_compile(place, preset->from, dim, arena);
    }
}

static void source_add_from(struct mapping_source *out, const char *from, int format,
                            struct arena *arena)
{
    if (from[0] == '/')
        pointer_compile(source_add(out, PLACE_WHOLE, format), from, NULL, arena);
    else if (strcmp(from, "key") == 0)
        source_add(out, PLACE_KEY, format);
    else if (strncmp(from, "key:", 4) == 0)
        pointer_compile(source_add(out, PLACE_KEY_POINTER, format), from + 4, NULL, arena);
    else if (strncmp(from, "header:", 7) == 0)
        source_add(out, PLACE_HEADER, format)->text = from + 7;
    else if (strcmp(from, "timestamp") == 0)
        source_add(out, PLACE_TIMESTAMP, FORMAT_EPOCH_MS);
}

/* What the settings leave out of a source, the preset fills in. */
static void source_compile(struct mapping_source *out, const struct settings_source *set,
                           enum shape shape, int field, const char *dim, struct arena *arena)
{
    static const struct settings_source unset;

    if (!set)
        set = &unset;
    if (set->constant)
        source_add(out, PLACE_CONSTANT, set->format)->text = set->constant;
    else if (set->from)
        source_add_from(out, set->from, set->format, arena);
    else
        source_add_preset(out, shape, field, dim, set->format, arena);
    if (set->fallback)
        source_add(out, PLACE_CONSTANT, set->format)->text = set->fallback;
}

static int source_is_set(const struct settings_source *set)
{
    return set->from || set->constant || set->fallback;
}

static const struct settings_source *find_dim(const struct settings_map *map, const char *name)
{
    for (size_t i = 0; i < map->dims.count; i++)
        if (strcmp(map->dims.items[i].name, name) == 0)
            return &map->dims.items[i].source;
    return NULL;
}

static void compile_field(struct mapping_source *out, const struct settings_map *map,
                          enum shape shape, const char *name, struct arena *arena)
{
    const struct settings_source *dim = find_dim(map, name);
    char *path;

    if (strcmp(name, "owner") == 0) {
        out->name = "owner";
        source_compile(out, dim && !source_is_set(&map->owner) ? dim : &map->owner, shape,
                       MAPPING_OWNER, NULL, arena);
        return;
    }
    path = arena_alloc(arena, strlen(name) + sizeof("dims."));
    memcpy(path, "dims.", 5);
    memcpy(path + 5, name, strlen(name));
    out->name = path;
    source_compile(out, dim, shape, MAPPING_DIM, name, arena);
}

static const char *key_member(const struct mapping_source *entity)
{
    for (size_t i = 0; i < entity->count; i++) {
        const struct mapping_place *place = &entity->places[i];

        if (place->kind <= PLACE_ROW && place->token_count > 0)
            return place->tokens[place->token_count - 1];
    }
    return "id";
}

static void mapping_compile(struct mapping *out, const struct settings *settings,
                            const struct settings_map *map, enum shape shape, struct arena *arena)
{
    const struct {
        const char *name;
        const struct settings_source *set;
    } of[MAPPING_OF_COUNT] = {
        [MAPPING_OP] = {"op", &map->op},
        [MAPPING_ENTITY] = {"entity_id", &map->entity_id},
        [MAPPING_FUNNEL] = {"funnel", &map->funnel},
        [MAPPING_STAGE] = {"stage", &map->stage},
        [MAPPING_TS] = {"ts", &map->ts},
        [MAPPING_AMOUNT] = {"amount", &map->amount},
        [MAPPING_EVENT_ID] = {"event_id", &map->event_id},
        [MAPPING_REASON] = {"reason", &map->reason},
        [MAPPING_ENTERED_AT] = {"entered_at", &map->entered_at},
    };

    for (int i = 0; i < MAPPING_OF_COUNT; i++) {
        out->of[i].name = of[i].name;
        source_compile(&out->of[i], of[i].set, shape, i, NULL, arena);
    }
    for (size_t i = 0; i < settings->field_count; i++)
        compile_field(&out->fields[i], map, shape, settings->fields[i], arena);
    out->key_member = key_member(&out->of[MAPPING_ENTITY]);
}

struct mapping_input *mapping_new(const struct settings *settings, struct arena *arena)
{
    static const enum shape shapes[] = {
        [PRESET_PLAIN] = SHAPE_PLAIN,
        [PRESET_CLOUDEVENTS] = SHAPE_STRUCTURED,
        [PRESET_DEBEZIUM] = SHAPE_DEBEZIUM,
    };
    struct mapping_input *inputs = arena_alloc(arena,
                                               (settings->inputs.count + 1) * sizeof(*inputs));

    for (size_t i = 0; i < settings->inputs.count; i++) {
        const struct settings_input *input = &settings->inputs.items[i];

        inputs[i].preset = input->preset;
        mapping_compile(&inputs[i].map, settings, &input->map, shapes[input->preset], arena);
        if (input->preset == PRESET_CLOUDEVENTS)
            mapping_compile(&inputs[i].binary, settings, &input->map, SHAPE_BINARY, arena);
    }
    return inputs;
}
