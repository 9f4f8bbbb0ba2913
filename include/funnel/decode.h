/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to events: mapping, canonical tokens, bounds. One batch at a time; another decoder can stand
 * behind the same interface, and must give the same bytes. Pure: a function of settings and messages. */
#ifndef FUNNEL_DECODE_H
#define FUNNEL_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "funnel/event.h"
#include "funnel/message.h"
#include "funnel/settings.h"

/* Why a message was refused: X(NAME, "word in the dead letter's header and the counter", "what it means") */
#define REJECT_TABLE(X) \
    X(OVERSIZED, "oversized", "larger than limits.message") \
    X(MALFORMED, "malformed", "not JSON (RFC 8259)") \
    X(UTF8, "utf8", "not UTF-8, or U+0000 in a string") \
    X(DEPTH, "depth", "nested deeper than limits.depth") \
    X(UNMAPPED, "unmapped", "a required field is not there") \
    X(TYPE, "type", "a field is of the wrong type") \
    X(TOKEN, "token", "an id, name or value is empty, too long, or a number that is no integer") \
    X(TIME, "time", "not a time, or outside years 1 to 6000") \
    X(AMOUNT, "amount", "not a decimal number, or too large") \
    X(UNKNOWN_STAGE, "unknown_stage", "no stage, exit or action of a funnel that wants the event") \
    X(FUTURE, "future", "event time too far ahead of the record's timestamp") \
    X(LATE, "late", "behind the watermark, with late: deadletter") \
    X(SKIPPED, "skipped", "a stage was jumped over, with skip: reject")

enum reject {
#define REJECT_ENUM(name, word, text) REJECT_##name,
    REJECT_TABLE(REJECT_ENUM)
#undef REJECT_ENUM
        REJECT_COUNT
};
const char *reject_word(enum reject r);
const char *reject_text(enum reject r);

struct decode_failure {
    uint32_t message; /* index in the batch */
    enum reject reason;
    const char
        *field;    /* static or the settings': "entity_id", "ts", "dims.channel"; NULL: the whole */
    uint32_t byte; /* offset into the value where it went wrong */
};

/* Events and failures, each in message order; a message gives events or one failure, never both (an
 * array of ids gives several events). Valid until the next decode_batch on the same decoder. */
struct decoded {
    struct event *events;
    size_t event_count;
    struct decode_failure *failures;
    size_t failure_count;
};

struct decoder;
struct decoder *decoder_new(const struct settings *settings); /* settings must outlive it */
void decoder_free(struct decoder *d);                         /* accepts NULL */
/* Strings of the events point into the messages or into the decoder. */
const struct decoded *decode_batch(struct decoder *d, const struct message *messages, size_t count);

#endif
