/* SPDX-License-Identifier: Apache-2.0 */
/* `funneld state rekey`: the saved state of a daemon whose topics got more partitions, made one of the new
 * partitions. In three parts, on the calling thread: what may be done; where each entity's key lies now; the new
 * snapshot and the transaction that makes it the state to start from. */
#ifndef SHELL_REKEY_H
#define SHELL_REKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/homes.h"
#include "funnel/pipeline.h"
#include "funnel/record.h"
#include "shell/config_load.h"
#include "shell/partitioner.h"
#include "shell/start.h"
#include "shell/start_plan.h"
#include "shell/state_dir.h"
#include "shell/state_header.h"

#define REKEY_WHY 512

/* --- rekey_plan.c: pure --- */

/* One source of before. */
struct rekey_part {
    uint32_t now;        /* its number among the new sources */
    uint32_t first;      /* that of partition 0 of its input */
    int32_t count, more; /* partitions of its input, before and now */
};

struct rekey_plan {
    struct pipeline_source *sources; /* owned; those of before, in their order */
    struct start_part *parts;        /* owned, their texts are the start's */
    struct rekey_part *olds;         /* owned */
    size_t count;
    struct start_plan start; /* of the sources of before */
    size_t snapshot;         /* index of the one that stands at the committed offsets */
    bool nothing; /* the partitions are those of the committed offsets: nothing is to be done */
};

/* sources, parts: as the topics are now. snapshots: whatever the state folder has, newest first. ours: layout_hash is
 * found here. EXIT_OK, or a code and why; *ret is to be deinitialised in both cases. */
int rekey_plan_make(const struct pipeline_source *sources, const struct start_part *parts,
                    size_t count, const struct state_header *const *snapshots,
                    size_t snapshot_count, const struct start_ours *ours, struct rekey_plan *ret,
                    char why[REKEY_WHY]);
void rekey_plan_deinit(struct rekey_plan *p);
/* The pipeline holds what the plan's committed offsets say: NULL, or what is not so. */
const char *rekey_plan_check(const struct rekey_plan *plan, const struct pipeline *p);

/* --- rekey_read.c: reads the logs up to the committed offsets --- */

struct rekey_seen {
    uint64_t records, keyed; /* keyed: by the partitioner asked for */
    uint64_t fits[PARTITIONERS],
        of[PARTITIONERS]; /* records that lie where it puts them; that have a key for it */
};
#define REKEY_FITS 0.999 /* the share of records a partitioner must explain */

/* Blocking. Says in `homes` where each entity's next record comes. EXIT_OK, or a code and why. */
int rekey_read(rd_kafka_t *consumer, const struct rekey_plan *plan, const struct pipeline *p,
               enum partitioner by, struct homes *homes, struct rekey_seen *ret,
               char why[REKEY_WHY]);
/* Pure: the partitioner explains what was seen. False: why, with the one that does, if any. */
bool rekey_fits(const struct rekey_seen *seen, enum partitioner by, char why[REKEY_WHY]);
/* Share of the records that it explains; 1 where there are none. */
double rekey_share(const struct rekey_seen *seen, enum partitioner by);

/* --- rekey_save.c --- */

struct rekey_saving {
    const struct config *config; /* of the file: whom to commit as */
    const struct state_dir *dir; /* locked */
    struct start *start;         /* initialised clients; the producer may be exchanged */
    struct kafka_health *health;
    const struct rekey_plan *plan;
    const struct state_header *from; /* of the snapshot */
    const struct pipeline *pipeline; /* over start->sources */
    const struct records *out;       /* what was put out on the way */
};
/* Blocking. A snapshot, then the transaction that names it. Until that is committed the state of before is what
 * the offsets name, and everything may be done again. EXIT_OK and its generation, or a code and why. */
int rekey_save(const struct rekey_saving *s, uint32_t *ret_generation, char why[REKEY_WHY]);

#endif
