/* SPDX-License-Identifier: Apache-2.0 */
#include "core/settings_tables.h"

#include <stddef.h>

/* --- simple types --- */

#define SCALAR(TYPE, name_, form_, member, bind_, absent_) \
    static const struct schema_type type_##TYPE = {.name = name_, \
                                                   .form = form_, \
                                                   .size = sizeof(member), \
                                                   .bind = schema_bind_##bind_, \
                                                   .absent = absent_}

SCALAR(STRING, "text", "write a text, in quotes where it has odd characters", const char *, string,
       NULL);
SCALAR(PROPERTY, "text", "write a text or a number", const char *, text, NULL);
SCALAR(BOOL, "boolean", "write true or false", bool, bool, NULL);
SCALAR(INT, "whole number", "write digits alone", int64_t, int, schema_absent_int64);
SCALAR(DURATION, "duration", "write number and unit (ms, s, m, h, d, w), as 500ms, 1h30m or 14d",
       int64_t, duration, schema_absent_int64);
SCALAR(SIZE, "size", "write a number of bytes, or with KiB, MiB, GiB", int64_t, size,
       schema_absent_int64);
SCALAR(RATE, "rate", "write a number and a time, as 0.1/week or 1/day (no_data: or off)", double,
       rate, schema_absent_double);
SCALAR(RATIO, "ratio", "write a number from 0 to 1, as 0.3 or 30%", double, ratio,
       schema_absent_double);

#define ENUMERATION(name_, ...) \
    static const char *const words_##name_[] = {__VA_ARGS__, NULL}; \
    static const struct schema_type type_ENUM_##name_ = {.name = "word", \
                                                         .form = "write one word", \
                                                         .size = sizeof(int), \
                                                         .bind = schema_bind_enum, \
                                                         .absent = schema_absent_int, \
                                                         .words = words_##name_, \
                                                         .later = LATER_##name_};

/* Words of the design that this version does not have yet. */
static const char *const later_modes[] = {"group", NULL};
static const char *const later_presets[] = {"salesforce", "segment", "snowplow", "pipedrive", NULL};
static const char *const later_rules[] = {
    "stale",
    "dwell",
    "stock",
    "stuck",
    "sla",
    "reason",
    "slow: write kind: drop, which also says when a step takes longer (alertname slowdown)",
    "no_data: remove the rule; the alert is about a whole topic, inputs[].no_data is the place",
    "data_gap: remove the rule; with on_gap: continue the alert comes by itself",
    "intervention: remove the rule; funneld intervene marks one",
    NULL,
};
#define LATER_MODE later_modes
#define LATER_PRESET later_presets
#define LATER_RULE_KIND later_rules
#define LATER_LANGUAGE NULL
#define LATER_MISSING NULL
#define LATER_FIRST_START NULL
#define LATER_ON_GAP NULL
#define LATER_LATE NULL
#define LATER_ORDER NULL
#define LATER_SKIP NULL
#define LATER_REGRESS NULL
#define LATER_REENTRY NULL
#define LATER_IDS NULL
#define LATER_MEASURE NULL
#define LATER_DIRECTION NULL
#define LATER_TIME_FORMAT NULL
#define LATER_CALENDAR NULL
#define LATER_LOG_FORMAT NULL
#define LATER_LOG_LEVEL NULL
SETTINGS_ENUMS(ENUMERATION)

/* --- objects --- */

#define FIELD(struct_, TYPE, member, key_, def_, flags_, help_) \
    {.key = key_, \
     .def = def_, \
     .help = help_, \
     .type = &type_##TYPE, \
     .offset = offsetof(struct_, member), \
     .flags = flags_},

