/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a message that could not be used: its own bytes, with headers that say why. */
#ifndef FUNNEL_DEADLETTER_H
#define FUNNEL_DEADLETTER_H

#include <stdint.h>

#include "funnel/decode.h"
#include "funnel/message.h"
#include "funnel/record.h"

/* A dead letter has to fit into librdkafka's message.max.bytes (1,000,000) with everything: one
 * that does not would fail its transaction again and again. */
#define DEADLETTER_VALUE_MAX 900000u
#define DEADLETTER_KEY_MAX 32768u
#define DEADLETTER_HEADERS_MAX 32768u /* of the original headers: names, values and framing */
#define DEADLETTER_HEADER_FRAMING 16u /* for each: lengths as varints, in Kafka and in librdkafka */
#define DEADLETTER_FIELD_MAX 512u
#define DEADLETTER_HEADER_NAME_MAX 255u

/* Appends one record, without a timestamp of its own. Headers, in this order, numbers in
 * decimal:
 *   funneld_reason         reject_word(reason)
 *   funneld_field          which field; not there where it is the whole message
 *   funneld_byte           offset into the original value
 *   funneld_topic, funneld_partition, funneld_offset
 *   funneld_timestamp      the message's own, ms; not there where it had none
 *   funneld_truncated      length of the original value, where it was cut to DEADLETTER_VALUE_MAX
 *   funneld_key_truncated  the same for the key
 *   funneld_headers_dropped  how many original headers are not there
 * then the original headers up to DEADLETTER_HEADERS_MAX; those of an earlier dead letter
 * (funneld_*) and those whose name is too long or holds a NUL are dropped. */
void deadletter_put(struct records *out, const struct message *m, const char *topic,
                    int32_t kafka_partition, enum reject reason, const char *field, uint32_t byte);

#endif
