/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

struct anchor {
    const char *name;
    const struct yaml_node *node;
};

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; zeroed when there is none */
    struct arena *arena;
    struct settings_problems *problems;
    struct anchor *anchors;
    size_t anchor_count, anchor_cap;
    size_t nodes;
    const char *text;
    size_t len;
};

/* libyaml's words are for those who know its grammar; these say what to do. */
static const struct {
    const char *problem, *remedy;
} syntax_remedies[] = {
    {"mapping values are not allowed", "quote text that has ': ' in it, and check the indentation"},
    {"cannot start any token",
     "indent with spaces, not tabs, and quote text that begins with @, ` or %"},
    {"did not find expected ',' or", "close the bracket that was opened before, or add the comma"},
    {"did not find expected key", "check the indentation: keys of one block stand in one column"},
    {"did not find expected '-'", "check the indentation: items of one list stand in one column"},
    {"could not find expected ':'", "write 'key: value', with a blank after the colon"},
    {"unexpected end of stream", "close the quote that was opened before"},
    {"UTF-8", "save the file as UTF-8"},
    {"control characters", "remove the character, or write it as an escape in double quotes"},
};

static const char *syntax_remedy(const char *problem)
{
    for (size_t i = 0; i < sizeof(syntax_remedies) / sizeof(syntax_remedies[0]); i++)
        if (strstr(problem, syntax_remedies[i].problem))
            return syntax_remedies[i].remedy;
    return "check indentation, quotes and brackets here and on the line before";
}

static struct settings_mark mark_of(const yaml_mark_t *m)
{
    return (struct settings_mark){(uint32_t)m->line + 1, (uint32_t)m->column + 1};
}

/* The reader of libyaml gives a byte offset only. */
static struct settings_mark mark_of_offset(const struct reader *r, size_t offset)
{
    struct settings_mark mark = {1, 1};

    for (size_t i = 0; i < offset && i < r->len; i++) {
        if (r->text[i] == '\n')
            mark = (struct settings_mark){mark.line + 1, 1};
        else if ((r->text[i] & 0xc0) != 0x80)
            mark.column++;
    }
    return mark;
}

static void refuse(struct reader *r, const struct yaml_node *at, struct settings_mark mark,
                   const char *message, const char *remedy)
{
    struct buf path = {0};

    if (at)
        yaml_path(at, &path);
    settings_problem_add(r->problems, mark, false, buf_cstr(&path), message, remedy);
    buf_deinit(&path);
}

static void refuse_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "cannot be read";
    struct settings_mark mark = p->error == YAML_READER_ERROR ? mark_of_offset(r, p->problem_offset)
                                                              : mark_of(&p->problem_mark);
    struct buf message = {0};

    if (p->error == YAML_MEMORY_ERROR)
        abort(); /* as mem.h says */
    buf_fmt(&message, "not YAML: %s", problem);
    if (p->context)
        buf_fmt(&message, " (%s on line %zu)", p->context, p->context_mark.line + 1);
    refuse(r, NULL, mark, buf_cstr(&message), syntax_remedy(problem));
    buf_deinit(&message);
}

static bool next_event(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event))
        return true;
    refuse_syntax(r);
    return false;
}

/* --- nodes --- */

/* A node in its place, or NULL beyond the bound. */
static struct yaml_node *node_add(struct reader *r, struct yaml_node *parent, const char *key,
                                  struct settings_mark key_mark)
{
    struct yaml_node *n;

    if (r->nodes++ >= YAML_NODES_MAX)
        return NULL;
    n = arena_alloc(r->arena, sizeof(*n));
    n->parent = parent;
    n->key = key;
    n->key_mark = key_mark;
    if (!parent)
        return n;
    n->index = parent->count++;
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    return n;
}

static bool too_large(struct reader *r, const struct yaml_node *at)
{
    refuse(r, at, mark_of(&r->event.start_mark), "too many values in one file",
           "a file may hold 50000 values, counting what an alias stands for each time");
    return false;
}

static bool too_deep(struct reader *r, const struct yaml_node *at, struct settings_mark mark)
{
    refuse(r, at, mark, "nested too deeply", "no setting needs more than 32 levels");
    return false;
}

static bool copy_members(struct reader *r, struct yaml_node *to, const struct yaml_node *from,
                         int depth)
{
    if (depth > YAML_DEPTH_MAX)
        return too_deep(r, to, mark_of(&r->event.start_mark));
    to->kind = from->kind;
    to->plain = from->plain;
    to->mark = from->mark;
    to->text = from->text;
    for (const struct yaml_node *m = from->first; m; m = m->next) {
        struct yaml_node *n = node_add(r, to, m->key, m->key_mark);

        if (!n)
            return too_large(r, to);
        if (!copy_members(r, n, m, depth + 1))
            return false;
    }
    return true;
}

