/* SPDX-License-Identifier: Apache-2.0 */
/* From the text to checked settings: the tree, the tables, what follows from them, the checks. */
#include "funnel/settings.h"

#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "funnel/yaml.h"
#include "core/schema.h"
#include "core/settings_check.h"
#include "core/settings_tables.h"

int settings_field(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->field_count; i++)
        if (strcmp(s->fields[i], name) == 0)
            return (int)i;
    return -1;
}

/* Beyond EVENT_FIELDS_MAX they are left out: settings_check says so. */
static void add_field(struct settings *s, const char *name)
{
    if (name && s->field_count < EVENT_FIELDS_MAX && settings_field(s, name) < 0)
        s->fields[s->field_count++] = name;
}

static void derive_fields(struct settings *s)
{
    for (size_t i = 0; i < s->funnels.count; i++) {
        const struct settings_funnel *f = &s->funnels.items[i];

        for (size_t j = 0; j < f->dims.count; j++)
            add_field(s, f->dims.items[j].name);
        for (size_t j = 0; j < f->breakdowns.count; j++)
            add_field(s, f->breakdowns.items[j]);
        for (size_t j = 0; j < f->where.count; j++)
            if (!settings_where_is_envelope(f->where.items[j].field))
                add_field(s, f->where.items[j].field);
    }
}

bool settings_same_names(const struct settings_strings *a, const struct settings_strings *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!settings_has_name(b, a->items[i]))
            return false;
    return true;
}

bool settings_has_name(const struct settings_strings *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] && name && strcmp(list->items[i], name) == 0)
            return true;
    return false;
}

size_t settings_dim_cap(const struct settings_dim *d)
{
    return (d->values.count ? d->values.count : (size_t)d->top) + 1;
}

double settings_rule_budget(const struct settings_rule *r)
{
    static const double defaults[RULE_KINDS] = {
        [RULE_DROP] = 0.1, [RULE_RISE] = 0.1, [RULE_VOLUME] = 0.05, [RULE_MIX] = 0.05};

    if (r->kind < 0 || r->kind >= RULE_KINDS || defaults[r->kind] == 0)
        return __builtin_nan("");
    return r->budget > 0 ? r->budget : defaults[r->kind];
}

double settings_rule_target(const struct settings_rule *r)
{
    return r->kind == RULE_DATA_QUALITY && r->target < 0 ? 0.05 : r->target;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Only after the checks, which find an item's place by where it stands; their form makes this the order of days. */
static void sort_holidays(struct settings *s)
{
    struct settings_strings *days = &s->time.holidays;

    if (days->count > 1)
        qsort(days->items, days->count, sizeof(*days->items), compare_texts);
}

struct settings *settings_read(const char *text, size_t len, struct settings_problems *problems)
{
    struct arena *arena = arena_new(), *scratch = arena_new();
    struct schema b = {.arena = arena, .scratch = scratch, .problems = problems};
    struct settings *s = arena_alloc(arena, sizeof(*s));
    struct yaml_node *root = yaml_read(text, len, scratch, problems);

    s->arena = arena;
    if (root) {
        schema_bind(&b, &settings_root_object, root, s, sizeof(*s));
        derive_fields(s);
        settings_check(s, &b);
        if (problems->errors == 0)
            sort_holidays(s);
    }
    schema_deinit(&b);
    arena_free(scratch);
    if (root)
        return s;
    settings_free(s);
    return NULL;
}

struct settings *settings_parse(const char *text, size_t len, struct settings_problems *problems)
{
    struct settings *s = settings_read(text, len, problems);

    if (problems->errors == 0)
        return s;
    settings_free(s);
    return NULL;
}

void settings_free(struct settings *s)
{
    if (s)
        arena_free(s->arena);
}
