/* SPDX-License-Identifier: Apache-2.0 */
/* The reference: Markdown for docs/settings.md, text for `funneld help settings`. */
#include "core/settings_doc.h"

#include <string.h>

#include "core/settings_tables.h"

#define OBJECTS_MAX 32

static const char preamble[] =
    "<!-- Generated from include/funnel/settings_table.h; do not edit. -->\n"
    "\n"
    "# Settings\n"
    "\n"
    "One YAML file. `funneld check -c FILE` reports everything that is wrong with it at once, with\n"
    "line, column and remedy; unknown keys are errors. `conf/funneld.yaml` shows every key at its\n"
    "default; `funneld settings` prints this list.\n"
    "\n"
    "| written as | means |\n"
    "|---|---|\n"
    "| duration | number and unit (`ms`, `s`, `m`, `h`, `d`, `w`), also several: `500ms`, `1h30m`, "
    "`14d`; `off` is 0 |\n"
    "| size | bytes, or with `KiB`, `MiB`, `GiB` (powers of 1024), `kB`, `MB`, `GB` (of 1000) |\n"
    "| ratio | `0.3` or `30%` |\n"
    "| boolean | `true` or `false`, `yes` or `no`, `on` or `off` |\n"
    "| list of texts | `[a, b]`; a single one may stand alone |\n"
    "| secret | the text itself, `${NAME}` of the environment, or `file:PATH` |\n"
    "\n"
    "Anchors and aliases work; merge keys (`<<`) and tags do not.\n";

/* --- shared --- */

