/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/message.h"

#include <string.h>

#include "funnel/mem.h"

struct message *message_copy(const struct message *m)
{
    size_t headers = m->header_count * sizeof(*m->headers),
           text = m->value.len + (size_t)m->key.len;
    struct message_header *h;
    struct message *copy;
    char *p;

    for (size_t i = 0; i < m->header_count; i++)
        text += m->headers[i].name.len + (size_t)m->headers[i].value.len;
    copy = mem_alloc(sizeof(*copy) + headers + text);
    *copy = *m;
    h = (struct message_header *)(copy + 1);
    p = (char *)h + headers;
#define MOVE(span) \
    do { \
        if ((span).p) \
            (span).p = memcpy(p, (span).p, (span).len); \
        p += (span).len; \
    } while (0)
    MOVE(copy->value);
    MOVE(copy->key);
    for (size_t i = 0; i < m->header_count; i++) {
        h[i] = m->headers[i];
        MOVE(h[i].name);
        MOVE(h[i].value);
    }
#undef MOVE
    copy->headers = h;
    return copy;
}

void message_save(const struct message *m, struct codec_out *out)
{
    codec_put_span(out, m->value);
    codec_put_span(out, m->key);
    codec_put_varint(out, m->header_count);
    for (size_t i = 0; i < m->header_count; i++) {
        codec_put_span(out, m->headers[i].name);
        codec_put_span(out, m->headers[i].value);
    }
    codec_put_zigzag(out, m->offset);
    codec_put_zigzag(out, m->timestamp);
    codec_put_varint(out, m->partition);
    codec_put_varint(out, m->input);
}

struct message *message_load(struct codec_in *in)
{
    struct message m = {.value = codec_get_span(in)};
    struct message_header *headers = NULL;
    struct message *copy;

    m.key = codec_get_span(in);
    m.header_count = codec_get_count(in, 2);
    if (m.header_count > 0)
        headers = mem_zero(m.header_count, sizeof(*headers));
    for (size_t i = 0; i < m.header_count; i++) {
        headers[i].name = codec_get_span(in);
        headers[i].value = codec_get_span(in);
    }
    m.headers = headers;
    m.offset = codec_get_sum(in);
    m.timestamp = codec_get_zigzag(in); /* whatever a producer made of it */
    m.partition = (uint32_t)codec_get_max(in, UINT32_MAX);
    m.input = (uint16_t)codec_get_max(in, UINT16_MAX);
    copy = in->error ? NULL : message_copy(&m);
    mem_free(headers);
    return copy;
}
