/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/funnel.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/mem.h"

enum { WHERE_FUNNEL = -1, WHERE_TOPIC = -2 };

static uint32_t funnel_slot(const struct funnel *f, struct span name, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (STAGE_NAMES_MAX - 1);

    while (f->names[at].name && (f->names[at].hash != hash || !span_is(name, f->names[at].name)))
        at = (at + 1) & (STAGE_NAMES_MAX - 1);
    return at;
}

static void funnel_add_name(struct funnel *f, const char *name, uint8_t code)
{
    struct span s = span_of(name);
    uint64_t hash = XXH3_64bits(s.p, s.len);

    f->names[funnel_slot(f, s, hash)] = (struct stage_name){hash, name, code};
}

static void funnel_add_names(struct funnel *f, const struct settings_strings *names, uint8_t code)
{
    for (size_t i = 0; i < names->count; i++)
        funnel_add_name(f, names->items[i], code);
}

static void funnel_init_names(struct funnel *f)
{
    const struct settings_funnel *s = f->settings;

    f->names = mem_zero(STAGE_NAMES_MAX, sizeof(*f->names));
    for (int i = 0; i < f->stage_count; i++) {
        funnel_add_name(f, s->stages.items[i].id, (uint8_t)i);
        funnel_add_names(f, &s->stages.items[i].alias, (uint8_t)i);
    }
    funnel_add_names(f, &s->lost, STAGE_EXIT);
    funnel_add_names(f, &s->actions, STAGE_ACTION);
}

static void funnel_set_window(struct funnel *f, int step, int64_t ms)
{
    f->window_ms[step] = ms;
    ages_init(&f->ages[step], (ms + f->pane_ms - 1) / f->pane_ms);
}

/* The steps on the way to won add up to the default of overall; those after it are repeat business. */
static void funnel_init_windows(struct funnel *f)
{
    const struct settings_funnel *s = f->settings;
    int64_t sum = 0, longest = 0;

    for (int i = 0; i < f->stage_count - 1; i++) {
        int64_t own = s->stages.items[i].window;

        funnel_set_window(f, i, own > 0 ? own : s->window);
        if (i < f->won)
            sum += f->window_ms[i];
        if (f->window_ms[i] > longest)
            longest = f->window_ms[i];
    }
    funnel_set_window(f, f->overall, s->overall > 0 ? s->overall : sum);
    if (f->window_ms[f->overall] > longest)
        longest = f->window_ms[f->overall];
    f->forget_ms = s->forget_after > 0 ? s->forget_after : 2 * longest;
}

static void funnel_init_fields(struct funnel *f)
{
    const struct settings_funnel *s = f->settings;

    f->dim_count = (int)s->dims.count;
    for (int i = 0; i < f->dim_count; i++)
        f->dim_field[i] = settings_field(f->root, s->dims.items[i].name);
    f->breakdown_count = (int)s->breakdowns.count;
    for (int i = 0; i < f->breakdown_count; i++)
        f->breakdown_field[i] = settings_field(f->root, s->breakdowns.items[i]);
    for (size_t i = 0; i < s->where.count; i++) {
        const char *field = s->where.items[i].field;

        f->where_field[i] = strcmp(field, "funnel") == 0  ? WHERE_FUNNEL
                            : strcmp(field, "topic") == 0 ? WHERE_TOPIC
                                                          : settings_field(f->root, field);
    }
}

void funnel_init(struct funnel *f, const struct settings *root, const struct settings_funnel *s)
{
    *f = (struct funnel){.settings = s, .name = s->name, .root = root};
    f->stage_count = (int)s->stages.count;
    f->overall = f->stage_count;
    f->strict = s->order == ORDER_STRICT;
    f->skip = f->strict ? SKIP_IGNORE : s->skip;
    f->regress = f->strict ? REGRESS_IGNORE : s->regress;
    f->reentry = s->reentry;
    f->pane_ms = root->time.pane;
    f->loop = s->stages.items[f->stage_count - 1].loop;
    funnel_init_names(f);
    f->won = s->won ? funnel_stage(f, span_of(s->won)) : f->stage_count - 1;
    funnel_init_windows(f);
    funnel_init_fields(f);
}

void funnel_deinit(struct funnel *f)
{
    mem_free(f->names);
    *f = (struct funnel){0};
}

static bool where_matches(const struct settings_where_term *term, struct span value)
{
    for (size_t i = 0; i < term->values.count; i++)
        if (span_is(value, term->values.items[i]))
            return true;
    return false;
}

bool funnel_wants(const struct funnel *f, const struct event *e, const char *topic)
{
    const struct settings_where *where = &f->settings->where;

    if (where->count == 0)
        return !e->funnel.p || span_is(e->funnel, f->name);
    for (size_t i = 0; i < where->count; i++) {
        int field = f->where_field[i];
        struct span value = field == WHERE_FUNNEL  ? e->funnel
                            : field == WHERE_TOPIC ? span_of(topic)
                                                   : e->fields[field];

        if (!where_matches(&where->items[i], value))
            return false;
    }
    return true;
}

bool funnel_takes_topic(const struct funnel *f, const char *topic)
{
    const struct settings_where *where = &f->settings->where;

    for (size_t i = 0; i < where->count; i++)
        if (f->where_field[i] == WHERE_TOPIC && !where_matches(&where->items[i], span_of(topic)))
            return false;
    return true;
}

uint8_t funnel_stage(const struct funnel *f, struct span name)
{
    const struct stage_name *n;

    if (!name.p)
        return STAGE_NONE;
    n = &f->names[funnel_slot(f, name, XXH3_64bits(name.p, name.len))];
    return n->name ? n->code : STAGE_UNKNOWN;
}

bool funnel_has_step(const struct funnel *f, int step)
{
    return (step >= 0 && step < f->stage_count - 1) || step == f->overall;
}

int funnel_step_begin(const struct funnel *f, int step)
{
    return step == f->overall ? 0 : step;
}

int funnel_step_end(const struct funnel *f, int step)
{
    return step == f->overall ? f->won : step + 1;
}

const char *funnel_stage_id(const struct funnel *f, int stage)
{
    return f->settings->stages.items[stage].id;
}

const char *funnel_stage_label(const struct funnel *f, int stage)
{
    const struct settings_stage *s = &f->settings->stages.items[stage];

    return s->name ? s->name : s->id;
}

void funnel_step_name(const struct funnel *f, int step, struct buf *out)
{
    if (step == f->overall) {
        buf_str(out, "overall");
        return;
    }
    buf_str(out, funnel_stage_id(f, step));
    buf_char(out, '>');
    buf_str(out, funnel_stage_id(f, step + 1));
}

int funnel_step(const struct funnel *f, const char *name)
{
    struct buf b = {0};
    int found = -1;

    for (int step = 0; step <= f->overall && found < 0; step++) {
        if (!funnel_has_step(f, step))
            continue;
        buf_clear(&b);
        funnel_step_name(f, step, &b);
        if (strcmp(buf_cstr(&b), name) == 0)
            found = step;
    }
    buf_deinit(&b);
    return found;
}
