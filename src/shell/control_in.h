/* SPDX-License-Identifier: Apache-2.0 */
/* A message of the control topic as a decision. Pure. */
#ifndef SHELL_CONTROL_IN_H
#define SHELL_CONTROL_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/decision.h"
#include "funnel/message.h"
#include "funnel/settings.h"

/* For the judges, from `pane` on: pipeline_next_pane(), whose INT64_MIN becomes the first pane there can be. seq is
 * left for the caller; the text is the message's value, borrowed. False: *ret_why says what is wrong (static
 * text); *ret is untouched. */
bool control_in_decision(const struct settings *settings, const struct message *m, int64_t pane,
                         struct decision *ret, const char **ret_why);

#endif
