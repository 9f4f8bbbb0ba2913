/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/base64url.h"

static const char base64url_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(const void *bytes, size_t n, struct buf *out)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i += 3) {
        size_t some = n - i < 3 ? n - i : 3;
        uint32_t word = (uint32_t)p[i] << 16;

        word |= some > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        word |= some > 2 ? p[i + 2] : 0;
        for (size_t k = 0; k <= some; k++)
            buf_char(out, base64url_letters[word >> (18 - 6 * k) & 63]);
    }
}

static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

ssize_t base64url_decode(const char *text, size_t n, unsigned char *ret, size_t max)
{
    uint32_t word = 0;
    unsigned bits = 0;
    size_t len = 0;

    if (n % 4 == 1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int value = base64url_value(text[i]);

        if (value < 0)
            return -1;
        word = word << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            if (len == max)
                return -1;
            bits -= 8;
            ret[len++] = (unsigned char)(word >> bits);
            word &= (1u << bits) - 1;
        }
    }
    return word == 0 ? (ssize_t)len : -1; /* left-over bits must be zero */
}
