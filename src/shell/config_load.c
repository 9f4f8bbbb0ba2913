/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/config_load.h"

#include <errno.h>
#include <string.h>

#include "funnel/mem.h"
#include "funnel/settings_meaning.h"
#include "shell/exit_codes.h"
#include "shell/kafka_conf.h"
#include "shell/secret.h"
#include "shell/zone_load.h"

static int config_read(const char *path, struct buf *text, FILE *diagnostics)
{
    FILE *f = fopen(path, "re");
    int failed = 0;

    if (f) {
        buf_reserve(text, CONFIG_FILE_MAX + 1);
        text->len = fread(text->data, 1, CONFIG_FILE_MAX + 1, f);
        failed = ferror(f) ? errno : 0;
        fclose(f);
    }
    if (!f || failed) {
        fprintf(diagnostics, "%s: cannot read it: %s\n", path, strerror(f ? failed : errno));
        return EXIT_IO;
    }
    if (text->len > CONFIG_FILE_MAX) {
        fprintf(diagnostics, "%s: larger than 4 MiB: is it a configuration file?\n", path);
        return EXIT_CONFIGURATION;
    }
    return EXIT_OK;
}

static void config_secret(struct settings *s, const char **value, struct settings_mark mark,
                          const char *path, struct settings_problems *problems)
{
    struct buf resolved = {0};
    const char *remedy = NULL;
    char wrong[256];

    if (!*value)
        return;
    if (secret_resolve(*value, &resolved, wrong, &remedy))
        settings_problem_add(problems, mark, false, path, wrong, remedy);
    else
        *value = arena_strndup(s->arena, resolved.len ? resolved.data : "", resolved.len);
    if (resolved.data)
        explicit_bzero(resolved.data, resolved.len);
    buf_deinit(&resolved);
}

/* The table keeps no mark for single values: where the key stands is looked up in the text. */
static struct settings_mark config_mark(const struct buf *text, const char *key)
{
    const char *line = text->data, *end = text->data + text->len;
    size_t n = strlen(key);
    uint32_t number = 1;

    for (const char *p = text->data; p + n < end; p++) {
        bool begins = p == text->data || strchr(" \n{,", p[-1]);

        if (*p == '\n') {
            line = p + 1;
            number++;
        } else if (begins && memcmp(p, key, n) == 0 && p[n] == ':') {
            return (struct settings_mark){number, (uint32_t)(p - line) + 1};
        } else if (*p == '#' && begins) { /* a comment, to the end of the line */
            const char *eol = memchr(p, '\n', (size_t)(end - p));

            p = eol ? eol - 1 : end - 1;
        }
    }
    return (struct settings_mark){0};
}

static void config_secrets(struct settings *s, const struct buf *text, enum config_use use,
                           struct settings_problems *problems)
{
    char path[160];

    config_secret(s, &s->state.hash_key, config_mark(text, "hash_key"), "state.hash_key", problems);
    if (use == CONFIG_MACHINES)
        return;
    for (size_t i = 0; i < s->kafka.count; i++) {
        struct settings_pair *pair = &s->kafka.items[i];

        snprintf(path, sizeof(path), "kafka.%s", pair->key);
        config_secret(s, &pair->value, pair->mark, path, problems);
    }
    config_secret(s, &s->http_token, config_mark(text, "http_token"), "http_token", problems);
}

static void config_zone(struct config *c, const struct buf *text,
                        struct settings_problems *problems)
{
    char wrong[256];

    c->zone = zone_load(c->settings->time.zone, wrong);
    if (!c->zone)
        settings_problem_add(problems, config_mark(text, "zone"), false, "time.zone", wrong,
                             "use an IANA name such as Asia/Shanghai, and install tzdata");
}

static void config_print(const char *path, const struct settings_problems *problems,
                         FILE *diagnostics)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct settings_problem *p = &problems->items[i];

        fprintf(diagnostics, "%s:", path);
        if (p->mark.line)
            fprintf(diagnostics, "%u:%u:", p->mark.line, p->mark.column);
        fprintf(diagnostics, " %s: %s%s%s%s%s\n", p->warning ? "warning" : "error",
                p->path && *p->path ? p->path : "", p->path && *p->path ? ": " : "", p->message,
                p->remedy && *p->remedy ? "; " : "", p->remedy ? p->remedy : "");
    }
    if (problems->errors)
        fprintf(diagnostics, "%s: %zu error%s\n", path, problems->errors,
                problems->errors == 1 ? "" : "s");
}

/* Takes c->text as it is. */
static int config_bind(const char *name, enum config_use use, struct config *c, FILE *diagnostics)
{
    struct settings_problems problems = {0};
    int code;

    c->settings = settings_read(c->text.data, c->text.len, &problems);
    if (c->settings) {
        config_secrets(c->settings, &c->text, use, &problems);
        if (use == CONFIG_DAEMON)
            kafka_conf_check(c->settings, &problems);
        config_zone(c, &c->text, &problems);
    }
    config_print(name, &problems, diagnostics);
    code = c->settings && !problems.errors ? EXIT_OK : EXIT_CONFIGURATION;
    c->warnings = problems.count - problems.errors;
    if (code == EXIT_OK)
        c->hash = settings_meaning(c->settings);
    settings_problems_deinit(&problems);
    return code;
}

int config_parse(const char *name, struct span text, enum config_use use, struct config *ret,
                 FILE *diagnostics)
{
    struct config c = {0};
    int code;

    buf_add(&c.text, text.p, text.len);
    code = config_bind(name, use, &c, diagnostics);
    if (code == EXIT_OK)
        *ret = c;
    else
        config_deinit(&c);
    return code;
}

int config_load(const char *path, struct config *ret, FILE *diagnostics)
{
    struct config c = {0};
    int code = config_read(path, &c.text, diagnostics);

    if (code == EXIT_OK)
        code = config_bind(path, CONFIG_DAEMON, &c, diagnostics);
    if (code == EXIT_OK)
        *ret = c;
    else
        config_deinit(&c);
    return code;
}

void config_deinit(struct config *c)
{
    settings_free(c->settings);
    zone_free(c->zone);
    buf_deinit(&c->text);
    *c = (struct config){0};
}
