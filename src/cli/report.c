/* SPDX-License-Identifier: Apache-2.0 */
/* funneld report: the funnels' figures over a file of events. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "shell/exit_codes.h"
#include "cli/feed.h"
#include "cli/options.h"
#include "funnel/report.h"

static int sink_nothing(struct feed *f, void *context)
{
    (void)f, (void)context;
    return 0;
}

static int report_check_funnel(const struct feed *f, const char *name)
{
    const struct settings_funnels *funnels = &f->config.settings->funnels;

    for (size_t i = 0; i < funnels->count; i++)
        if (!name || strcmp(funnels->items[i].name, name) == 0)
            return EXIT_OK;
    fprintf(stderr, "funneld report: no funnel is called %s; there is", name);
    for (size_t i = 0; i < funnels->count; i++)
        fprintf(stderr, "%s %s", i ? "," : "", funnels->items[i].name);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static int report_print(const struct feed *f, const struct report_options *options)
{
    struct buf text = {0};
    bool good;

    report_write(f->pipeline, options, &text);
    good = feed_write(&text) == 0 && fflush(stdout) == 0;
    if (!good)
        fprintf(stderr, "funneld report: output: %s\n", strerror(errno));
    buf_deinit(&text);
    return good ? EXIT_OK : EXIT_IO;
}

int report_main(int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", "csv", NULL};
    static const enum report_format format_of[] = {REPORT_TABLE, REPORT_JSON, REPORT_CSV};
    static const char *const cohorts[] = {"day", "week", "month", NULL};
    static const int cohort_of[] = {CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH};
    const char *file = CONFIG_DEFAULT, *topic = NULL, *funnel = NULL;
    int format = 0, cohort = -1;
    const struct option_spec specs[] = {
        {"config", 'c', OPTION_TEXT, &file, "FILE", "the configuration (" CONFIG_DEFAULT ")", NULL},
        {"format", 'f', OPTION_CHOICE, &format, "FORMAT", "how to print it (table)", formats},
        {"cohort", 0, OPTION_CHOICE, &cohort, "UNIT",
         "also by when stays began; with --format json", cohorts},
        {"funnel", 0, OPTION_TEXT, &funnel, "NAME", "only this one (all)", NULL},
        {"input", 0, OPTION_TEXT, &topic, "TOPIC", "whose events these are (the first input's)",
         NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        "report",
        "[-c CONFIG] [OPTIONS] FILE|-",
        "Counts the events of a file, one a line, and prints what the funnels look like at its end.\n"
        "JSON is one object a funnel and line. - is standard input.",
        specs,
        1,
        1};
    struct feed feed;
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    if (cohort >= 0 && format_of[format] != REPORT_JSON)
        fputs("funneld report: --cohort shows in the JSON only: add --format json\n", stderr);
    code = feed_open(&feed, "report", file, topic, argv[first]);
    if (code == EXIT_OK)
        code = report_check_funnel(&feed, funnel);
    if (code == EXIT_OK)
        code = feed_run(&feed, sink_nothing, NULL);
    if (code == EXIT_OK)
        code = report_print(&feed,
                            &(struct report_options){.format = format_of[format],
                                                     .cohort = cohort < 0 ? -1 : cohort_of[cohort],
                                                     .funnel = funnel});
    if (code == EXIT_OK)
        feed_summary(&feed);
    feed_close(&feed);
    return code;
}
