/* SPDX-License-Identifier: Apache-2.0 */
/* A kit's pipeline over more partitions, each entity on the one that its fingerprint says. */
#ifndef TESTS_REKEYED_H
#define TESTS_REKEYED_H

#include "lib/pipe_kit.h"

/* Where an entity's events come among so many partitions. */
uint32_t rekeyed_home(uint64_t fingerprint, size_t partitions);
uint32_t rekeyed_home_of(const struct pipe *k, const char *entity);
/* The kit's one input has so many partitions now, read from log.next on. known: share of the entities whose home is
 * said. */
struct rekey_result rekeyed(struct pipe *k, size_t partitions, double known);

#endif
