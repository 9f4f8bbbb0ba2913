/* SPDX-License-Identifier: Apache-2.0 */
/* Machines out of a snapshot, or without state, on the thread pool: reading half a gigabyte must not stop the
 * loop. Tries one way after another; a broken snapshot is set aside. */
#ifndef SHELL_RESTORE_H
#define SHELL_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "funnel/pipeline.h"
#include "shell/config_load.h"
#include "shell/start_plan.h"
#include "shell/state_dir.h"
#include "shell/state_file.h"

struct restore {
    uv_work_t work;
    /* in, borrowed */
    const struct config *config; /* the file as it is now */
    const struct start_plan *plan;
    const struct state_dir *dir;
    const struct state_file *found; /* what the plan's snapshots index */
    const struct pipeline_source *sources;
    size_t source_count;
    void (*done)(struct restore *r); /* on the loop */
    void *context;
    /* out */
    int code; /* EXIT_OK: the rest is filled, and the caller's */
    char why[512];
    size_t way; /* of the plan */
    struct config machine;
    struct pipeline *pipeline;
};

/* The members under `in` and done are set. Returns 0, or a negative uv error. */
int restore_begin(struct restore *r, uv_loop_t *loop);
/* What was not taken over. */
void restore_deinit(struct restore *r);

/* The settings of a hash: the file's, or those the state folder keeps. EXIT_OK, or a code and why. Any thread. */
int restore_settings(const struct config *config, const struct state_dir *dir, uint64_t hash,
                     struct config *ret, char why[512]);

#endif
