/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nearest.h"

#include <stdint.h>

#define WORD_MAX 48

/* Bytes of UTF-8 to code points; -1 when there are too many. Case and - are folded. */
static int word_fold(const char *text, uint32_t out[WORD_MAX])
{
    int n = 0;

    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if ((*p & 0xc0) == 0x80 && n > 0) {
            out[n - 1] = out[n - 1] << 6 | (*p & 0x3fu);
            continue;
        }
        if (n == WORD_MAX)
            return -1;
        out[n++] = *p >= 'A' && *p <= 'Z' ? *p + 32u : *p == '-' ? '_' : *p;
    }
    return n;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

size_t nearest_distance(const char *a, const char *b)
{
    uint32_t x[WORD_MAX], y[WORD_MAX];
    size_t d[WORD_MAX + 1][WORD_MAX + 1];
    int nx = word_fold(a, x), ny = word_fold(b, y);

    if (nx < 0 || ny < 0)
        return SIZE_MAX;
    for (int i = 0; i <= nx; i++)
        d[i][0] = (size_t)i;
    for (int j = 0; j <= ny; j++)
        d[0][j] = (size_t)j;
    for (int i = 1; i <= nx; i++) {
        for (int j = 1; j <= ny; j++) {
            size_t swap = SIZE_MAX;

            if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
                swap = d[i - 2][j - 2] + 1;
            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
                           d[i - 1][j - 1] + (x[i - 1] != y[j - 1]));
            if (swap < d[i][j])
                d[i][j] = swap;
        }
    }
    return d[nx][ny];
}

static size_t word_length(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* One slip in three letters is a slip; more is another word. */
void nearest_offer(struct nearest *n, const char *candidate)
{
    size_t distance = nearest_distance(n->word, candidate);
    size_t a = word_length(n->word), b = word_length(candidate);
    size_t longer = a > b ? a : b;

    if (distance > longer / 3 || (n->best && distance >= n->distance))
        return;
    n->best = candidate;
    n->distance = distance;
}
