/* SPDX-License-Identifier: Apache-2.0 */
/* From a file's name to checked settings: read, parse, resolve secrets, ask librdkafka, find the zone. */
#ifndef SHELL_CONFIG_LOAD_H
#define SHELL_CONFIG_LOAD_H

#include <stdint.h>
#include <stdio.h>

#include "funnel/settings.h"
#include "funnel/zone.h"

#define CONFIG_FILE_MAX (4 << 20)

/* Zero-initialised is empty. */
struct config {
    struct settings *settings; /* secrets resolved in place */
    struct zone *zone;
    struct buf text; /* as written, secrets unresolved: what a snapshot embeds */
    uint64_t hash;   /* settings_meaning() */
    size_t warnings;
};

enum config_use {
    CONFIG_DAEMON,   /* all of it */
    CONFIG_MACHINES, /* embedded in a snapshot: of the secrets only those the machines go by */
};

/* Writes every problem as "FILE:LINE:COLUMN: error|warning: PATH: MESSAGE; REMEDY" and, when there are
 * errors, their number. Returns EXIT_OK, EXIT_CONFIGURATION or EXIT_IO (shell/exit_codes.h). */
int config_load(const char *path, struct config *ret, FILE *diagnostics);
/* The same of a text; `name` stands for the file's. */
int config_parse(const char *name, struct span text, enum config_use use, struct config *ret,
                 FILE *diagnostics);
void config_deinit(struct config *c);

#endif
