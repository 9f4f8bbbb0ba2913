/* SPDX-License-Identifier: Apache-2.0 */
/* A decoded stage-transition event, in canonical form: the same for every decoder and preset. */
#ifndef FUNNEL_EVENT_H
#define FUNNEL_EVENT_H

#include "funnel/buf.h"
#include "funnel/clock.h"
#include "funnel/message.h"

/* Fields of an event that funnels use as dims or breakdowns ("owner" too), over all funnels. */
#define EVENT_FIELDS_MAX 24

enum event_kind {
    EVENT_STAGE,  /* an entity entered a stage */
    EVENT_SEED,   /* a row of a CDC snapshot: it is there, since when is unknown or in entered_at */
    EVENT_DELETE, /* a CDC delete or tombstone; stage may be absent */
};

struct event {
    struct span entity; /* canonical token, 1..LIMIT bytes; a number keeps its digits */
    struct span stage;  /* as written; the funnels know its aliases */
    struct span funnel; /* absent: offered to every funnel */
    struct span id;     /* event id, for dedupe */
    struct span reason;
    struct span
        fields[EVENT_FIELDS_MAX]; /* by settings.fields index; absent where the event lacks it */
    struct etime at;
    struct etime entered_at; /* ETIME_NONE where absent */
    int64_t amount;          /* minor units */
    enum event_kind kind;
    uint8_t has_amount;
    uint32_t message;             /* index of its message in the batch */
    uint32_t stage_byte, at_byte; /* where stage and time begin in its value; 0: elsewhere */
};

#endif
