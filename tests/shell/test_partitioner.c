/* SPDX-License-Identifier: Apache-2.0 */
/* Against the library's own, which are what producers use. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <librdkafka/rdkafka.h>

#include "lib/pipe_kit.h"
#include "shell/partitioner.h"

static rd_kafka_topic_t *topic_new(rd_kafka_t **ret)
{
    char error[256];
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, NULL, error, sizeof(error));

    cr_assert(rk != NULL, "%s", error);
    *ret = rk;
    return rd_kafka_topic_new(rk, "in", NULL);
}

Test(partitioner, is_the_librarys_own)
{
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic = topic_new(&rk);
    struct dice d = {7};
    char key[64];

    for (int n = 0; n < 20000; n++) {
        uint32_t len = (uint32_t)dice_below(&d, 40);
        int32_t partitions = 1 + (int32_t)dice_below(&d, 200);
        struct span s = {key, len};

        for (uint32_t i = 0; i < len; i++)
            key[i] = (char)dice_below(&d, 256);
        cr_assert(eq(i32, partitioner_of(PARTITIONER_MURMUR2, s, partitions),
                     rd_kafka_msg_partitioner_murmur2(topic, key, len, partitions, NULL, NULL)));
        cr_assert(eq(i32, partitioner_of(PARTITIONER_CRC32, s, partitions),
                     rd_kafka_msg_partitioner_consistent(topic, key, len, partitions, NULL, NULL)));
    }
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
}

/* From the tests of Kafka's Java client (UtilsTest): murmur2("21") is -973932308, of "foobar" -790332482. */
Test(partitioner, murmur2_is_javas)
{
    cr_expect(eq(i32, partitioner_of(PARTITIONER_MURMUR2, span_of("21"), 1000),
                 (int32_t)(((uint32_t)-973932308 & 0x7fffffffu) % 1000)));
    cr_expect(eq(i32, partitioner_of(PARTITIONER_MURMUR2, span_of("foobar"), 1000),
                 (int32_t)(((uint32_t)-790332482 & 0x7fffffffu) % 1000)));
}

Test(partitioner, without_a_key_chance_decides)
{
    cr_expect(not(partitioner_decides(PARTITIONER_MURMUR2, SPAN_NONE)));
    cr_expect(not(partitioner_decides(PARTITIONER_CRC32, SPAN_NONE)));
    cr_expect(partitioner_decides(PARTITIONER_MURMUR2, (struct span){"", 0}));
    cr_expect(not(partitioner_decides(PARTITIONER_CRC32, (struct span){"", 0})));
}
