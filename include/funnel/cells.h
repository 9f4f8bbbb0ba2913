/* SPDX-License-Identifier: Apache-2.0 */
/* What flows from a tally to a judge: integers by pane, additive, in a stream with punctuation
 * (PROTOCOL section 2). Order within a pane does not matter; cells of one key may be added up. */
#ifndef FUNNEL_CELLS_H
#define FUNNEL_CELLS_H

#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"

enum cell_kind {
    /* Punctuation and definitions: their place in the stream matters. */
    CELL_PANE,   /* the cells that follow belong to pane `value` */
    CELL_CLOSE,  /* panes up to and with `value` get no more cells of this tally */
    CELL_LEAF,   /* leaf `leaf` is the combination of dims at strings[value], n bytes */
    CELL_VALUE,  /* value `leaf` of breakdown `stage` is the text at strings[value], n bytes */
    CELL_REASON, /* lost reason `leaf` likewise */
    /* Additive. `leaf` is the tally's leaf number unless said otherwise. */
    CELL_ENTER, /* (stage): n attempts reached it, value = their amount; its step's stays begin. stage =
                     the funnel's `overall` for that pseudo-step */
    CELL_EXIT,    /* (step, cause, bin, column, day): n stays left the risk set */
    CELL_CREDIT,  /* (stage): n attempts credited with it (an entry and a conversion of its step) */
    CELL_SEED,    /* (step, bin, column, day): n stays joined the risk set at their true age */
    CELL_LATE,    /* (step): n advanced after their window had passed */
    CELL_REGRESS, /* (stage): n moved back from it */
    CELL_REPEAT,  /* (stage): n repeats, value = amount */
    CELL_STOCK,   /* (stage): n more (or fewer) attempts stand there, value = amount */
    CELL_DWELL,   /* (step, bucket, low, high): n stays advanced, value = sum of their ms */
    CELL_WON,     /* n attempts won, value = amount */
    CELL_CYCLE,   /* (bucket, low, high): n sales cycles, value = sum of ms */
    CELL_LOST,    /* n attempts lost for reason `leaf` */
    CELL_BREAK,   /* (step, breakdown = bin, cause): n of breakdown value `leaf`; value = amount */
    CELL_COUNT,   /* n (as value) events for funnel counter `stage` */
    CELL_SPAN,    /* first (n = 0) or last (n = 1) event time seen = value; joined by min and max */
    CELL_WATCHED, /* n events of the id with fingerprint `column`, which splits.h watches; `day` is the source they
                     come from, and the judge's to fill in */
};

/* How a stay ends. BREAK_ENTERED and _CREDITED are further "causes" of CELL_BREAK only. */
enum exit_cause {
    EXIT_ADVANCED,
    EXIT_LOST,
    EXIT_DELETED,
    EXIT_SUPERSEDED,
    EXIT_SKIPPED,
    EXIT_LATE, /* its window had passed: counts as expired */
    EXIT_CAUSES,
    BREAK_ENTERED = EXIT_CAUSES,
    BREAK_CREDITED,
    BREAK_CAUSES
};

/* Counts of one funnel in the report; CELL_COUNT. */
#define FUNNEL_COUNTS(X) \
    X(EVENTS, "events") \
    X(ENTITIES, "entities") \
    X(ATTEMPTS, "attempts") \
    X(LATE, "late") \
    X(DEADLETTERS, "deadletters") \
    X(IGNORED, "ignored") \
    X(MIDWAY, "joined_midway") \
    X(BACKFILL, "backfill") \
    X(REFRESH, "refreshed") \
    X(ACTIONS, "actions") \
    X(DUPLICATES, "duplicates") \
    X(UNKNOWN, "unknown_stage") /* dead letters that are not among the events */ \
    X(BAD, "bad")               /* late or a dead letter: each once */ \
    X(SPLIT, \
      "split_keys") /* ids found in more than one partition: the judge's own, no cell has it */
enum funnel_count {
#define FUNNEL_COUNT_ENUM(id, name) COUNT_##id,
    FUNNEL_COUNTS(FUNNEL_COUNT_ENUM)
#undef FUNNEL_COUNT_ENUM
        FUNNEL_COUNT_COUNT
};

/* EXIT by EXIT_LATE of a stay the judge has expired already: it only ends in its day's cohort. */
#define CELL_BIN_GONE 0xff

struct cell {
    uint8_t kind, stage, cause, bin;
    uint32_t leaf;
    union {
        int64_t
            column; /* EXIT, SEED: entry column (DETECTION section 2); WATCHED: a fingerprint's bits */
        struct {
            uint32_t bucket; /* DWELL, CYCLE: log bucket */
            uint32_t low;    /* and the shortest and longest, as ms above the bucket's lower end */
        };
    };
    union {
        int32_t day; /* EXIT, SEED: entry day in the funnel's zone; WATCHED: the source */
        uint32_t high;
    };
    int32_t n;
    int64_t value;
};

/* Sums of amounts wrap: 65,000 of the largest amount exceed 64 bits, and what is added in any order and taken
 * away again must come out the same. */
static inline void amount_add(int64_t *sum, int64_t amount)
{
    *sum = (int64_t)((uint64_t)*sum + (uint64_t)amount);
}

struct cells {
    struct cell *items;
    size_t count, cap;
    struct buf strings;
};

void cells_deinit(struct cells *c);
void cells_clear(struct cells *c);
struct cell *cells_add(struct cells *c, struct cell cell); /* borrowed until the next add */

/* Additive cells added up by key: one item for each distinct key, in order of first appearance. A zeroed one is
 * empty. Memory is bounded by the number of keys, not of cells. */
struct cell_sums {
    struct cell *items;
    size_t count, cap;
    uint32_t *slots; /* open addressing; item + 1, 0: free */
    size_t slot_count;
};

void cell_sums_deinit(struct cell_sums *s);
void cell_sums_add(struct cell_sums *s, const struct cell *c);

#endif
