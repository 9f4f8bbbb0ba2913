/* SPDX-License-Identifier: Apache-2.0 */
/* What the machines put out: exact bytes with their target. The shell publishes them, in order. */
#ifndef FUNNEL_RECORD_H
#define FUNNEL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"

enum record_target { RECORD_ALERT, RECORD_DEADLETTER };

struct record {
    enum record_target target;
    uint8_t has_key;
    uint8_t has_value;
    int64_t timestamp; /* ms; record timestamp to publish with (event time for alerts); -1: none */
    size_t key, key_len; /* offsets into records.bytes */
    size_t value, value_len;
    size_t headers, headers_len; /* coded; read with record_header_next */
    uint32_t header_count;
};

/* Zero-initialised is empty and valid. */
struct records {
    struct buf bytes;
    struct record *items;
    size_t count, cap;
};

void records_deinit(struct records *r);
void records_clear(struct records *r);

/* Opens a record at the end; the calls below fill it, in any order but headers one after another. */
void record_begin(struct records *r, enum record_target target, int64_t timestamp);
void record_key(struct records *r, struct span key);     /* absent span: no key */
void record_value(struct records *r, struct span value); /* absent span: tombstone */
void record_header(struct records *r, const char *name, struct span value);

struct span record_key_of(const struct records *r, const struct record *x);
struct span record_value_of(const struct records *r, const struct record *x);
/* *at = 0 starts; returns 0 at the end. Names are NUL-terminated. */
int record_header_next(const struct records *r, const struct record *x, size_t *at,
                       const char **ret_name, struct span *ret_value);

#endif
