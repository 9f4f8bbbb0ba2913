/* SPDX-License-Identifier: Apache-2.0 */
/* The names in a state folder, and a walk over them. Numbers have one way to be written: what else looks like
 * one is not ours. */
#ifndef SHELL_STATE_DIR_NAMES_H
#define SHELL_STATE_DIR_NAMES_H

#include <stdbool.h>
#include <stdint.h>

enum state_name_kind {
    STATE_NAME_OTHER, /* not ours */
    STATE_NAME_SNAPSHOT,
    STATE_NAME_TEMPORARY,
    STATE_NAME_BROKEN,
    STATE_NAME_SETTINGS,
    STATE_NAME_SETTINGS_TEMPORARY,
};

struct state_name {
    enum state_name_kind kind;
    uint64_t number; /* generation, or hash */
    char text[40];   /* OTHER: empty */
};

struct state_name state_name_of(enum state_name_kind kind, uint64_t number);
struct state_name state_name_parse(const char *text);

/* Every entry of the folder, in no order. False: visit returned false, or the folder cannot be read (errno). */
bool state_names_each(int fd, bool (*visit)(void *context, int fd, const struct state_name *name),
                      void *context);

#endif
