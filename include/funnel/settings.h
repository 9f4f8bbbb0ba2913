/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of one daemon: what settings_table.h lists, parsed and checked. */
#ifndef FUNNEL_SETTINGS_H
#define FUNNEL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/event.h"
#include "funnel/settings_table.h"

enum { MODE_SINGLE };
enum { LANGUAGE_EN, LANGUAGE_ZH };
enum { MISSING_WAIT, MISSING_EXIT };
enum { FIRST_START_BOOTSTRAP, FIRST_START_PUBLISH };
enum { ON_GAP_STOP, ON_GAP_CONTINUE };
enum { PRESET_PLAIN, PRESET_CLOUDEVENTS, PRESET_DEBEZIUM };
enum { LATE_APPLY, LATE_DEADLETTER };
enum { ORDER_FLOW, ORDER_STRICT };
enum { SKIP_CREDIT, SKIP_DIRECT, SKIP_IGNORE, SKIP_REJECT };
enum { REGRESS_BACK, REGRESS_NEW_ATTEMPT, REGRESS_IGNORE };
enum { REENTRY_NEW_ATTEMPT, REENTRY_IGNORE };
enum { IDS_KEEP, IDS_HASH };
enum {
    RULE_TARGET,
    RULE_BENCHMARK,
    RULE_CHANGE,
    RULE_DROP,
    RULE_RISE,
    RULE_VOLUME,
    RULE_MIX,
    RULE_DATA_QUALITY,
    RULE_KINDS
};
enum { MEASURE_THROUGHPUT, MEASURE_COHORT, MEASURE_MATURED };
enum { DIRECTION_DROP, DIRECTION_RISE, DIRECTION_BOTH };
enum { FORMAT_AUTO, FORMAT_RFC3339, FORMAT_EPOCH_S, FORMAT_EPOCH_MS, FORMAT_EPOCH_US };
enum { CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH, CALENDAR_QUARTER };
enum { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define FUNNELS_MAX 64
#define STAGES_MAX 32
#define DIMS_MAX 8
#define BREAKDOWNS_MAX 4
#define SEGMENT_SPECS_MAX 16
#define WINDOWS_MAX 8
#define RULES_MAX 64
#define HOLIDAYS_MAX 1000

/* Where a value stands in the file; line and column from 1, 0 for a default. */
struct settings_mark {
    uint32_t line, column;
};

struct settings_strings {
    const char **items;
    size_t count;
};

/* kafka: in the file's order. Values are raw: the shell resolves ${ENV} and file: ones. */
struct settings_pair {
    const char *key, *value;
    struct settings_mark mark;
};
struct settings_pairs {
    struct settings_pair *items;
    size_t count;
};

/* Where a field of an event comes from. from == NULL and constant == NULL: not mapped. */
struct settings_source {
    const char *from;     /* "/json/pointer", "key", "key:/pointer", "header:NAME", "timestamp" */
    const char *constant; /* used instead of from */
    const char *fallback; /* used where from finds nothing */
    int format;           /* FORMAT_*, for times */
    struct settings_mark mark;
};
struct settings_named_source {
    const char *name;
    struct settings_source source;
};
struct settings_sources {
    struct settings_named_source *items;
    size_t count;
};

/* A funnel wants an event when, for every term, the event's field is one of the values. */
struct settings_where_term {
    const char *field; /* "funnel", "topic", or a dimension's name */
    struct settings_strings values;
};
struct settings_where {
    struct settings_where_term *items;
    size_t count;
};

/* calendar < 0: a rolling window of ms; else CALENDAR_* in the zone, ms = 0. */
struct settings_window {
    int64_t ms;
    int calendar;
};
struct settings_windows {
    struct settings_window *items;
    size_t count;
};
struct settings_segments {
    struct settings_strings *items; /* each a list of dim names */
    size_t count;
};

/* C members of the table's types. Absent: NULL, -1 for DURATION and INT, NaN-free -1 for RATIO. */
#define SETTINGS_C_STRING const char *
#define SETTINGS_C_STRINGS struct settings_strings
#define SETTINGS_C_BOOL bool
#define SETTINGS_C_INT int64_t
#define SETTINGS_C_DURATION int64_t /* ms; "off" = 0 */
#define SETTINGS_C_SIZE int64_t     /* bytes */
#define SETTINGS_C_RATIO double     /* 0 to 1; "30%" reads as 0.3 */
#define SETTINGS_C_RATE double      /* per week; "0.1/week", "1/day"; "off" = 0 */
#define SETTINGS_C_KAFKA struct settings_pairs
#define SETTINGS_C_SOURCE struct settings_source
#define SETTINGS_C_SOURCES struct settings_sources
#define SETTINGS_C_WHERE struct settings_where
#define SETTINGS_C_WINDOW struct settings_window
#define SETTINGS_C_WINDOWS struct settings_windows
#define SETTINGS_C_SEGMENTS struct settings_segments
#define SETTINGS_C_MAP struct settings_map
#define SETTINGS_C_OUTPUTS struct settings_outputs
#define SETTINGS_C_TIME struct settings_time
#define SETTINGS_C_STATE struct settings_state
#define SETTINGS_C_LIMITS struct settings_limits
#define SETTINGS_C_LOG struct settings_log
#define SETTINGS_C_INPUTS struct settings_inputs
#define SETTINGS_C_FUNNELS struct settings_funnels
#define SETTINGS_C_STAGES struct settings_stages
#define SETTINGS_C_DIMS struct settings_dims
#define SETTINGS_C_RULES struct settings_rules
#define SETTINGS_C_ENUM_MODE int
#define SETTINGS_C_ENUM_LANGUAGE int
#define SETTINGS_C_ENUM_MISSING int
#define SETTINGS_C_ENUM_FIRST_START int
#define SETTINGS_C_ENUM_ON_GAP int
#define SETTINGS_C_ENUM_PRESET int
#define SETTINGS_C_ENUM_LATE int
#define SETTINGS_C_ENUM_ORDER int
#define SETTINGS_C_ENUM_SKIP int
#define SETTINGS_C_ENUM_REGRESS int
#define SETTINGS_C_ENUM_REENTRY int
#define SETTINGS_C_ENUM_IDS int
#define SETTINGS_C_ENUM_RULE_KIND int
#define SETTINGS_C_ENUM_MEASURE int
#define SETTINGS_C_ENUM_DIRECTION int
#define SETTINGS_C_ENUM_LOG_FORMAT int
#define SETTINGS_C_ENUM_LOG_LEVEL int

#define SETTINGS_MEMBER(type, member, key, def, flags, help) SETTINGS_C_##type member;

struct settings_map {
    SETTINGS_MAP(SETTINGS_MEMBER)
};
struct settings_input {
    SETTINGS_INPUT(SETTINGS_MEMBER)
    struct settings_mark mark;
};
struct settings_inputs {
    struct settings_input *items;
    size_t count;
};
struct settings_outputs {
    SETTINGS_OUTPUTS(SETTINGS_MEMBER)
};
struct settings_time {
    SETTINGS_TIME(SETTINGS_MEMBER)
};
struct settings_state {
    SETTINGS_STATE(SETTINGS_MEMBER)
};
struct settings_limits {
    SETTINGS_LIMITS(SETTINGS_MEMBER)
};
struct settings_log {
    SETTINGS_LOG(SETTINGS_MEMBER)
};
struct settings_stage {
    SETTINGS_STAGE(SETTINGS_MEMBER)
    struct settings_mark mark;
};
struct settings_stages {
    struct settings_stage *items;
    size_t count;
};
struct settings_dim {
    const char *name;
    SETTINGS_DIM(SETTINGS_MEMBER)
    struct settings_mark mark;
};
struct settings_dims {
    struct settings_dim *items;
    size_t count;
};
struct settings_rule {
    SETTINGS_RULE(SETTINGS_MEMBER)
    struct settings_mark mark;
};
struct settings_rules {
    struct settings_rule *items;
    size_t count;
};
struct settings_funnel {
    const char *name;
    SETTINGS_FUNNEL(SETTINGS_MEMBER)
    struct settings_mark mark;
};
struct settings_funnels {
    struct settings_funnel *items;
    size_t count;
};

struct settings {
    SETTINGS_ROOT(SETTINGS_MEMBER)
    /* Derived: names of the event fields any funnel uses as dim, breakdown or in where ("owner" is
     * the owner); an event's fields[] has this order. */
    const char *fields[EVENT_FIELDS_MAX];
    size_t field_count;
    struct arena *arena; /* owns everything above */
};

/* What is wrong with a file: every error at once, in the file's order. */
struct settings_problem {
    struct settings_mark mark;
    bool warning;        /* the file is usable all the same */
    const char *path;    /* funnels.sales.rules[0].target */
    const char *message; /* what is wrong, with the value as written */
    const char *remedy;  /* what to write instead */
};
struct settings_problems {
    struct settings_problem *items;
    size_t count, cap;
    size_t errors; /* those that are not warnings */
    struct arena *arena;
};

void settings_problems_deinit(struct settings_problems *p);
/* Copies its strings; keeps the list sorted by mark. */
void settings_problem_add(struct settings_problems *p, struct settings_mark mark, bool warning,
                          const char *path, const char *message, const char *remedy);

/* Parses and checks a YAML text. Returns NULL when there is any error; problems may hold warnings all
 * the same. `problems` is zeroed by the caller; both results are the caller's. The text is not kept. */
struct settings *settings_parse(const char *text, size_t len, struct settings_problems *problems);
/* The same, but what could be read is returned even with errors, so that the shell can add what it finds wrong
 * to the same list. Not to be run then. NULL: the text is no YAML at all. */
struct settings *settings_read(const char *text, size_t len, struct settings_problems *problems);
void settings_free(struct settings *s); /* accepts NULL */

/* How many values a dimension can show: its list, or the busiest, and __other__. */
size_t settings_dim_cap(const struct settings_dim *d);
/* False alarms a week that the rule may give, as set or by its kind's default; NaN for a kind without a budget. */
double settings_rule_budget(const struct settings_rule *r);
/* The rate to hold, or of data_quality the largest share of bad events, as set or by default; -1: none. */
double settings_rule_target(const struct settings_rule *r);

/* Index into fields[], or -1. */
int settings_field(const struct settings *s, const char *name);

/* The commented sample file, the reference in Markdown, and the help text: all from the tables. */
void settings_write_sample(struct buf *out);
void settings_write_markdown(struct buf *out);
void settings_write_help(struct buf *out);

/* "1h30m" (units ms s m h d w), "64KiB", as users write them. Return 0, or -1 when malformed. */
int settings_duration(const char *text, int64_t *ret_ms);
int settings_size(const char *text, int64_t *ret_bytes);

#endif
