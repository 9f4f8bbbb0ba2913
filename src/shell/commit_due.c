/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/commit_due.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t commit_due(const struct commit_view *v)
{
    int64_t earliest = v->ended < 0 ? 0
                                    : later(v->begun + COMMIT_APART_MS, v->ended + COMMIT_REST_MS);

    if (v->busy)
        return COMMIT_NEVER;
    if (v->progress_since < 0)
        return v->draining || v->ended < 0 ? COMMIT_NEVER : v->ended + COMMIT_FULL_MS;
    if (v->draining || v->alert || v->bytes >= v->limit)
        return earliest;
    return later(earliest, v->progress_since + COMMIT_EVERY_MS);
}
