/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/snapshot.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include "lib/state_kit.h"
#include "shell/exit_codes.h"

#define PATIENCE_MS 30000

static uv_loop_t loop;
static uv_timer_t patience;
static char *folder;
static struct state_dir dir;
static struct snapshot taker;
static struct pipe full;
static struct snapshot_result last;
static int ended;

static void on_done(void *context, const struct snapshot_result *result)
{
    cr_assert_eq(context, &last);
    last = *result;
    ended++;
    uv_stop(&loop);
}

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    uv_stop(&loop);
}

static void open_all(void)
{
    const struct snapshot_hooks hooks = {&last, on_done};
    char why[STATE_DIR_WHY];

    folder = state_kit_folder();
    cr_assert_eq(state_dir_open(&dir, folder, why), EXIT_OK, "%s", why);
    cr_assert_eq(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &patience);
    cr_assert_eq(snapshot_init(&taker, &loop, &dir, &hooks), 0);
    state_kit_open(&full);
}

static void close_all(void)
{
    cr_assert(snapshot_stop(&taker));
    snapshot_close(&taker);
    uv_close((uv_handle_t *)&patience, NULL);
    while (uv_run(&loop, UV_RUN_DEFAULT)) /* it may have been told to stop once more */
        ;
    cr_assert_eq(uv_loop_close(&loop), 0);
    state_dir_close(&dir);
    pipe_close(&full);
    umount(folder);
    state_kit_remove(folder);
}

TestSuite(snapshot, .init = open_all, .fini = close_all);

static bool begin(uint32_t generation)
{
    struct state_header header = state_kit_header(generation);

    return snapshot_begin(&taker, &header, full.p);
}

static void wait_done(int times)
{
    uv_timer_start(&patience, on_patience, PATIENCE_MS, 0);
    while (ended < times && uv_is_active((uv_handle_t *)&patience))
        uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(ended, times);
    uv_timer_stop(&patience);
}

/* What is in the folder but the lock. */
static size_t files(void)
{
    DIR *d = opendir(folder);
    size_t n = 0;

    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.' && strcmp(e->d_name, "lock") != 0;
    closedir(d);
    return n;
}

static void check_good(uint32_t generation)
{
    char why[STATE_FILE_WHY];
    int fd = state_dir_snapshot(&dir, generation, why);
    struct state_file f;
    struct pipe empty;

    cr_assert(fd >= 0, "%s", why);
    state_kit_open_empty(&empty);
    cr_assert(state_file_open(fd, &f, why) && state_file_load(&f, empty.p, why), "%s", why);
    cr_assert_eq(f.header.generation, generation);
    cr_assert_eq(pipeline_judge_digest(empty.p), pipeline_judge_digest(full.p));
    state_file_close(&f);
    pipe_close(&empty);
    close(fd);
}

/* While the child writes, the machines go on; what they do then is not in it. */
Test(snapshot, the_state_of_the_moment)
{
    uint64_t digest = pipeline_tally_digest(full.p, 0);

    cr_assert(begin(1));
    cr_assert(snapshot_is_busy(&taker));
    pipe_say_on(&full, 0, -1, "{not json");
    cr_assert_neq(pipeline_tally_digest(full.p, 0), digest);
    wait_done(1);
    cr_assert(last.ok, "%s", last.why);
    cr_assert_eq(last.generation, 1);
    cr_assert_gt(last.bytes, 0);
    cr_assert_geq(last.fork_us, 0);
    cr_assert_not(snapshot_is_busy(&taker));
    cr_assert_eq(files(), 1);
    check_good(1);
    cr_assert(begin(2));
    wait_done(2);
    cr_assert(last.ok, "%s", last.why);
    cr_assert_eq(files(), 2);
}

Test(snapshot, a_killed_child_costs_that_snapshot_only)
{
    cr_assert(begin(1));
    kill(taker.child, SIGKILL);
    wait_done(1);
    cr_assert_not(last.ok);
    cr_assert(strstr(last.why, "signal 9"), "%s", last.why);
    cr_assert_eq(files(), 0);
    cr_assert(begin(2));
    wait_done(2);
    cr_assert(last.ok, "%s", last.why);
    check_good(2);
}

