/* SPDX-License-Identifier: Apache-2.0 */
/* One record as it came from Kafka or from a file's line. Everything is borrowed. */
#ifndef FUNNEL_MESSAGE_H
#define FUNNEL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/codec.h"

struct message_header {
    struct span name;
    struct span value; /* p == NULL: a header without a value */
};

struct message {
    struct span value; /* p == NULL: a tombstone */
    struct span key;   /* p == NULL: none */
    const struct message_header *headers;
    size_t header_count;
    int64_t offset;    /* Kafka offset, or line number from 0 */
    int64_t timestamp; /* record timestamp, ms; -1 where there is none (a file) */
    uint32_t
        partition; /* index of the machine's partition, counted over all inputs; see MESSAGE_MOVED */
    uint16_t input; /* index into settings.inputs */
};

/* Set in `partition` of a copy that waits with another machine now (pipeline_rekey): the rest of it is Kafka's
 * number of the partition it came from, for a dead letter to say. */
#define MESSAGE_MOVED 0x80000000u

/* With everything it borrows, in one block; mem_free. */
struct message *message_copy(const struct message *m);
void message_save(const struct message *m, struct codec_out *out);
struct message *message_load(struct codec_in *in); /* as message_copy; NULL where it fails */

#endif
