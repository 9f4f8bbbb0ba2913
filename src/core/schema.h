/* SPDX-License-Identifier: Apache-2.0 */
/* From a YAML tree to C structs, by tables: what is set, what is the default, where each member came from,
 * and everything that is wrong with types, words and keys. Knows no setting by name; the tables
 * (settings_tables.c) do. */
#ifndef FUNNEL_SCHEMA_H
#define FUNNEL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "funnel/buf.h"
#include "funnel/mem.h"
#include "funnel/settings.h"
#include "funnel/yaml.h"

/* Flags of a row. */
enum { REQUIRED = 1, LATER = 2, SECRET = 4 };

#define SCHEMA_NOWHERE ((size_t)-1) /* a member that a struct does not have */

struct schema;
struct schema_place;
struct schema_type;

/* One row: a key of an object. */
struct schema_field {
    const char *key, *def, *help;
    const struct schema_type *type;
    size_t offset;
    unsigned flags;
};

/* A map with known keys, as a struct. */
struct schema_object {
    const struct schema_field *fields;
    size_t field_count;
    size_t mark; /* offset of its settings_mark, or SCHEMA_NOWHERE */
    /* A single value may stand for the whole: `lead` for {id: lead}. */
    const struct schema_type *short_type;
    size_t short_offset;
};

/* Fills `out`, which already holds its default, from the node; says what is wrong and leaves `out` alone. */
typedef void schema_bind_fn(struct schema *b, const struct schema_type *type,
                            struct schema_place *place, struct yaml_node *node, void *out);

struct schema_type {
    const char *name; /* "duration", as docs and messages say it, after "a" */
    const char *form; /* how to write one */
    size_t size;      /* of the C member */
    schema_bind_fn *bind;
    void (*absent)(void *out); /* NULL: all zero */
    const struct schema_object *object;
    /* An enumeration's; NULL at the end. later: words not had yet, or "word: what to do instead". */
    const char *const *words, *const *later;
    /* Lists and maps: the elements, in a struct {T *items; size_t count;}. */
    const struct schema_type *element;
    size_t stride;
    size_t name_at, value_at, mark_at; /* offsets in an element; or SCHEMA_NOWHERE */
    bool single;                       /* one element may stand for a list of it */
};

schema_bind_fn schema_bind_text;   /* any single value, as it is */
schema_bind_fn schema_bind_string; /* neither empty nor with control characters */
schema_bind_fn schema_bind_bool;
schema_bind_fn schema_bind_int;
schema_bind_fn schema_bind_duration;
schema_bind_fn schema_bind_size;
schema_bind_fn schema_bind_ratio;
schema_bind_fn schema_bind_rate;
schema_bind_fn schema_bind_enum;
schema_bind_fn schema_bind_object;
schema_bind_fn schema_bind_list;
schema_bind_fn schema_bind_map;
void schema_absent_int64(void *out);
void schema_absent_double(void *out);
void schema_absent_int(void *out);

/* Where a member of the structs came from. */
struct schema_place {
    const void *at;
    size_t size;
    bool set;               /* stands in the file; else it is the default */
    struct yaml_node *node; /* itself, or the nearest thing around it that stands in the file */
    const struct schema_place *parent;
    const char *key; /* where !set */
};

struct schema {
    struct arena *arena;   /* keeps the values */
    struct arena *scratch; /* the tree, the places; may go when the checks are done */
    struct settings_problems *problems;
    const struct schema_object *root;
    struct schema_place **places; /* by address and size, after schema_bind() */
    size_t place_count, place_cap;
    bool defaults; /* binding the text of a default: nothing stands anywhere */
};

/* Binds a whole tree to `out`, zeroed, of `size`. */
void schema_bind(struct schema *b, const struct schema_object *root, struct yaml_node *node,
                 void *out, size_t size);
void schema_deinit(struct schema *b);

/* The place of the member of that address and size (&s->x, sizeof(s->x)); NULL if it has none. */
const struct schema_place *schema_place(const struct schema *b, const void *at, size_t size);
void schema_path(const struct schema_place *place, struct buf *out);

#endif
