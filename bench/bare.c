/* SPDX-License-Identifier: Apache-2.0 */
/* The reference "bare": librdkafka hands over batches, every payload byte is touched once, and that is
 * all. Nothing that consumes from Kafka through this library can be cheaper.
 *
 *   taskset -c 1 bare BROKERS TOPIC */
#include "consumer.h"

#include <inttypes.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static void bare_take(void *context, rd_kafka_message_t *const *messages, size_t count)
{
    uint64_t *sum = context;

    for (size_t i = 0; i < count; i++)
        *sum += XXH3_64bits(messages[i]->payload, messages[i]->len);
}

int main(int argc, char **argv)
{
    uint64_t sum = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: bare BROKERS TOPIC\n");
        return 2;
    }
    consumer_run("bare", argv[1], argv[2], bare_take, &sum);
    printf(" checksum=%" PRIu64 "\n", sum);
    return 0;
}
