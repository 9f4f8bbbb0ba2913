/* SPDX-License-Identifier: Apache-2.0 */
/* A funnel's names: stages, exits, actions; dims, segments, breakdowns, where. */
#include <stdlib.h>
#include <string.h>

#include "funnel/units.h"
#include "core/settings_check.h"

#define NAMES_MAX \
    512 /* of stages, with aliases, exits and actions: half the slots of the funnel's table */
#define WHERE_MAX 16

/* --- every name an event's stage may have, once --- */

struct name {
    const char *text;
    const char *const *at; /* the member it stands in */
    struct settings_mark mark;
};

struct name_list {
    struct name *items;
    size_t count, cap;
};

static void name_add(const struct check *c, struct name_list *names, const char *const *at)
{
    if (!*at)
        return;
    names->items = mem_grow(names->items, names->count, &names->cap, sizeof(*names->items));
    names->items[names->count++] = (struct name){*at, at, check_mark(c, at, sizeof(*at))};
}

static void name_add_all(const struct check *c, struct name_list *names,
                         const struct settings_strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        name_add(c, names, &list->items[i]);
}

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = strcmp(x->text, y->text);

    if (order != 0)
        return order;
    if (x->mark.line != y->mark.line)
        return x->mark.line < y->mark.line ? -1 : 1;
    return (x->mark.column > y->mark.column) - (x->mark.column < y->mark.column);
}

static void check_unique(const struct check *c, struct name_list *names)
{
    size_t first = 0;

    if (names->count < 2)
        return;
    qsort(names->items, names->count, sizeof(*names->items), compare_names);
    for (size_t i = 1; i < names->count; i++) {
        const struct name *n = &names->items[i];

        if (strcmp(names->items[first].text, n->text) != 0) {
            first = i;
            continue;
        }
        check_fail(c, n->at, sizeof(*n->at),
                   "an event's stage must mean one thing: remove or rename one of the two",
                   "%s is named twice among stages, aliases, lost and actions, first on line %u",
                   check_quoted(c, n->text), names->items[first].mark.line);
    }
}

static void check_name_lengths(const struct check *c, const struct name_list *names)
{
    if (!check_good(c, AT(c->s->limits.id)))
        return;
    for (size_t i = 0; i < names->count; i++) {
        const struct name *n = &names->items[i];

        if ((int64_t)strlen(n->text) > c->s->limits.id)
            check_fail(c, n->at, sizeof(*n->at), "shorten it, or raise limits.id",
                       "%s is longer than limits.id (%lld bytes): no event could have it",
                       check_quoted(c, n->text), (long long)c->s->limits.id);
    }
}

static void check_all_names(const struct check *c, const struct settings_funnel *f)
{
    struct name_list names = {0};

    for (size_t i = 0; i < f->stages.count; i++) {
        name_add(c, &names, &f->stages.items[i].id);
        name_add_all(c, &names, &f->stages.items[i].alias);
    }
    name_add_all(c, &names, &f->lost);
    name_add_all(c, &names, &f->actions);
    if (check_at_most(c, AT(f->stages), names.count, NAMES_MAX, "names of stages, with aliases"))
        check_unique(c, &names);
    check_name_lengths(c, &names);
    mem_free(names.items);
}

/* --- stages --- */

static void check_dwell(const struct check *c, const struct settings_funnel *f,
                        const struct settings_stage *stage, bool last)
{
    int64_t window = stage->window > 0 ? stage->window : f->window;

    if (last)
        check_warn(c, AT(stage->dwell), "set it at the stage before, where the step begins",
                   "no step begins at the last stage");
    else if (stage->dwell < UNITS_SECOND)
        check_fail(c, AT(stage->dwell), "write 1s or more, as 20m", "%s is too short",
                   check_value(c, AT(stage->dwell)));
    else if (stage->dwell >= window && check_good(c, AT(stage->window)) &&
             check_good(c, AT(f->window)))
        check_fail(c, AT(stage->dwell), "write how long half of the conversions take at most",
                   "%s is no typical time within the step's window, %s",
                   check_value(c, AT(stage->dwell)), check_duration_text(c, window));
    else if (!check_set(c, AT(stage->target)))
        check_warn(c, AT(stage->dwell), "add the rate that is usual, as target: 40%",
                   "a dwell without a target has no effect");
}

