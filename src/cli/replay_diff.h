/* SPDX-License-Identifier: Apache-2.0 */
/* Two configurations over one history: which alerts each gives, and how they differ. */
#ifndef CLI_REPLAY_DIFF_H
#define CLI_REPLAY_DIFF_H

/* Prints to stdout; returns the code to exit with. path must be a file: it is read twice. */
int replay_diff(const char *old_config, const char *new_config, const char *topic,
                const char *path);

#endif
