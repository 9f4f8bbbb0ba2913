/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration: nothing crashes, there are settings exactly where there is no error, the
 * problems are in order and each says where, what and what to do; settings that come out keep the bounds
 * that the machines rely on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

static void check_problems(const struct settings_problems *p)
{
    size_t errors = 0;

    for (size_t i = 0; i < p->count; i++) {
        const struct settings_problem *x = &p->items[i];

        errors += !x->warning;
        CHECK(x->mark.line > 0 && x->mark.column > 0);
        CHECK(x->message[0] != '\0' && x->remedy[0] != '\0' && x->path);
        CHECK(i == 0 || x[-1].mark.line <= x->mark.line);
    }
    CHECK(errors <= p->errors);
}

static void check_rule(const struct settings *s, const struct settings_rule *r)
{
    CHECK(r->id && r->severity);
    CHECK(r->window.calendar >= 0 || r->window.ms % s->time.pane == 0);
    CHECK(r->kind >= 0 && r->kind < RULE_KINDS);
    CHECK(r->kind >= RULE_CHANGE || r->target > 0);
    CHECK(r->kind != RULE_DATA_QUALITY || settings_rule_target(r) > 0);
    CHECK(r->budget < 0 || (r->budget > 0 && r->budget <= 10 && r->kind > RULE_CHANGE));
    CHECK(r->measure != MEASURE_MATURED || r->kind < RULE_CHANGE);
    CHECK(r->significance > 0 && r->significance < 0.5);
    CHECK(r->kind != RULE_CHANGE || r->window.calendar >= 0 ||
          (r->against >= r->window.ms && r->against <= 32 * r->window.ms));
}

static void check_funnel(const struct settings *s, const struct settings_funnel *f)
{
    CHECK(f->name && f->stages.count >= 2 && f->stages.count <= STAGES_MAX);
    CHECK(f->dims.count <= DIMS_MAX && f->breakdowns.count <= BREAKDOWNS_MAX);
    CHECK(f->segments.count < SEGMENT_SPECS_MAX && f->windows.count <= WINDOWS_MAX);
    CHECK(f->rules.count <= RULES_MAX && f->where.count <= 16);
    CHECK(f->window >= s->time.pane);
    for (size_t i = 0; i < f->stages.count; i++)
        CHECK(f->stages.items[i].id && f->stages.items[i].mark.line > 0);
    for (size_t i = 0; i < f->dims.count; i++)
        CHECK(settings_field(s, f->dims.items[i].name) >= 0);
    for (size_t i = 0; i < f->breakdowns.count; i++)
        CHECK(settings_field(s, f->breakdowns.items[i]) >= 0);
    for (size_t i = 0; i < f->windows.count; i++)
        CHECK(f->windows.items[i].calendar >= 0 || f->windows.items[i].ms % s->time.pane == 0);
    for (size_t i = 0; i < f->rules.count; i++)
        check_rule(s, &f->rules.items[i]);
}

static void check_settings(const struct settings *s)
{
    CHECK(s->time.pane >= 1000 && 900000 % s->time.pane == 0);
    CHECK(s->group && s->time.zone && s->outputs.alerts && s->outputs.deadletter);
    CHECK(s->inputs.count > 0 && s->kafka.count > 0);
    CHECK(s->funnels.count > 0 && s->funnels.count <= FUNNELS_MAX);
    CHECK(s->field_count <= EVENT_FIELDS_MAX);
    for (size_t i = 0; i < s->inputs.count; i++)
        CHECK(s->inputs.items[i].topic);
    for (size_t i = 0; i < s->funnels.count; i++)
        check_funnel(s, &s->funnels.items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings_problems p = {0};
    struct settings *s = settings_parse((const char *)data, size, &p);

    CHECK(p.errors > 0 ? !s : s != NULL);
    check_problems(&p);
    if (s)
        check_settings(s);
    settings_free(s);
    settings_problems_deinit(&p);
    return 0;
}
