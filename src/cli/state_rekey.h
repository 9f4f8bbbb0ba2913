/* SPDX-License-Identifier: Apache-2.0 */
/* funneld state rekey. */
#ifndef CLI_STATE_REKEY_H
#define CLI_STATE_REKEY_H

#include <stdbool.h>

#include "shell/config_load.h"
#include "shell/state_dir.h"

/* How --partitioner is said; REKEY_SAME comes after the partitioners. NULL-terminated. */
extern const char *const state_rekey_ways[];

/* dir is locked. Returns the code to exit with. */
int state_rekey(const struct state_dir *dir, const struct config *config, int way, bool dry);

#endif