static void check_stage(const struct check *c, const struct settings_funnel *f, size_t i)
{
    const struct settings_stage *stage = &f->stages.items[i];
    bool last = i + 1 == f->stages.count;
    size_t len = stage->id ? strlen(stage->id) : 0;

    if (stage->id && strchr(stage->id, '>'))
        check_fail(c, AT(stage->id), "use another id, and this text as an alias",
                   "%s holds '>', which separates the stages of a step",
                   check_quoted(c, stage->id));
    else if (len > 0 && (stage->id[0] == ' ' || stage->id[len - 1] == ' '))
        check_fail(c, AT(stage->id), "remove it", "a blank at an end of the id");
    if (stage->loop && !last)
        check_fail(c, AT(stage->loop), "remove it, or let the funnel end here",
                   "only the last stage can loop");
    if (last && check_set(c, AT(stage->window)))
        check_warn(c, AT(stage->window), "set it at the stage before, where the step begins",
                   "no step begins at the last stage");
    if (last && check_set(c, AT(stage->target)))
        check_warn(c, AT(stage->target), "set it at the stage before, where the step begins",
                   "no step begins at the last stage");
    if (check_set(c, AT(stage->dwell)))
        check_dwell(c, f, stage, last);
}

static const char *alias_of(const struct settings_funnel *f, const char *name)
{
    for (size_t i = 0; i < f->stages.count; i++)
        if (settings_has_name(&f->stages.items[i].alias, name))
            return f->stages.items[i].id;
    return NULL;
}

static void check_won(const struct check *c, const struct settings_funnel *f)
{
    const char *ids[STAGES_MAX], *id;

    for (size_t i = 0; i < f->stages.count; i++) {
        ids[i] = f->stages.items[i].id;
        if (!ids[i] || strcmp(ids[i], f->won) != 0)
            continue;
        if (i == 0)
            check_fail(c, AT(f->won),
                       "name a later stage, or remove it: the last one is the default",
                       "the first stage cannot be won: nothing would be converted");
        return;
    }
    id = alias_of(f, f->won);
    check_fail(c, AT(f->won),
               id ? check_text(c, "write its id: %.100s", id)
                  : check_nearest(c, f->won, ids, f->stages.count),
               id ? "%s is an alias" : "%s is none of the stages", check_quoted(c, f->won));
}

static void check_strict(const struct check *c, const struct settings_funnel *f)
{
    if (f->order != ORDER_STRICT)
        return;
    if (check_set(c, AT(f->skip)) && f->skip != SKIP_IGNORE)
        check_fail(c, AT(f->skip), "remove it, or use order: flow",
                   "order: strict contradicts skip: %s (it ignores skips)",
                   check_value(c, AT(f->skip)));
    if (check_set(c, AT(f->regress)) && f->regress != REGRESS_IGNORE)
        check_fail(c, AT(f->regress), "remove it, or use order: flow",
                   "order: strict contradicts regress: %s (it ignores moves backwards)",
                   check_value(c, AT(f->regress)));
}

bool check_has_stages(const struct settings_funnel *f)
{
    for (size_t i = 0; i < f->stages.count; i++)
        if (!f->stages.items[i].id)
            return false;
    return f->stages.count >= 2 && f->stages.count <= STAGES_MAX;
}

void check_names(const struct check *c, const struct settings_funnel *f)
{
    check_strict(c, f);
    if (!check_set(c, AT(f->stages)))
        return; /* missing, and said so */
    if (f->stages.count < 2)
        check_fail(c, AT(f->stages), "write the stages in order: [first, second, won]",
                   "%zu stage%s; a funnel has two or more", f->stages.count,
                   f->stages.count == 1 ? "" : "s");
    if (!check_at_most(c, AT(f->stages), f->stages.count, STAGES_MAX, "stages"))
        return;
    for (size_t i = 0; i < f->stages.count; i++)
        check_stage(c, f, i);
    check_all_names(c, f);
    if (f->won && check_has_stages(f))
        check_won(c, f);
}

