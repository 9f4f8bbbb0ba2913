/* SPDX-License-Identifier: Apache-2.0 */
/* funneld state rekey: topics have more partitions, and what is known of each entity must be where its next event
 * comes. */
#include "cli/state_rekey.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/state_look.h"
#include "funnel/mem.h"
#include "funnel/pipeline_parts.h"
#include "shell/exit_codes.h"
#include "shell/log.h"
#include "shell/rekey.h"

#define REKEY_PATIENCE_MS 60000
#define REKEY_SAME PARTITIONERS

const char *const state_rekey_ways[] = {"murmur2", "crc32", "same", NULL};

struct rekeyed {
    const struct state_dir *dir;
    const struct config *config;
    int way;
    bool dry;
    struct kafka_health health;
    struct start start;
    struct state_look looks[STATE_DIR_LIST];
    size_t look_count;
    struct rekey_plan plan;
    struct config machine; /* the snapshot's settings */
    struct pipeline *pipeline;
    struct homes *homes;
    struct rekey_seen seen;
    uint64_t *before; /* entities by new source */
    struct rekey_result result;
    struct records out;
    uint32_t generation;
    char why[REKEY_WHY];
};

/* --- what there is --- */

static int rekey_connect(struct rekeyed *k)
{
    start_run(&k->start, k->config->settings, &k->health, k->dry, REKEY_PATIENCE_MS);
    snprintf(k->why, sizeof(k->why), "%s", k->start.why);
    return k->start.code;
}

static int rekey_plan(struct rekeyed *k)
{
    const struct state_header *headers[STATE_DIR_LIST];
    uint32_t generations[STATE_DIR_LIST];
    uint64_t known[STATE_DIR_LIST];
    size_t count = state_dir_list(k->dir, generations);
    struct start_ours ours = {
        .group = k->config->settings->group,
        .settings_hash = k->config->hash,
        .cluster_hash = commit_meta_cluster(k->start.cluster_id),
        .known = known,
    };

    for (size_t i = 0; i < count; i++) {
        struct state_look *l = &k->looks[k->look_count];

        if (state_look_open(l, k->dir, generations[i]))
            headers[k->look_count++] = &l->file.header;
        else
            state_look_close(l);
    }
    ours.known_count = state_dir_list_settings(k->dir, known);
    return rekey_plan_make(k->start.sources, k->start.parts, k->start.count, headers, k->look_count,
                           &ours, &k->plan, k->why);
}

static int rekey_load(struct rekeyed *k)
{
    const struct state_look *l = &k->looks[k->plan.snapshot];
    const struct state_header *h = &l->file.header;
    const char *wrong;

    if (config_parse(buf_cstr((struct buf *)&l->name), h->settings, CONFIG_MACHINES, &k->machine,
                     stderr) != EXIT_OK)
        wrong = "its settings cannot be used here";
    else if (k->machine.hash != h->settings_hash)
        wrong = "its settings mean something else in this version";
    else if (k->machine.zone->hash != h->zone_hash)
        wrong = "the rules of its time zone are others now: use the earlier time-zone data";
    else {
        k->pipeline = pipeline_new(k->machine.settings, k->machine.zone, k->plan.sources,
                                   k->plan.count);
        if (!state_file_load(&l->file, k->pipeline, k->why))
            return EXIT_STATE;
        wrong = rekey_plan_check(&k->plan, k->pipeline);
    }
    if (wrong)
        snprintf(k->why, sizeof(k->why), "snapshot-%u: %s", h->generation, wrong);
    return wrong ? EXIT_STATE : EXIT_OK;
}

/* --- what becomes of it --- */

static int rekey_homes(struct rekeyed *k)
{
    int code;

    k->homes = homes_new(k->pipeline);
    if (k->way == REKEY_SAME)
        return EXIT_OK;
    code = rekey_read(k->start.consumer, &k->plan, k->pipeline, (enum partitioner)k->way, k->homes,
                      &k->seen, k->why);
    if (code == EXIT_OK && !rekey_fits(&k->seen, (enum partitioner)k->way, k->why))
        code = EXIT_FAILED;
    return code;
}

static uint64_t source_entities(const struct pipeline *p, size_t source)
{
    uint64_t n = 0;

    for (size_t f = 0; f < p->tallies[source].funnel_count; f++)
        n += p->tallies[source].funnels[f].entities.count;
    return n;
}