static void anchor_add(struct reader *r, const yaml_char_t *name, const struct yaml_node *node)
{
    if (!name)
        return;
    r->anchors = mem_grow(r->anchors, r->anchor_count, &r->anchor_cap, sizeof(*r->anchors));
    r->anchors[r->anchor_count++] = (struct anchor){
        arena_strndup(r->arena, (const char *)name, strlen((const char *)name)), node};
}

/* An anchor is known once its node is complete, so that none can hold itself. The latest one counts. */
static bool read_alias(struct reader *r, struct yaml_node *out, int depth)
{
    const char *name = (const char *)r->event.data.alias.anchor;

    for (size_t i = r->anchor_count; i-- > 0;)
        if (strcmp(r->anchors[i].name, name) == 0)
            return copy_members(r, out, r->anchors[i].node, depth);
    refuse(r, out, mark_of(&r->event.start_mark), "an alias of an anchor that is not there",
           "define it before, with &, or write the value out");
    return false;
}

static bool refuse_tag(struct reader *r, const yaml_char_t *tag, const struct yaml_node *at)
{
    if (!tag)
        return false;
    refuse(r, at, mark_of(&r->event.start_mark), "tags (!) are not used here",
           "remove the tag; a value's type follows from its key");
    return true;
}

static bool read_text(struct reader *r, const struct yaml_node *at, const char **ret_text)
{
    const yaml_char_t *value = r->event.data.scalar.value;
    size_t len = r->event.data.scalar.length;

    if (memchr(value, 0, len)) {
        refuse(r, at, mark_of(&r->event.start_mark), "U+0000 in a text", "remove it");
        return false;
    }
    *ret_text = arena_strndup(r->arena, (const char *)value, len);
    return true;
}

static bool read_scalar(struct reader *r, struct yaml_node *out)
{
    if (refuse_tag(r, r->event.data.scalar.tag, out))
        return false;
    out->kind = NODE_SCALAR;
    out->plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (!read_text(r, out, &out->text))
        return false;
    anchor_add(r, r->event.data.scalar.anchor, out);
    return true;
}

static bool read_node(struct reader *r, struct yaml_node *out, int depth);

/* The current event begins a member of `parent`. */
static bool read_member(struct reader *r, struct yaml_node *parent, const char *key,
                        struct settings_mark key_mark, int depth)
{
    struct yaml_node *n = node_add(r, parent, key, key_mark);

    return n ? read_node(r, n, depth + 1) : too_large(r, parent);
}

static char *anchor_name(struct reader *r, const yaml_char_t *name)
{
    return name ? arena_strndup(r->arena, (const char *)name, strlen((const char *)name)) : NULL;
}

static bool read_list(struct reader *r, struct yaml_node *out, int depth)
{
    const char *anchor = anchor_name(r, r->event.data.sequence_start.anchor);

    if (refuse_tag(r, r->event.data.sequence_start.tag, out))
        return false;
    out->kind = NODE_LIST;
    while (next_event(r)) {
        if (r->event.type == YAML_SEQUENCE_END_EVENT) {
            anchor_add(r, (const yaml_char_t *)anchor, out);
            return true;
        }
        if (!read_member(r, out, NULL, (struct settings_mark){0}, depth))
            return false;
    }
    return false;
}

static bool read_key(struct reader *r, const struct yaml_node *map, const char **ret_key)
{
    struct settings_mark mark = mark_of(&r->event.start_mark);

    if (r->event.type != YAML_SCALAR_EVENT || r->event.data.scalar.anchor) {
        refuse(r, map, mark, "a key that is no plain text", "write 'key: value'");
        return false;
    }
    if (refuse_tag(r, r->event.data.scalar.tag, map) || !read_text(r, map, ret_key))
        return false;
    if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(*ret_key, "<<") == 0) {
        refuse(r, map, mark, "merge keys (<<) are not supported",
               "write the keys out, or give a whole value an anchor (&) and use its alias (*)");
        return false;
    }
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const struct yaml_node *x = *(struct yaml_node *const *)a, *y = *(struct yaml_node *const *)b;
    int c = strcmp(x->key, y->key);

    return c != 0 ? c : (x->index > y->index) - (x->index < y->index);
}

static void refuse_twice(struct reader *r, const struct yaml_node *first, const struct yaml_node *n)
{
    struct buf message = {0};

    buf_fmt(&message, "'%.60s' is set twice, first on line %u", n->key, first->key_mark.line);
    refuse(r, n, n->key_mark, buf_cstr(&message), "remove one of the two");
    buf_deinit(&message);
}

static void unlink_marked(struct yaml_node *map)
{
    struct yaml_node **link = &map->first;

    map->last = NULL;
    map->count = 0;
    while (*link) {
        if ((*link)->bad) {
            *link = (*link)->next;
            continue;
        }
        map->last = *link;
        map->last->index = map->count++;
        link = &(*link)->next;
    }
}

