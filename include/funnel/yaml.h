/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML text as a small tree that knows where each value stands, so that whoever reads it can say what is
 * wrong with line, column and path. Pure; bounded in bytes, nodes and depth.
 *
 * One document. Anchors and aliases are copied out (a copy counts in full, so a "billion laughs" meets the
 * bound on nodes). Merge keys (<<), tags, and keys that are no plain text are refused. */
#ifndef FUNNEL_YAML_H
#define FUNNEL_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "funnel/buf.h"
#include "funnel/mem.h"
#include "funnel/settings.h"

#define YAML_BYTES_MAX ((size_t)1 << 20)
#define YAML_NODES_MAX 50000
#define YAML_DEPTH_MAX 32

enum yaml_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct yaml_node {
    enum yaml_kind kind;
    bool plain;   /* a scalar without quotes */
    bool bad;     /* it was refused: later checks keep quiet about it */
    bool spoiled; /* something in it was refused */
    struct settings_mark mark;
    const char *text; /* of a scalar; never NULL, holds no NUL */
    /* Its place: key and key_mark in a map, index in a list; parent == NULL at the root. */
    struct yaml_node *parent;
    const char *key;
    struct settings_mark key_mark;
    size_t index;
    /* Members of a map or a list, in the file's order. */
    struct yaml_node *first, *last, *next;
    size_t count;
};

/* Everything is owned by `arena`. NULL when the text cannot be read at all; problems has said why. A key
 * set twice is reported and its first value kept. */
struct yaml_node *yaml_read(const char *text, size_t len, struct arena *arena,
                            struct settings_problems *problems);

/* A map's member, or NULL; NULL too where `map` is none. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
/* Nothing stands there: `key:`, ~ or null, unquoted. */
bool yaml_is_null(const struct yaml_node *node);
/* Where to point at: a scalar itself, else the key it stands under. */
struct settings_mark yaml_mark(const struct yaml_node *node);
/* Appends funnels.sales.rules[0].target; nothing for the root. */
void yaml_path(const struct yaml_node *node, struct buf *out);
/* Marks the node as bad, and what it stands in as spoiled. */
void yaml_spoil(struct yaml_node *node);
/* "a list", for messages. */
const char *yaml_kind_name(const struct yaml_node *node);

#endif
