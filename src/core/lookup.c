/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/lookup.h"

#include <stdio.h>
#include <string.h>

#define WIRE_PREFIX 5u /* Confluent's: a zero byte and the four of a schema id, then the JSON */

void lookup_init(struct lookup *l, const struct settings *settings, struct arena *strings)
{
    *l = (struct lookup){.settings = settings, .strings = strings};
}

void lookup_deinit(struct lookup *l)
{
    json_tree_deinit(&l->value);
    json_tree_deinit(&l->key);
}

static int lookup_fail(struct lookup *l, enum reject reason, uint32_t byte)
{
    l->reason = reason;
    l->byte = byte;
    return -1;
}

static int lookup_fail_json(struct lookup *l, enum json_status status, uint32_t byte)
{
    static const enum reject reasons[] = {
        [JSON_MALFORMED] = REJECT_MALFORMED,
        [JSON_UTF8] = REJECT_UTF8,
        [JSON_DEPTH] = REJECT_DEPTH,
    };

    return lookup_fail(l, reasons[status], byte);
}

/* The prefix is one only where a JSON text can begin behind it. */
static uint32_t wire_prefix(struct span bytes)
{
    static const char begins[] = "{[\"-0123456789tfn \t\r\n";

    if (bytes.len <= WIRE_PREFIX || bytes.p[0] != '\0' ||
        !memchr(begins, bytes.p[WIRE_PREFIX], sizeof(begins) - 1))
        return 0;
    return WIRE_PREFIX;
}

static struct span without_prefix(struct span bytes, uint32_t prefix)
{
    return (struct span){bytes.p + prefix, bytes.len - prefix};
}

int lookup_open(struct lookup *l, const struct message *message)
{
    int64_t limit = l->settings->limits.message;
    struct span value = message->value;
    enum json_status status;
    uint32_t byte;

    json_tree_clear(&l->value);
    l->message = message;
    l->base = 0;
    l->envelope = l->row = NULL;
    if (!value.p)
        return 0;
    if ((int64_t)value.len > limit)
        return lookup_fail(l, REJECT_OVERSIZED, (uint32_t)limit);
    l->base = wire_prefix(value);
    status = json_tree_parse(&l->value, without_prefix(value, l->base), l->settings->limits.depth,
                             l->strings, &byte);
    return status == JSON_OK ? 0 : lookup_fail_json(l, status, l->base + byte);
}

const cJSON *lookup_unwrap(const struct json_tree *tree, const cJSON *root)
{
    const cJSON *payload = json_tree_member(tree, root, "payload");

    return payload && json_tree_member(tree, root, "schema") ? payload : root;
}

struct span lookup_header(const struct lookup *l, const char *name)
{
    for (size_t i = 0; i < l->message->header_count; i++)
        if (span_is(l->message->headers[i].name, name))
            return l->message->headers[i].value;
    return SPAN_NONE;
}

void lookup_node(const struct lookup *l, const struct json_tree *tree, const cJSON *node,
                 int format, struct lookup_value *ret)
{
    struct json_value v = json_tree_value(tree, node);

    ret->type = (enum json_type)v.type;
    ret->format = format;
    ret->byte = node && tree == &l->value ? l->base + v.begin : 0;
    ret->text = SPAN_NONE;
    if (v.type != JSON_NULL && v.type < JSON_ARRAY)
        ret->text = json_tree_text(tree, node, l->strings);
    ret->tree = tree;
    ret->node = node;
}

static struct lookup_value value_of_text(struct span text, int format)
{
    return (struct lookup_value){
        .type = text.p ? JSON_STRING : JSON_NULL, .text = text, .format = format};
}

/* For texts that are no part of a JSON text, and so have not been through the scan. */
static int find_raw(struct lookup *l, struct span text, int format, struct lookup_value *ret)
{
    if (text.p && !json_utf8_valid(text))
        return lookup_fail(l, REJECT_UTF8, 0);
    *ret = value_of_text(text, format);
    return 0;
}

