/* SPDX-License-Identifier: Apache-2.0 */
/* A strict look at a JSON text before anything is built from it: RFC 8259 to the letter, bounded
 * depth, UTF-8 without U+0000, and the byte span of every value. Lenient parsers may follow. */
#ifndef FUNNEL_JSON_SCAN_H
#define FUNNEL_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"

/* Nesting beyond this is refused whatever the caller allows: parsers behind the scan recurse. */
#define JSON_DEPTH_MAX 1000
/* A number token longer than this is valid, but more than some parsers can take (cJSON: 63). */
#define JSON_NUMBER_SHORT 63

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

enum json_status {
    JSON_OK,
    JSON_MALFORMED, /* not the grammar; also an empty text, a byte-order mark, trailing bytes */
    JSON_UTF8,      /* a string that is no UTF-8, holds U+0000 or half of a surrogate pair */
    JSON_DEPTH,     /* more than depth_max containers in one another */
};

struct json_value {
    uint32_t begin, end; /* bytes [begin, end) of the text; a string's include its quotes */
    uint8_t type;        /* enum json_type */
    uint8_t escaped;     /* a string with an escape: its text differs from its bytes */
};

/* Zero-initialised is valid. The memory is kept from scan to scan. */
struct json_scan {
    struct json_value
        *values; /* in document order: a container before its members; keys are no values */
    size_t count, cap;
    size_t long_numbers; /* how many tokens are longer than JSON_NUMBER_SHORT */
};

void json_scan_deinit(struct json_scan *s);

/* Scans the whole text. On an error the values are of no use and *ret_byte is where it went
 * wrong: the byte that does not fit (text.len: something is missing at the end), the first byte
 * of a bad UTF-8 sequence, the backslash of a bad escape, the bracket that is one too deep. */
enum json_status json_scan_text(struct json_scan *s, struct span text, int64_t depth_max,
                                uint32_t *ret_byte);

/* True for UTF-8 (RFC 3629) without U+0000; for names and ids that do not come out of JSON. */
int json_utf8_valid(struct span text);

#endif
