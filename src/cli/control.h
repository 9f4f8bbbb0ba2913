/* SPDX-License-Identifier: Apache-2.0 */
/* What silence and intervene share: both write one record to the control topic. */
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include "funnel/control.h"
#include "shell/config_load.h"

/* The configuration; says what is wrong, control: off too. EXIT_OK, or what to exit with. */
int control_open(const char *command, const char *file, struct config *ret);
/* Checks the record against the settings, writes it and prints its id. The same. */
int control_send(const char *command, const struct config *config, const struct control *c);

struct etime control_now(void);
/* RFC 3339, or "now". EXIT_OK, or EXIT_USAGE and says so. */
int control_time(const char *command, const char *option, const char *text, struct etime *ret);
/* Like "s-20260302T010000Z-5f3a91c2": nobody else's. */
void control_new_id(char letter, char id[32]);
/* The given one, else USER; may be absent. */
struct span control_author(const char *given);
/* "funneld COMMAND: WHAT" and where help is; EXIT_USAGE. */
int control_wrong(const char *command, const char *what, const char *value);

#endif
