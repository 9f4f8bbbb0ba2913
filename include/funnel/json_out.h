/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON as it goes: no tree, no allocation but the buffer's. */
#ifndef FUNNEL_JSON_OUT_H
#define FUNNEL_JSON_OUT_H

#include <stdint.h>

#include "funnel/buf.h"

/* Zeroed but for `out`. */
struct json_out {
    struct buf *out;
    int comma; /* one is due before the next value */
};

void json_open(struct json_out *j, char bracket); /* '{' or '[' */
void json_close(struct json_out *j, char bracket);
void json_key(struct json_out *j, const char *key);
void json_key_span(struct json_out *j, struct span key);
void json_int(struct json_out *j, int64_t v);
void json_number(struct json_out *j, double v);      /* 9 significant digits; not finite: null */
void json_string(struct json_out *j, struct span v); /* absent: null */
void json_bool(struct json_out *j, int v);
/* Minor units as a decimal string: 1234 with 2 decimals is "12.34". */
void json_amount(struct json_out *j, int64_t minor, int decimals);
/* key and value at once */
void json_pair_int(struct json_out *j, const char *key, int64_t v);
void json_pair_number(struct json_out *j, const char *key, double v);
void json_pair_string(struct json_out *j, const char *key, const char *v);

/* A JSON string with its quotes, appended; the text must be UTF-8. Controls are escaped, C1 too: a terminal
 * would obey them. */
void buf_json_string(struct buf *b, struct span s);
/* The decimal text of an amount, appended. */
void buf_amount(struct buf *b, int64_t minor, int decimals);

#endif
