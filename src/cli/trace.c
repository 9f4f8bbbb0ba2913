/* SPDX-License-Identifier: Apache-2.0 */
/* funneld trace: what each event of one entity did, and why. */
#include <stdio.h>

#include "cli/commands.h"
#include "shell/exit_codes.h"
#include "cli/feed.h"
#include "cli/options.h"

struct trace {
    bool any;
};

static int trace_sink(struct feed *f, void *context)
{
    struct trace *t = context;
    struct buf *text = pipeline_trace_text(f->pipeline);
    int rc = feed_write(text);

    t->any |= text->len > 0;
    buf_clear(text);
    return rc;
}

int trace_main(int argc, char **argv)
{
    const char *file = CONFIG_DEFAULT, *topic = NULL;
    const struct option_spec specs[] = {
        {"config", 'c', OPTION_TEXT, &file, "FILE", "the configuration (" CONFIG_DEFAULT ")", NULL},
        {"input", 0, OPTION_TEXT, &topic, "TOPIC", "whose events these are (the first input's)",
         NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        "trace",
        "[-c CONFIG] ENTITY FILE|-",
        "Explains one entity: each of its events in the file, one a line, and what it changed.\n"
        "Exits with 1 when no event of it reached a funnel. - is standard input.",
        specs,
        2,
        2};
    struct trace t = {0};
    struct feed feed;
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    code = feed_open(&feed, "trace", file, topic, argv[first + 1]);
    if (code == EXIT_OK) {
        pipeline_trace(feed.pipeline, span_of(argv[first]));
        code = feed_run(&feed, trace_sink, &t);
    }
    if (code == EXIT_OK && fflush(stdout) != 0)
        code = EXIT_IO;
    if (code == EXIT_OK && !t.any) {
        fprintf(stderr, "funneld trace: no event of %s in %s reached a funnel\n", argv[first],
                argv[first + 1]);
        feed_summary(&feed);
        code = EXIT_FAILED;
    }
    feed_close(&feed);
    return code;
}
