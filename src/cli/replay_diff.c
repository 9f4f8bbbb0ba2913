/* SPDX-License-Identifier: Apache-2.0 */
/* An alert here is one episode: from firing to resolved, of one set of labels. Two are the same when labels,
 * begin and end are; they have changed when only labels and begin are. */
#include "cli/replay_diff.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/feed.h"
#include "funnel/mem.h"
#include "shell/exit_codes.h"

struct episode {
    char *fingerprint, *rule, *from, *to; /* to: NULL while it fires */
    char *reason, *summary;
    bool paired, changed;
};
struct episodes {
    struct episode *items;
    size_t count, cap;
};

/* --- gathering --- */

static char *text_of(const cJSON *object, const char *key)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(object, key);

    return mem_strdup(cJSON_IsString(x) ? x->valuestring : NULL);
}

static struct episode *episode_open(struct episodes *e, const char *fingerprint)
{
    for (size_t i = e->count; i-- > 0;)
        if (!e->items[i].to && strcmp(e->items[i].fingerprint, fingerprint) == 0)
            return &e->items[i];
    return NULL;
}

static void episode_begin(struct episodes *e, const cJSON *alert, char *fingerprint)
{
    struct episode *x;

    e->items = mem_grow(e->items, e->count, &e->cap, sizeof(*e->items));
    x = &e->items[e->count++];
    *x = (struct episode){
        .fingerprint = fingerprint,
        .rule = text_of(cJSON_GetObjectItemCaseSensitive(alert, "labels"), "alertname"),
        .from = text_of(alert, "startsAt"),
        .summary = text_of(cJSON_GetObjectItemCaseSensitive(alert, "annotations"), "summary"),
    };
}

static void episode_take(struct episodes *e, const cJSON *alert)
{
    char *fingerprint = text_of(alert, "fingerprint"), *status = text_of(alert, "status");
    struct episode *open = episode_open(e, fingerprint);

    if (strcmp(status, "resolved") == 0 && open) {
        open->to = text_of(alert, "endsAt");
        open->reason = text_of(alert, "endsReason");
        mem_free(fingerprint);
    } else if (strcmp(status, "firing") == 0) {
        episode_begin(e, alert, fingerprint);
    } else {
        mem_free(fingerprint);
    }
    mem_free(status);
}

static int episodes_sink(struct feed *f, void *context)
{
    for (size_t i = 0; i < f->out.count; i++) {
        struct span value = record_value_of(&f->out, &f->out.items[i]);
        cJSON *alert;

        if (f->out.items[i].target != RECORD_ALERT || !value.p)
            continue;
        alert = cJSON_ParseWithLength(value.p, value.len);
        episode_take(context, alert);
        cJSON_Delete(alert);
    }
    return 0;
}

static int episodes_of(struct episodes *e, const char *config, const char *topic, const char *path)
{
    struct feed feed;
    int code = feed_open(&feed, "replay", config, topic, path);

    if (code == EXIT_OK)
        code = feed_run(&feed, episodes_sink, e);
    if (code == EXIT_OK)
        feed_summary(&feed);
    feed_close(&feed);
    return code;
}

static void episodes_free(struct episodes *e)
{
    for (size_t i = 0; i < e->count; i++) {
        struct episode *x = &e->items[i];
        char *const texts[] = {x->fingerprint, x->rule, x->from, x->to, x->reason, x->summary};

        for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
            mem_free(texts[k]);
    }
    mem_free(e->items);
}

/* --- comparing --- */

static bool text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void episodes_pair(struct episodes *a, struct episodes *b)
{
    for (size_t i = 0; i < a->count; i++) {
        for (size_t k = 0; k < b->count; k++) {
            struct episode *x = &a->items[i], *y = &b->items[k];

            if (y->paired || !text_equal(x->fingerprint, y->fingerprint) ||
                !text_equal(x->from, y->from))
                continue;
            x->paired = y->paired = true;
            x->changed = y->changed = !text_equal(x->to, y->to) ||
                                      !text_equal(x->reason, y->reason);
            break;
        }
    }
}

/* --- printing --- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t count_of(const struct episodes *e, const char *rule, int paired, int changed)
{
    size_t n = 0;

    for (size_t i = 0; i < e->count; i++)
        n += (!rule || strcmp(e->items[i].rule, rule) == 0) &&
             (paired < 0 || e->items[i].paired == paired) &&
             (changed < 0 || e->items[i].changed == changed);
    return n;
}

static void print_rules(const struct episodes *a, const struct episodes *b)
{
    const char **names = mem_zero(a->count + b->count + 1, sizeof(*names));
    size_t n = 0;

    for (size_t i = 0; i < a->count; i++)
        names[n++] = a->items[i].rule;
    for (size_t i = 0; i < b->count; i++)
        names[n++] = b->items[i].rule;
    qsort(names, n, sizeof(*names), by_name);
    printf("%-30s %8s %8s %8s %8s\n", "rule", "old", "new", "same", "changed");
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        printf("%-30s %8zu %8zu %8zu %8zu\n", names[i], count_of(a, names[i], -1, -1),
               count_of(b, names[i], -1, -1), count_of(a, names[i], 1, 0),
               count_of(a, names[i], 1, 1));
    }
    mem_free(names);
}

static void print_episode(char sign, const struct episode *x)
{
    printf("%c %s to %s (%s)  %s: %s\n", sign, x->from, x->to ? x->to : "the end",
           x->to ? x->reason : "still firing", x->rule, x->summary ? x->summary : "");
}

/* Both are in the order of their beginning. */
static void print_differences(const struct episodes *a, const struct episodes *b)
{
    size_t i = 0, k = 0;

    while (i < a->count || k < b->count) {
        const struct episode *x = i < a->count ? &a->items[i] : NULL;
        const struct episode *y = k < b->count ? &b->items[k] : NULL;

        if (x && (!y || strcmp(x->from, y->from) <= 0)) {
            if (!x->paired || x->changed)
                print_episode('-', x);
            i++;
        } else {
            if (!y->paired || y->changed)
                print_episode('+', y);
            k++;
        }
    }
}

static int print_diff(const struct episodes *a, const struct episodes *b, const char *old_config,
                      const char *new_config)
{
    printf("--- %s\n+++ %s\n", old_config, new_config);
    print_rules(a, b);
    print_differences(a, b);
    printf("%zu alerts before, %zu after: %zu the same, %zu changed, %zu gone, %zu new\n", a->count,
           b->count, count_of(a, NULL, 1, 0), count_of(a, NULL, 1, 1), count_of(a, NULL, 0, -1),
           count_of(b, NULL, 0, -1));
    if (fflush(stdout) == 0)
        return EXIT_OK;
    fprintf(stderr, "funneld replay: output: %s\n", strerror(errno));
    return EXIT_IO;
}

int replay_diff(const char *old_config, const char *new_config, const char *topic, const char *path)
{
    struct episodes a = {0}, b = {0};
    int code;

    if (strcmp(path, "-") == 0) {
        fputs("funneld replay: --diff reads the events twice: it takes a file, not -\n", stderr);
        return EXIT_USAGE;
    }
    code = episodes_of(&a, old_config, topic, path);
    if (code == EXIT_OK)
        code = episodes_of(&b, new_config, topic, path);
    if (code == EXIT_OK) {
        episodes_pair(&a, &b);
        code = print_diff(&a, &b, old_config, new_config);
    }
    episodes_free(&a);
    episodes_free(&b);
    return code;
}
