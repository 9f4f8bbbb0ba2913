/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/life.h"

#include <stddef.h>

static const struct {
    enum life from;
    enum life_event event;
    enum life to;
} life_edges[] = {
    {LIFE_STARTING, LIFE_CONNECTED, LIFE_REBUILDING},
    {LIFE_STARTING, LIFE_TERM, LIFE_STOPPED},
    {LIFE_STARTING, LIFE_FAILED, LIFE_STOPPED},
    {LIFE_REBUILDING, LIFE_CAUGHT_UP, LIFE_RUNNING},
    {LIFE_REBUILDING, LIFE_TERM, LIFE_STOPPED}, /* it has published nothing */
    {LIFE_REBUILDING, LIFE_FAILED, LIFE_STOPPED},
    {LIFE_RUNNING, LIFE_TERM, LIFE_DRAINING},
    {LIFE_RUNNING, LIFE_FAILED, LIFE_STOPPED},
    {LIFE_DRAINING, LIFE_SETTLED, LIFE_STOPPED},
    {LIFE_DRAINING, LIFE_FAILED, LIFE_STOPPED},
};

bool life_next(enum life from, enum life_event event, enum life *ret_to)
{
    for (size_t i = 0; i < sizeof(life_edges) / sizeof(life_edges[0]); i++) {
        if (life_edges[i].from == from && life_edges[i].event == event) {
            *ret_to = life_edges[i].to;
            return true;
        }
    }
    return false;
}

const char *life_name(enum life l)
{
    static const char *const names[] = {[LIFE_STARTING] = "starting",
                                        [LIFE_REBUILDING] = "rebuilding",
                                        [LIFE_RUNNING] = "running",
                                        [LIFE_DRAINING] = "draining",
                                        [LIFE_STOPPED] = "stopped"};

    return names[l];
}