static size_t columns(const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

void doc_put_wrapped(struct buf *out, int indent, const char *lead, const char *text)
{
    size_t before = (size_t)indent + columns(lead, strlen(lead));
    size_t at = 0;

    while (*text) {
        size_t word = strcspn(text, " "), width = columns(text, word);

        if (at > 0 && at + 1 + width > DOC_WIDTH) {
            buf_char(out, '\n');
            at = 0;
        }
        if (at == 0) {
            buf_fmt(out, "%*s%s", indent, "", lead);
            at = before;
        } else {
            buf_char(out, ' ');
            at++;
        }
        buf_add(out, text, word);
        at += width;
        text += word;
        text += strspn(text, " ");
    }
    buf_char(out, '\n');
}

void doc_put_type(struct buf *out, const struct schema_type *type)
{
    if (!type->words) {
        buf_str(out, type->name);
        return;
    }
    for (size_t i = 0; type->words[i]; i++)
        buf_fmt(out, "%s%s", i == 0 ? "" : type->words[i + 1] ? ", " : " or ", type->words[i]);
}

void doc_put_help(struct buf *out, const struct schema_field *f)
{
    buf_str(out, f->help);
    if (f->flags & SECRET)
        buf_str(out, " (a secret: ${NAME} of the environment, or file:PATH)");
    if (f->flags & LATER)
        buf_str(out, " (no effect in this version)");
}

bool doc_is_short(const struct schema_type *type)
{
    return type->object && type->object->short_type;
}

const struct schema_object *doc_object(const struct schema_type *type)
{
    return type->element ? type->element->object : type->object;
}

/* --- walking the tables --- */

struct doc {
    struct buf *out;
    void (*begin)(struct buf *out, const char *path);
    void (*row)(struct buf *out, const struct schema_field *f);
    void (*alone)(struct buf *out, const struct schema_object *object);
    const struct schema_object
        *seen[OBJECTS_MAX]; /* a source stands in many places, and once here */
    size_t seen_count;
};

static bool is_seen(struct doc *d, const struct schema_object *object)
{
    for (size_t i = 0; i < d->seen_count; i++)
        if (d->seen[i] == object)
            return true;
    if (d->seen_count < OBJECTS_MAX)
        d->seen[d->seen_count++] = object;
    return false;
}

/* Where the keys of a field's object stand: funnels.NAME.rules[]; (source) for one that stands anywhere. */
static void doc_path_below(struct buf *out, const char *path, const struct schema_field *f)
{
    const struct schema_type *own = f->type->element ? f->type->element : f->type;

    if (doc_is_short(own) && (own == f->type || own->object->mark == SCHEMA_NOWHERE)) {
        buf_fmt(out, "(%s)", own->name);
        return;
    }
    buf_fmt(out, "%s%s%s", path, path[0] ? "." : "", f->key);
    if (f->type->element)
        buf_str(out, f->type->name_at == SCHEMA_NOWHERE ? "[]" : ".NAME");
}

/* An object's own rows first, then those of the objects in it. */
static void doc_walk(struct doc *d, const struct schema_object *object, const char *path)
{
    struct buf below = {0};

    d->begin(d->out, path);
    for (size_t i = 0; i < object->field_count; i++)
        d->row(d->out, &object->fields[i]);
    for (size_t i = 0; i < object->field_count; i++) {
        const struct schema_field *f = &object->fields[i];
        const struct schema_object *inner = doc_object(f->type);

        if (!inner || is_seen(d, inner))
            continue;
        buf_clear(&below);
        doc_path_below(&below, path, f);
        doc_walk(d, inner, buf_cstr(&below));
        if (inner->short_type)
            d->alone(d->out, inner);
    }
    buf_deinit(&below);
}

/* What a single value stands for, where it may stand for the whole. */
static void doc_put_alone(struct buf *out, const struct schema_object *object)
{
    for (size_t i = 0; i < object->field_count; i++)
        if (object->fields[i].offset == object->short_offset) {
            buf_fmt(out, "A single value stands for its %s", object->fields[i].key);
            return;
        }
    buf_fmt(out, "Or a single %s", object->short_type->name);
}

/* --- Markdown --- */

static void markdown_alone(struct buf *out, const struct schema_object *object)
{
    buf_char(out, '\n');
    doc_put_alone(out, object);
    buf_str(out, ".\n");
}

static void markdown_begin(struct buf *out, const char *path)
{
    if (path[0] == '(') /* the text within the brackets */
        buf_fmt(out, "\n## A %.*s\n", (int)strlen(path) - 2, path + 1);
    else
        buf_fmt(out, "\n## %s%s%s\n", path[0] ? "`" : "Top level", path, path[0] ? "`" : "");
    buf_str(out, "\n| key | type | default | meaning |\n|---|---|---|---|\n");
}

/* A bar would end the cell; < begins a tag, __ bold text. */
static void put_cell(struct buf *out, const char *text)
{
    for (char before = ' '; *text; before = *text++) {
        if (*text == '|' || *text == '<' || (*text == '_' && (text[1] == '_' || before == '_')))
            buf_char(out, '\\');
        buf_char(out, *text);
    }
}

static void markdown_row(struct buf *out, const struct schema_field *f)
{
    struct buf text = {0};

    buf_fmt(out, "| `%s` | ", f->key);
    doc_put_type(&text, f->type);
    put_cell(out, buf_cstr(&text));
    if (f->flags & REQUIRED)
        buf_str(out, " | required | ");
    else if (f->def)
        buf_fmt(out, " | `%s` | ", f->def);
    else
        buf_str(out, " | | ");
    buf_clear(&text);
    doc_put_help(&text, f);
    put_cell(out, buf_cstr(&text));
    buf_str(out, " |\n");
    buf_deinit(&text);
}

void settings_write_markdown(struct buf *out)
{
    struct doc d = {
        .out = out, .begin = markdown_begin, .row = markdown_row, .alone = markdown_alone};

    buf_str(out, preamble);
    doc_walk(&d, &settings_root_object, "");
}

/* --- help --- */

static void help_alone(struct buf *out, const struct schema_object *object)
{
    buf_str(out, "  ");
    doc_put_alone(out, object);
    buf_str(out, ".\n");
}

static void help_begin(struct buf *out, const char *path)
{
    if (path[0] == '(')
        buf_fmt(out, "\nA %.*s:\n", (int)strlen(path) - 2, path + 1);
    else if (path[0])
        buf_fmt(out, "\n%s:\n", path);
}

static void help_row(struct buf *out, const struct schema_field *f)
{
    struct buf help = {0};

    buf_fmt(out, "  %s: ", f->key);
    doc_put_type(out, f->type);
    if (f->flags & REQUIRED)
        buf_str(out, "; required");
    else if (f->def)
        buf_fmt(out, "; default %s", f->def);
    buf_char(out, '\n');
    doc_put_help(&help, f);
    doc_put_wrapped(out, 6, "", buf_cstr(&help));
    buf_deinit(&help);
}

void settings_write_help(struct buf *out)
{
    struct doc d = {.out = out, .begin = help_begin, .row = help_row, .alone = help_alone};

    buf_str(out,
            "Settings of the YAML file. Durations are written 500ms, 1h30m, 14d; sizes 64KiB;\n"
            "ratios 0.3 or 30%; secrets ${NAME} or file:PATH.\n\n");
    doc_walk(&d, &settings_root_object, "");
}
