/* SPDX-License-Identifier: Apache-2.0 */
#include "core/schema_say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/nearest.h"

#define QUOTE_MAX 60

void schema_quote(struct buf *out, const char *text)
{
    size_t len = strlen(text), shown = len;

    if (len > QUOTE_MAX) {
        shown = QUOTE_MAX;
        while (shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80)
            shown--; /* not inside a character */
    }
    buf_char(out, '\'');
    for (size_t i = 0; i < shown; i++)
        buf_char(out, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i]);
    buf_str(out, shown < len ? "...'" : "'");
}

static void say(struct schema *b, struct settings_mark mark, bool warning,
                const struct yaml_node *node, const char *message, const char *remedy)
{
    struct buf path = {0};

    yaml_path(node, &path);
    settings_problem_add(b->problems, mark, warning, buf_cstr(&path), message, remedy);
    buf_deinit(&path);
}

void schema_say(struct schema *b, struct yaml_node *node, const char *remedy, const char *fmt, ...)
{
    char message[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    say(b, yaml_mark(node), false, node, message, remedy);
    yaml_spoil(node);
}

void schema_say_nothing(struct schema *b, struct yaml_node *node, const struct schema_type *type)
{
    struct buf remedy = {0};

    buf_fmt(&remedy, "%s; or remove the line, for the default", type->form);
    schema_say(b, node, buf_cstr(&remedy), "no value, where a %s belongs", type->name);
    buf_deinit(&remedy);
}

void schema_say_value(struct schema *b, struct yaml_node *node, const struct schema_type *type)
{
    struct buf value = {0};

    schema_quote(&value, node->text);
    schema_say(b, node, type->form, "%s is not a %s", buf_cstr(&value), type->name);
    buf_deinit(&value);
}

void schema_say_kind(struct schema *b, struct yaml_node *node, const struct schema_type *type)
{
    if (node->kind == NODE_SCALAR && !yaml_is_null(node))
        schema_say_value(b, node, type);
    else
        schema_say(b, node, type->form, "%s, where a %s belongs", yaml_kind_name(node), type->name);
}

static void put_words(struct buf *out, const char *const *words)
{
    for (size_t i = 0; words[i]; i++) {
        if (i > 0)
            buf_str(out, ", ");
        buf_str(out, words[i]);
    }
}

/* What follows the word in the list of those not had: "" where it only comes later; NULL: it is not there. */
static const char *later_word(const char *const *words, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; words && words[i]; i++) {
        if (strncmp(words[i], word, len) == 0 && words[i][len] == '\0')
            return "";
        if (strncmp(words[i], word, len) == 0 && strncmp(words[i] + len, ": ", 2) == 0)
            return words[i] + len + 2;
    }
    return NULL;
}

void schema_say_word(struct schema *b, struct yaml_node *node, const struct schema_type *type)
{
    struct nearest near = {.word = node->text};
    struct buf value = {0}, remedy = {0};
    const char *later = later_word(type->later, node->text);

    schema_quote(&value, node->text);
    for (size_t i = 0; type->words[i]; i++)
        nearest_offer(&near, type->words[i]);
    if (near.best && !later)
        buf_fmt(&remedy, "did you mean '%s'? ", near.best);
    buf_str(&remedy, later && *later ? later : later ? "this version has: " : "one of: ");
    if (!later || !*later)
        put_words(&remedy, type->words);
    schema_say(b, node, buf_cstr(&remedy),
               !later   ? "%s is not known here"
               : *later ? "%s is not set here"
                        : "%s comes in a later version",
               buf_cstr(&value));
    buf_deinit(&value);
    buf_deinit(&remedy);
}

void schema_say_missing(struct schema *b, struct yaml_node *map, const struct schema_field *field)
{
    struct buf path = {0}, message = {0}, remedy = {0};

    yaml_path(map, &path);
    buf_fmt(&path, "%s%s", path.len > 0 ? "." : "", field->key);
    buf_fmt(&message, "'%s' is missing", field->key);
    buf_fmt(&remedy, "add %s: %s", field->key, field->help);
    settings_problem_add(b->problems, yaml_mark(map), false, buf_cstr(&path), buf_cstr(&message),
                         buf_cstr(&remedy));
    buf_deinit(&path);
    buf_deinit(&message);
    buf_deinit(&remedy);
    map->spoiled = true;
}

/* A key that is right, or nearly, but elsewhere: lateness at the top belongs to time. */
struct elsewhere {
    struct nearest near;
    struct buf path, best; /* where the search is; where the nearest one so far is */
};

static void find_elsewhere(const struct schema_object *object, struct elsewhere *e)
{
    size_t before = e->path.len;

    for (size_t i = 0; i < object->field_count; i++) {
        const struct schema_field *f = &object->fields[i];
        const struct schema_type *t = f->type->element ? f->type->element : f->type;
        const char *best = e->near.best;

        buf_fmt(&e->path, "%s%s", before > 0 ? "." : "", f->key);
        nearest_offer(&e->near, f->key);
        if (e->near.best != best) {
            buf_clear(&e->best);
            buf_add(&e->best, e->path.data, e->path.len);
        }
        if (f->type->element)
            buf_str(&e->path, f->type->name_at == SCHEMA_NOWHERE ? "[]" : ".NAME");
        if (t->object)
            find_elsewhere(t->object, e);
        e->path.len = before;
    }
}

static void put_unknown_remedy(struct schema *b, const struct schema_object *object,
                               const char *key, struct buf *remedy)
{
    struct nearest near = {.word = key};
    struct elsewhere e = {.near = {.word = key}};

    for (size_t i = 0; i < object->field_count; i++)
        nearest_offer(&near, object->fields[i].key);
    find_elsewhere(b->root, &e);
    if (near.best) {
        buf_fmt(remedy, "did you mean '%s'?", near.best);
    } else if (e.near.best) {
        buf_fmt(remedy, "did you mean %s?", buf_cstr(&e.best));
    } else {
        buf_str(remedy, "known here: ");
        for (size_t i = 0; i < object->field_count; i++)
            buf_fmt(remedy, "%s%s", i > 0 ? ", " : "", object->fields[i].key);
    }
    buf_deinit(&e.path);
    buf_deinit(&e.best);
}

void schema_say_unknown(struct schema *b, const struct schema_object *object,
                        struct yaml_node *node)
{
    struct buf message = {0}, remedy = {0};

    buf_str(&message, "unknown key ");
    schema_quote(&message, node->key);
    put_unknown_remedy(b, object, node->key, &remedy);
    say(b, node->key_mark, false, node, buf_cstr(&message), buf_cstr(&remedy));
    yaml_spoil(node);
    buf_deinit(&message);
    buf_deinit(&remedy);
}

void schema_say_later(struct schema *b, const struct yaml_node *node)
{
    say(b, node->key_mark, true, node, "accepted, has no effect in this version",
        "leave it, or remove the line");
}
