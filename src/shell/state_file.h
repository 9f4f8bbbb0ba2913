/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot's file:
 *
 *   "funneld\0" u32 version, u32 length of the header | header | the pipeline's sections, one after another |
 *   directory: {name[32], u64 offset, u64 length, u64 XXH3} a section |
 *   u64 offset of the directory, u32 sections, u32 0, u64 XXH3 of everything before the sections,
 *   u64 XXH3 of the directory and of this up to here, "dlennuf\n"
 *
 * Little endian, without gaps: every byte is under a hash. Nothing is decoded before its hash was checked, so
 * what the decoders meet was written by funneld; they are bounded all the same. */
#ifndef SHELL_STATE_FILE_H
#define SHELL_STATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/pipeline.h"
#include "shell/state_header.h"

#define STATE_FILE_VERSION 1
#define STATE_FILE_WHY 512

/* --- writing --- */

struct state_writer;

/* All memory that writing needs; header and pipeline are borrowed until it is freed. */
struct state_writer *state_writer_new(const struct state_header *header,
                                      const struct pipeline *pipeline);
void state_writer_free(struct state_writer *w); /* accepts NULL */
/* In a forked child: write(2) and fsync(2), no allocation, stdio or log. Returns 0, or an errno. */
int state_writer_run(struct state_writer *w, int fd);

/* --- reading --- */

struct state_section {
    char name[33];
    uint64_t offset, length, hash;
};

/* Zero-initialised is empty. */
struct state_file {
    int fd; /* borrowed until close */
    uint64_t size;
    unsigned char *head; /* owned: the bytes up to the sections */
    size_t head_len;
    uint64_t head_hash;
    struct state_section *sections; /* owned */
    size_t section_count;
    struct arena *memory;
    struct state_header header; /* owned by memory and head */
};

/* Directory and header, their hashes checked. False: why[] says what is wrong; nothing is left open. Reads
 * with pread(2), so that a file that shrinks or a bad disk is an error and no signal. Any thread. */
bool state_file_open(int fd, struct state_file *ret, char why[STATE_FILE_WHY]);
void state_file_close(struct state_file *f); /* accepts an empty one; fd stays open */

/* Reads one section's bytes and compares their hash. */
bool state_file_check(const struct state_file *f, size_t section, char why[STATE_FILE_WHY]);
/* Everything: opens, checks every section, closes. What the taker does before it renames. cancel: becomes true
 * to end it early (with false); NULL: never. */
bool state_file_verify(int fd, const _Atomic bool *cancel, char why[STATE_FILE_WHY]);

/* Checks all sections, then decodes them into a new pipeline of the header's settings, the zone of its hash, and
 * sources like header.parts. False: the pipeline is only good to be freed. */
bool state_file_load(const struct state_file *f, struct pipeline *pipeline,
                     char why[STATE_FILE_WHY]);

#endif
