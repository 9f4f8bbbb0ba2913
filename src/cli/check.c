/* SPDX-License-Identifier: Apache-2.0 */
/* funneld check: every problem of a configuration at once, or what it will do and see. */
#include <stddef.h>
#include <stdio.h>

#include "cli/check_sight.h"
#include "cli/commands.h"
#include "cli/feed.h"
#include "cli/options.h"
#include "shell/exit_codes.h"
#include "shell/config_load.h"

static size_t check_dim(const struct settings_funnel *f, const char *name)
{
    for (size_t i = 0; i < f->dims.count; i++) {
        const struct settings_dim *d = &f->dims.items[i];

        if (span_equal(span_of(d->name), span_of(name)))
            return settings_dim_cap(d);
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

static void check_summary(const struct settings *s)
{
    for (size_t i = 0; i < s->funnels.count; i++) {
        const struct settings_funnel *f = &s->funnels.items[i];

        printf("funnel %s: %zu step%s, %zu rule%s, at most %zu series\n", f->name,
               f->stages.count - 1, f->stages.count == 2 ? "" : "s", f->rules.count,
               f->rules.count == 1 ? "" : "s", check_series(f));
    }
    for (size_t i = 0; i < s->inputs.count; i++)
        printf("input %s\n", s->inputs.items[i].topic);
}

static void check_end(const struct config *c)
{
    const struct settings *s = c->settings;

    printf("alerts to %s, dead letters to %s\nOK", s->outputs.alerts, s->outputs.deadletter);
    if (c->warnings)
        printf(" (%zu warning%s)", c->warnings, c->warnings == 1 ? "" : "s");
    putchar('\n');
}

static int check_given(const char *file, long long per_day)
{
    struct config config = {0};
    struct pipeline_source source = {0};
    struct pipeline *p;
    int code = config_load(file, &config, stderr);

    if (code == EXIT_OK) {
        source.topic = config.settings->inputs.items[0].topic;
        p = pipeline_new(config.settings, config.zone, &source, 1);
        check_summary(config.settings);
        check_sight(p, per_day > 0 ? per_day : SIGHT_PER_DAY, per_day < 0);
        check_end(&config);
        pipeline_free(p);
    }
    config_deinit(&config);
    return code;
}

static int check_ignore(struct feed *f, void *context)
{
    (void)f;
    (void)context;
    return 0;
}

static bool check_seen(const struct feed *f)
{
    struct counters c;

    pipeline_counters(f->pipeline, &c);
    return c.n[COUNTER_EVENTS] > 0;
}

static int check_learned(const char *file, const char *topic, const char *history)
{
    struct feed feed;
    int code = feed_open(&feed, "check", file, topic, history);

    if (code == EXIT_OK)
        code = feed_run(&feed, check_ignore, NULL);
    if (code == EXIT_OK && !check_seen(&feed)) {
        fprintf(
            stderr,
            "funneld check: no event of %s is of use: %lld lines, %llu dead letters\n"
            "fix: name their topic by --input; funneld replay -o deadletters tells what is wrong with each\n",
            history, (long long)feed.lines, (unsigned long long)feed.deadletters);
        code = EXIT_DATA;
    }
    if (code == EXIT_OK) {
        feed_summary(&feed);
        check_summary(feed.config.settings);
        check_sight(feed.pipeline, 0, false);
        check_end(&feed.config);
    }
    feed_close(&feed);
    return code;
}

/* Do the options go together? */
static bool check_line(long long per_day, const char *history, const char *topic)
{
    const char *wrong = NULL;

    if (per_day != -1 && (per_day < 1 || per_day > SIGHT_PER_DAY_MAX))
        wrong = "--per-day is 1 to 1000000000 entries";
    else if (per_day != -1 && history)
        wrong = "either --per-day or --history, please";
    else if (topic && !history)
        wrong = "--input goes with --history EVENTS";
    if (wrong)
        fprintf(stderr, "funneld check: %s\n", wrong);
    return !wrong;
}

int check_main(int argc, char **argv)
{
    const char *file = CONFIG_DEFAULT, *history = NULL, *topic = NULL;
    long long per_day = -1; /* not given */
    const struct option_spec specs[] = {
        {"config", 'c', OPTION_TEXT, &file, "FILE", "the configuration (" CONFIG_DEFAULT ")", NULL},
        {"per-day", 0, OPTION_NUMBER, &per_day, "N",
         "what rules see at so many entries of the first stage a day (1000)", NULL},
        {"history", 0, OPTION_TEXT, &history, "EVENTS",
         "what rules see at the traffic of a file of events, as for replay; - is standard input",
         NULL},
        {"input", 0, OPTION_TEXT, &topic, "TOPIC",
         "with --history: whose events these are (the first input's)", NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        "check",
        "[-c FILE] [--per-day N | --history EVENTS]",
        "Reads a configuration as `run` would and reports every problem with its line and remedy.\n"
        "Then says of each rule and step what it can see: how soon a loss of 20 %, of 50 % and of\n"
        "all would be found on average, or the smallest drop that shows in a window. Without\n"
        "--history later steps have the entries that the stages' targets, or else 50 %, leave them.\n"
        "Needs no broker. Exits with 0, or 78 where there are errors.",
        specs,
        0,
        0};
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    if (!check_line(per_day, history, topic))
        return EXIT_USAGE;
    return history ? check_learned(file, topic, history) : check_given(file, per_day);
}
