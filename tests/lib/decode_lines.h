/* SPDX-License-Identifier: Apache-2.0 */
/* A line in, a line out: "#message kind field=… at=ms …" for an event, "#message reason field
 * @byte" for a failure. */
#ifndef TESTS_DECODE_LINES_H
#define TESTS_DECODE_LINES_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "lib/decode_kit.h"

#define AT "1709210096789" /* 2024-02-29T12:34:56.789Z */

#define TEXT(literal) ((struct span){literal, sizeof(literal) - 1})

/* What one decoder makes of a batch. */
KIT const char *kit_decode(const struct kit_settings *k, const struct message *messages,
                           size_t count)
{
    static struct buf out;
    struct decoder *d = decoder_new(&k->settings);

    buf_clear(&out);
    kit_dump(&out, &k->settings, decode_batch(d, messages, count));
    decoder_free(d);
    return buf_cstr(&out);
}

/* Copied to memory of its own size, so that the sanitizer sees a read beyond the value. */
KIT void expect_message(const struct kit_settings *k, struct message m, const char *expected)
{
    char *copy = malloc(m.value.len ? m.value.len : 1);
    struct span value = m.value;

    if (value.p) {
        memcpy(copy, value.p, value.len);
        m.value.p = copy;
    }
    cr_expect(eq(str, (char *)kit_decode(k, &m, 1), (char *)expected), "%.*s", (int)value.len,
              value.p ? value.p : "");
    free(copy);
}

KIT void expect(const struct kit_settings *k, struct span value, const char *expected)
{
    expect_message(k, (struct message){.value = value, .timestamp = -1}, expected);
}

struct line {
    struct span value;
    const char *expected;
};

KIT void expect_lines(const struct kit_settings *k, const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(k, lines[i].value, lines[i].expected);
}

#define EXPECT_LINES(k, ...) \
    do { \
        const struct line lines[] = {__VA_ARGS__}; \
        expect_lines(k, lines, sizeof(lines) / sizeof(lines[0])); \
    } while (0)

#endif
