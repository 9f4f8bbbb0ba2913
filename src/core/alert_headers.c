/* SPDX-License-Identifier: Apache-2.0 */
#include "alert_headers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/canon.h"

const char *const alert_labels_fixed[ALERT_LABELS_FIXED] = {"alertname", "severity", "funnel",
                                                            "step"};

bool alert_label_is_reserved(struct span name)
{
    for (int i = 0; i < ALERT_LABELS_FIXED; i++) {
        if (span_is(name, alert_labels_fixed[i]))
            return true;
    }
    return false;
}

/* Percent-encodes control characters (which CloudEvents forbids, C1 too) and the bytes of
 * `reserved`. */
static void put_encoded(struct buf *out, struct span text, const char *reserved)
{
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        unsigned char next = i + 1 < text.len ? (unsigned char)text.p[i + 1] : 0;

        if (c == 0xC2 && next < 0xA0) {
            buf_fmt(out, "%%%02X%%%02X", c, next);
            i++;
        } else if (c < 0x20 || c == 0x7F || strchr(reserved, c)) {
            buf_fmt(out, "%%%02X", c);
        } else {
            buf_char(out, (char)c);
        }
    }
}

/* A URI reference, RFC 3986: what is not unreserved is encoded. */
void alert_source_put(struct buf *out, const char *group)
{
    buf_str(out, "funneld/");
    for (const char *p = group; *p; p++) {
        unsigned char c = (unsigned char)*p;
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (letter || (c >= '0' && c <= '9') || strchr("-._~", c))
            buf_char(out, *p);
        else
            buf_fmt(out, "%%%02X", c);
    }
}

static void header_source(struct records *out, const char *group)
{
    struct buf text = {0};

    alert_source_put(&text, group);
    record_header(out, "ce_source", (struct span){text.data, (uint32_t)text.len});
    buf_deinit(&text);
}

/* sales/cart>checkout/channel=ads,region=east: labels come in this order. Of a source: source=orders. */
static void header_subject(struct records *out, const struct alert_headers *h)
{
    struct buf text = {0};
    int dims = 0;

    for (size_t i = 0; i < h->label_count; i++) {
        const struct alert_label *label = &h->labels[i];

        if (span_is(label->name, "alertname") || span_is(label->name, "severity"))
            continue;
        if (alert_label_is_reserved(label->name)) {
            buf_str(&text, text.len ? "/" : "");
            put_encoded(&text, label->value, "%/");
            continue;
        }
        buf_str(&text, dims++ ? "," : text.len ? "/" : "");
        put_encoded(&text, label->name, "%/,=");
        buf_char(&text, '=');
        put_encoded(&text, label->value, "%/,=");
    }
    record_header(out, "ce_subject", (struct span){text.data, (uint32_t)text.len});
    buf_deinit(&text);
}

static unsigned char *store(unsigned char *at, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        *at++ = (unsigned char)(x >> (8 * i));
    return at;
}

/* The same turn of the same alert has the same id, whoever computes it and however often. */
static void header_id(struct records *out, const struct alert_headers *h)
{
    unsigned char bytes[4 * 8], *end = bytes;
    XXH128_hash_t hash;
    char text[2 * 16 + 1];

    end = store(end, h->rule_hash);
    end = store(end, h->fingerprint);
    end = store(end, (uint64_t)h->to_ms);
    end = store(end, h->sequence);
    hash = XXH3_128bits(bytes, (size_t)(end - bytes));
    snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
    record_header(out, "ce_id", span_of(text));
}

void alert_headers_put(struct records *out, const struct alert_headers *h)
{
    static const char *const TYPES[] = {
        [ALERT_STATUS_FIRING] = "io.funneld.alert.firing",
        [ALERT_STATUS_UPDATED] = "io.funneld.alert.updated",
        [ALERT_STATUS_RESOLVED] = "io.funneld.alert.resolved",
    };
    char time[CANON_RFC3339_SIZE];

    canon_rfc3339(h->at.ms, time);
    record_header(out, "ce_specversion", span_of("1.0"));
    header_id(out, h);
    record_header(out, "ce_type", span_of(TYPES[h->status]));
    header_source(out, h->group);
    header_subject(out, h);
    record_header(out, "ce_time", span_of(time));
    record_header(out, "content-type", span_of("application/json"));
}
