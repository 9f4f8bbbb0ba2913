/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "lib/state_kit.h"
#include "shell/exit_codes.h"
#include "shell/state_dir_names.h"

static char *folder;
static struct state_dir dir;
static char why[STATE_DIR_WHY];

static void open_dir(void)
{
    folder = state_kit_folder();
    cr_assert_eq(state_dir_open(&dir, folder, why), EXIT_OK, "%s", why);
}

static void close_dir(void)
{
    state_dir_close(&dir);
    state_kit_remove(folder);
}

TestSuite(state_dir, .init = open_dir, .fini = close_dir);

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void touch(const char *name)
{
    int fd = open(path_of(name), O_CREAT | O_WRONLY, 0600);

    cr_assert(fd >= 0);
    close(fd);
}

static bool exists(const char *name)
{
    struct stat st;

    return lstat(path_of(name), &st) == 0;
}

static void snapshot(uint32_t generation)
{
    int fd = state_dir_temporary(&dir, generation, why);

    cr_assert(fd >= 0, "%s", why);
    cr_assert_eq(write(fd, "x", 1), 1);
    close(fd);
    cr_assert(state_dir_commit(&dir, generation, why), "%s", why);
}

Test(state_dir_names, there_and_back)
{
    static const struct {
        const char *text;
        enum state_name_kind kind;
        uint64_t number;
    } cases[] = {
        {"snapshot-7", STATE_NAME_SNAPSHOT, 7},
        {"snapshot-4294967295", STATE_NAME_SNAPSHOT, UINT32_MAX},
        {"snapshot-8.tmp", STATE_NAME_TEMPORARY, 8},
        {"snapshot-6.broken", STATE_NAME_BROKEN, 6},
        {"settings-00000000000000ff.yaml", STATE_NAME_SETTINGS, 255},
        {"settings-ffffffffffffffff.yaml.tmp", STATE_NAME_SETTINGS_TEMPORARY, UINT64_MAX},
        {"snapshot-0", STATE_NAME_OTHER, 0},
        {"snapshot-07", STATE_NAME_OTHER, 0},
        {"snapshot--7", STATE_NAME_OTHER, 0},
        {"snapshot-+7", STATE_NAME_OTHER, 0},
        {"snapshot- 7", STATE_NAME_OTHER, 0},
        {"snapshot-4294967296", STATE_NAME_OTHER, 0},
        {"snapshot-99999999999999999999999", STATE_NAME_OTHER, 0},
        {"snapshot-7.tmp.tmp", STATE_NAME_OTHER, 0},
        {"snapshot-7~", STATE_NAME_OTHER, 0},
        {"snapshot-", STATE_NAME_OTHER, 0},
        {"settings-ff.yaml", STATE_NAME_OTHER, 0},
        {"settings-00000000000000FF.yaml", STATE_NAME_OTHER, 0},
        {"settings-0x000000000000ff.yaml", STATE_NAME_OTHER, 0},
        {"lock", STATE_NAME_OTHER, 0},
        {"..", STATE_NAME_OTHER, 0},
        {"", STATE_NAME_OTHER, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct state_name n = state_name_parse(cases[i].text);

        cr_assert_eq(n.kind, cases[i].kind, "%s", cases[i].text);
        cr_assert_eq(n.number, cases[i].number, "%s", cases[i].text);
        if (n.kind != STATE_NAME_OTHER)
            cr_assert_str_eq(state_name_of(n.kind, n.number).text, cases[i].text);
    }
}

Test(state_dir, makes_its_folder_for_itself_alone)
{
    struct state_dir made;
    struct stat st;

    umask(0);
    cr_assert_eq(state_dir_open(&made, path_of("new"), why), EXIT_OK, "%s", why);
    cr_assert_eq(fstat(made.fd, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0700);
    cr_assert_eq(fstat(made.lock, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    state_dir_close(&made);
    cr_assert_eq(state_dir_open(&made, path_of("no/such"), why), EXIT_IO);
    cr_assert(strstr(why, "cannot create it: No such file"), "%s", why);
    cr_assert_eq(chmod(path_of("new"), 0777), 0);
    cr_assert_eq(state_dir_open(&made, path_of("new"), why), EXIT_IO);
    cr_assert(strstr(why, "0700"), "%s", why);
    touch("file");
    cr_assert_eq(state_dir_open(&made, path_of("file"), why), EXIT_IO);
    state_dir_close(&made);
}

/* In a child: another process. Returns its exit status. */
static int try_in_child(void)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct state_dir other;
        char text[STATE_DIR_WHY], expected[32];
        int code = state_dir_open(&other, folder, text);

        snprintf(expected, sizeof(expected), "process %ld", (long)getppid());
        if (code == EXIT_LOCKED && !strstr(text, expected))
            code = 1;
        if (code == EXIT_LOCKED && (state_dir_look(&other, folder, text) != EXIT_OK ||
                                    state_dir_holder(&other) != getppid()))
            code = 2;
        _exit(code);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

Test(state_dir, one_process_at_a_time)
{
    cr_assert_eq(state_dir_holder(&dir), 0, "oneself is nobody else");
    cr_assert_eq(try_in_child(), EXIT_LOCKED);
    snapshot(1); /* nothing of this gives up the lock */
    cr_assert_eq(try_in_child(), EXIT_LOCKED);
    state_dir_close(&dir);
    cr_assert_eq(try_in_child(), EXIT_OK);
    cr_assert_eq(state_dir_open(&dir, folder, why), EXIT_OK, "%s", why);
}

/* The lock goes with its process, whatever a child of that still does. */
Test(state_dir, a_forked_child_does_not_hold_it)
{
    int ready[2], go[2];
    pid_t child;
    char c;

    state_dir_close(&dir);
    cr_assert_eq(pipe(ready), 0);
    cr_assert_eq(pipe(go), 0);
    child = fork();
    if (child == 0) {
        struct state_dir mine;

        if (state_dir_open(&mine, folder, why) != EXIT_OK)
            _exit(1);
        if (fork() == 0) { /* outlives it, with the descriptor of the lock open */
            close(go[1]);
            if (write(ready[1], "x", 1) == 1 && read(go[0], &c, 1) == 0)
                _exit(0);
            _exit(1);
        }
        _exit(0);
    }
    cr_assert_eq(read(ready[0], &c, 1), 1);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert_eq(state_dir_open(&dir, folder, why), EXIT_OK, "%s", why);
    close(go[1]);
}

Test(state_dir, lists_newest_first)
{
    uint32_t list[STATE_DIR_LIST];

    cr_assert_eq(state_dir_list(&dir, list), 0);
    cr_assert_eq(state_dir_next(&dir, 0), 1);
    snapshot(9);
    snapshot(100);
    snapshot(10);
    touch("snapshot-011");
    touch("snapshot-12.tmp");
    touch("snapshot-13.broken");
    touch("snapshot-x");
    cr_assert_eq(state_dir_list(&dir, list), 3);
    cr_assert(list[0] == 100 && list[1] == 10 && list[2] == 9);
    cr_assert_eq(state_dir_next(&dir, 0), 101);
    cr_assert_eq(state_dir_next(&dir, 200), 201);
    for (uint32_t i = 1000; i < 1000 + STATE_DIR_LIST; i++)
        snapshot(i);
    cr_assert_eq(state_dir_list(&dir, list), STATE_DIR_LIST);
    cr_assert_eq(list[STATE_DIR_LIST - 1], 1000, "the oldest are left out");
}

Test(state_dir, keeps_what_it_is_told)
{
    uint32_t list[STATE_DIR_LIST];

    for (uint32_t i = 1; i <= 6; i++)
        snapshot(i);
    touch("other");
    touch("snapshot-1.broken");
    cr_assert_eq(state_dir_keep(&dir, (const uint32_t[]){6, 3, 77}, 3), 4);
    cr_assert_eq(state_dir_list(&dir, list), 2);
    cr_assert(list[0] == 6 && list[1] == 3);
    cr_assert(exists("other") && exists("snapshot-1.broken") && exists("lock"));
    cr_assert_eq(state_dir_keep(&dir, NULL, 0), 2);
}

Test(state_dir, two_broken_ones_are_enough)
{
    uint32_t list[STATE_DIR_LIST];

    for (uint32_t i = 7; i <= 10; i++) {
        snapshot(i);
        cr_assert(state_dir_set_aside(&dir, i, why), "%s", why);
    }
    cr_assert_eq(state_dir_list(&dir, list), 0);
    cr_assert(!exists("snapshot-7.broken") && !exists("snapshot-8.broken"));
    cr_assert(exists("snapshot-9.broken") && exists("snapshot-10.broken"));
    cr_assert_eq(state_dir_next(&dir, 0), 11, "a number is not used again");
    cr_assert_not(state_dir_set_aside(&dir, 3, why));
}

Test(state_dir, temporary_ones)
{
    struct stat st;
    int fd = state_dir_temporary(&dir, 5, why), again;

    cr_assert(fd >= 0);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    cr_assert_eq(write(fd, "old", 3), 3);
    again = state_dir_temporary(&dir, 5, why);
    cr_assert(again >= 0);
    cr_assert_eq(fstat(again, &st), 0);
    cr_assert_eq(st.st_size, 0, "an old one is not written into");
    state_dir_discard(&dir, 5);
    cr_assert_not(exists("snapshot-5.tmp"));
    cr_assert_not(state_dir_commit(&dir, 5, why));
    touch("snapshot-6.tmp");
    touch("settings-00000000000000aa.yaml.tmp");
    state_dir_close(&dir);
    cr_assert_eq(state_dir_open(&dir, folder, why), EXIT_OK);
    cr_assert(!exists("snapshot-6.tmp") && !exists("settings-00000000000000aa.yaml.tmp"));
    close(fd);
    close(again);
}

Test(state_dir, no_link_is_followed)
{
    struct buf text = {0};
    struct stat st;
    int fd;

    touch("target");
    cr_assert_eq(symlink("target", path_of("snapshot-1")), 0);
    cr_assert_lt(state_dir_snapshot(&dir, 1, why), 0);
    cr_assert_eq(symlink("target", path_of("snapshot-2.tmp")), 0);
    fd = state_dir_temporary(&dir, 2, why);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, "x", 1), 1);
    cr_assert_eq(stat(path_of("target"), &st), 0);
    cr_assert_eq(st.st_size, 0);
    close(fd);
    cr_assert_eq(symlink("target", path_of("settings-0000000000000001.yaml")), 0);
    cr_assert_not(state_dir_get_settings(&dir, 1, &text, why));
    cr_assert(state_dir_put_settings(&dir, 1, span_of("a: b\n"), why), "%s", why);
    cr_assert_eq(stat(path_of("target"), &st), 0);
    cr_assert_eq(st.st_size, 0);
    cr_assert(state_dir_get_settings(&dir, 1, &text, why), "%s", why);
    cr_assert_eq(mkfifo(path_of("snapshot-3"), 0600), 0);
    cr_assert_lt(state_dir_snapshot(&dir, 3, why), 0, "and a pipe is not waited for");
    buf_deinit(&text);
    state_dir_close(&dir);
    cr_assert_eq(unlink(path_of("lock")), 0);
    cr_assert_eq(symlink("target", path_of("lock")), 0);
    cr_assert_eq(state_dir_open(&dir, folder, why), EXIT_IO);
}

Test(state_dir, settings_texts)
{
    struct buf text = {0}, large = {0};

    cr_assert_not(state_dir_get_settings(&dir, 0xabc, &text, why));
    cr_assert(strstr(why, "settings-0000000000000abc.yaml"), "%s", why);
    cr_assert(state_dir_put_settings(&dir, 0xabc, span_of("a: 1\n"), why), "%s", why);
    cr_assert(state_dir_put_settings(&dir, 0xabc, span_of("a: 1 # the same\n"), why));
    cr_assert(state_dir_put_settings(&dir, 0xdef, span_of("a: 2\n"), why));
    cr_assert(state_dir_get_settings(&dir, 0xabc, &text, why), "%s", why);
    cr_assert_str_eq(buf_cstr(&text), "a: 1\n");
    for (int i = 0; i < 200000; i++)
        buf_str(&large, "# 7 bytes\n");
    cr_assert(state_dir_put_settings(&dir, 3, (struct span){large.data, (uint32_t)large.len}, why));
    buf_clear(&text);
    cr_assert(state_dir_get_settings(&dir, 3, &text, why));
    cr_assert(text.len == large.len && memcmp(text.data, large.data, text.len) == 0);
    state_dir_keep_settings(&dir, (const uint64_t[]){0xdef}, 1);
    cr_assert(exists("settings-0000000000000def.yaml"));
    cr_assert_not(exists("settings-0000000000000abc.yaml"));
    state_dir_keep_settings(&dir, NULL, 0);
    cr_assert_not(exists("settings-0000000000000def.yaml"));
    buf_deinit(&text);
    buf_deinit(&large);
}

Test(state_dir, reset)
{
    snapshot(1);
    snapshot(2);
    touch("snapshot-3.broken");
    touch("notes.txt");
    cr_assert(state_dir_put_settings(&dir, 1, span_of("a: 1\n"), why));
    cr_assert_eq(state_dir_reset(&dir, why), 4);
    cr_assert(exists("notes.txt") && exists("lock"));
    cr_assert_eq(state_dir_reset(&dir, why), 0);
    cr_assert_eq(mkdir(path_of("snapshot-5"), 0700), 0);
    cr_assert_eq(state_dir_reset(&dir, why), -1, "a folder is none of ours");
}
