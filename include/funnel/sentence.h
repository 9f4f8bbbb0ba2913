/* SPDX-License-Identifier: Apache-2.0 */
/* What an alert says to a person, in the alert's language. A function of the alert alone: no
 * clock, no locale, the same bytes everywhere. Text is UTF-8 without control characters. */
#ifndef FUNNEL_SENTENCE_H
#define FUNNEL_SENTENCE_H

#include "funnel/alert.h"
#include "funnel/buf.h"

/* One sentence, for a phone's lock screen: what converts how, and what it should. Percentages have
 * one decimal, or as many more (at most 4) as the observed and the expected rate need to differ. */
void sentence_summary(struct buf *out, const struct alert *a);

/* The same with its numbers: window (UTC), counts, interval, loss, evidence, what is still
 * missing. */
void sentence_description(struct buf *out, const struct alert *a);

/* Why a resolved alert ended other than by recovery, in its language; a reason that is not known stands as it is. */
const char *sentence_ending(const struct alert *a);

/* Length of the longest prefix of at most `max` bytes that cuts no UTF-8 character. */
uint32_t sentence_clip(struct span text, uint32_t max);

#endif