static int find_timestamp(const struct lookup *l, struct lookup_value *ret)
{
    char digits[24];
    int n;

    if (l->message->timestamp < 0)
        return 0;
    n = snprintf(digits, sizeof(digits), "%lld", (long long)l->message->timestamp);
    *ret = (struct lookup_value){
        .type = JSON_NUMBER,
        .format = FORMAT_EPOCH_MS,
        .text = {arena_strndup(l->strings, digits, (size_t)n), (uint32_t)n},
    };
    return 0;
}

static enum json_status key_parse(struct lookup *l)
{
    struct span key = l->message->key;
    uint32_t byte;

    return json_tree_parse(&l->key, without_prefix(key, wire_prefix(key)),
                           l->settings->limits.depth, l->strings, &byte);
}

static int find_key_pointer(struct lookup *l, const struct mapping_place *place,
                            struct lookup_value *ret)
{
    const cJSON *node;
    enum json_status status;

    if (!l->message->key.p)
        return 0;
    if ((int64_t)l->message->key.len > l->settings->limits.message)
        return lookup_fail(l, REJECT_OVERSIZED, 0);
    status = key_parse(l);
    if (status != JSON_OK)
        return lookup_fail_json(l, status, 0);
    node = json_tree_walk(&l->key, l->key.root, place->tokens, place->token_count);
    lookup_node(l, &l->key, node, place->format, ret);
    return 0;
}

/* An object's member of the name that counts, or its only one. */
static const cJSON *key_id(const struct lookup *l, const cJSON *node)
{
    const cJSON *member;

    if (json_tree_value(&l->key, node).type != JSON_OBJECT)
        return node;
    member = json_tree_member(&l->key, node, l->key_member);
    if (member)
        return member;
    return node->child && !node->child->next ? node->child : NULL;
}

/* A key is taken as JSON only where it is an object or a string. Plain ids can look like numbers
 * that are no integers (12e4567), and a key's bare integer is the same token either way. */
int lookup_find_key(struct lookup *l, int format, struct lookup_value *ret)
{
    struct span key = l->message->key, body;

    if (!key.p)
        return 0;
    body = without_prefix(key, wire_prefix(key));
    if (span_is(body, "null"))
        return 0;
    if (body.len == 0 || (body.p[0] != '{' && body.p[0] != '"') ||
        (int64_t)key.len > l->settings->limits.message || key_parse(l) != JSON_OK)
        return find_raw(l, body, format, ret);
    lookup_node(l, &l->key, key_id(l, lookup_unwrap(&l->key, l->key.root)), format, ret);
    return 0;
}

static int find_place(struct lookup *l, const struct mapping_place *place, struct lookup_value *ret)
{
    const cJSON *from = l->value.root;

    switch (place->kind) {
    case PLACE_HEADER:
        return find_raw(l, lookup_header(l, place->text), place->format, ret);
    case PLACE_TIMESTAMP:
        return find_timestamp(l, ret);
    case PLACE_KEY:
        return lookup_find_key(l, place->format, ret);
    case PLACE_KEY_POINTER:
        return find_key_pointer(l, place, ret);
    case PLACE_CONSTANT:
        *ret = value_of_text(span_of(place->text), place->format);
        return 0;
    case PLACE_ENVELOPE:
        from = l->envelope;
        break;
    case PLACE_ROW:
        from = l->row;
        break;
    case PLACE_WHOLE:
        break;
    }
    from = json_tree_walk(&l->value, from, place->tokens, place->token_count);
    lookup_node(l, &l->value, from, place->format, ret);
    return 0;
}

int lookup_find(struct lookup *l, const struct mapping_source *source, struct lookup_value *ret)
{
    *ret = (struct lookup_value){.type = JSON_NULL};
    for (size_t i = 0; i < source->count && ret->type == JSON_NULL; i++)
        if (find_place(l, &source->places[i], ret) != 0)
            return -1;
    return 0;
}
