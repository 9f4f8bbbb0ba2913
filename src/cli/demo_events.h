/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's events as lines, for `replay` and `report`: what the demo sends, without its broker. */
#ifndef CLI_DEMO_EVENTS_H
#define CLI_DEMO_EVENTS_H

#include <stdint.h>

/* The script's first hours, from its start on a day that never changes, to stdout. 0, or -1 with errno. */
int demo_events_print(int64_t hours, uint64_t seed);

#endif
