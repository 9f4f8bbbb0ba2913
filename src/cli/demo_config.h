/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration the demo's daemon runs with: short enough to read, and to start one's own from. */
#ifndef CLI_DEMO_CONFIG_H
#define CLI_DEMO_CONFIG_H

#include "cli/demo_words.h"
#include "funnel/buf.h"

void demo_config_write(struct buf *out, const char *bootstrap, const char *http, const char *state,
                       enum demo_language language);

#endif