/* --- dims --- */

/* Labels and fields that an alert or an event has anyway. */
static bool check_field_name(const struct check *c, const void *at, size_t size, const char *name)
{
    static const char *const taken[] = {"alertname", "severity", "funnel", "step", "topic"};

    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (strcmp(name, taken[i]) == 0) {
            check_fail(c, at, size,
                       "give it another name, and say in inputs[].map.dims where it stands",
                       "'%s' is the name of something else in events or alerts", name);
            return false;
        }
    if (!check_label(c, at, size, name))
        return false;
    if (settings_field(c->s, name) >= 0)
        return true;
    check_fail(c, at, size, "use fewer dims, breakdowns and fields in where",
               "the funnels use more than %d fields, with '%s'", EVENT_FIELDS_MAX, name);
    return false;
}

static void check_dim_values(const struct check *c, const struct settings_dim *d)
{
    const struct settings_limits *limits = &c->s->limits;

    if (check_set(c, AT(d->top)))
        check_fail(c, AT(d->values), "keep one: top shows the busiest, values only these",
                   "top and values contradict each other");
    if (check_good(c, AT(limits->values)) && (int64_t)d->values.count > limits->values)
        check_fail(c, AT(d->values), "list fewer, or raise limits.values",
                   "%zu values; limits.values is %lld", d->values.count, (long long)limits->values);
    for (size_t i = 0; i < d->values.count; i++) {
        const char *value = d->values.items[i];

        if (value && strncmp(value, "__", 2) == 0)
            check_fail(c, AT(d->values.items[i]), "remove it: the rest is __other__ anyway",
                       "%s is not for use: __other__ and __none__ are funneld's",
                       check_quoted(c, value));
    }
    check_repeated(c, &d->values);
}

static void check_dim(const struct check *c, const struct settings_dim *d)
{
    check_field_name(c, AT(*d), d->name);
    if (d->values.count > 0)
        check_dim_values(c, d);
    else if (check_set(c, AT(d->values)))
        check_fail(c, AT(d->values), "list some, or remove it", "no values");
    if (check_good(c, AT(c->s->limits.values)))
        check_count(c, &d->top, 1, c->s->limits.values > 0 ? c->s->limits.values : 1);
}

bool check_has_dims(const struct check *c, const struct settings_funnel *f)
{
    return f->dims.count <= DIMS_MAX && (f->dims.count > 0 || check_good(c, AT(f->dims)));
}

static void dim_names(const struct settings_funnel *f, const char *names[DIMS_MAX])
{
    for (size_t i = 0; i < f->dims.count; i++)
        names[i] = f->dims.items[i].name;
}

static void check_segment(const struct check *c, const struct settings_funnel *f, size_t at)
{
    const struct settings_strings *segment = &f->segments.items[at];
    const char *names[DIMS_MAX];

    dim_names(f, names);
    if (segment->count == 0)
        check_fail(c, AT(*segment), "remove it: the whole funnel is always watched",
                   "a segment without dims");
    for (size_t i = 0; i < segment->count; i++)
        if (segment->items[i] &&
            !settings_has_name(&(struct settings_strings){names, f->dims.count}, segment->items[i]))
            check_fail(c, AT(segment->items[i]),
                       check_nearest(c, segment->items[i], names, f->dims.count),
                       "%s is not among the funnel's dims", check_quoted(c, segment->items[i]));
    check_repeated(c, segment);
    for (size_t i = 0; i < at; i++)
        if (segment->count > 0 && settings_same_names(&f->segments.items[i], segment)) {
            check_fail(c, AT(*segment), "remove one of the two", "this segment stands twice");
            return;
        }
}

/* The judge keeps one spec for the whole funnel, one a segment, one a different `by`. */
static size_t spec_count(const struct settings_funnel *f)
{
    size_t count = 1 + (f->segments.count > 0 ? f->segments.count : f->dims.count);

    for (size_t i = 0; i < f->rules.count; i++) {
        const struct settings_strings *by = &f->rules.items[i].by;
        bool known = by->count == 0 || (f->segments.count == 0 && by->count == 1);

        for (size_t j = 0; j < f->segments.count && !known; j++)
            known = settings_same_names(&f->segments.items[j], by);
        for (size_t j = 0; j < i && !known; j++)
            known = settings_same_names(&f->rules.items[j].by, by);
        count += !known;
    }
    return count;
}

