/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* tdestroy, twalk_r */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/alert.h"
#include "funnel/json_tree.h"
#include "funnel/mem.h"
#include "shell/reconcile.h"

#define TABLE_DEPTH 8

struct reconcile_table {
    void *root; /* tsearch(3), of struct reconcile_alert, by key */
    size_t count, bytes;
    uint64_t skipped;
    struct buf source; /* whose alerts are ours */
    struct json_tree tree;
    struct arena *strings;
    struct reconcile_alert *into; /* while the tree is emptied in order */
    size_t into_count;
};

struct reconcile_table *reconcile_table_new(const char *group)
{
    struct reconcile_table *t = mem_zero(1, sizeof(*t));

    alert_source_put(&t->source, group);
    t->strings = arena_new();
    return t;
}

static void alert_free(void *node)
{
    struct reconcile_alert *a = node;

    mem_free(a->key);
    mem_free(a->value);
    mem_free(a);
}

void reconcile_table_free(struct reconcile_table *t)
{
    if (!t)
        return;
    tdestroy(t->root, alert_free);
    json_tree_deinit(&t->tree);
    arena_free(t->strings);
    buf_deinit(&t->source);
    mem_free(t);
}

static int by_key(const void *a, const void *b)
{
    const struct reconcile_alert *x = a, *y = b;

    return span_compare((struct span){x->key, x->key_len}, (struct span){y->key, y->key_len});
}

static void table_remove(struct reconcile_table *t, struct span key)
{
    struct reconcile_alert wanted = {.key = (char *)key.p, .key_len = key.len}, *old;
    void *found = tfind(&wanted, &t->root, by_key);

    if (!found)
        return;
    old = *(struct reconcile_alert **)found;
    tdelete(old, &t->root, by_key);
    t->bytes -= sizeof(*old) + old->key_len + old->value_len;
    t->count--;
    alert_free(old);
}

static bool table_put(struct reconcile_table *t, struct span key, struct span value)
{
    struct reconcile_alert *a;
    size_t bytes = sizeof(*a) + key.len + value.len;

    table_remove(t, key);
    if (t->bytes + bytes > RECONCILE_BYTES_MAX)
        return false;
    a = mem_zero(1, sizeof(*a));
    *a = (struct reconcile_alert){mem_strndup(key.p, key.len), mem_strndup(value.p, value.len),
                                  key.len, value.len};
    if (!tsearch(a, &t->root, by_key))
        abort();
    t->bytes += bytes;
    t->count++;
    return true;
}

/* --- what a record is --- */

enum record_is { RECORD_UNKNOWN, RECORD_OTHER, RECORD_FIRING, RECORD_OVER };

static struct span member_text(struct reconcile_table *t, const cJSON *node, const char *name)
{
    node = json_tree_member(&t->tree, node, name);
    if (!node || json_tree_value(&t->tree, node).type != JSON_STRING)
        return SPAN_NONE;
    return json_tree_text(&t->tree, node, t->strings);
}

static enum record_is table_classify(struct reconcile_table *t, struct span key, struct span value)
{
    const cJSON *root;
    struct span status;
    uint32_t byte;

    arena_reset(t->strings);
    if (value.len > RECONCILE_VALUE_MAX ||
        json_tree_parse(&t->tree, value, TABLE_DEPTH, t->strings, &byte) != JSON_OK)
        return RECORD_UNKNOWN;
    root = t->tree.root;
    if (json_tree_value(&t->tree, root).type != JSON_OBJECT)
        return RECORD_UNKNOWN;
    if (!json_tree_member(&t->tree, root, "fingerprint") ||
        span_is(member_text(t, json_tree_member(&t->tree, root, "rule"), "kind"), "intervention"))
        return RECORD_OTHER;
    status = member_text(t, root, "status");
    if (!span_equal(member_text(t, root, "fingerprint"), key))
        return RECORD_UNKNOWN;
    if (span_is(status, "firing") || span_is(status, "updated"))
        return RECORD_FIRING;
    return span_is(status, "resolved") ? RECORD_OVER : RECORD_UNKNOWN;
}

bool reconcile_table_take(struct reconcile_table *t, struct span key, struct span value,
                          struct span source)
{
    if (!source.p || !span_equal(source, (struct span){t->source.data, (uint32_t)t->source.len}))
        return true;
    if (!key.p || key.len > RECONCILE_KEY_MAX || !value.p) {
        t->skipped += value.p != NULL;
        return true;
    }
    switch (table_classify(t, key, value)) {
    case RECORD_FIRING:
        return table_put(t, key, value);
    case RECORD_OVER:
        table_remove(t, key);
        break;
    case RECORD_UNKNOWN:
        t->skipped++;
        break;
    case RECORD_OTHER:
        break;
    }
    return true;
}

uint64_t reconcile_table_skipped(const struct reconcile_table *t)
{
    return t->skipped;
}

/* --- taking out --- */

static void walk_out(const void *node, VISIT visit, void *context)
{
    struct reconcile_table *t = context;

    if (visit == postorder || visit == leaf)
        t->into[t->into_count++] = **(struct reconcile_alert *const *)node;
}

size_t reconcile_table_firing(struct reconcile_table *t, struct reconcile_alert **ret)
{
    size_t count = t->count;

    *ret = NULL;
    if (count == 0)
        return 0;
    t->into = mem_zero(count, sizeof(*t->into));
    t->into_count = 0;
    twalk_r(t->root, walk_out, t);
    tdestroy(t->root, mem_free); /* their texts have a new owner */
    t->root = NULL;
    t->count = t->bytes = 0;
    *ret = t->into;
    t->into = NULL;
    return count;
}

void reconcile_alerts_free(struct reconcile_alert *alerts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mem_free(alerts[i].key);
        mem_free(alerts[i].value);
    }
    mem_free(alerts);
}