static int rekey_move(struct rekeyed *k)
{
    int64_t *next = mem_zero(k->start.count, sizeof(*next));
    const struct rekey r = {k->start.sources, k->start.count, next, k->homes};

    k->before = mem_zero(k->start.count, sizeof(*k->before));
    for (size_t i = 0; i < k->start.count; i++)
        next[i] = k->start.parts[i].committed >= 0 ? k->start.parts[i].committed
                                                   : k->start.parts[i].low;
    for (size_t i = 0; i < k->plan.count; i++)
        k->before[k->plan.olds[i].now] = source_entities(k->pipeline, i);
    pipeline_rekey(k->pipeline, &r, &k->out, &k->result);
    mem_free(next);
    return EXIT_OK;
}

static int rekey_finish(struct rekeyed *k)
{
    const struct rekey_saving s = {
        .config = k->config,
        .dir = k->dir,
        .start = &k->start,
        .health = &k->health,
        .plan = &k->plan,
        .from = &k->looks[k->plan.snapshot].file.header,
        .pipeline = k->pipeline,
        .out = &k->out,
    };

    return k->dry ? EXIT_OK : rekey_save(&s, &k->generation, k->why);
}

/* --- saying it --- */

static void rekey_tell(const struct rekeyed *k)
{
    const struct rekey_result *r = &k->result;

    printf("  %-32s %12s %12s\n", "PARTITION", "ENTITIES", k->dry ? "WOULD BE" : "NOW");
    for (size_t i = 0; i < k->start.count; i++) {
        struct buf name = {0};

        state_look_text(&name, k->start.sources[i].topic);
        buf_fmt(&name, "/%" PRId32, k->start.sources[i].partition);
        printf("  %-32s %12" PRIu64 " %12" PRIu64 "\n", buf_cstr(&name), k->before[i],
               source_entities(k->pipeline, i));
        buf_deinit(&name);
    }
    if (k->way != REKEY_SAME)
        printf("  %" PRIu64 " records, %" PRIu64
               " with a key; %s puts %.2f %% of these where they lie\n",
               k->seen.records, k->seen.of[k->way], state_rekey_ways[k->way],
               100 * rekey_share(&k->seen, (enum partitioner)k->way));
    printf("  moved %" PRIu64 ", with %" PRIu64
           " events that wait to be put in order; already in place %" PRIu64 "\n",
           r->moved, r->waiting, r->at_home);
    if (r->unknown > 0)
        printf("  left where they were: %" PRIu64 "%s\n", r->unknown,
               k->way == REKEY_SAME ? ""
                                    : ", of which the logs hold no record with a key any more");
    if (r->stuck > 0)
        printf("  left where they were: %" PRIu64
               ", which the other partition has met, too, or has no room for\n",
               r->stuck);
    if (k->dry)
        puts("Nothing was changed (--dry-run).");
    else
        printf("snapshot-%" PRIu32 " is committed: start the daemon.\n", k->generation);
}

/* --- all of it --- */

static int rekey_steps(struct rekeyed *k)
{
    static int (*const steps[])(struct rekeyed *) = {rekey_load, rekey_homes, rekey_move,
                                                     rekey_finish};
    int code = rekey_connect(k);

    if (code == EXIT_OK)
        code = rekey_plan(k);
    if (code == EXIT_OK && k->plan.nothing) {
        puts("The topics have as many partitions as the state: there is nothing to do.");
        return EXIT_OK;
    }
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && code == EXIT_OK; i++)
        code = steps[i](k);
    if (code == EXIT_OK)
        rekey_tell(k);
    return code;
}

int state_rekey(const struct state_dir *dir, const struct config *config, int way, bool dry)
{
    struct rekeyed *k = mem_zero(1, sizeof(*k));
    int code;

    k->dir = dir;
    k->config = config;
    k->way = way;
    k->dry = dry;
    log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_NOTICE);
    code = rekey_steps(k);
    if (code != EXIT_OK)
        fprintf(stderr, "funneld state rekey: %s\n", k->why);
    pipeline_free(k->pipeline);
    homes_free(k->homes);
    config_deinit(&k->machine);
    rekey_plan_deinit(&k->plan);
    for (size_t i = 0; i < k->look_count; i++)
        state_look_close(&k->looks[i]);
    records_deinit(&k->out);
    mem_free(k->before);
    start_deinit(&k->start);
    mem_free(k);
    return code;
}
