/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot as `funneld state` looks at it: from its file to machines that can be asked. */
#ifndef CLI_STATE_LOOK_H
#define CLI_STATE_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/pipeline.h"
#include "shell/config_load.h"
#include "shell/state_dir.h"
#include "shell/state_file.h"

/* Zero-initialised is empty. */
struct state_look {
    uint32_t generation;
    struct buf name; /* "snapshot-7" */
    int fd;          /* -1: none */
    bool opened;     /* file is filled: header and directory are good */
    struct state_file file;
    struct config config;      /* of the settings in it */
    struct pipeline *pipeline; /* NULL until it is loaded */
    char why[STATE_FILE_WHY];  /* the last thing that was wrong */
};

/* True: l->opened. False: l->why. state_look_close() in any case. */
bool state_look_open(struct state_look *l, const struct state_dir *dir, uint32_t generation);
/* Reads its settings and decodes its sections. False: l->why. Zone data may be others than they were: that
 * matters to a daemon, not to who looks. */
bool state_look_load(struct state_look *l);
void state_look_close(struct state_look *l);

/* Text of a file, for a terminal: what is no text becomes '?'. Appends. */
void state_look_text(struct buf *out, const char *text);

/* --- the commands: each returns the code to exit with --- */
int state_inspect(const struct state_dir *dir, const struct config *config);
int state_verify(const struct state_dir *dir);
/* generation 0: the newest that is good. */
int state_export(const struct state_dir *dir, uint32_t generation);

#endif
