/* SPDX-License-Identifier: Apache-2.0 */
/* Where each entity of a pipeline is to live once its topics have more partitions: for every entity that a source
 * holds, and every one whose first event still waits there, the source its next event will come on. */
#ifndef FUNNEL_HOMES_H
#define FUNNEL_HOMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/pipeline.h"

#define HOME_UNKNOWN UINT32_MAX     /* it was not said */
#define HOME_NONE (UINT32_MAX - 1u) /* the source held no such entity */

/* What each source of the pipeline holds now; no home is known. About 20 bytes an entity. */
struct homes;
struct homes *homes_new(const struct pipeline *p);
void homes_free(struct homes *h); /* accepts NULL */
/* The last one said counts. False: the source holds no such entity. */
bool homes_set(struct homes *h, uint32_t source, uint64_t fingerprint, uint32_t home);
uint32_t homes_find(const struct homes *h, uint32_t source, uint64_t fingerprint);

#endif