/* Sorted, so that a map of thousands of keys costs no square of it. */
static void check_twice(struct reader *r, struct yaml_node *map)
{
    struct yaml_node **sorted, *n = map->first;
    size_t first = 0;
    bool any = false;

    if (map->count < 2)
        return;
    sorted = mem_zero(map->count, sizeof(struct yaml_node *));
    for (size_t i = 0; i < map->count; i++, n = n->next)
        sorted[i] = n;
    qsort(sorted, map->count, sizeof(struct yaml_node *), compare_keys);
    for (size_t i = 1; i < map->count; i++) {
        if (strcmp(sorted[first]->key, sorted[i]->key) != 0) {
            first = i;
            continue;
        }
        refuse_twice(r, sorted[first], sorted[i]);
        sorted[i]->bad = true;
        any = true;
    }
    mem_free(sorted);
    if (any)
        unlink_marked(map);
}

static bool read_map(struct reader *r, struct yaml_node *out, int depth)
{
    const char *anchor = anchor_name(r, r->event.data.mapping_start.anchor);

    if (refuse_tag(r, r->event.data.mapping_start.tag, out))
        return false;
    out->kind = NODE_MAP;
    while (next_event(r)) {
        struct settings_mark mark = mark_of(&r->event.start_mark);
        const char *key;

        if (r->event.type == YAML_MAPPING_END_EVENT) {
            check_twice(r, out);
            anchor_add(r, (const yaml_char_t *)anchor, out);
            return true;
        }
        if (!read_key(r, out, &key) || !next_event(r) || !read_member(r, out, key, mark, depth))
            return false;
    }
    return false;
}

/* The current event begins it. */
static bool read_node(struct reader *r, struct yaml_node *out, int depth)
{
    out->mark = mark_of(&r->event.start_mark);
    out->text = "";
    if (depth > YAML_DEPTH_MAX)
        return too_deep(r, out, out->mark);
    switch (r->event.type) {
    case YAML_ALIAS_EVENT:
        return read_alias(r, out, depth);
    case YAML_SCALAR_EVENT:
        return read_scalar(r, out);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(r, out, depth);
    default: /* nothing else can begin a node */
        return read_map(r, out, depth);
    }
}

static struct yaml_node *read_document(struct reader *r)
{
    struct settings_mark none = {0};
    struct yaml_node *root;

    if (!next_event(r) || !next_event(r)) /* the stream's start, the document's start */
        return NULL;
    if (r->event.type == YAML_STREAM_END_EVENT) {
        refuse(r, NULL, (struct settings_mark){1, 1}, "the file is empty",
               "begin with the sample, conf/funneld.yaml");
        return NULL;
    }
    root = node_add(r, NULL, NULL, none);
    if (!next_event(r) || !read_node(r, root, 0) || !next_event(r) || !next_event(r))
        return NULL;
    if (r->event.type != YAML_STREAM_END_EVENT) {
        refuse(r, NULL, mark_of(&r->event.start_mark), "a second document begins here",
               "write everything into one, without '---' in between");
        return NULL;
    }
    return root;
}

struct yaml_node *yaml_read(const char *text, size_t len, struct arena *arena,
                            struct settings_problems *problems)
{
    size_t skip = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* byte order mark */
    struct reader r = {.arena = arena, .problems = problems, .text = "", .len = len - skip};
    struct yaml_node *root;

    if (text)
        r.text = text + skip;
    if (len > YAML_BYTES_MAX) {
        refuse(&r, NULL, (struct settings_mark){1, 1}, "the file is larger than 1 MiB",
               "no settings need that much");
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser))
        abort();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)r.text, r.len);
    root = read_document(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    mem_free(r.anchors);
    return root;
}

/* --- reading the tree --- */

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (struct yaml_node *n = map->first; n; n = n->next)
        if (strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    return node->kind == NODE_SCALAR && node->plain &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
            strcmp(node->text, "null") == 0);
}

struct settings_mark yaml_mark(const struct yaml_node *node)
{
    return node->key && node->kind != NODE_SCALAR ? node->key_mark : node->mark;
}

void yaml_path(const struct yaml_node *node, struct buf *out)
{
    if (!node->parent)
        return;
    yaml_path(node->parent, out);
    if (!node->key) {
        buf_fmt(out, "[%zu]", node->index);
        return;
    }
    if (out->len > 0)
        buf_char(out, '.');
    buf_str(out, node->key);
}

void yaml_spoil(struct yaml_node *node)
{
    node->bad = true;
    for (node = node->parent; node && !node->spoiled; node = node->parent)
        node->spoiled = true;
}

const char *yaml_kind_name(const struct yaml_node *node)
{
    switch (node->kind) {
    case NODE_LIST:
        return "a list";
    case NODE_MAP:
        return "a map (key: value)";
    default:
        return yaml_is_null(node) ? "nothing" : "a single value";
    }
}
