/* SPDX-License-Identifier: Apache-2.0 */
/* Makes Criterion run under ThreadSanitizer; linked into every test program of the tsan build.
 *
 * Criterion shares memory with its test processes at a fixed address of its own choice:
 * 0x200000000000 + (rand_r() & 0x3fffff) * 2^24. Nearly all of those lie where ThreadSanitizer keeps its
 * shadow, and the program ends with "Could not initialize inheritable arena". This rand_r() leads
 * it to 0x566000000000 and above: memory that ThreadSanitizer leaves to the program, above any place
 * where the kernel loads a position-independent executable. */
#include <stdlib.h>

#define FIRST 0x366000u
#define COUNT 0x1f00u

int rand_r(unsigned int *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return (int)(FIRST + (*seed >> 16) % COUNT);
}
