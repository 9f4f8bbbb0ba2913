/* SPDX-License-Identifier: Apache-2.0 */
/* One message, opened: its value and key as JSON where they are, and what stands at a mapping's
 * places. */
#ifndef FUNNEL_LOOKUP_H
#define FUNNEL_LOOKUP_H

#include <stdint.h>

#include "funnel/decode.h"
#include "funnel/json_tree.h"
#include "funnel/mapping.h"

struct lookup {
    const struct settings *settings; /* limits */
    struct arena *strings;           /* unescaped texts; the caller resets it once a batch */
    const struct message *message;
    struct json_tree value, key;
    uint32_t base;               /* where the JSON begins in the value */
    const cJSON *envelope, *row; /* of PLACE_ENVELOPE and PLACE_ROW; the caller sets them */
    const char *key_member;      /* mapping.key_member; the caller sets it */
    enum reject reason;          /* after a -1, with the byte in the value */
    uint32_t byte;
};

/* What stands at a place. JSON_NULL: nothing, or null. */
struct lookup_value {
    enum json_type type;
    int format;                   /* FORMAT_*, where it is a time */
    uint32_t byte;                /* where it begins in the value; 0 for what stands elsewhere */
    struct span text;             /* of a scalar, true and false included */
    const struct json_tree *tree; /* of an array */
    const cJSON *node;
};

void lookup_init(struct lookup *l, const struct settings *settings, struct arena *strings);
void lookup_deinit(struct lookup *l);

/* Bounds, wire prefix, scan and tree. An absent value leaves value.root NULL. The message is
 * borrowed until the next call. Returns -1 with reason and byte. */
int lookup_open(struct lookup *l, const struct message *message);

/* Kafka Connect's {schema, payload}: the payload (NULL only for a NULL root), else the root
 * itself. */
const cJSON *lookup_unwrap(const struct json_tree *tree, const cJSON *root);

/* The first header of that name; absent where there is none or it has no value. */
struct span lookup_header(const struct lookup *l, const char *name);

/* The source's first place with a value. Returns -1 with reason and byte when one cannot be
 * read. */
int lookup_find(struct lookup *l, const struct mapping_source *source, struct lookup_value *ret);
/* The id in the record's key, as PLACE_KEY. */
int lookup_find_key(struct lookup *l, int format, struct lookup_value *ret);
/* A node of one of the trees. */
void lookup_node(const struct lookup *l, const struct json_tree *tree, const cJSON *node,
                 int format, struct lookup_value *ret);

#endif
