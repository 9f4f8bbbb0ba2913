/* SPDX-License-Identifier: Apache-2.0 */
/* From the facts of the start to machines: which snapshots there are, what is allowed, and the job that loads
 * one. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "funnel/mem.h"
#include "funnel/settings_meaning.h"
#include "shell/daemon.h"
#include "shell/exit_codes.h"
#include "shell/log.h"

/* --- what the folder has --- */

static void find_one(struct daemon *d, uint32_t generation)
{
    char why[STATE_FILE_WHY], failed[STATE_DIR_WHY];
    int fd = state_dir_snapshot(&d->dir, generation, why);

    if (fd >= 0 && state_file_open(fd, &d->found[d->found_count], why)) {
        d->found_count++;
        return;
    }
    log_warning(fd >= 0 ? "a snapshot is broken and is set aside" : "a snapshot cannot be opened",
                LOG_NUMBER("generation", generation), LOG_TEXT("reason", why));
    if (fd < 0)
        return;
    close(fd);
    if (!state_dir_set_aside(&d->dir, generation, failed))
        log_warning("it could not be set aside", LOG_TEXT("reason", failed));
}

static void find_snapshots(struct daemon *d)
{
    uint32_t generations[STATE_DIR_LIST];
    size_t count = state_dir_list(&d->dir, generations);

    d->found = mem_zero(count + 1, sizeof(*d->found));
    for (size_t i = 0; i < count; i++)
        find_one(d, generations[i]);
}

void daemon_restored_close(struct daemon *d)
{
    for (size_t i = 0; i < d->found_count; i++) {
        int fd = d->found[i].fd;

        state_file_close(&d->found[i]);
        close(fd);
    }
    mem_free(d->found);
    d->found = NULL;
    d->found_count = 0;
}

/* --- the plan --- */

static int plan_make(struct daemon *d, char why[512])
{
    const struct settings *s = d->config->settings;
    const struct state_header **headers = mem_zero(d->found_count + 1, sizeof(*headers));
    uint64_t known[STATE_DIR_LIST];
    struct start_ours ours = {
        .group = s->group,
        .settings_hash = d->config->hash,
        .layout_hash = start_layout_hash(d->sources, d->source_count),
        .cluster_hash = commit_meta_cluster(d->start.cluster_id),
        .publish = s->first_start == FIRST_START_PUBLISH,
        .on_gap_continue = s->on_gap == ON_GAP_CONTINUE,
        .flags = d->options.flags,
        .known = known,
    };
    int code;

    for (size_t i = 0; i < d->found_count; i++)
        headers[i] = &d->found[i].header;
    ours.known_count = state_dir_list_settings(&d->dir, known);
    code = start_plan_make(d->sources, d->start.parts, d->source_count, headers, d->found_count,
                           &ours, &d->plan, why);
    mem_free(headers);
    return code;
}

/* --- the job --- */

/* The file may have changed while nobody ran. The settings in between cannot differ in these keys either. */
static bool restored_is_kept(struct daemon *d)
{
    const char *fixed = settings_keepable(d->machine.settings, d->config->settings);
    char why[256];

    if (!fixed)
        return true;
    snprintf(why, sizeof(why),
             "%s is another one than the state was made with: write the earlier one again, or drop "
             "the state with --new-epoch --reconcile",
             fixed);
    daemon_die(d, EXIT_CONFIGURATION, why);
    return false;
}

static void restored_take(struct daemon *d)
{
    static const char *const kinds[] = {[START_FRESH] = "fresh",
                                        [START_ORIGIN] = "the log's beginning",
                                        [START_SNAPSHOT] = "snapshot"};

    d->way = &d->plan.ways[d->restore.way];
    d->pipeline = d->restore.pipeline;
    d->machine = d->restore.machine;
    d->restore.pipeline = NULL;
    d->restore.machine = (struct config){0};
    d->cut = d->way->first_cut;
    log_notice("machines are made", LOG_TEXT("from", kinds[d->way->kind]),
               LOG_NUMBER("generation", d->way->kind == START_SNAPSHOT
                                            ? d->found[d->way->snapshot].header.generation
                                            : 0));
    if (restored_is_kept(d))
        daemon_rebuild_begin(d);
}

static void on_restored(struct restore *r)
{
    struct daemon *d = r->context;

    d->restoring = false;
    if (d->life == LIFE_REBUILDING && r->code == EXIT_OK) {
        restored_take(d);
    } else if (d->life == LIFE_REBUILDING) {
        daemon_die(d, r->code, r->why);
    } else {
        restore_deinit(r); /* stopped meanwhile */
        daemon_close_soon(d);
    }
}

void daemon_plan(struct daemon *d)
{
    char why[512];
    int code;

    find_snapshots(d);
    code = plan_make(d, why);
    if (code != EXIT_OK) {
        daemon_die(d, code, why);
        return;
    }
    d->restore = (struct restore){.config = d->config,
                                  .plan = &d->plan,
                                  .dir = &d->dir,
                                  .found = d->found,
                                  .sources = d->sources,
                                  .source_count = d->source_count,
                                  .done = on_restored,
                                  .context = d};
    d->restoring = restore_begin(&d->restore, &d->loop) == 0;
    if (!d->restoring)
        daemon_die(d, EXIT_INTERNAL, "no worker");
}
