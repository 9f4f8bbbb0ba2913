/* SPDX-License-Identifier: Apache-2.0 */
/* funneld intervene: marks a change, whose effect is measured. */
#include <stddef.h>

#include "cli/commands.h"
#include "cli/control.h"
#include "cli/options.h"
#include "shell/exit_codes.h"

#define COMMAND "intervene"

struct intervene {
    const char *file, *funnel, *step, *at, *window, *comment, *author, *id;
};

static int intervene_send(const struct intervene *x, const struct config *config)
{
    struct control c = {.kind = CONTROL_INTERVENTION,
                        .funnel = span_of(x->funnel),
                        .step = span_of(x->step),
                        .author = control_author(x->author),
                        .comment = span_of(x->comment)};
    char id[32];
    int code = control_time(COMMAND, "at", x->at, &c.from);

    if (code != EXIT_OK)
        return code;
    if (x->window && (settings_duration(x->window, &c.window_ms) != 0 || c.window_ms <= 0))
        return control_wrong(COMMAND, "--window wants a duration like 1h, not", x->window);
    control_new_id('i', id);
    c.id = span_of(x->id ? x->id : id);
    return control_send(COMMAND, config, &c);
}

int intervene_main(int argc, char **argv)
{
    struct intervene x = {.file = CONFIG_DEFAULT, .at = "now"};
    const struct option_spec specs[] = {
        {"config", 'c', OPTION_TEXT, &x.file, "FILE", "the configuration (" CONFIG_DEFAULT ")",
         NULL},
        {"funnel", 0, OPTION_TEXT, &x.funnel, "NAME", "the funnel it was made in", NULL},
        {"step", 0, OPTION_TEXT, &x.step, "FROM>TO", "only this step, or overall (every step)",
         NULL},
        {"at", 0, OPTION_TEXT, &x.at, "TIME", "event time it was made, RFC 3339 (now)", NULL},
        {"window", 0, OPTION_TEXT, &x.window, "DURATION",
         "one of the funnel's windows (its first of fixed length)", NULL},
        {"comment", 0, OPTION_TEXT, &x.comment, "TEXT", "what was changed", NULL},
        {"author", 0, OPTION_TEXT, &x.author, "NAME", "who ($USER)", NULL},
        {"id", 0, OPTION_TEXT, &x.id, "ID", "its name (a new one)", NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        COMMAND,
        "[-c FILE] --funnel NAME [OPTIONS]",
        "Marks a change (a new price page, a campaign, a team that moved). When one window has passed\n"
        "since, funneld publishes what the steps converted after it and before it. Writes one record\n"
        "to the control topic, which the daemon reads, and prints the intervention's id.",
        specs,
        0,
        0};
    struct config config = {0};
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    if (!x.funnel)
        return control_wrong(COMMAND, "say which funnel: --funnel NAME", NULL);
    code = control_open(COMMAND, x.file, &config);
    if (code == EXIT_OK)
        code = intervene_send(&x, &config);
    config_deinit(&config);
    return code;
}
