/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/deadletter.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "funneld_"

static struct span cut(struct span s, uint32_t max)
{
    return s.len > max ? (struct span){s.p, max} : s;
}

static void put_number(struct records *out, const char *name, int64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);

    record_header(out, name, (struct span){digits, (uint32_t)len});
}

/* An own header on a letter that comes back would contradict the new one of the same name. */
static int header_is_kept(const struct message_header *h)
{
    return h->name.p && h->name.len <= DEADLETTER_HEADER_NAME_MAX &&
           !(h->name.len >= sizeof(PREFIX) - 1 &&
             memcmp(h->name.p, PREFIX, sizeof(PREFIX) - 1) == 0) &&
           !memchr(h->name.p, '\0', h->name.len);
}

/* How many headers of the front are looked at: the rest would be too much. */
static size_t headers_that_fit(const struct message *m, size_t *ret_dropped)
{
    size_t left = DEADLETTER_HEADERS_MAX, i;

    *ret_dropped = 0;
    for (i = 0; i < m->header_count; i++) {
        const struct message_header *h = &m->headers[i];
        size_t size = (size_t)h->name.len + h->value.len + DEADLETTER_HEADER_FRAMING;

        if (!header_is_kept(h)) {
            ++*ret_dropped;
            continue;
        }
        if (size > left)
            break;
        left -= size;
    }
    *ret_dropped += m->header_count - i;
    return i;
}

static void put_original_headers(struct records *out, const struct message *m)
{
    char name[DEADLETTER_HEADER_NAME_MAX + 1];
    size_t dropped, n = headers_that_fit(m, &dropped);

    if (dropped > 0)
        put_number(out, PREFIX "headers_dropped", (int64_t)dropped);
    for (size_t i = 0; i < n; i++) {
        const struct message_header *h = &m->headers[i];

        if (!header_is_kept(h))
            continue;
        memcpy(name, h->name.p, h->name.len);
        name[h->name.len] = '\0';
        record_header(out, name, h->value);
    }
}

void deadletter_put(struct records *out, const struct message *m, const char *topic,
                    int32_t kafka_partition, enum reject reason, const char *field, uint32_t byte)
{
    record_begin(out, RECORD_DEADLETTER, -1);
    record_key(out, cut(m->key, DEADLETTER_KEY_MAX));
    record_value(out, cut(m->value, DEADLETTER_VALUE_MAX));
    record_header(out, PREFIX "reason", span_of(reject_word(reason)));
    if (field)
        record_header(out, PREFIX "field", cut(span_of(field), DEADLETTER_FIELD_MAX));
    put_number(out, PREFIX "byte", byte);
    record_header(out, PREFIX "topic", span_of(topic));
    put_number(out, PREFIX "partition", kafka_partition);
    put_number(out, PREFIX "offset", m->offset);
    if (m->timestamp >= 0)
        put_number(out, PREFIX "timestamp", m->timestamp);
    if (m->value.len > DEADLETTER_VALUE_MAX)
        put_number(out, PREFIX "truncated", m->value.len);
    if (m->key.len > DEADLETTER_KEY_MAX)
        put_number(out, PREFIX "key_truncated", m->key.len);
    put_original_headers(out, m);
}