/* A terminal's ^C, or systemd's SIGTERM to the whole group, is the parent's to answer. */
Test(snapshot, signals_do_not_reach_the_child_or_come_twice)
{
    sigset_t pending;

    cr_assert(begin(1));
    kill(taker.child, SIGTERM);
    kill(taker.child, SIGINT);
    wait_done(1);
    cr_assert(last.ok, "%s", last.why);
    sigpending(&pending);
    cr_assert_not(sigismember(&pending, SIGTERM));
}

Test(snapshot, stopped_while_the_child_writes)
{
    pid_t child;

    cr_assert(begin(1));
    child = taker.child;
    kill(child, SIGSTOP); /* it will not end by itself */
    cr_assert_not(snapshot_stop(&taker), "nobody waits for a child here");
    wait_done(1);
    cr_assert_not(last.ok);
    cr_assert_str_eq(last.why, "stopped");
    cr_assert_eq(files(), 0);
    cr_assert_eq(waitpid(child, NULL, WNOHANG), -1, "no zombie is left");
}

Test(snapshot, stopped_while_it_is_verified)
{
    int rounds = 0;

    cr_assert(begin(1));
    while (taker.state == SNAPSHOT_WRITING && rounds++ < 100000)
        uv_run(&loop, UV_RUN_ONCE);
    if (!snapshot_stop(&taker))
        wait_done(1);
    cr_assert(snapshot_stop(&taker));
    cr_assert_eq(ended, 1);
    cr_assert_eq(files(), last.ok ? 1 : 0);
}

/* Others' children are others' to wait for. */
Test(snapshot, waits_only_for_its_own_child)
{
    pid_t other = fork();
    int status;

    if (other == 0)
        _exit(7);
    cr_assert(begin(1));
    wait_done(1);
    cr_assert(last.ok, "%s", last.why);
    cr_assert_eq(waitpid(other, &status, 0), other);
    cr_assert_eq(WEXITSTATUS(status), 7);
}

Test(snapshot, a_file_too_large_is_an_error)
{
    struct rlimit before, limit;

    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 2000;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert(begin(1));
    wait_done(1);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    cr_assert_not(last.ok);
    cr_assert(strstr(last.why, "File too large"), "%s", last.why);
    cr_assert_eq(files(), 0);
    cr_assert(begin(2));
    wait_done(2);
    cr_assert(last.ok, "%s", last.why);
}

Test(snapshot, a_full_disk_is_an_error)
{
    char why[STATE_DIR_WHY];

    state_dir_close(&dir);
    if (mount("none", folder, "tmpfs", 0, "size=4k,mode=0700") != 0)
        cr_skip_test("no tmpfs can be mounted");
    cr_assert_eq(state_dir_open(&dir, folder, why), EXIT_OK, "%s", why);
    cr_assert(begin(1));
    wait_done(1);
    cr_assert_not(last.ok);
    cr_assert(strstr(last.why, "No space left"), "%s", last.why);
    cr_assert_eq(files(), 0);
    cr_assert_eq(mount("none", folder, "tmpfs", MS_REMOUNT, "size=8m"), 0);
    cr_assert(begin(2));
    wait_done(2);
    cr_assert(last.ok, "%s", last.why);
    state_dir_close(&dir);
}

Test(snapshot, a_folder_that_cannot_be_written_is_an_error)
{
    state_kit_remove(strdup(folder));
    cr_assert_not(begin(1));
    cr_assert(strstr(taker.result.why, "cannot create it"), "%s", taker.result.why);
    cr_assert_not(snapshot_is_busy(&taker));
    cr_assert_eq(ended, 0);
    cr_assert_eq(mkdir(folder, 0700), 0);
}

static size_t open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;

    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

Test(snapshot, leaves_no_descriptor_behind)
{
    size_t before;

    cr_assert(begin(1));
    wait_done(1);
    before = open_descriptors();
    for (uint32_t i = 2; i < 6; i++) {
        cr_assert(begin(i));
        if (i % 2)
            kill(taker.child, SIGKILL);
        wait_done((int)i);
    }
    cr_assert_eq(open_descriptors(), before);
}
