/* SPDX-License-Identifier: Apache-2.0 */
/* The turns of alerts among a pipeline's records, in their order: what each says, to be asserted. */
#ifndef TESTS_TURNS_H
#define TESTS_TURNS_H

#include "lib/pipe_kit.h"

#define TURNS_MAX 64

struct turn {
    int64_t at; /* event time of the verdict, ms */
    char status[12], name[24], where[24], step[12], reason[20], fingerprint[20], starts[28];
    int sequence;
    double lost, amount; /* NaN: null */
    double threshold;
};

struct turns {
    struct turn items[TURNS_MAX];
    size_t count; /* all of them: more than TURNS_MAX end the program */
};

void turns_take(const struct pipe *k, struct turns *ret);
/* "drop ads firing 14 06:20; ...", days and hours since `from`; borrowed until the next call. */
const char *turns_text(const struct turns *t, int64_t from);
/* The same without times. */
const char *turns_tale(const struct turns *t);
/* Alerts that have fired and did not end. */
size_t turns_open(const struct turns *t);

#endif
