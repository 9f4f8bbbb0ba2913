/* SPDX-License-Identifier: Apache-2.0 */
#include "ktool.h"

#include <string.h>

/* Bytes of the UTF-8 sequence at p; 0 if it is none (RFC 3629: no surrogates, nothing overlong). */
static size_t utf8_sequence(const unsigned char *p, size_t len)
{
    size_t n = p[0] < 0x80                    ? 1
               : p[0] >= 0xc2 && p[0] <= 0xdf ? 2
               : p[0] >= 0xe0 && p[0] <= 0xef ? 3
                                              : 4;

    if (n == 4 && (p[0] < 0xf0 || p[0] > 0xf4))
        return 0;
    if (n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

static bool utf8_valid(const unsigned char *p, size_t len)
{
    while (len > 0) {
        size_t n = utf8_sequence(p, len);

        if (n == 0)
            return false;
        p += n;
        len -= n;
    }
    return true;
}

static void json_text(FILE *out, const unsigned char *p, size_t len)
{
    size_t done = 0;

    putc('"', out);
    for (size_t i = 0; i < len; i++) {
        if (p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' && p[i] != 0x7f)
            continue;
        fwrite(p + done, 1, i - done, out);
        fprintf(out, p[i] == '"' || p[i] == '\\' ? "\\%c" : "\\u%04x", (unsigned)p[i]);
        done = i + 1;
    }
    fwrite(p + done, 1, len - done, out);
    putc('"', out);
}

void json_string(FILE *out, const char *text)
{
    json_text(out, (const unsigned char *)text, strlen(text));
}

void json_bytes(FILE *out, const char *name, const void *data, size_t len)
{
    const unsigned char *p = data;
    bool text = !p || utf8_valid(p, len);

    putc('"', out);
    for (; *name; name++) /* a header's name may be anything */
        fprintf(out, *name == '"' || *name == '\\' ? "\\%c" : "%c", *name);
    fputs(text ? "\":" : "_hex\":", out);
    if (!p) {
        fputs("null", out);
    } else if (text) {
        json_text(out, p, len);
    } else {
        putc('"', out);
        for (size_t i = 0; i < len; i++)
            fprintf(out, "%02x", (unsigned)p[i]);
        putc('"', out);
    }
}
