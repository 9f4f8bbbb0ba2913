/* SPDX-License-Identifier: Apache-2.0 */
/* A control record against the settings: what is misspelt is said at the door, not ignored for ever. */
#include "funnel/control.h"
#include "funnel/funnel.h"

static bool is_dim(const struct settings *s, struct span label)
{
    for (size_t f = 0; f < s->funnels.count; f++)
        for (size_t d = 0; d < s->funnels.items[f].dims.count; d++)
            if (span_is(label, s->funnels.items[f].dims.items[d].name))
                return true;
    return false;
}

static bool is_own(struct span label)
{
    static const char *const own[] = {"alertname", "severity", "funnel",
                                      "step",      "source",   "intervention"};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (span_is(label, own[i]))
            return true;
    return false;
}

static const struct settings_funnel *find_funnel(const struct settings *s, struct span name)
{
    for (size_t i = 0; i < s->funnels.count; i++)
        if (span_is(name, s->funnels.items[i].name))
            return &s->funnels.items[i];
    return NULL;
}

static bool has_step(const struct settings *s, const struct settings_funnel *f, struct span name)
{
    struct funnel compiled;
    struct buf text = {0};
    bool found;

    buf_add(&text, name.p, name.len);
    funnel_init(&compiled, s, f);
    found = funnel_step(&compiled, buf_cstr(&text)) >= 0;
    funnel_deinit(&compiled);
    buf_deinit(&text);
    return found;
}

int control_window(const struct control *c, const struct settings_funnel *f)
{
    for (size_t i = 0; i < f->windows.count; i++) {
        const struct settings_window *w = &f->windows.items[i];

        if (w->calendar < 0 && (c->window_ms == 0 || c->window_ms == w->ms))
            return (int)i;
    }
    return -1;
}

static const char *check_intervention(const struct control *c, const struct settings *s)
{
    const struct settings_funnel *f = find_funnel(s, c->funnel);

    if (!f)
        return "there is no such funnel";
    if (c->step.p && !has_step(s, f, c->step))
        return "the funnel has no such step; one is written from>to, or overall";
    if (control_window(c, f) < 0)
        return "window is none of the funnel's windows of fixed length";
    return NULL;
}

const char *control_check(const struct control *c, const struct settings *settings)
{
    for (size_t i = 0; i < c->matcher_count; i++) {
        struct span label = c->matchers[i].label;

        if (!is_own(label) && !is_dim(settings, label))
            return "no alert has such a label; there are alertname, severity, funnel, step, source, "
                   "intervention and the dims";
    }
    return c->kind == CONTROL_INTERVENTION ? check_intervention(c, settings) : NULL;
}
