/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4648 section 5, without padding. */
#ifndef SHELL_BASE64URL_H
#define SHELL_BASE64URL_H

#include <stddef.h>
#include <sys/types.h>

#include "funnel/buf.h"

void base64url_encode(const void *bytes, size_t n, struct buf *out);
/* Strict: one text for one byte string. Returns the length, or -1 (malformed, or more than max). */
ssize_t base64url_decode(const char *text, size_t n, unsigned char *ret, size_t max);

#endif