static void check_segments(const struct check *c, const struct settings_funnel *f)
{
    if (check_set(c, AT(f->segments)) && f->segments.count == 0)
        check_fail(c, AT(f->segments), "list some, or remove it: then it is each dim alone",
                   "no segments");
    if (!check_at_most(c, AT(f->segments), f->segments.count, SEGMENT_SPECS_MAX - 1, "segments"))
        return;
    for (size_t i = 0; i < f->segments.count; i++)
        check_segment(c, f, i);
    if (f->rules.count <= RULES_MAX && spec_count(f) > SEGMENT_SPECS_MAX)
        check_fail(c, AT(f->rules), "list fewer segments, or use fewer different `by` in the rules",
                   "segments and the rules' `by` make %zu combinations of dims; at most %d",
                   spec_count(f) - 1, SEGMENT_SPECS_MAX - 1);
}

static void check_breakdowns(const struct check *c, const struct settings_funnel *f)
{
    const struct settings_strings *list = &f->breakdowns;

    if (!check_at_most(c, AT(*list), list->count, BREAKDOWNS_MAX, "breakdowns"))
        return;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i])
            check_field_name(c, AT(list->items[i]), list->items[i]);
    check_repeated(c, list);
}

/* --- where --- */

bool settings_where_is_envelope(const char *field)
{
    return strcmp(field, "funnel") == 0 || strcmp(field, "topic") == 0;
}

static bool is_mapped(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->inputs.count; i++) {
        const struct settings_sources *dims = &s->inputs.items[i].map.dims;

        for (size_t j = 0; j < dims->count; j++)
            if (strcmp(dims->items[j].name, name) == 0)
                return true;
    }
    return false;
}

static bool is_dim(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->funnels.count; i++) {
        const struct settings_funnel *f = &s->funnels.items[i];

        if (settings_has_name(&f->breakdowns, name))
            return true;
        for (size_t j = 0; j < f->dims.count; j++)
            if (strcmp(f->dims.items[j].name, name) == 0)
                return true;
    }
    return false;
}

static void check_where_field(const struct check *c, const struct settings_funnel *f,
                              const struct settings_where_term *term)
{
    const char *names[DIMS_MAX + 3] = {"funnel", "topic", "owner"};

    if (settings_where_is_envelope(term->field) || strcmp(term->field, "owner") == 0)
        return;
    if (is_dim(c->s, term->field) || is_mapped(c->s, term->field)) {
        check_field_name(c, AT(term->values), term->field);
        return;
    }
    dim_names(f, names + 3);
    check_fail(c, AT(term->values),
               check_text(c, "%s; or say in inputs[].map.dims where it stands",
                          check_nearest(c, term->field, names, 3 + f->dims.count)),
               "%s is neither funnel, topic, owner nor a dimension", check_quoted(c, term->field));
}

static void check_where(const struct check *c, const struct settings_funnel *f)
{
    if (!check_at_most(c, AT(f->where), f->where.count, WHERE_MAX, "fields"))
        return;
    for (size_t i = 0; i < f->where.count; i++) {
        const struct settings_where_term *term = &f->where.items[i];

        if (term->values.count == 0)
            check_fail(c, AT(term->values), "list some, or remove it",
                       "no values: no event could match");
        check_repeated(c, &term->values);
        check_where_field(c, f, term);
    }
}

void check_dims(const struct check *c, const struct settings_funnel *f)
{
    if (check_at_most(c, AT(f->dims), f->dims.count, DIMS_MAX, "dims")) {
        for (size_t i = 0; i < f->dims.count; i++)
            check_dim(c, &f->dims.items[i]);
        if (check_has_dims(c, f))
            check_segments(c, f);
        check_where(c, f);
    }
    check_breakdowns(c, f);
}
