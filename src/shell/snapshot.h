/* SPDX-License-Identifier: Apache-2.0 */
/* Takes snapshots from the loop: fork, the child writes and ends, a worker verifies every hash, renames, and
 * syncs the folder. The parent stands still for the fork only. Whatever goes wrong (disk full, child killed)
 * costs that snapshot and nothing else. */
#ifndef SHELL_SNAPSHOT_H
#define SHELL_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "funnel/pipeline.h"
#include "shell/state_dir.h"
#include "shell/state_file.h"

struct snapshot_result {
    bool ok; /* the file has its name, and is on disk */
    uint32_t generation;
    uint64_t bytes;
    int64_t ms;               /* from the fork to now */
    int64_t fork_us;          /* that the loop stood still for the fork */
    char why[STATE_FILE_WHY]; /* not ok */
};

struct snapshot_hooks {
    void *context;
    /* On the loop, once for each snapshot_begin() that returned true. */
    void (*done)(void *context, const struct snapshot_result *result);
};

enum snapshot_state { SNAPSHOT_IDLE, SNAPSHOT_WRITING, SNAPSHOT_VERIFYING };

struct snapshot {
    uv_loop_t *loop;
    const struct state_dir *dir; /* borrowed */
    struct snapshot_hooks hooks;
    uv_signal_t child_signal;
    uv_work_t work;
    enum snapshot_state state;
    pid_t child; /* WRITING */
    int fd;
    uint64_t begun_ns;
    _Atomic bool cancel;
    struct snapshot_result result;
};

/* Returns 0, or a negative uv error. Only one snapshot at a time may watch SIGCHLD on a loop. */
int snapshot_init(struct snapshot *s, uv_loop_t *loop, const struct state_dir *dir,
                  const struct snapshot_hooks *hooks);
/* At a freeze point. Everything is borrowed for the call only. False: it could not begin, result.why says why;
 * not while one is under way. */
bool snapshot_begin(struct snapshot *s, const struct state_header *header,
                    const struct pipeline *pipeline);
bool snapshot_is_busy(const struct snapshot *s);
/* Ends what is under way, by a kill of the child; done() is called for it soon. True: nothing is under way any
 * more; else call it again after done(). */
bool snapshot_stop(struct snapshot *s);
/* Only when nothing is under way. */
void snapshot_close(struct snapshot *s);

#endif
