/* SPDX-License-Identifier: Apache-2.0 */
/* funneld explain: why a rule fired or did not, at a time of a history. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/feed.h"
#include "cli/options.h"
#include "funnel/canon.h"
#include "funnel/explain.h"
#include "shell/exit_codes.h"

struct explain {
    struct explain_query query;
    struct alert_dim dims[DIMS_MAX];
    int64_t at_ms; /* INT64_MAX: the end */
    struct buf text;
    size_t found;
};

static void explain_now(struct explain *e, struct feed *f)
{
    e->found += explain_write(f->pipeline, &e->query, &e->text);
}

static void put_closed(struct explain *e, const struct feed *f)
{
    struct pipeline_gauges gauges;
    char when[CANON_RFC3339_SIZE];

    pipeline_gauges(f->pipeline, &gauges);
    if (!etime_is_set(gauges.closed))
        return;
    canon_rfc3339(gauges.closed.ms, when);
    buf_fmt(&e->text, "as of %s\n", when);
}

/* Each record of the alert: what was seen when it was put out. */
static void explain_records(struct explain *e, struct feed *f)
{
    for (size_t i = 0; i < f->out.count; i++) {
        struct span key = record_key_of(&f->out, &f->out.items[i]);
        char wanted[17];

        snprintf(wanted, sizeof(wanted), "%016" PRIx64, e->query.fingerprint);
        if (f->out.items[i].target != RECORD_ALERT || !span_is(key, wanted))
            continue;
        put_closed(e, f);
        explain_now(e, f);
    }
}

static int explain_sink(struct feed *f, void *context)
{
    struct explain *e = context;
    struct pipeline_gauges gauges;
    int rc;

    if (e->query.fingerprint && e->at_ms == INT64_MAX)
        explain_records(e, f);
    pipeline_gauges(f->pipeline, &gauges);
    if (etime_is_set(gauges.closed) && gauges.closed.ms >= e->at_ms) {
        put_closed(e, f);
        explain_now(e, f);
        f->enough = true;
    }
    rc = feed_write(&e->text);
    buf_clear(&e->text);
    return rc;
}

/* --- the command line --- */

static bool explain_time(const char *text, struct explain *e)
{
    if (canon_time_rfc3339(span_of(text), &e->at_ms) != 0) {
        fprintf(stderr, "funneld explain: '%s' is no time; write it like 2026-06-01T12:30:00Z\n",
                text);
        return false;
    }
    return true;
}

static bool explain_alert(const char *text, struct explain *e)
{
    char *end;

    errno = 0;
    e->query.fingerprint = strtoull(text, &end, 16);
    if (errno == 0 && *end == '\0' && strlen(text) == 16)
        return true;
    fprintf(stderr, "funneld explain: '%s' is no alert; give its fingerprint, 16 hex digits\n",
            text);
    return false;
}

static bool explain_dim(const char *text, struct explain *e)
{
    const char *equals = strchr(text, '=');

    if (!equals || e->query.dim_count == DIMS_MAX) {
        fprintf(stderr, "funneld explain: '%s': write dimension=value\n", text);
        return false;
    }
    e->dims[e->query.dim_count++] = (struct alert_dim){{text, (uint32_t)(equals - text)},
                                                       span_of(equals + 1)};
    return true;
}

/* At the end of the file, where no time was asked for; or why there is nothing to see. */
static int explain_finish(struct explain *e, struct feed *f)
{
    if (e->at_ms == INT64_MAX && !e->query.fingerprint) {
        put_closed(e, f);
        explain_now(e, f);
    }
    if (feed_write(&e->text) != 0 || fflush(stdout) != 0) {
        fprintf(stderr, "funneld explain: output: %s\n", strerror(errno));
        return EXIT_IO;
    }
    if (e->found > 0)
        return EXIT_OK;
    fprintf(stderr, e->at_ms != INT64_MAX && !f->enough
                        ? "funneld explain: the events do not reach that time\n"
                        : "funneld explain: no rule watches that, or its alert never came\n");
    return EXIT_FAILED;
}

int explain_main(int argc, char **argv)
{
    const char *file = CONFIG_DEFAULT, *topic = NULL, *at = NULL, *alert = NULL;
    struct explain e = {.at_ms = INT64_MAX};
    const struct option_spec specs[] = {
        {"config", 'c', OPTION_TEXT, &file, "FILE", "the configuration (" CONFIG_DEFAULT ")", NULL},
        {"at", 0, OPTION_TEXT, &at, "TIME", "event time to look at, RFC 3339 (the end of the file)",
         NULL},
        {"alert", 0, OPTION_TEXT, &alert, "FINGERPRINT",
         "this alert: without --at, whenever a record of it was put out", NULL},
        {"funnel", 0, OPTION_TEXT, &e.query.funnel, "NAME", "only this funnel", NULL},
        {"step", 0, OPTION_TEXT, &e.query.step, "STEP", "only this step: cart>paid, or overall",
         NULL},
        {"rule", 0, OPTION_TEXT, &e.query.rule, "ID", "only this rule", NULL},
        {"all-tests", 0, OPTION_FLAG, &e.query.all_tests, NULL,
         "drop, rise, volume: every test, not only the three fullest", NULL},
        {"input", 0, OPTION_TEXT, &topic, "TOPIC", "whose events these are (the first input's)",
         NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        "explain",
        "[-c CONFIG] [OPTIONS] FILE|- [DIMENSION=VALUE]...",
        "Runs the events of a file up to a time and says of each rule what it saw in its last window,\n"
        "what it expected, the test with its threshold, the verdict and the state of its alert.\n"
        "Of drop, rise and volume: what is learned, what the open stays let expect by their age, and the\n"
        "fullest tests; of the whole, or of the segment with exactly these values.\n"
        "Exits with 1 when there is nothing to explain. - is standard input.",
        specs,
        1,
        1 + DIMS_MAX};
    struct feed feed;
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    if ((at && !explain_time(at, &e)) || (alert && !explain_alert(alert, &e)))
        return EXIT_USAGE;
    for (int i = first + 1; i < argc; i++)
        if (!explain_dim(argv[i], &e))
            return EXIT_USAGE;
    e.query.dims = e.dims;
    code = feed_open(&feed, "explain", file, topic, argv[first]);
    feed.one_by_one = at || alert;
    if (code == EXIT_OK) {
        explain_begin(feed.pipeline);
        code = feed_run(&feed, explain_sink, &e);
    }
    if (code == EXIT_OK)
        code = explain_finish(&e, &feed);
    feed_close(&feed);
    buf_deinit(&e.text);
    return code;
}
