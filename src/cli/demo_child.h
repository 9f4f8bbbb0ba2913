/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's child processes: they end when it ends, however it ends, and leave nothing behind. */
#ifndef CLI_DEMO_CHILD_H
#define CLI_DEMO_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "funnel/buf.h"

struct demo_child {
    const char *name; /* borrowed */
    pid_t pid;        /* 0: none, or over */
    bool over;        /* it was there and has ended, */
    int status;       /* with this, of wait(2) */
};

/* fork(2), with the child in a process group of its own (so that a terminal's Ctrl-C goes to the parent
 * alone), default signal handling, and its output in the file log_path. It gets parent_signal when the
 * parent dies. Returns true in the child, which then must exec or _exit; in the parent pid is set, or 0
 * when there could be no child (errno). Call it while the process has one thread. */
bool demo_child_fork(struct demo_child *child, const char *log_path, int parent_signal);

/* True once it is over; it is reaped then. */
bool demo_child_over(struct demo_child *child);
/* SIGTERM, and SIGKILL to one that is still there after grace_ms. Reaps it. */
void demo_child_stop(struct demo_child *child, int grace_ms);
/* "exit status 3", "signal 11 (Segmentation fault)". */
void demo_child_explain(const struct demo_child *child, struct buf *out);

/* A private folder below $TMPDIR; path has at least 256 bytes. 0, or -1 with errno. */
int demo_folder_make(char *path, size_t size);
void demo_folder_remove(const char *path);
/* The last lines of a file, indented. */
void demo_log_tail(const char *path, int lines, struct buf *out);

#endif
