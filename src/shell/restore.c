/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/log.h"

/* --- settings --- */

/* What config_parse() says of a text of long ago goes into the reason: its first line. */
static int restore_parse(const char *name, struct span text, struct config *ret, char why[512])
{
    char *said = NULL;
    size_t len = 0;
    FILE *diagnostics = open_memstream(&said, &len);
    int code;

    if (!diagnostics)
        abort();
    code = config_parse(name, text, CONFIG_MACHINES, ret, diagnostics);
    fclose(diagnostics);
    if (code != EXIT_OK)
        snprintf(why, 512, "%.*s", (int)strcspn(said, "\n"), said);
    free(said);
    return code;
}

int restore_settings(const struct config *config, const struct state_dir *dir, uint64_t hash,
                     struct config *ret, char why[512])
{
    struct buf text = {0};
    char name[64];
    int code = EXIT_STATE;

    if (hash == config->hash)
        return restore_parse("configuration",
                             (struct span){config->text.data, (uint32_t)config->text.len}, ret,
                             why);
    snprintf(name, sizeof(name), "settings-%016llx.yaml", (unsigned long long)hash);
    if (state_dir_get_settings(dir, hash, &text, why))
        code = restore_parse(name, (struct span){text.data, (uint32_t)text.len}, ret, why);
    buf_deinit(&text);
    if (code == EXIT_OK && ret->hash != hash) {
        snprintf(why, 512, "%s holds settings of another meaning", name);
        config_deinit(ret);
        code = EXIT_STATE;
    }
    return code;
}

/* --- one way --- */

/* The zone is the one those settings name; another in the file of today is a switch to come. */
static bool restore_zone(struct restore *r, uint64_t hash)
{
    if (r->machine.zone->hash == hash)
        return true;
    snprintf(r->why, sizeof(r->why),
             "the rules of time zone %.64s are others now: use the earlier time-zone data",
             r->machine.settings->time.zone);
    return false;
}

/* What its settings mean here. */
static bool restore_bind(struct restore *r, const struct state_header *h)
{
    char name[64];

    snprintf(name, sizeof(name), "settings of snapshot-%u", h->generation);
    if (restore_parse(name, h->settings, &r->machine, r->why) != EXIT_OK)
        return false;
    if (r->machine.hash != h->settings_hash) {
        snprintf(r->why, sizeof(r->why), "its settings mean something else in this version");
        return false;
    }
    return restore_zone(r, h->zone_hash);
}

/* One that cannot be used for what is around it may be of use again; only a broken one is set aside. */
static bool restore_snapshot(struct restore *r, const struct state_file *f)
{
    char why[STATE_DIR_WHY];
    bool bound = restore_bind(r, &f->header);

    if (bound) {
        r->pipeline = pipeline_new(r->machine.settings, r->machine.zone, r->sources,
                                   r->source_count);
        if (state_file_load(f, r->pipeline, r->why))
            return true;
    }
    log_warning(bound ? "a snapshot is broken and is set aside" : "a snapshot cannot be used",
                LOG_NUMBER("generation", f->header.generation), LOG_TEXT("reason", r->why));
    if (bound && !state_dir_set_aside(r->dir, f->header.generation, why))
        log_warning("it could not be set aside", LOG_TEXT("reason", why));
    return false;
}

static bool restore_empty(struct restore *r, const struct start_way *way)
{
    if (restore_settings(r->config, r->dir, way->settings_hash, &r->machine, r->why) != EXIT_OK ||
        (way->kind == START_ORIGIN && !restore_zone(r, r->plan->zone_hash)))
        return false;
    r->pipeline = pipeline_new(r->machine.settings, r->machine.zone, r->sources, r->source_count);
    return true;
}

static void restore_drop(struct restore *r)
{
    pipeline_free(r->pipeline);
    r->pipeline = NULL;
    config_deinit(&r->machine);
}

static bool restore_way(struct restore *r, const struct start_way *way)
{
    return way->kind == START_SNAPSHOT ? restore_snapshot(r, &r->found[way->snapshot])
                                       : restore_empty(r, way);
}

/* --- the job --- */

static void restore_work(uv_work_t *work)
{
    struct restore *r = work->data;

    for (r->way = 0; r->way < r->plan->way_count; r->way++) {
        if (restore_way(r, &r->plan->ways[r->way])) {
            r->code = EXIT_OK;
            return;
        }
        restore_drop(r);
    }
    r->code = EXIT_STATE;
    snprintf(r->why + strlen(r->why), sizeof(r->why) - strlen(r->why), "; %s", start_plan_lost);
}

static void restore_after(uv_work_t *work, int status)
{
    struct restore *r = work->data;

    (void)status;
    r->done(r);
}

int restore_begin(struct restore *r, uv_loop_t *loop)
{
    r->work.data = r;
    return uv_queue_work(loop, &r->work, restore_work, restore_after);
}

void restore_deinit(struct restore *r)
{
    restore_drop(r);
}
