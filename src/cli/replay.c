/* SPDX-License-Identifier: Apache-2.0 */
/* funneld replay: the machines of `run` over a file, without Kafka. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "shell/exit_codes.h"
#include "cli/feed.h"
#include "cli/options.h"
#include "cli/replay_diff.h"
#include "cli/replay_summary.h"
#include "funnel/json_out.h"
#include "funnel/json_scan.h"
#include "funnel/report.h"
#include "shell/base64url.h"

enum { OUTPUT_ALERTS, OUTPUT_DEADLETTERS, OUTPUT_REPORT };

struct replay {
    int output;
    bool headers;
    struct buf text;
    struct replay_summary *summary;
};

/* Bytes that are no UTF-8 cannot stand in JSON: they go as base64url, under a name that says so. */
static void put_bytes(struct buf *out, const char *name, struct span bytes)
{
    buf_fmt(out, "\"%s\":", name);
    if (!bytes.p) {
        buf_str(out, "null");
    } else if (json_utf8_valid(bytes)) {
        buf_json_string(out, bytes);
    } else {
        out->len -= 2; /* the name goes on */
        buf_str(out, "_base64url\":\"");
        base64url_encode(bytes.p, bytes.len, out);
        buf_char(out, '"');
    }
}

static void put_headers(struct buf *out, const struct records *r, const struct record *x)
{
    const char *name;
    struct span value;
    size_t at = 0;

    buf_char(out, '{');
    for (int first = 1; record_header_next(r, x, &at, &name, &value); first = 0) {
        if (!first)
            buf_char(out, ',');
        put_bytes(out, name, value);
    }
    buf_char(out, '}');
}

static void put_alert(struct replay *p, const struct records *r, const struct record *x)
{
    struct span value = record_value_of(r, x);

    if (p->headers) {
        buf_char(&p->text, '{');
        put_bytes(&p->text, "key", record_key_of(r, x));
        buf_str(&p->text, ",\"headers\":");
        put_headers(&p->text, r, x);
        buf_str(&p->text, ",\"value\":");
    }
    buf_add(&p->text, value.p, value.len);
    buf_str(&p->text, p->headers ? "}\n" : "\n");
}

static struct span header_of(const struct records *r, const struct record *x, const char *wanted)
{
    const char *name;
    struct span value;
    size_t at = 0;

    while (record_header_next(r, x, &at, &name, &value))
        if (strcmp(name, wanted) == 0)
            return value;
    return SPAN_NONE;
}

static void put_number(struct buf *out, const char *name, struct span digits)
{
    buf_fmt(out, ",\"%s\":%.*s", name, digits.p ? (int)digits.len : 4,
            digits.p ? digits.p : "null");
}

static void put_deadletter(struct replay *p, const struct records *r, const struct record *x)
{
    struct buf *out = &p->text;

    buf_char(out, '{');
    put_bytes(out, "reason", header_of(r, x, "funneld_reason"));
    buf_char(out, ',');
    put_bytes(out, "field", header_of(r, x, "funneld_field"));
    put_number(out, "byte", header_of(r, x, "funneld_byte"));
    put_number(out, "line", header_of(r, x, "funneld_offset"));
    buf_char(out, ',');
    if (p->headers) {
        buf_str(out, "\"headers\":");
        put_headers(out, r, x);
        buf_char(out, ',');
    }
    put_bytes(out, "value", record_value_of(r, x));
    buf_str(out, "}\n");
}

static int replay_sink(struct feed *f, void *context)
{
    struct replay *p = context;

    buf_clear(&p->text);
    replay_summary_take(p->summary, f);
    for (size_t i = 0; i < f->out.count; i++) {
        const struct record *x = &f->out.items[i];

        if (p->output == OUTPUT_ALERTS && x->target == RECORD_ALERT)
            put_alert(p, &f->out, x);
        else if (p->output == OUTPUT_DEADLETTERS && x->target == RECORD_DEADLETTER)
            put_deadletter(p, &f->out, x);
    }
    return feed_write(&p->text);
}

/* The report, and what is left in stdout's buffer. */
static int replay_finish(struct replay *p, const struct feed *f)
{
    buf_clear(&p->text);
    if (p->output == OUTPUT_REPORT)
        report_write(f->pipeline, &(struct report_options){.format = REPORT_JSON, .cohort = -1},
                     &p->text);
    if (feed_write(&p->text) == 0 && fflush(stdout) == 0)
        return EXIT_OK;
    fprintf(stderr, "funneld replay: output: %s\n", strerror(errno));
    return EXIT_IO;
}

static int replay_file(struct replay *p, const char *config, const char *topic, const char *path)
{
    struct feed feed;
    int code = feed_open(&feed, "replay", config, topic, path);

    if (code == EXIT_OK) {
        p->summary = replay_summary_new(&feed);
        code = feed_run(&feed, replay_sink, p);
    }
    if (code == EXIT_OK)
        code = replay_finish(p, &feed);
    if (code == EXIT_OK) {
        feed_summary(&feed);
        replay_summary_print(p->summary);
    }
    replay_summary_free(p->summary);
    feed_close(&feed);
    buf_deinit(&p->text);
    return code;
}

int replay_main(int argc, char **argv)
{
    static const char *const outputs[] = {"alerts", "deadletters", "report", NULL};
    const char *file = CONFIG_DEFAULT, *topic = NULL, *old = NULL;
    struct replay p = {0};
    const struct option_spec specs[] = {
        {"config", 'c', OPTION_TEXT, &file, "FILE", "the configuration (" CONFIG_DEFAULT ")", NULL},
        {"output", 'o', OPTION_CHOICE, &p.output, "WHAT", "what to print (alerts)", outputs},
        {"headers", 0, OPTION_FLAG, &p.headers, NULL,
         "print key and headers too: {\"key\", \"headers\", \"value\"}", NULL},
        {"diff", 0, OPTION_TEXT, &old, "OLD",
         "print how the alerts of configuration NEW differ from those of OLD", NULL},
        {"input", 0, OPTION_TEXT, &topic, "TOPIC", "whose events these are (the first input's)",
         NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        "replay",
        "[-c CONFIG] [OPTIONS] FILE|-, or replay --diff OLD NEW FILE",
        "Runs the events of a file, one a line, through the machines that `run` has, and prints what\n"
        "they put out: the very alerts `run` would publish. Dead letters come with the line's number,\n"
        "counted from 0. - is standard input. In the end it says on standard error of each rule with a\n"
        "budget how often it fired, for how long, and how many false alarms were to be expected.",
        specs,
        1,
        2};
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    if (argc - first != (old ? 2 : 1)) {
        fprintf(stderr, "funneld replay: %s\n",
                old ? "--diff OLD needs NEW and FILE after it" : "one FILE, please");
        return EXIT_USAGE;
    }
    if (old)
        return replay_diff(old, argv[first], topic, argv[first + 1]);
    return replay_file(&p, file, topic, argv[first]);
}
