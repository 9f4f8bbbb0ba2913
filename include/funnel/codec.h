/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of saved state: little endian, no padding. Writing allocates nothing, because it is done in a forked
 * child; reading takes any bytes: after the first error everything reads as zero, and counts are bounded by
 * what is left. */
#ifndef FUNNEL_CODEC_H
#define FUNNEL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"

/* A buffer of the caller's, emptied by flush() whenever it is full, and by the caller at the end. */
struct codec_out {
    unsigned char *data;                  /* borrowed */
    size_t len, cap;                      /* cap >= 16 */
    bool (*flush)(struct codec_out *out); /* takes data[0..len), sets len to 0; false: it cannot */
    void *context;                        /* of flush */
    bool failed;                          /* flush has said so: what follows is dropped */
};

void codec_put(struct codec_out *out, const void *p, size_t n);
void codec_put_u8(struct codec_out *out, uint8_t x);
void codec_put_u16(struct codec_out *out, uint16_t x);
void codec_put_u32(struct codec_out *out, uint32_t x);
void codec_put_u64(struct codec_out *out, uint64_t x);
void codec_put_i64(struct codec_out *out, int64_t x);
void codec_put_f64(struct codec_out *out, double x);      /* its bits */
void codec_put_varint(struct codec_out *out, uint64_t x); /* LEB128 */
void codec_put_zigzag(struct codec_out *out, int64_t x);
void codec_put_span(struct codec_out *out, struct span s); /* absent stays absent */
/* A flush that appends to the struct buf in `context`, for small things and tests. */
bool codec_flush_buf(struct codec_out *out);

struct codec_in {
    const unsigned char *p; /* borrowed */
    size_t left;
    const char *error; /* the first; NULL: none */
};

void codec_fail(struct codec_in *in, const char *error); /* keeps the first; nothing is left then */
const void *codec_get(struct codec_in *in, size_t n); /* borrowed; NULL when there is not as much */
uint8_t codec_get_u8(struct codec_in *in);
uint16_t codec_get_u16(struct codec_in *in);
uint32_t codec_get_u32(struct codec_in *in);
uint64_t codec_get_u64(struct codec_in *in);
int64_t codec_get_i64(struct codec_in *in);
double codec_get_f64(struct codec_in *in);
uint64_t codec_get_varint(struct codec_in *in);
int64_t codec_get_zigzag(struct codec_in *in);
struct span codec_get_span(struct codec_in *in); /* borrowed */
/* Fails what is larger than max. */
uint64_t codec_get_max(struct codec_in *in, uint64_t max);
bool codec_get_bool(struct codec_in *in);
/* As codec_put_zigzag wrote it. A time in ms, or a pane (or a slot of panes): what is far from any event time, and not INT64_MIN, fails.
 * A sum: far enough from the ends of its type for what still comes. */
int64_t codec_get_time(struct codec_in *in);
int64_t codec_get_pane(struct codec_in *in);
int64_t codec_get_sum(struct codec_in *in);
/* A count of things that take at least `each` bytes: fails where they cannot be there. */
size_t codec_get_count(struct codec_in *in, size_t each);

#endif
