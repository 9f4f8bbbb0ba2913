/* SPDX-License-Identifier: Apache-2.0 */
/* From a file's name to checked settings: read, parse, resolve secrets, ask librdkafka, find the zone. */
#ifndef SHELL_CONFIG_LOAD_H
#define SHELL_CONFIG_LOAD_H

#include <stdint.h>
#include <stdio.h>

#include "funnel/buf.h"
#include "funnel/settings.h"
#include "funnel/zone.h"

#define CONFIG_FILE_MAX (4 << 20)

/* Zero-initialised is empty. */
struct config {
    struct settings *settings; /* secrets resolved in place */
    struct zone *zone;
    uint64_t
        hash; /* XXH3 of the file's bytes: equal means the same settings, not the other way round */
    struct buf text; /* owned; as it stood in the file: what a snapshot carries */
    size_t warnings;
};

/* Writes every problem as "FILE:LINE:COLUMN: error|warning: PATH: MESSAGE; REMEDY" and, when there are
 * errors, their number. Returns EXIT_OK, EXIT_CONFIGURATION or EXIT_IO (shell/exit_codes.h). */
int config_load(const char *path, struct config *ret, FILE *diagnostics);
/* The same from bytes, which are copied; `name` stands for the file's. */
int config_parse(const char *name, struct span text, struct config *ret, FILE *diagnostics);
void config_deinit(struct config *c);

#endif
