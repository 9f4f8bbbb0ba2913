/* SPDX-License-Identifier: Apache-2.0 */
/* An event as a line of NDJSON, in funneld's plain form. */
#ifndef SIM_LINE_H
#define SIM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dims.h"
#include "queue.h"

#define LINE_MAX_BYTES 320

struct line_tail {
    char text[128];
    size_t n;
};

struct lines {
    char *bytes;
    size_t len;
    int64_t start_ms;
    bool ids; /* event ids, the same for a duplicate */
    struct line_tail tails[LEAVES];
};

void lines_init(struct lines *l, int64_t start_ms, bool ids);
void lines_deinit(struct lines *l);
/* false: standard output takes no more, errno. */
bool lines_add(struct lines *l, const struct queued *event);
bool lines_flush(struct lines *l);

#endif
