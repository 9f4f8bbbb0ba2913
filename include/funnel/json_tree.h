/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON text as a cJSON tree whose every node knows its bytes: scanned strictly first, then
 * parsed, the two aligned in document order. cJSON alone keeps no number tokens and no offsets,
 * and is lenient. */
#ifndef FUNNEL_JSON_TREE_H
#define FUNNEL_JSON_TREE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/json_scan.h"
#include "funnel/mem.h"

/* Zero-initialised is valid. */
struct json_tree {
    struct json_scan scan;
    struct span text; /* borrowed */
    cJSON *root;      /* NULL while there is none */
};

void json_tree_deinit(struct json_tree *t);
void json_tree_clear(struct json_tree *t); /* frees the nodes, keeps the scan's memory */

/* Replaces what was there. Statuses and *ret_byte as json_scan_text(). `scratch` is used for a
 * text that cJSON cannot take as it stands. */
enum json_status json_tree_parse(struct json_tree *t, struct span text, int64_t depth_max,
                                 struct arena *scratch, uint32_t *ret_byte);

/* All of these accept NULL for a node that is not there. */

/* Type and bytes. NULL gives a JSON_NULL of no length. */
static inline struct json_value json_tree_value(const struct json_tree *t, const cJSON *node)
{
    return node ? t->scan.values[node->valueint] : (struct json_value){.type = JSON_NULL};
}
/* The member of that name, or NULL; among duplicates the first one. */
const cJSON *json_tree_member(const struct json_tree *t, const cJSON *node, const char *name);
/* RFC 6901: from `node` along unescaped reference tokens; NULL where one leads nowhere. */
const cJSON *json_tree_walk(const struct json_tree *t, const cJSON *node, const char *const *tokens,
                            size_t count);
/* A scalar's text: the bytes of a number, true or false; of a string what it stands for, copied to
 * `strings` where it has escapes. */
struct span json_tree_text(const struct json_tree *t, const cJSON *node, struct arena *strings);

#endif
