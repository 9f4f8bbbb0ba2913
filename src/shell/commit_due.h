/* SPDX-License-Identifier: Apache-2.0 */
/* When the next transaction is due. Pure: times go in, a deadline comes out. */
#ifndef SHELL_COMMIT_DUE_H
#define SHELL_COMMIT_DUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMIT_APART_MS 20     /* between two begins, with an alert waiting */
#define COMMIT_REST_MS 5       /* after an end: back to back meets CONCURRENT_TRANSACTIONS */
#define COMMIT_EVERY_MS 1000   /* with any progress */
#define COMMIT_FULL_MS 3600000 /* even without: offsets of an assign-only consumer expire */
#define COMMIT_NEVER INT64_MAX

struct commit_view {
    int64_t begun, ended;   /* of the last transaction, ms; both -1 before the first */
    int64_t progress_since; /* -1: none */
    size_t bytes, limit;    /* of the open outbox */
    bool alert;             /* one is waiting */
    bool busy;              /* a transaction is in flight or waits to be repeated */
    bool draining;          /* the daemon is stopping */
};

/* The time at which to freeze and commit; may lie in the past; COMMIT_NEVER. */
int64_t commit_due(const struct commit_view *v);

#endif
