/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/partitioner.h"

#include <stddef.h>

const char *const partitioner_names[PARTITIONERS + 1] = {"murmur2", "crc32", NULL};

/* MurmurHash2 of 32 bits (Appleby), with the seed that Kafka's clients use. */
static uint32_t murmur2(const unsigned char *p, uint32_t len)
{
    const uint32_t m = 0x5bd1e995u;
    uint32_t h = 0x9747b28cu ^ len;

    for (; len >= 4; p += 4, len -= 4) {
        uint32_t k = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

        k *= m;
        k ^= k >> 24;
        h = h * m ^ k * m;
    }
    for (uint32_t i = len; i-- > 0;)
        h ^= (uint32_t)p[i] << (8 * i);
    if (len > 0)
        h *= m;
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

/* CRC-32 as in zlib, bit by bit: keys are short. */
static uint32_t crc32_of(const unsigned char *p, uint32_t len)
{
    uint32_t crc = ~0u;

    for (uint32_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

bool partitioner_decides(enum partitioner p, struct span key)
{
    return key.p && (p != PARTITIONER_CRC32 || key.len > 0);
}

int32_t partitioner_of(enum partitioner p, struct span key, int32_t partitions)
{
    const unsigned char *bytes = (const unsigned char *)key.p;

    if (p == PARTITIONER_CRC32)
        return (int32_t)(crc32_of(bytes, key.len) % (uint32_t)partitions);
    return (int32_t)((murmur2(bytes, key.len) & 0x7fffffffu) % (uint32_t)partitions);
}
