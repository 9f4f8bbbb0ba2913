/* SPDX-License-Identifier: Apache-2.0 */
/* funneld check: every problem of a configuration at once, or what it will do. */
#include <stddef.h>
#include <stdio.h>

#include "cli/commands.h"
#include "shell/exit_codes.h"
#include "cli/options.h"
#include "shell/config_load.h"

/* Values a dimension can show: its list, or the top ones, and __other__. */
static size_t check_dim(const struct settings_funnel *f, const char *name)
{
    for (size_t i = 0; i < f->dims.count; i++) {
        const struct settings_dim *d = &f->dims.items[i];

        if (span_equal(span_of(d->name), span_of(name)))
            return (d->values.count ? d->values.count : (size_t)d->top) + 1;
    }
    return 1;
}

/* (steps and overall) × windows × (all, and the combinations of each segmentation). */
static size_t check_series(const struct settings_funnel *f)
{
    size_t segments = 1;

    for (size_t i = 0; i < f->segments.count; i++) {
        size_t product = 1;

        for (size_t k = 0; k < f->segments.items[i].count; k++)
            product *= check_dim(f, f->segments.items[i].items[k]);
        segments += product;
    }
    if (f->segments.count == 0) {
        for (size_t i = 0; i < f->dims.count; i++)
            segments += check_dim(f, f->dims.items[i].name);
    }
    return f->stages.count * f->windows.count * segments;
}

static void check_summary(const struct config *c)
{
    const struct settings *s = c->settings;

    for (size_t i = 0; i < s->funnels.count; i++) {
        const struct settings_funnel *f = &s->funnels.items[i];

        printf("funnel %s: %zu step%s, %zu rule%s, at most %zu series\n", f->name,
               f->stages.count - 1, f->stages.count == 2 ? "" : "s", f->rules.count,
               f->rules.count == 1 ? "" : "s", check_series(f));
    }
    for (size_t i = 0; i < s->inputs.count; i++)
        printf("input %s\n", s->inputs.items[i].topic);
    printf("alerts to %s, dead letters to %s\nOK", s->outputs.alerts, s->outputs.deadletter);
    if (c->warnings)
        printf(" (%zu warning%s)", c->warnings, c->warnings == 1 ? "" : "s");
    putchar('\n');
}

int check_main(int argc, char **argv)
{
    const char *file = CONFIG_DEFAULT;
    const struct option_spec specs[] = {
        {"config", 'c', OPTION_TEXT, &file, "FILE", "the configuration (" CONFIG_DEFAULT ")", NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        "check",
        "[-c FILE]",
        "Reads a configuration as `run` would and reports every problem with its line and remedy.\n"
        "Needs no broker. Exits with 0, or 78 where there are errors.",
        specs,
        0,
        0};
    struct config config = {0};
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    code = config_load(file, &config, stderr);
    if (code == EXIT_OK)
        check_summary(&config);
    config_deinit(&config);
    return code;
}
