/* SPDX-License-Identifier: Apache-2.0 */
/* Where producers put a record by its key: the two ways nearly all clients know. Pure. */
#ifndef SHELL_PARTITIONER_H
#define SHELL_PARTITIONER_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/buf.h"

enum partitioner {
    PARTITIONER_MURMUR2, /* Java clients; librdkafka's murmur2 and murmur2_random */
    PARTITIONER_CRC32,   /* librdkafka's consistent and consistent_random, its default */
    PARTITIONERS,
};
extern const char *const partitioner_names[PARTITIONERS + 1]; /* ends with NULL */

/* Whether the key alone says where the record lies: without one, producers choose at random, and so do those with
 * CRC32 for an empty one. */
bool partitioner_decides(enum partitioner p, struct span key);
/* The partition, of so many (> 0). */
int32_t partitioner_of(enum partitioner p, struct span key, int32_t partitions);

#endif
