/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/heartbeat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/alert.h"
#include "funnel/canon.h"
#include "funnel/json_out.h"

static struct span span_in(const struct buf *b)
{
    return (struct span){b->data, (uint32_t)b->len};
}

static void put_id(struct records *out, const char *group, int64_t now_ms)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(group, strlen(group), (uint64_t)now_ms);
    char text[33];

    snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
    record_header(out, "ce_id", span_of(text));
}

static void put_key(struct records *out, const char *group)
{
    struct buf text = {0};

    buf_fmt(&text, "heartbeat/%s", group);
    record_key(out, span_in(&text));
    buf_deinit(&text);
}

static void put_value(struct records *out, const char *group, const char *time, int64_t every_ms,
                      const char *version)
{
    struct buf text = {0};

    buf_str(&text, "{\"status\":\"alive\",\"group\":");
    buf_json_string(&text, span_of(group));
    buf_fmt(&text, ",\"at\":\"%s\",\"every_ms\":%" PRId64 ",\"version\":", time, every_ms);
    buf_json_string(&text, span_of(version));
    buf_char(&text, '}');
    record_value(out, span_in(&text));
    buf_deinit(&text);
}

void heartbeat_put(struct records *out, const char *group, int64_t now_ms, int64_t every_ms,
                   const char *version)
{
    char time[CANON_RFC3339_SIZE];
    struct buf source = {0};

    canon_rfc3339(now_ms, time);
    alert_source_put(&source, group);
    record_begin(out, RECORD_ALERT, now_ms);
    put_key(out, group);
    put_value(out, group, time, every_ms, version);
    record_header(out, "ce_specversion", span_of("1.0"));
    put_id(out, group, now_ms);
    record_header(out, "ce_type", span_of("io.funneld.heartbeat"));
    record_header(out, "ce_source", span_in(&source));
    record_header(out, "ce_subject", span_of("heartbeat"));
    record_header(out, "ce_time", span_of(time));
    record_header(out, "content-type", span_of("application/json"));
    buf_deinit(&source);
}
