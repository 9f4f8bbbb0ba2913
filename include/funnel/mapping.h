/* SPDX-License-Identifier: Apache-2.0 */
/* Where each field of an event stands, per input: the presets' tables with the settings' `map`
 * over them, taken apart once so that a decoder only walks. Every decoder works from this, so
 * that they agree. */
#ifndef FUNNEL_MAPPING_H
#define FUNNEL_MAPPING_H

#include <stddef.h>

#include "funnel/event.h"
#include "funnel/mem.h"
#include "funnel/settings.h"

enum mapping_place_kind {
    PLACE_WHOLE,    /* pointer into the whole value: what `map` says */
    PLACE_ENVELOPE, /* pointer into the CloudEvent, or into Debezium's payload */
    PLACE_ROW,      /* pointer into what the preset wraps: data; after, or before for a delete */
    PLACE_KEY, /* the record's key: plain text, a JSON string, or one member of a JSON object */
    PLACE_KEY_POINTER, /* pointer into the whole key, as JSON */
    PLACE_HEADER,
    PLACE_TIMESTAMP, /* the record's */
    PLACE_CONSTANT,
};

struct mapping_place {
    enum mapping_place_kind kind;
    int format;                /* FORMAT_*, where the field is a time */
    const char *text;          /* a header's name, a constant */
    const char *const *tokens; /* of a pointer, unescaped */
    size_t token_count;
};

#define MAPPING_PLACES_MAX 4

/* The first place that has a value other than null is taken. */
struct mapping_source {
    const char *name; /* in failures: "entity_id", "dims.channel" */
    struct mapping_place places[MAPPING_PLACES_MAX];
    size_t count; /* 0: the field is not mapped */
};

/* In the order in which they are decoded, so the first one that fails is the same everywhere;
 * then come settings.fields in theirs. */
enum mapping_field {
    MAPPING_OP,
    MAPPING_ENTITY,
    MAPPING_FUNNEL,
    MAPPING_STAGE,
    MAPPING_TS,
    MAPPING_AMOUNT,
    MAPPING_EVENT_ID,
    MAPPING_REASON,
    MAPPING_ENTERED_AT,
    MAPPING_OF_COUNT
};

struct mapping {
    struct mapping_source of[MAPPING_OF_COUNT];
    struct mapping_source fields[EVENT_FIELDS_MAX]; /* by settings.fields */
    const char
        *key_member; /* of a key that is an object: the last token of the entity's pointer, or id */
};

struct mapping_input {
    int preset;            /* PRESET_* */
    struct mapping map;    /* of a CloudEvent: in structured mode */
    struct mapping binary; /* only for CloudEvents: in binary mode */
};

/* One per settings.inputs, in `arena`, borrowing the settings' strings. A `from` that is none
 * finds nothing: settings_parse() has refused it. */
struct mapping_input *mapping_new(const struct settings *settings, struct arena *arena);

#endif
