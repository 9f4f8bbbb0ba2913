/* SPDX-License-Identifier: Apache-2.0 */
/* The ordinal of a node's value in the scan is kept in its `valueint`: cJSON's own numbers are
 * doubles and of no use here. cJSON's allocator hooks are process-global and so are left alone;
 * the arena behind them would save 30 % of a parse. */
#include "funnel/json_tree.h"

#include <string.h>

void json_tree_deinit(struct json_tree *t)
{
    json_tree_clear(t);
    json_scan_deinit(&t->scan);
}

void json_tree_clear(struct json_tree *t)
{
    cJSON_Delete(t->root);
    t->root = NULL;
    t->text = SPAN_NONE;
}

/* The recursion is bounded by JSON_DEPTH_MAX. */
static int tree_number(cJSON *node, int ordinal)
{
    for (; node; node = node->next) {
        node->valueint = ordinal++;
        if (node->child)
            ordinal = tree_number(node->child, ordinal);
    }
    return ordinal;
}

/* cJSON 1.7.15 refuses numbers of 64 bytes and more, where no patch has mended that. Their
 * tokens are read from the scan, so what cJSON sees in their place does not matter. */
static const char *tree_without_long_numbers(const struct json_tree *t, struct arena *scratch)
{
    char *copy = arena_strndup(scratch, t->text.p, t->text.len);

    for (size_t i = 0; i < t->scan.count; i++) {
        struct json_value v = t->scan.values[i];

        if (v.type != JSON_NUMBER || v.end - v.begin <= JSON_NUMBER_SHORT)
            continue;
        memset(copy + v.begin, ' ', v.end - v.begin);
        copy[v.begin] = '0';
    }
    return copy;
}

enum json_status json_tree_parse(struct json_tree *t, struct span text, int64_t depth_max,
                                 struct arena *scratch, uint32_t *ret_byte)
{
    const char *parsed = text.p;
    enum json_status status;

    json_tree_clear(t);
    status = json_scan_text(&t->scan, text, depth_max, ret_byte);
    if (status != JSON_OK)
        return status;
    t->text = text;
    if (t->scan.long_numbers > 0)
        parsed = tree_without_long_numbers(t, scratch);
    t->root = cJSON_ParseWithLengthOpts(parsed, text.len, NULL, 0);
    if (t->root && (size_t)tree_number(t->root, 0) == t->scan.count)
        return JSON_OK;
    /* The two disagree, which the fuzzer has never seen: a peer's bytes must not stop the
     * process. */
    json_tree_clear(t);
    *ret_byte = 0;
    return JSON_MALFORMED;
}

const cJSON *json_tree_member(const struct json_tree *t, const cJSON *node, const char *name)
{
    if (json_tree_value(t, node).type != JSON_OBJECT)
        return NULL;
    for (node = node->child; node; node = node->next)
        if (node->string[0] == name[0] && strcmp(node->string, name) == 0)
            return node;
    return NULL;
}

static const cJSON *tree_element(const cJSON *array, const char *index)
{
    size_t n = 0;

    if (index[0] == '\0' || (index[0] == '0' && index[1] != '\0'))
        return NULL;
    for (; *index; index++) {
        if (*index < '0' || *index > '9' || n > SIZE_MAX / 10 - 9)
            return NULL;
        n = n * 10 + (size_t)(*index - '0');
    }
    array = array->child;
    while (array && n-- > 0)
        array = array->next;
    return array;
}

const cJSON *json_tree_walk(const struct json_tree *t, const cJSON *node, const char *const *tokens,
                            size_t count)
{
    for (size_t i = 0; i < count && node; i++) {
        if (json_tree_value(t, node).type == JSON_ARRAY)
            node = tree_element(node, tokens[i]);
        else
            node = json_tree_member(t, node, tokens[i]);
    }
    return node;
}

struct span json_tree_text(const struct json_tree *t, const cJSON *node, struct arena *strings)
{
    struct json_value v = json_tree_value(t, node);
    struct span text = {t->text.p + v.begin, v.end - v.begin};

    if (v.type != JSON_STRING)
        return text;
    if (!v.escaped)
        return (struct span){text.p + 1, text.len - 2};
    text.len = (uint32_t)strlen(node->valuestring);
    text.p = arena_strndup(strings, node->valuestring, text.len);
    return text;
}
