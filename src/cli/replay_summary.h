/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay says in the end of the rules that have a budget of false alarms: how often they fired, for how long, and
 * how many false alarms were to be expected of the time they tested. */
#ifndef CLI_REPLAY_SUMMARY_H
#define CLI_REPLAY_SUMMARY_H

#include "cli/feed.h"

struct replay_summary;

/* Owned; borrows from the feed, which is open. */
struct replay_summary *replay_summary_new(const struct feed *f);
void replay_summary_free(struct replay_summary *s); /* accepts NULL */
/* Each of the feed's records, after each step. */
void replay_summary_take(struct replay_summary *s, const struct feed *f);
/* On stderr; nothing where no rule has a budget. */
void replay_summary_print(const struct replay_summary *s);

#endif
