/* SPDX-License-Identifier: Apache-2.0 */
/* When a snapshot is due, and which ones count. Pure: facts and times in, a reason and a deadline out. */
#ifndef SHELL_SNAPSHOT_DUE_H
#define SHELL_SNAPSHOT_DUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_APART_MS 10000  /* between two begins, however it presses, and between two looks */
#define SNAPSHOT_FIRST_MS 10000  /* the first one, when there is none */
#define SNAPSHOT_META_BYTES 2048 /* of commit metadata (before coding) that force one */
#define SNAPSHOT_NEVER INT64_MAX

/* --- when --- */

/* X(NAME, "as the log says it") */
#define SNAPSHOT_REASONS(X) \
    X(NONE, "") \
    X(INTERVAL, "interval") \
    X(FIRST, "there is none yet") \
    X(METADATA, "the commit metadata is nearly full") \
    X(RETENTION, "the log's start comes near the last one") \
    X(SWITCH, "before another configuration") \
    X(STOP, "clean stop")

enum snapshot_reason {
#define SNAPSHOT_REASON_ENUM(name, text) SNAPSHOT_##name,
    SNAPSHOT_REASONS(SNAPSHOT_REASON_ENUM)
#undef SNAPSHOT_REASON_ENUM
};
const char *snapshot_reason_text(enum snapshot_reason reason);

/* How near retention is to one partition. Without a durable snapshot nothing presses: the first one is due soon. */
struct snapshot_part {
    int64_t saved;        /* S of the newest durable snapshot */
    int64_t low;          /* the log's start now; -1: not known */
    int64_t next;         /* what is consumed */
    int64_t retention_ms; /* of its topic; -1: not known, or without limit */
};

/* Times are ms of one clock that does not jump (the loop's). */
struct snapshot_view {
    int64_t now;
    int64_t since;     /* the daemon began to run */
    int64_t begun;     /* the last one, whatever became of it, since this start; -1: none */
    int64_t age;       /* of the newest durable one, ms; -1: there is none */
    int64_t interval;  /* state.snapshot */
    size_t meta_bytes; /* the largest of the partitions' */
    const struct snapshot_part *parts;
    size_t part_count;
    bool changed; /* something has happened to the machines since the newest durable one */
    bool busy;    /* one is under way, or waits for its transaction */
    bool switching, stopping;
};

/* Retention presses: the newest durable one is older than a quarter of it, or lies in the first quarter of the
 * way from the log's start to what is consumed. */
bool snapshot_part_presses(const struct snapshot_part *p, int64_t age);
/* The reason to take one now, or SNAPSHOT_NONE and in *ret_at when to ask again at the latest (SNAPSHOT_NEVER:
 * when something changes). */
enum snapshot_reason snapshot_due(const struct snapshot_view *v, int64_t *ret_at);

/* --- which --- */

#define SNAPSHOT_KEPT 2

struct snapshot_mark {
    uint32_t generation;
    uint64_t instance, txn_seq;
    uint64_t decision_seq; /* the last decision that is in it */
    uint64_t settings_hash;
};

/* Zero-initialised is empty. taken -> filed and confirmed, in any order -> durable. */
struct snapshot_book {
    struct snapshot_mark durable[SNAPSHOT_KEPT]; /* newest first */
    size_t durable_count;
    struct snapshot_mark pending;
    bool has_pending, filed, confirmed;
};

/* One that was found at start and is usable, oldest first; also what a start was built from. */
void snapshot_book_found(struct snapshot_book *b, const struct snapshot_mark *m);
/* The child runs. Only while nothing is pending. */
void snapshot_book_taken(struct snapshot_book *b, const struct snapshot_mark *m);
/* These return true where it has just become durable: then the files other than snapshot_book_generations() can
 * go, and metadata can be shortened. What is no longer pending is ignored. */
bool snapshot_book_filed(struct snapshot_book *b, uint32_t generation);
bool snapshot_book_confirmed(struct snapshot_book *b, uint64_t txn_seq); /* and all before */
/* It could not be written. */
void snapshot_book_failed(struct snapshot_book *b, uint32_t generation);

/* What the folder must keep: the durable ones, and the one that waits. Returns how many. */
size_t snapshot_book_generations(const struct snapshot_book *b, uint32_t ret[SNAPSHOT_KEPT + 1]);
/* For the metadata: the newest durable generation; 0: none. */
uint32_t snapshot_book_generation(const struct snapshot_book *b);
/* Decisions up to this one are in every durable snapshot, the older one too, to which a start goes back where
 * the newest is broken: metadata need not carry them. 0: none is durable. */
uint64_t snapshot_book_decisions(const struct snapshot_book *b);

#endif
