/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/restore.h"

#include <string.h>

#include <criterion/criterion.h>

#include "lib/state_kit.h"
#include "shell/exit_codes.h"

/* The machines go by these; the file names another zone by now, and the folder may hold both. */
#define BEGIN PIPE_KAFKA "group: sales\ninputs: [{topic: orders}]\n"
#define END "funnels:\n  shop:\n    stages: [visit, cart, paid]\n    window: 1h\n"
#define TEXT_THEN BEGIN "time: {zone: Asia/Shanghai}\n" END
#define TEXT_NOW BEGIN "time: {zone: Europe/Berlin}\n" END

static const struct pipeline_source sources[] = {{"orders", 0, 0}, {"orders", 1, 0}};
static struct config then, now;
static struct state_dir dir;
static char *folder;
static uv_loop_t loop;
static struct state_file found[2];
static struct start_way ways[3];
static struct start_plan plan;
static struct restore restore;
static int ended;

static void parse(struct config *ret, const char *text)
{
    cr_assert_eq(config_parse("test", span_of(text), CONFIG_MACHINES, ret, stderr), EXIT_OK);
}

static void open_all(void)
{
    char why[STATE_DIR_WHY];

    parse(&then, TEXT_THEN);
    parse(&now, TEXT_NOW);
    folder = state_kit_folder();
    cr_assert_eq(state_dir_open(&dir, folder, why), EXIT_OK, "%s", why);
    cr_assert_eq(uv_loop_init(&loop), 0);
    plan = (struct start_plan){.ways = ways, .zone_hash = then.zone->hash};
}

static void close_all(void)
{
    for (size_t i = 0; i < 2; i++) {
        int fd = found[i].fd;

        if (found[i].size == 0)
            continue;
        state_file_close(&found[i]);
        close(fd);
    }
    restore_deinit(&restore);
    config_deinit(&then);
    config_deinit(&now);
    state_dir_close(&dir);
    cr_assert_eq(uv_loop_close(&loop), 0);
    state_kit_remove(folder);
}

TestSuite(restore, .init = open_all, .fini = close_all);

/* A snapshot of empty machines; zone_hash: as it says itself. */
static void snapshot(size_t i, uint32_t generation, uint64_t zone_hash)
{
    struct pipeline *p = pipeline_new(then.settings, then.zone, sources, 2);
    struct state_header h = state_kit_header(generation);
    struct state_writer *w;
    char why[STATE_DIR_WHY];
    int fd = state_dir_temporary(&dir, generation, why);

    h.settings = span_of(TEXT_THEN);
    h.settings_hash = then.hash;
    h.zone_hash = zone_hash;
    w = state_writer_new(&h, p);
    cr_assert_eq(state_writer_run(w, fd), 0);
    state_writer_free(w);
    pipeline_free(p);
    cr_assert(state_dir_commit(&dir, generation, why), "%s", why);
    cr_assert(state_file_open(fd, &found[i], why), "%s", why);
    ways[plan.way_count++] = (struct start_way){.kind = START_SNAPSHOT, .snapshot = i};
}

static void on_done(struct restore *r)
{
    cr_assert_eq(r, &restore);
    ended++;
}

static int run(void)
{
    restore = (struct restore){.config = &now,
                               .plan = &plan,
                               .dir = &dir,
                               .found = found,
                               .sources = sources,
                               .source_count = 2,
                               .done = on_done};
    cr_assert_eq(restore_begin(&restore, &loop), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(ended, 1);
    return restore.code;
}

/* A zone that the file names by now is a switch to come, not other time-zone data. */
Test(restore, a_snapshot_goes_by_the_zone_of_its_own_settings)
{
    snapshot(0, 3, then.zone->hash);
    cr_assert_eq(run(), EXIT_OK, "%s", restore.why);
    cr_assert_eq(restore.way, 0);
    cr_assert_eq(restore.machine.hash, then.hash);
    cr_assert_eq(restore.machine.zone->hash, then.zone->hash);
    cr_assert_not_null(restore.pipeline);
}

Test(restore, other_time_zone_data_spoil_no_file)
{
    uint32_t left[STATE_DIR_LIST];

    snapshot(0, 4, then.zone->hash + 1);
    snapshot(1, 3, then.zone->hash);
    cr_assert_eq(run(), EXIT_OK, "%s", restore.why);
    cr_assert_eq(restore.way, 1);
    cr_assert_eq(state_dir_list(&dir, left), 2, "the file is as good as it was");
}

Test(restore, a_broken_one_is_set_aside)
{
    uint32_t left[STATE_DIR_LIST];
    char path[256], why[STATE_DIR_WHY];
    int fd;

    snapshot(0, 4, then.zone->hash);
    snapshot(1, 3, then.zone->hash);
    snprintf(path, sizeof(path), "%s/snapshot-4", folder);
    fd = open(path, O_WRONLY);
    cr_assert_eq(pwrite(fd, "\377\377", 2, (off_t)found[0].sections[1].offset), 2);
    close(fd);
    cr_assert_eq(run(), EXIT_OK, "%s", restore.why);
    cr_assert_eq(restore.way, 1);
    cr_assert_eq(state_dir_list(&dir, left), 1);
    cr_assert_eq(left[0], 3);
    cr_assert_eq(state_dir_next(&dir, 0), 5, "its number is not given again");
    cr_assert_lt(state_dir_snapshot(&dir, 4, why), 0);
}

Test(restore, from_the_origin_by_the_settings_of_then)
{
    char why[STATE_DIR_WHY];

    cr_assert(state_dir_put_settings(&dir, then.hash, span_of(TEXT_THEN), why), "%s", why);
    ways[plan.way_count++] = (struct start_way){.kind = START_ORIGIN, .settings_hash = then.hash};
    cr_assert_eq(run(), EXIT_OK, "%s", restore.why);
    cr_assert_eq(restore.machine.hash, then.hash);
}

Test(restore, not_from_the_origin_with_other_time_zone_data)
{
    char why[STATE_DIR_WHY];

    cr_assert(state_dir_put_settings(&dir, then.hash, span_of(TEXT_THEN), why), "%s", why);
    ways[plan.way_count++] = (struct start_way){.kind = START_ORIGIN, .settings_hash = then.hash};
    plan.zone_hash++;
    cr_assert_eq(run(), EXIT_STATE);
    cr_assert_not_null(strstr(restore.why, "Asia/Shanghai"), "%s", restore.why);
    cr_assert_not_null(strstr(restore.why, "--rebuild"), "%s", restore.why);
    cr_assert_null(restore.pipeline);
}

Test(restore, settings_under_the_wrong_name_are_refused)
{
    char why[STATE_DIR_WHY];

    cr_assert(state_dir_put_settings(&dir, then.hash + 1, span_of(TEXT_THEN), why), "%s", why);
    ways[plan.way_count++] = (struct start_way){.kind = START_FRESH,
                                                .settings_hash = then.hash + 1};
    cr_assert_eq(run(), EXIT_STATE);
    cr_assert_not_null(strstr(restore.why, "another meaning"), "%s", restore.why);
}
