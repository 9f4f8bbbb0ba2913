/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form of ids, amounts and times, from their text: exact, without a float on the
 * way, the same for every decoder. All return 0, or -1 with the result untouched. */
#ifndef FUNNEL_CANON_H
#define FUNNEL_CANON_H

#include <stdint.h>

#include "funnel/buf.h"

/* Amounts are below this many minor units, either sign. */
#define CANON_AMOUNT_LIMIT (INT64_C(1) << 47)
#define CANON_RFC3339_SIZE 25 /* "2024-02-29T12:34:56.789Z" and its NUL */

/* An id, name or value: 1 to `limit` bytes, as they are. */
int canon_string(struct span text, int64_t limit);
/* The same of a JSON number's token, which must be an integer: 4711 and "4711" are one id; 1.0,
 * 1e3 and -0 have more than one spelling and are refused. */
int canon_number(struct span token, int64_t limit);

/* [+-] digits [. digits] [e [+-] digits] in units of 10^-decimals (0 to 6), rounded half to
 * even. */
int canon_amount(struct span text, int decimals, int64_t *ret_minor);

/* A time by FORMAT_* of settings.h, in ms, truncated towards the past, within ETIME_MIN_MS and
 * _MAX_MS. AUTO: RFC 3339 where the text begins like a year, else an epoch by magnitude: s below
 * 1e11, ms below 1e14, else us. */
int canon_time(struct span text, int format, int64_t *ret_ms);
/* RFC 3339: fraction of any length, offsets; a blank or t for T, z for Z; second 60 is 59.999. */
int canon_time_rfc3339(struct span text, int64_t *ret_ms);
/* A number as canon_amount() takes it, FORMAT_EPOCH_* or FORMAT_AUTO. */
int canon_time_epoch(struct span text, int format, int64_t *ret_ms);

/* UTC with ms, NUL-terminated. Beyond years 1 to 9999 the nearest one within. */
void canon_rfc3339(int64_t ms, char out[CANON_RFC3339_SIZE]);

#endif
