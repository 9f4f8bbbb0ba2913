/* SPDX-License-Identifier: Apache-2.0 */
/* funneld silence: marks alerts for a while, ends that, or shows what is in force. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/control.h"
#include "cli/options.h"
#include "funnel/canon.h"
#include "funnel/json_out.h"
#include "shell/control_topic.h"
#include "shell/exit_codes.h"

#define COMMAND "silence"

struct silence {
    const char *file, *from, *to, *length, *comment, *author, *id, *expire;
    bool list;
};

/* --- a silence --- */

static int take_times(const struct silence *s, struct control *c)
{
    int64_t length;
    int code = control_time(COMMAND, "from", s->from, &c->from);

    if (code != EXIT_OK)
        return code;
    if (s->to)
        return control_time(COMMAND, "to", s->to, &c->to);
    if (settings_duration(s->length, &length) != 0 || length <= 0)
        return control_wrong(COMMAND, "--for wants a duration like 2h, not", s->length);
    if (length > ETIME_MAX_MS - c->from.ms)
        return control_wrong(COMMAND, "--for leads too far", s->length);
    c->to.ms = c->from.ms + length;
    return EXIT_OK;
}

static int take_matchers(char **operands, int count, struct control *c)
{
    for (int i = 0; i < count; i++) {
        const char *mark = strchr(operands[i], '=');

        if (!mark || mark == operands[i] || mark[1] == '\0')
            return control_wrong(COMMAND, "a matcher is written label=value, not", operands[i]);
        if (c->matcher_count == CONTROL_MATCHERS_MAX)
            return control_wrong(COMMAND, "there are more than 8 matchers", NULL);
        c->matchers[c->matcher_count++] = (struct control_matcher){
            {operands[i], (uint32_t)(mark - operands[i])}, span_of(mark + 1)};
    }
    return EXIT_OK;
}

static int silence_begin(const struct silence *s, const struct config *config, char **operands,
                         int count)
{
    struct control c = {.kind = CONTROL_SILENCE, .comment = span_of(s->comment)};
    char id[32];
    int code = take_times(s, &c);

    if (code == EXIT_OK)
        code = take_matchers(operands, count, &c);
    if (code != EXIT_OK)
        return code;
    control_new_id('s', id);
    c.id = span_of(s->id ? s->id : id);
    c.author = control_author(s->author);
    return control_send(COMMAND, config, &c);
}

static int silence_expire(const struct silence *s, const struct config *config)
{
    struct control c = {.kind = CONTROL_EXPIRE,
                        .id = span_of(s->expire),
                        .author = control_author(s->author),
                        .comment = span_of(s->comment)};

    return control_send(COMMAND, config, &c);
}

/* --- the list --- */

static void put_silence(const struct control *c, struct etime now, struct buf *out)
{
    char from[CANON_RFC3339_SIZE], to[CANON_RFC3339_SIZE];

    canon_rfc3339(c->from.ms, from);
    canon_rfc3339(c->to.ms, to);
    buf_fmt(out, "%-29.*s %.19sZ to %.19sZ  %-9s", (int)c->id.len, c->id.p, from, to,
            c->from.ms <= now.ms ? "in force" : "to come");
    for (size_t i = 0; i < c->matcher_count; i++) {
        buf_fmt(out, "%s%.*s=", i > 0 ? "," : " ", (int)c->matchers[i].label.len,
                c->matchers[i].label.p);
        buf_json_string(out, c->matchers[i].value);
    }
    if (c->author.len > 0) {
        buf_str(out, "  by ");
        buf_json_string(out, c->author);
    }
    if (c->comment.len > 0) {
        buf_str(out, ": ");
        buf_json_string(out, c->comment);
    }
    buf_char(out, '\n');
}

static int silence_list(const struct config *config)
{
    struct etime now = control_now();
    struct control_list list = {0};
    struct buf out = {0};
    char error[512];
    int code = control_topic_read(config->settings, now, &list, error);

    for (size_t i = 0; code == EXIT_OK && i < list.count; i++)
        put_silence(&list.items[i].control, now, &out);
    fwrite(out.data, 1, out.len, stdout);
    if (code != EXIT_OK)
        fprintf(stderr, "funneld %s: %s\n", COMMAND, error);
    else if (list.count == 0)
        fputs("No silence is in force or to come.\n", stderr);
    if (list.unreadable > 0)
        fprintf(stderr, "%zu records of the topic are no control records.\n", list.unreadable);
    buf_deinit(&out);
    control_list_deinit(&list);
    return code;
}

/* --- the command --- */

static int check_line(const struct silence *s, int operands)
{
    if (s->list + (s->expire != NULL) + (operands > 0) != 1)
        return control_wrong(COMMAND, "give label=value..., or --expire ID, or --list", NULL);
    if (operands > 0 && (s->to != NULL) == (s->length != NULL))
        return control_wrong(COMMAND, "say how long: --for DURATION or --to TIME", NULL);
    if (operands == 0 && (s->to || s->length || s->id))
        return control_wrong(COMMAND, "--for, --to and --id are for a new silence", NULL);
    return EXIT_OK;
}

static int silence_run(const struct silence *s, char **operands, int count)
{
    struct config config = {0};
    int code = check_line(s, count);

    if (code == EXIT_OK)
        code = control_open(COMMAND, s->file, &config);
    if (code == EXIT_OK)
        code = s->list     ? silence_list(&config)
               : s->expire ? silence_expire(s, &config)
                           : silence_begin(s, &config, operands, count);
    config_deinit(&config);
    return code;
}

int silence_main(int argc, char **argv)
{
    struct silence s = {.file = CONFIG_DEFAULT, .from = "now"};
    const struct option_spec specs[] = {
        {"config", 'c', OPTION_TEXT, &s.file, "FILE", "the configuration (" CONFIG_DEFAULT ")",
         NULL},
        {"from", 0, OPTION_TEXT, &s.from, "TIME", "event time it begins, RFC 3339 (now)", NULL},
        {"for", 0, OPTION_TEXT, &s.length, "DURATION", "how long it lasts: 2h, 1d", NULL},
        {"to", 0, OPTION_TEXT, &s.to, "TIME", "event time it ends, instead of --for", NULL},
        {"comment", 0, OPTION_TEXT, &s.comment, "TEXT", "why", NULL},
        {"author", 0, OPTION_TEXT, &s.author, "NAME", "who ($USER)", NULL},
        {"id", 0, OPTION_TEXT, &s.id, "ID", "its name (a new one); a known one is said anew", NULL},
        {"expire", 0, OPTION_TEXT, &s.expire, "ID",
         "end it; an intervention not yet measured is forgotten", NULL},
        {"list", 0, OPTION_FLAG, &s.list, NULL, "what is in force or to come", NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        COMMAND,
        "[-c FILE] [OPTIONS] LABEL=VALUE...",
        "Marks the alerts that have all these labels (alertname, severity, funnel, step, source, or\n"
        "a dim) while it lasts: their records carry its id in silenced_by. They are published all\n"
        "the same. Writes one record to the control topic, which the daemon reads, and prints the\n"
        "silence's id.",
        specs,
        0,
        -1};
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    return silence_run(&s, argv + first, argc - first);
}
