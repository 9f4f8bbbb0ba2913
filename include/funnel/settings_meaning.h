/* SPDX-License-Identifier: Apache-2.0 */
/* What settings mean, apart from how they are written: two files of equal hashes give the same output for the
 * same log. Comments, order of keys and spelled-out defaults change nothing; nor does what only the shell goes by
 * (kafka, http, log, state, limits.outbox, shutdown_timeout, …). The order of funnels and of dims does: it decides
 * numbers and ties. */
#ifndef FUNNEL_SETTINGS_MEANING_H
#define FUNNEL_SETTINGS_MEANING_H

#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/settings.h"

/* Everything the machines' output depends on. */
uint64_t settings_meaning(const struct settings *s);
/* One funnel without its rules, and without what can be taken over beside them (windows, segments, dedupe,
 * forget_after, names): equal shapes can go on with the same entities and series. */
uint64_t settings_shape(const struct settings *s, const struct settings_funnel *f);

/* NULL where a running daemon can go from one to the other by a switch, else the first key that it cannot change
 * without a restart or a new epoch (inputs[].topic, group, state.hash_key, …); static text. */
const char *settings_switchable(const struct settings *from, const struct settings *to);
/* The same for a daemon that was stopped in between and goes on with the state of `from`: its clients and addresses
 * are new, but what is kept of the log is not (amount_decimals, state.hash_key). Inputs are compared elsewhere. */
const char *settings_keepable(const struct settings *from, const struct settings *to);

#endif
