/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/codec.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "saved state, as the entity table, is little endian by memcpy");

#define VARINT_MAX 10 /* bytes of 64 bits, 7 each */

/* --- writing --- */

static void codec_flush(struct codec_out *out)
{
    if (!out->failed && !out->flush(out))
        out->failed = true;
    out->len = 0;
}

void codec_put(struct codec_out *out, const void *p, size_t n)
{
    const unsigned char *from = p;

    while (n > 0 && !out->failed) {
        size_t room = out->cap - out->len, part = n < room ? n : room;

        memcpy(out->data + out->len, from, part);
        out->len += part;
        from += part;
        n -= part;
        if (out->len == out->cap)
            codec_flush(out);
    }
}

void codec_put_u8(struct codec_out *out, uint8_t x)
{
    codec_put(out, &x, sizeof(x));
}

void codec_put_u16(struct codec_out *out, uint16_t x)
{
    codec_put(out, &x, sizeof(x));
}

void codec_put_u32(struct codec_out *out, uint32_t x)
{
    codec_put(out, &x, sizeof(x));
}

void codec_put_u64(struct codec_out *out, uint64_t x)
{
    codec_put(out, &x, sizeof(x));
}

void codec_put_i64(struct codec_out *out, int64_t x)
{
    codec_put(out, &x, sizeof(x));
}

void codec_put_f64(struct codec_out *out, double x)
{
    codec_put(out, &x, sizeof(x));
}

void codec_put_varint(struct codec_out *out, uint64_t x)
{
    unsigned char bytes[VARINT_MAX];
    size_t n = 0;

    for (; x > 0x7f; x >>= 7)
        bytes[n++] = (unsigned char)(x | 0x80);
    bytes[n++] = (unsigned char)x;
    codec_put(out, bytes, n);
}

void codec_put_zigzag(struct codec_out *out, int64_t x)
{
    codec_put_varint(out, ((uint64_t)x << 1) ^ (x < 0 ? UINT64_MAX : 0));
}

/* Length + 1; 0: absent. */
void codec_put_span(struct codec_out *out, struct span s)
{
    codec_put_varint(out, s.p ? (uint64_t)s.len + 1 : 0);
    if (s.p)
        codec_put(out, s.p, s.len);
}

bool codec_flush_buf(struct codec_out *out)
{
    buf_add(out->context, out->data, out->len);
    out->len = 0;
    return true;
}

/* --- reading --- */

void codec_fail(struct codec_in *in, const char *error)
{
    if (!in->error)
        in->error = error;
    in->left = 0;
}

const void *codec_get(struct codec_in *in, size_t n)
{
    const unsigned char *p = in->p;

    if (in->error)
        return NULL;
    if (n > in->left) {
        codec_fail(in, "it ends too early");
        return NULL;
    }
    if (n == 0)
        return "";
    in->p += n;
    in->left -= n;
    return p;
}

/* Zero when it is not there. */
static void codec_read(struct codec_in *in, void *ret, size_t n)
{
    const void *p = codec_get(in, n);

    if (p)
        memcpy(ret, p, n);
    else
        memset(ret, 0, n);
}

#define CODEC_GET(name, type) \
    type codec_get_##name(struct codec_in *in) \
    { \
        type x; \
\
        codec_read(in, &x, sizeof(x)); \
        return x; \
    }

CODEC_GET(u8, uint8_t)
CODEC_GET(u16, uint16_t)
CODEC_GET(u32, uint32_t)
CODEC_GET(u64, uint64_t)
CODEC_GET(i64, int64_t)
CODEC_GET(f64, double)

/* One form for each number: what was read is written again as the same bytes. */
uint64_t codec_get_varint(struct codec_in *in)
{
    uint64_t x = 0;

    for (int i = 0; i < VARINT_MAX; i++) {
        uint8_t byte = codec_get_u8(in);

        if (i == VARINT_MAX - 1 && byte > 1)
            break;
        x |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if (byte == 0 && i > 0)
            break;
        return x;
    }
    codec_fail(in, "a number is written wrong");
    return 0;
}

int64_t codec_get_zigzag(struct codec_in *in)
{
    uint64_t x = codec_get_varint(in);

    return (int64_t)((x >> 1) ^ (x & 1 ? UINT64_MAX : 0));
}

struct span codec_get_span(struct codec_in *in)
{
    uint64_t n = codec_get_varint(in);
    const char *p;

    if (n == 0)
        return SPAN_NONE;
    if (n - 1 > UINT32_MAX) {
        codec_fail(in, "a text is too long");
        return SPAN_NONE;
    }
    p = codec_get(in, (size_t)n - 1);
    return p ? (struct span){p, (uint32_t)(n - 1)} : SPAN_NONE;
}

uint64_t codec_get_max(struct codec_in *in, uint64_t max)
{
    uint64_t x = codec_get_varint(in);

    if (x <= max)
        return x;
    codec_fail(in, "a number is out of range");
    return 0;
}

bool codec_get_bool(struct codec_in *in)
{
    return codec_get_max(in, 1) == 1;
}

static int64_t codec_within(struct codec_in *in, int64_t x, int bits)
{
    if (x >= -(INT64_C(1) << bits) && x <= INT64_C(1) << bits)
        return x;
    codec_fail(in, "a number is out of range");
    return 0;
}

int64_t codec_get_sum(struct codec_in *in)
{
    return codec_within(in, codec_get_zigzag(in), 62);
}

/* 48 bits hold every event time, with room for a window before and after it. */
int64_t codec_get_time(struct codec_in *in)
{
    int64_t x = codec_get_zigzag(in);

    return x == INT64_MIN ? x : codec_within(in, x, 47);
}

/* Panes of a second at least, of a quarter of an hour at most. */
int64_t codec_get_pane(struct codec_in *in)
{
    int64_t x = codec_get_zigzag(in);

    return x == INT64_MIN ? x : codec_within(in, x, 38);
}

size_t codec_get_count(struct codec_in *in, size_t each)
{
    uint64_t n = codec_get_varint(in);

    if (n > in->left / (each > 0 ? each : 1)) {
        codec_fail(in, "a count is larger than what follows");
        return 0;
    }
    return (size_t)n;
}
