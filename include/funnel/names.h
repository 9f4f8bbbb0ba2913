/* SPDX-License-Identifier: Apache-2.0 */
/* Interned names: text to a small number, in order of first appearance, up to a cap. */
#ifndef FUNNEL_NAMES_H
#define FUNNEL_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/codec.h"

/* Every table knows these from the start. */
enum { NAME_ABSENT, NAME_OTHER, NAME_NONE, NAME_FIRST };
#define NAME_OTHER_TEXT "__other__" /* beyond the cap, or not among the configured values */
#define NAME_NONE_TEXT "__none__"   /* the event never had this field */

struct names {
    struct buf text; /* the strings, one after another */
    size_t *begin;   /* by number; text of n is [begin[n], begin[n+1]) */
    uint32_t count, limit;
    size_t begin_cap;
    uint32_t *slots; /* open addressing; 0: free */
    uint32_t slot_count;
    uint8_t closed; /* new names are NAME_OTHER without being refused: a configured list */
};

/* limit: how many names beside the reserved ones. */
void names_init(struct names *n, uint32_t limit);
void names_deinit(struct names *n);
void names_close(struct names *n);
/* The number of a name, interning it. NAME_OTHER beyond the limit, then *ret_refused is 1 (else kept). */
uint32_t names_intern(struct names *n, struct span name, int *ret_refused);
/* The number, or NAME_ABSENT if it is not there. */
uint32_t names_find(const struct names *n, struct span name);
struct span names_text(const struct names *n, uint32_t number); /* borrowed until the next intern */
/* Numbers 1 .. count-1 in the order of their text; mem_free. */
uint32_t *names_sorted(const struct names *n);
size_t names_bytes(const struct names *n);
void names_save(const struct names *n, struct codec_out *out);
/* Into one as names_init, and the interning of a configured list, left it. */
void names_load(struct names *n, struct codec_in *in);

#endif
