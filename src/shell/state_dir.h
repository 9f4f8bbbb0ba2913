/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder. It holds
 *
 *   lock                    locked by the daemon that uses the folder (fcntl: a forked child has no part in it)
 *   snapshot-7              generation 7
 *   snapshot-8.tmp          being written
 *   snapshot-6.broken       could not be read; kept for people to look at, two at most
 *   settings-<16 hex>.yaml  a configuration by the hash of its meaning, for a replay across a switch
 *
 * and nothing else of ours; what has another name is left alone. All 0600 in a folder of 0700. No name is ever
 * followed through a symbolic link (the folder itself may be one, as systemd makes it). Nothing is cached: each
 * function asks the folder, and can be called on any thread. */
#ifndef SHELL_STATE_DIR_H
#define SHELL_STATE_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "funnel/buf.h"

#define STATE_DIR_LIST 64 /* snapshots that are looked at; more are not ours */
#define STATE_DIR_BROKEN 2
#define STATE_DIR_WHY 512
#define STATE_DIR_TEXT_MAX (4 << 20) /* of settings, as CONFIG_FILE_MAX */

/* Zero-initialised is closed. */
struct state_dir {
    char *path; /* owned */
    int fd, lock;
    bool open;
};

/* Creates it where it is missing (not its parents), locks it, removes temporary files. Once in a process: a
 * second one would get the lock as well, and give it up for both. Returns EXIT_OK, or EXIT_IO or EXIT_LOCKED and
 * why. */
int state_dir_open(struct state_dir *d, const char *path, char why[STATE_DIR_WHY]);
/* To look only: creates, locks and changes nothing. Returns EXIT_OK, or EXIT_IO and why. */
int state_dir_look(struct state_dir *d, const char *path, char why[STATE_DIR_WHY]);
void state_dir_close(struct state_dir *d); /* accepts a closed one */
/* Who has it locked; 0: nobody else; -1: somebody whose number is not to be seen from here. Of a folder that was
 * opened to look, not in the process that has it locked: that would give up the lock. */
pid_t state_dir_holder(const struct state_dir *d);

/* --- snapshots --- */

/* Newest first; returns how many. */
size_t state_dir_list(const struct state_dir *d, uint32_t ret_generations[STATE_DIR_LIST]);
/* One more than any generation there is or was set aside; at least `least` + 1 (what the committed metadata
 * names). */
uint32_t state_dir_next(const struct state_dir *d, uint32_t least);
/* A descriptor to read it with, or -1 and why. */
int state_dir_snapshot(const struct state_dir *d, uint32_t generation, char why[STATE_DIR_WHY]);
/* A new, empty snapshot-<generation>.tmp to read and write, or -1 and why. */
int state_dir_temporary(const struct state_dir *d, uint32_t generation, char why[STATE_DIR_WHY]);
void state_dir_discard(const struct state_dir *d, uint32_t generation); /* the temporary one */
/* Gives the temporary one its name for good: rename, fsync of the folder. */
bool state_dir_commit(const struct state_dir *d, uint32_t generation, char why[STATE_DIR_WHY]);
/* Sets a broken one aside, and removes all but the latest STATE_DIR_BROKEN of those. */
bool state_dir_set_aside(const struct state_dir *d, uint32_t generation, char why[STATE_DIR_WHY]);
/* Removes every snapshot but these; those set aside stay. Returns how many were removed. */
size_t state_dir_keep(const struct state_dir *d, const uint32_t *generations, size_t count);

/* --- settings --- */

/* On disk for good when it returns true. The same hash again: nothing to do. */
bool state_dir_put_settings(const struct state_dir *d, uint64_t hash, struct span text,
                            char why[STATE_DIR_WHY]);
/* Appends the text. */
bool state_dir_get_settings(const struct state_dir *d, uint64_t hash, struct buf *out,
                            char why[STATE_DIR_WHY]);
/* The hashes of those that are there, in no order; returns how many. */
size_t state_dir_list_settings(const struct state_dir *d, uint64_t ret_hashes[STATE_DIR_LIST]);
/* Removes every one but these. */
void state_dir_keep_settings(const struct state_dir *d, const uint64_t *hashes, size_t count);

/* --- all of it: `funneld state reset` --- */

/* Removes snapshots, those set aside, temporary files and settings. Returns how many files, or -1 and why. */
int state_dir_reset(const struct state_dir *d, char why[STATE_DIR_WHY]);

#endif
