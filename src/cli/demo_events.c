/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_events.h"

#include <stdio.h>

#include "cli/demo_generator.h"
#include "cli/demo_scenario.h"

#define START_MS INT64_C(1772409600000) /* 2026-03-02T00:00:00Z, a Monday */

int demo_events_print(int64_t hours, uint64_t seed)
{
    struct demo_generator *g = demo_generator_new(START_MS, seed);
    struct buf line = {0};
    struct shop_event e;

    while (!ferror(stdout) && demo_generator_next(g, START_MS + hours * HOUR_MS, &e)) {
        line.len = 0;
        shop_event_write(&e, &line);
        buf_char(&line, '\n');
        fwrite(line.data, 1, line.len, stdout);
    }
    buf_deinit(&line);
    demo_generator_free(g);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}
