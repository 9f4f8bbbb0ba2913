/* SPDX-License-Identifier: Apache-2.0 */
/* A named zone's rules, read from libc once, as the core's pure table. */
#ifndef SHELL_ZONE_LOAD_H
#define SHELL_ZONE_LOAD_H

#include "funnel/zone.h"

#define ZONE_LOAD_WRONG 256

/* The offsets of an IANA zone from 1970 to 2100, for the caller to zone_free(). "UTC" needs no tzdata; the
 * process's own TZ has no influence, and TZDIR has its usual one. Returns NULL and a sentence in `wrong`
 * when the name is none, no such zone is installed, or no tzdata is (libc itself would silently take UTC).
 *
 * Sets TZ for a moment (some 20 ms) and restores it: call it before other threads are started. */
struct zone *zone_load(const char *name, char wrong[ZONE_LOAD_WRONG]);

#endif
