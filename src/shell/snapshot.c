/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* close_range */
#include "shell/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shell/fault.h"

#define CHILD_FD 3 /* 0 to 2 stay what they are */

/* --- the child --- */

/* Of the two it is the one to be killed when memory runs out. */
static void child_offer_itself(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, "900", 3) < 0) {
        /* then it is as likely as its parent */
    }
    if (fd >= 0)
        close(fd);
}

/* All signals are blocked. The parent's descriptors must go: a socket that the parent closes would stay open,
 * and an epoll set would go on telling of it. */
static _Noreturn void child_run(struct state_writer *writer, int fd, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(ESRCH);
    prctl(PR_SET_NAME, "funneld-save");
    child_offer_itself();
    if (dup2(fd, CHILD_FD) < 0)
        _exit(errno);
    close_range(CHILD_FD + 1, ~0U, 0);
    _exit(state_writer_run(writer, CHILD_FD));
}

/* What libuv does with a signal in the child would reach the parent's loop through the pipe they share. */
static pid_t fork_blocked(struct state_writer *writer, int fd)
{
    sigset_t all, before;
    pid_t parent = getpid(), child;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    child = fork();
    if (child == 0)
        child_run(writer, fd, parent);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return child;
}

/* --- ends --- */

static void snapshot_finish(struct snapshot *s)
{
    struct snapshot_result result = s->result;

    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->state = SNAPSHOT_IDLE;
    result.ms = (int64_t)((uv_hrtime() - s->begun_ns) / 1000000);
    s->hooks.done(s->hooks.context, &result);
}

static void snapshot_fail(struct snapshot *s)
{
    state_dir_discard(s->dir, s->result.generation);
    snapshot_finish(s);
}

/* --- the worker --- */

static void on_verify(uv_work_t *work)
{
    struct snapshot *s = work->data;
    struct snapshot_result *r = &s->result;
    struct stat st;

    FAULT("snapshot.written");
    r->ok = fstat(s->fd, &st) == 0 && state_file_verify(s->fd, &s->cancel, r->why) &&
            state_dir_commit(s->dir, r->generation, r->why);
    if (!r->ok) {
        state_dir_discard(s->dir, r->generation);
        return;
    }
    r->bytes = (uint64_t)st.st_size;
    FAULT("snapshot.renamed");
}

static void on_verified(uv_work_t *work, int status)
{
    (void)status; /* it is never cancelled before it runs */
    snapshot_finish(work->data);
}

/* --- the child's end --- */

static void say_child(struct snapshot_result *r, int status, bool stopped)
{
    if (stopped)
        snprintf(r->why, sizeof(r->why), "stopped");
    else if (WIFSIGNALED(status))
        snprintf(r->why, sizeof(r->why), "the child that wrote it was killed by signal %d",
                 WTERMSIG(status));
    else
        snprintf(r->why, sizeof(r->why), "writing it: %s", strerror(WEXITSTATUS(status)));
}

static void child_ended(struct snapshot *s, int status)
{
    s->child = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        s->state = SNAPSHOT_VERIFYING;
        uv_queue_work(s->loop, &s->work, on_verify, on_verified);
        return;
    }
    say_child(&s->result, status, atomic_load(&s->cancel));
    snapshot_fail(s);
}

/* Only our own child is waited for: others are others' business. */
static void on_child_signal(uv_signal_t *handle, int number)
{
    struct snapshot *s = handle->data;
    pid_t ended;
    int status = 0;

    (void)number;
    if (s->state != SNAPSHOT_WRITING)
        return;
    do
        ended = waitpid(s->child, &status, WNOHANG);
    while (ended < 0 && errno == EINTR);
    if (ended == 0)
        return;
    if (ended < 0) { /* someone else has waited for it: nobody knows how it ended */
        s->child = 0;
        snprintf(s->result.why, sizeof(s->result.why), "waiting for its child: %s",
                 strerror(errno));
        snapshot_fail(s);
        return;
    }
    child_ended(s, status);
}

/* --- what the daemon calls --- */

int snapshot_init(struct snapshot *s, uv_loop_t *loop, const struct state_dir *dir,
                  const struct snapshot_hooks *hooks)
{
    int rc;

    *s = (struct snapshot){.loop = loop, .dir = dir, .hooks = *hooks, .fd = -1};
    s->child_signal.data = s->work.data = s;
    rc = uv_signal_init(loop, &s->child_signal);
    if (rc == 0)
        rc = uv_signal_start(&s->child_signal, on_child_signal, SIGCHLD);
    return rc;
}

bool snapshot_begin(struct snapshot *s, const struct state_header *header,
                    const struct pipeline *pipeline)
{
    struct state_writer *writer;
    uint64_t before;

    s->result = (struct snapshot_result){.generation = header->generation};
    atomic_store(&s->cancel, false);
    s->begun_ns = uv_hrtime();
    s->fd = state_dir_temporary(s->dir, header->generation, s->result.why);
    if (s->fd < 0)
        return false;
    writer = state_writer_new(header, pipeline);
    before = uv_hrtime();
    s->child = fork_blocked(writer, s->fd);
    s->result.fork_us = (int64_t)((uv_hrtime() - before) / 1000);
    state_writer_free(writer);
    if (s->child < 0) {
        snprintf(s->result.why, sizeof(s->result.why), "fork: %s", strerror(errno));
        state_dir_discard(s->dir, header->generation);
        close(s->fd);
        s->fd = -1;
        return false;
    }
    s->state = SNAPSHOT_WRITING;
    return true;
}

bool snapshot_is_busy(const struct snapshot *s)
{
    return s->state != SNAPSHOT_IDLE;
}

/* The child may hang in a write to a disk that does not answer: its end is a signal like any other. */
bool snapshot_stop(struct snapshot *s)
{
    atomic_store(&s->cancel, true);
    if (s->state == SNAPSHOT_WRITING)
        kill(s->child, SIGKILL);
    return s->state == SNAPSHOT_IDLE;
}

void snapshot_close(struct snapshot *s)
{
    uv_close((uv_handle_t *)&s->child_signal, NULL);
}
