/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "cli/demo_child.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 5
#define TAIL_MAX 8192

static void child_redirect(const char *log_path)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(74);
}

/* The parent blocks the signals it waits for and ignores SIGPIPE; both are inherited. */
static void child_reset_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

bool demo_child_fork(struct demo_child *child, const char *log_path, int parent_signal)
{
    pid_t parent = getpid(), pid;

    fflush(NULL);
    pid = fork();
    if (pid != 0) {
        child->pid = pid < 0 ? 0 : pid;
        return false;
    }
    prctl(PR_SET_PDEATHSIG, parent_signal);
    if (getppid() != parent) /* it died before the line above */
        _exit(0);
    setpgid(0, 0);
    child_redirect(log_path);
    child_reset_signals();
    return true;
}

bool demo_child_over(struct demo_child *child)
{
    pid_t got;

    if (child->pid == 0)
        return true;
    do
        got = waitpid(child->pid, &child->status, WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    child->pid = 0;
    child->over = true;
    return true;
}

void demo_child_stop(struct demo_child *child, int grace_ms)
{
    if (demo_child_over(child))
        return;
    kill(child->pid, SIGTERM);
    for (int waited = 0; !demo_child_over(child); waited += POLL_MS) {
        nanosleep(&(struct timespec){0, POLL_MS * 1000000}, NULL);
        if (waited < grace_ms && waited + POLL_MS >= grace_ms)
            kill(child->pid, SIGKILL);
    }
}

void demo_child_explain(const struct demo_child *child, struct buf *out)
{
    if (WIFSIGNALED(child->status))
        buf_fmt(out, "signal %d (%s)", WTERMSIG(child->status), strsignal(WTERMSIG(child->status)));
    else
        buf_fmt(out, "exit status %d", WEXITSTATUS(child->status));
}

int demo_folder_make(char *path, size_t size)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(path, size, "%s/funneld-demo-XXXXXX", base && base[0] == '/' ? base : "/tmp");

    if (n < 0 || (size_t)n >= size) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return mkdtemp(path) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

void demo_folder_remove(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void demo_log_tail(const char *path, int lines, struct buf *out)
{
    char text[TAIL_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    ssize_t n = fd < 0 ? 0 : pread(fd, text, sizeof(text), end > TAIL_MAX ? end - TAIL_MAX : 0);
    ssize_t from = n;

    if (fd >= 0)
        close(fd);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    for (from = n; from > 0; from--)
        if (text[from - 1] == '\n' && --lines == 0)
            break;
    while (from < n) {
        const char *line = text + from, *stop = memchr(line, '\n', (size_t)(n - from));
        size_t len = stop ? (size_t)(stop - line) : (size_t)(n - from);

        buf_fmt(out, "    %.*s\n", (int)len, line);
        from += (ssize_t)len + 1;
    }
}
