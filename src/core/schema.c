/* SPDX-License-Identifier: Apache-2.0 */
#include "core/schema.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/schema_say.h"

/* --- places --- */

static struct schema_place *place_add(struct schema *b, const void *at, size_t size,
                                      const struct schema_place *parent, struct yaml_node *node,
                                      const char *key)
{
    struct schema_place *p;

    if (b->defaults)
        return NULL;
    p = arena_alloc(b->scratch, sizeof(*p));
    *p = (struct schema_place){.at = at, .size = size, .parent = parent, .key = key};
    p->set = node != NULL;
    p->node = node ? node : parent->node;
    b->places = mem_grow(b->places, b->place_count, &b->place_cap, sizeof(*b->places));
    b->places[b->place_count++] = p;
    return p;
}

static int compare_addresses(const struct schema_place *p, const void *at, size_t size)
{
    uintptr_t x = (uintptr_t)p->at, y = (uintptr_t)at;

    if (x != y)
        return (x > y) - (x < y);
    return (p->size > size) - (p->size < size);
}

static int compare_places(const void *a, const void *b)
{
    const struct schema_place *p = *(struct schema_place *const *)a;
    const struct schema_place *q = *(struct schema_place *const *)b;

    return compare_addresses(p, q->at, q->size);
}

const struct schema_place *schema_place(const struct schema *b, const void *at, size_t size)
{
    size_t low = 0, high = b->place_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = compare_addresses(b->places[middle], at, size);

        if (c == 0)
            return b->places[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void schema_path(const struct schema_place *place, struct buf *out)
{
    if (place->set) {
        yaml_path(place->node, out);
        return;
    }
    schema_path(place->parent, out);
    if (out->len > 0)
        buf_char(out, '.');
    buf_str(out, place->key);
}

/* --- fields and objects --- */

/* A default is written as in YAML; the simple ones need no parser. */
static void bind_default(struct schema *b, const struct schema_field *f, void *out)
{
    struct yaml_node scalar = {.kind = NODE_SCALAR, .plain = true, .text = f->def};
    struct yaml_node *node = &scalar;
    bool outer = b->defaults;

    if (f->type->absent)
        f->type->absent(out);
    if (!f->def)
        return;
    b->defaults = true;
    if (f->def[0] == '[' || f->def[0] == '{')
        node = yaml_read(f->def, strlen(f->def), b->scratch, b->problems);
    if (node)
        f->type->bind(b, f->type, NULL, node, out);
    b->defaults = outer;
}

static void bind_object(struct schema *b, const struct schema_object *object,
                        const struct schema_place *place, struct yaml_node *node, void *out);

static bool is_container(const struct schema_type *type)
{
    return type->object || type->element;
}

static void bind_field(struct schema *b, const struct schema_field *f,
                       const struct schema_place *parent, struct yaml_node *node, void *base)
{
    void *out = (unsigned char *)base + f->offset;
    struct schema_place *place;

    if (node && yaml_is_null(node) && !is_container(f->type))
        schema_say_nothing(b, node, f->type);
    else if (node && yaml_is_null(node))
        node = NULL;
    place = place_add(b, out, f->type->size, parent, node, f->key);
    bind_default(b, f, out);
    if (node && !node->bad)
        f->type->bind(b, f->type, place, node, out);
    else if (f->type->object)
        bind_object(b, f->type->object, place, NULL, out);
    if (node && (f->flags & LATER))
        schema_say_later(b, node);
}

static const struct schema_field *find_field(const struct schema_object *object, const char *key)
{
    for (size_t i = 0; i < object->field_count; i++)
        if (strcmp(object->fields[i].key, key) == 0)
            return &object->fields[i];
    return NULL;
}

static void bind_keys(struct schema *b, const struct schema_object *object,
                      const struct schema_place *place, struct yaml_node *map, void *out)
{
    for (size_t i = 0; i < object->field_count; i++) {
        const struct schema_field *f = &object->fields[i];
        struct yaml_node *node = yaml_get(map, f->key);

        bind_field(b, f, place, node, out);
        if ((f->flags & REQUIRED) && (!node || (yaml_is_null(node) && is_container(f->type))))
            schema_say_missing(b, map, f);
    }
    for (struct yaml_node *n = map->first; n; n = n->next)
        if (!find_field(object, n->key))
            schema_say_unknown(b, object, n);
}

/* The other members keep their defaults; the whole is said in one value. */
static void bind_short(struct schema *b, const struct schema_object *object,
                       const struct schema_place *place, struct yaml_node *node, void *out)
{
    void *member = (unsigned char *)out + object->short_offset;
    const struct schema_type *type = object->short_type;

    for (size_t i = 0; i < object->field_count; i++)
        if (object->fields[i].offset != object->short_offset)
            bind_field(b, &object->fields[i], place, NULL, out);
    if (type->absent)
        type->absent(member);
    type->bind(b, type, place_add(b, member, type->size, place, node, NULL), node, member);
}

/* node == NULL, or nothing in it: the defaults. */
static void bind_object(struct schema *b, const struct schema_object *object,
                        const struct schema_place *place, struct yaml_node *node, void *out)
{
    if (node && node->kind == NODE_MAP) {
        bind_keys(b, object, place, node, out);
    } else if (node && object->short_type && !yaml_is_null(node)) {
        bind_short(b, object, place, node, out);
    } else {
        for (size_t i = 0; i < object->field_count; i++)
            bind_field(b, &object->fields[i], place, NULL, out);
    }
    if (object->mark != SCHEMA_NOWHERE && place && place->set) {
        struct settings_mark mark = yaml_mark(place->node);

        memcpy((unsigned char *)out + object->mark, &mark, sizeof(mark));
    }
}

void schema_bind_object(struct schema *b, const struct schema_type *type,
                        struct schema_place *place, struct yaml_node *node, void *out)
{
    const struct schema_object *object = type->object;

    if (node->kind == NODE_LIST || (node->kind == NODE_SCALAR && !object->short_type)) {
        schema_say_kind(b, node, type);
        node = NULL;
    }
    bind_object(b, object, place, node, out);
}

/* --- lists and maps --- */

struct items { /* as every struct of a list or a map begins */
    void *items;
    size_t count;
};

static void bind_element(struct schema *b, const struct schema_type *type,
                         const struct schema_place *place, struct yaml_node *node, void *element)
{
    const struct schema_type *of = type->element;
    void *out = (unsigned char *)element + type->value_at;
    struct schema_place *own = place_add(b, out, of->size, place, node, NULL);

    if (of->absent)
        of->absent(out);
    if (yaml_is_null(node) && node->key && of->object) {
        node->kind = NODE_MAP; /* `region:` alone has everything at its default */
    } else if (yaml_is_null(node)) {
        schema_say_nothing(b, node, of);
        return;
    }
    of->bind(b, of, own, node, out);
}

static void bind_elements(struct schema *b, const struct schema_type *type,
                          const struct schema_place *place, struct yaml_node *first, size_t count,
                          void *out)
{
    unsigned char *items = count ? arena_alloc(b->arena, count * type->stride) : NULL;
    struct items list = {items, count};
    struct yaml_node *n = first;

    for (size_t i = 0; i < count; i++, n = n->next, items += type->stride) {
        if (type->name_at != SCHEMA_NOWHERE) {
            const char *name = arena_strndup(b->arena, n->key, strlen(n->key));

            memcpy(items + type->name_at, &name, sizeof(name));
        }
        if (type->mark_at != SCHEMA_NOWHERE)
            memcpy(items + type->mark_at, &n->key_mark, sizeof(n->key_mark));
        bind_element(b, type, place, n, items);
    }
    memcpy(out, &list, sizeof(list));
}

void schema_bind_list(struct schema *b, const struct schema_type *type, struct schema_place *place,
                      struct yaml_node *node, void *out)
{
    if (node->kind == NODE_LIST)
        bind_elements(b, type, place, node->first, node->count, out);
    else if (type->single && (node->kind == NODE_SCALAR || type->element->object))
        bind_elements(b, type, place, node, 1, out);
    else
        schema_say_kind(b, node, type);
}

void schema_bind_map(struct schema *b, const struct schema_type *type, struct schema_place *place,
                     struct yaml_node *node, void *out)
{
    if (node->kind == NODE_MAP)
        bind_elements(b, type, place, node->first, node->count, out);
    else
        schema_say_kind(b, node, type);
}

/* --- the whole --- */

void schema_bind(struct schema *b, const struct schema_object *root, struct yaml_node *node,
                 void *out, size_t size)
{
    const struct schema_type type = {.name = "map of settings",
                                     .form = "write 'key: value' lines, as in conf/funneld.yaml",
                                     .size = size,
                                     .object = root};

    b->root = root;
    if (node->kind != NODE_MAP) {
        schema_say_kind(b, node, &type);
        return;
    }
    bind_object(b, root, place_add(b, out, size, NULL, node, NULL), node, out);
    qsort(b->places, b->place_count, sizeof(struct schema_place *), compare_places);
}

void schema_deinit(struct schema *b)
{
    mem_free(b->places);
    b->places = NULL;
}