/* `stem` is both settings_STEM and the suffix of the type. */
#define OBJECT(stem, TYPE, TABLE, name_, form_, ...) \
    static const struct schema_field stem##_fields[] = {TABLE(FIELD_##TYPE)}; \
    static const struct schema_object stem##_object = {.fields = stem##_fields, \
                                                       .field_count = sizeof(stem##_fields) / \
                                                                      sizeof(stem##_fields[0]), \
                                                       __VA_ARGS__}; \
    static const struct schema_type type_##TYPE = {.name = name_, \
                                                   .form = form_, \
                                                   .size = sizeof(struct settings_##stem), \
                                                   .bind = schema_bind_object, \
                                                   .object = &stem##_object}

#define UNMARKED .mark = SCHEMA_NOWHERE
#define MARKED(stem) .mark = offsetof(struct settings_##stem, mark)
#define SHORT(stem, TYPE, member) \
    .short_type = &type_##TYPE, .short_offset = offsetof(struct settings_##stem, member)

/* A list or map of elements: settings_STEM holds items of ELEMENT. */
#define LIST(stem, TYPE, name_, form_, element_, of, ...) \
    static const struct schema_type type_##TYPE = {.name = name_, \
                                                   .form = form_, \
                                                   .size = sizeof(struct settings_##stem), \
                                                   .element = &type_##of, \
                                                   .stride = sizeof(element_), \
                                                   .mark_at = SCHEMA_NOWHERE, \
                                                   __VA_ARGS__}
#define ITEMS .bind = schema_bind_list, .name_at = SCHEMA_NOWHERE, .value_at = 0
#define NAMED(struct_, name_member) \
    .bind = schema_bind_map, .name_at = offsetof(struct_, name_member)

LIST(strings, STRINGS, "list of texts", "write [a, b]", const char *, STRING, ITEMS,
     .single = true);
/* Its key and value are texts; the mark is the key's. */
static const struct schema_type type_KAFKA = {
    .name = "map of librdkafka properties",
    .form = "write 'bootstrap.servers: HOST:PORT' and others below it",
    .size = sizeof(struct settings_pairs),
    .bind = schema_bind_map,
    .element = &type_PROPERTY,
    .stride = sizeof(struct settings_pair),
    .name_at = offsetof(struct settings_pair, key),
    .value_at = offsetof(struct settings_pair, value),
    .mark_at = offsetof(struct settings_pair, mark),
};

#define FIELD_SOURCE(...) FIELD(struct settings_source, __VA_ARGS__)
OBJECT(source, SOURCE, SETTINGS_SOURCE, "source",
       "write a JSON Pointer such as /a/b, or {from: /a/b, default: x}", MARKED(source),
       SHORT(source, STRING, from));
LIST(sources, SOURCES, "map of sources", "write {channel: /dims/channel}",
     struct settings_named_source, SOURCE, NAMED(struct settings_named_source, name),
     .value_at = offsetof(struct settings_named_source, source));

#define FIELD_MAP(...) FIELD(struct settings_map, __VA_ARGS__)
OBJECT(map, MAP, SETTINGS_MAP, "map of sources", "write {entity_id: /id, stage: /status}",
       UNMARKED);

#define FIELD_INPUT(...) FIELD(struct settings_input, __VA_ARGS__)
OBJECT(input, INPUT, SETTINGS_INPUT, "topic entry", "write {topic: NAME}", MARKED(input));
LIST(inputs, INPUTS, "list of inputs", "write '- topic: NAME' for each below it",
     struct settings_input, INPUT, ITEMS);

#define FIELD_OUTPUTS(...) FIELD(struct settings_outputs, __VA_ARGS__)
OBJECT(outputs, OUTPUTS, SETTINGS_OUTPUTS, "map of topics", "write {alerts: TOPIC}", UNMARKED);

#define FIELD_TIME(...) FIELD(struct settings_time, __VA_ARGS__)
OBJECT(time, TIME, SETTINGS_TIME, "map of settings", "write {zone: UTC}", UNMARKED);

#define FIELD_STATE(...) FIELD(struct settings_state, __VA_ARGS__)
OBJECT(state, STATE, SETTINGS_STATE, "map of settings", "write {dir: /var/lib/funneld}", UNMARKED);

#define FIELD_LIMITS(...) FIELD(struct settings_limits, __VA_ARGS__)
OBJECT(limits, LIMITS, SETTINGS_LIMITS, "map of settings", "write {entities: 1000000}", UNMARKED);

#define FIELD_LOG(...) FIELD(struct settings_log, __VA_ARGS__)
OBJECT(log, LOG, SETTINGS_LOG, "map of settings", "write {level: info}", UNMARKED);

/* --- funnels --- */

LIST(where, WHERE, "map of fields", "write {funnel: NAME} or {channel: [a, b]}",
     struct settings_where_term, STRINGS, NAMED(struct settings_where_term, field),
     .value_at = offsetof(struct settings_where_term, values));

#define FIELD_STAGE(...) FIELD(struct settings_stage, __VA_ARGS__)
OBJECT(stage, STAGE, SETTINGS_STAGE, "stage", "write a name, or {id: NAME, alias: [OTHER]}",
       MARKED(stage), SHORT(stage, STRING, id));
LIST(stages, STAGES, "list of stages", "write [first, second, won]", struct settings_stage, STAGE,
     ITEMS);

#define FIELD_DIM(...) FIELD(struct settings_dim, __VA_ARGS__)
OBJECT(dim, DIM, SETTINGS_DIM, "dimension", "write {top: 20} or {values: [a, b]}", MARKED(dim));
LIST(dims, DIMS, "map of dimensions", "write {channel: {top: 20}}", struct settings_dim, DIM,
     NAMED(struct settings_dim, name), .value_at = 0);

LIST(segments, SEGMENTS, "list of lists of dims", "write [[channel], [channel, region]]",
     struct settings_strings, STRINGS, ITEMS);

#define FIELD_WINDOW(...) FIELD(struct settings_window, __VA_ARGS__)
OBJECT(window, WINDOW, SETTINGS_WINDOW, "window",
       "write a duration such as 1h, or {calendar: month}", UNMARKED, SHORT(window, DURATION, ms));
LIST(windows, WINDOWS, "list of windows", "write [1h, 1d, {calendar: month}]",
     struct settings_window, WINDOW, ITEMS, .single = true);

#define FIELD_RULE(...) FIELD(struct settings_rule, __VA_ARGS__)
OBJECT(rule, RULE, SETTINGS_RULE, "rule", "write {id: NAME, kind: target, target: 30%}",
       MARKED(rule));
LIST(rules, RULES, "list of rules", "write '- {id: NAME, kind: target, target: 30%}' below it",
     struct settings_rule, RULE, ITEMS);

#define FIELD_FUNNEL(...) FIELD(struct settings_funnel, __VA_ARGS__)
OBJECT(funnel, FUNNEL, SETTINGS_FUNNEL, "funnel", "write {stages: [first, won]}", MARKED(funnel));
LIST(funnels, FUNNELS, "map of funnels", "write 'NAME:' and its settings below it",
     struct settings_funnel, FUNNEL, NAMED(struct settings_funnel, name), .value_at = 0);

/* --- the whole --- */

#define FIELD_ROOT(...) FIELD(struct settings, __VA_ARGS__)
static const struct schema_field root_fields[] = {SETTINGS_ROOT(FIELD_ROOT)};
const struct schema_object settings_root_object = {
    .fields = root_fields,
    .field_count = sizeof(root_fields) / sizeof(root_fields[0]),
    .mark = SCHEMA_NOWHERE,
};
