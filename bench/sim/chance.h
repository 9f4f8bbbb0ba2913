/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers for the simulator: splitmix64 (Steele, Lea, Flood 2014). A stream is one 64-bit state;
 * streams of different names are independent, so what one part of the world draws moves no other part. */
#ifndef SIM_CHANCE_H
#define SIM_CHANCE_H

#include <math.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

static inline uint64_t chance_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The stream `name` of a seed. */
static inline struct chance chance_stream(uint64_t seed, uint64_t name)
{
    return (struct chance){chance_mix(chance_mix(seed + 0x9e3779b97f4a7c15u) ^
                                      chance_mix(name * 0x9e3779b97f4a7c15u + 1))};
}

static inline uint64_t chance_bits(struct chance *c)
{
    return chance_mix(c->state += 0x9e3779b97f4a7c15u);
}

/* In [0, 1). */
static inline double chance_uniform(struct chance *c)
{
    return (double)(chance_bits(c) >> 11) * 0x1p-53;
}

/* Exponential, mean 1. */
static inline double chance_exponential(struct chance *c)
{
    return -log1p(-chance_uniform(c));
}

/* Normal, mean 0, sd 1 (Box, Muller 1958; the second one of the pair is not kept). */
static inline double chance_normal(struct chance *c)
{
    double r = sqrt(2 * chance_exponential(c));

    return r * cos(6.283185307179586 * chance_uniform(c));
}

#endif
