/* SPDX-License-Identifier: Apache-2.0 */
/* Waits between tries: doubled up to a ceiling. Without jitter: one instance per group tries at all. */
#ifndef SHELL_BACKOFF_H
#define SHELL_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 10000

/* tries: failures so far, from 1. */
static inline int64_t backoff_ms(unsigned tries)
{
    int64_t ms = BACKOFF_FIRST_MS;

    while (--tries > 0 && ms < BACKOFF_MAX_MS)
        ms *= 2;
    return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

#endif
