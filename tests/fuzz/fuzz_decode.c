/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message: nothing crashes, what comes out keeps its bounds, and it is the same
 * alone, again and between others.
 *
 * An input is: one byte of options (OPTION_*), where OPTION_KEY is set one byte of the key's
 * length and the key, and the rest is the value. Its lowest two bits are the preset; 3 is plain
 * with a map. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/canon.h"
#include "funnel/deadletter.h"
#include "funnel/json_tree.h"
#include "funnel/mem.h"
#include "lib/decode_kit.h"

#define OPTION_PRESET 3u
#define OPTION_HEADERS 4u /* those of a CloudEvent in binary mode */
#define OPTION_KEY 8u
#define OPTION_TIGHT 16u /* small limits */
#define OPTION_NULL 32u  /* no value at all */
#define OPTION_TIMESTAMP 64u
#define OPTION_FROM_KEY 128u /* the entity's id is the key */

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

#define SPAN(literal) \
    { \
        literal, sizeof(literal) - 1 \
    }

static const struct message_header cloudevent_headers[] = {
    {SPAN("ce_specversion"), SPAN("1.0")},
    {SPAN("ce_id"), SPAN("e-1")},
    {SPAN("ce_time"), SPAN("2024-02-29T12:34:56.789Z")},
    {SPAN("ce_subject"), SPAN("deal-1")},
};

static void settings_of(struct kit_settings *k, unsigned options)
{
    static struct settings_named_source dims[] = {{"region", {.from = "key:/region"}}};
    static const int presets[] = {PRESET_PLAIN, PRESET_CLOUDEVENTS, PRESET_DEBEZIUM, PRESET_PLAIN};

    kit_init(k, presets[options & OPTION_PRESET], "channel region owner");
    if ((options & OPTION_PRESET) == 3) {
        k->input.map.entity_id.from = "/ids";
        k->input.map.stage = (struct settings_source){.from = "header:ce_subject", .fallback = "s"};
        k->input.map.ts = (struct settings_source){.from = "/a~1b/0", .fallback = "0"};
        k->input.map.dims.items = dims;
        k->input.map.dims.count = 1;
    }
    if (options & OPTION_FROM_KEY)
        k->input.map.entity_id.from = "key";
    if (options & OPTION_TIGHT) {
        k->settings.limits.message = 200;
        k->settings.limits.depth = 4;
        k->settings.limits.id = 8;
        k->settings.amount_decimals = 0;
    }
}

static struct message message_of(const uint8_t *data, size_t size)
{
    unsigned options = data[0];
    struct message m = {.timestamp = options & OPTION_TIMESTAMP ? 1700000000123 : -1};

    data++;
    size--;
    if (options & OPTION_HEADERS) {
        m.headers = cloudevent_headers;
        m.header_count = 4;
    }
    if (options & OPTION_KEY) {
        size_t len = size > 0 ? data[0] : 0;

        data += size > 0;
        size -= size > 0;
        len = len < size ? len : size;
        m.key = (struct span){(const char *)data, (uint32_t)len};
        data += len;
        size -= len;
    }
    if (!(options & OPTION_NULL))
        m.value = (struct span){(const char *)data, (uint32_t)size};
    return m;
}

static void check_token(struct span s, const struct settings *settings)
{
    CHECK(!s.p || (s.len > 0 && (int64_t)s.len <= settings->limits.id && json_utf8_valid(s)));
}

static void check_event(const struct event *e, const struct settings *settings)
{
    CHECK(e->entity.p);
    CHECK(e->stage.p || e->kind == EVENT_DELETE);
    CHECK(e->at.ms >= ETIME_MIN_MS && e->at.ms <= ETIME_MAX_MS);
    CHECK(!etime_is_set(e->entered_at) ||
          (e->entered_at.ms >= ETIME_MIN_MS && e->entered_at.ms <= ETIME_MAX_MS));
    CHECK(e->amount > -CANON_AMOUNT_LIMIT && e->amount < CANON_AMOUNT_LIMIT);
    CHECK(e->has_amount || e->amount == 0);
    check_token(e->entity, settings);
    check_token(e->stage, settings);
    check_token(e->funnel, settings);
    check_token(e->id, settings);
    check_token(e->reason, settings);
    for (size_t i = 0; i < EVENT_FIELDS_MAX; i++) {
        check_token(e->fields[i], settings);
        CHECK(i < settings->field_count || !e->fields[i].p);
    }
}

static void check_decoded(const struct decoded *d, const struct message *m,
                          const struct settings *settings)
{
    CHECK(d->failure_count <= 1 && d->event_count <= 64);
    CHECK((d->failure_count == 0) == (d->event_count > 0));
    for (size_t i = 0; i < d->event_count; i++)
        check_event(&d->events[i], settings);
    if (d->failure_count == 0)
        return;
    CHECK(d->failures[0].byte <= m->value.len);
    CHECK(d->failures[0].reason <= REJECT_AMOUNT);
}

/* The lines of one message of a batch, as if it were the first. */
static void dump_message(struct buf *out, const struct settings *settings, const struct decoded *d,
                         uint32_t message)
{
    for (size_t i = 0; i < d->event_count; i++) {
        struct event e = d->events[i];

        if (e.message != message)
            continue;
        e.message = 0;
        kit_event(out, settings, &e);
    }
    for (size_t i = 0; i < d->failure_count; i++) {
        struct decode_failure f = d->failures[i];

        f.message = 0;
        if (d->failures[i].message == message)
            kit_dump(out, settings, &(struct decoded){.failures = &f, .failure_count = 1});
    }
}

static void check_same(struct decoder *d, const struct settings *settings, const struct message *m,
                       const struct buf *alone)
{
    static const char good[] = "{\"entity_id\":[\"\\u0061\",2],\"stage\":\"s\",\"ts\":1.5}";
    const struct message other = {.value = SPAN(good), .timestamp = -1};
    const struct message bad = {.value = SPAN("[\"\\ud800"), .timestamp = -1};
    const struct message batch[] = {other, *m, bad, *m, other};
    struct buf again = {0};
    const struct decoded *out = decode_batch(d, batch, 5);

    for (uint32_t i = 1; i <= 3; i += 2) {
        buf_clear(&again);
        dump_message(&again, settings, out, i);
        CHECK(again.len == alone->len && memcmp(again.data, alone->data, again.len) == 0);
    }
    buf_deinit(&again);
}

/* What the scan takes, cJSON takes, too, and the two see the same values. */
static void check_tree(struct span text)
{
    struct arena *arena = arena_new();
    struct json_tree tree = {0};
    struct json_scan scan = {0};
    uint32_t scanned = 0, parsed = 0;
    enum json_status status = json_scan_text(&scan, text, 100, &scanned);

    CHECK(json_tree_parse(&tree, text, 100, arena, &parsed) == status && scanned == parsed);
    CHECK(status != JSON_OK || json_utf8_valid(text));
    json_tree_deinit(&tree);
    json_scan_deinit(&scan);
    arena_free(arena);
}

static void check_canon(struct span text)
{
    char written[CANON_RFC3339_SIZE];
    int64_t ms, again, minor;

    if (canon_time(text, FORMAT_AUTO, &ms) == 0) {
        canon_rfc3339(ms, written);
        CHECK(canon_time_rfc3339(span_of(written), &again) == 0 && again == ms);
    }
    if (canon_amount(text, 2, &minor) == 0)
        CHECK(minor > -CANON_AMOUNT_LIMIT && minor < CANON_AMOUNT_LIMIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct records letters = {0};
    struct buf alone = {0};
    struct kit_settings k;
    struct message m;
    struct decoder *d;
    const struct decoded *out;

    if (size == 0)
        return 0;
    settings_of(&k, data[0]);
    m = message_of(data, size);
    d = decoder_new(&k.settings);
    out = decode_batch(d, &m, 1);
    check_decoded(out, &m, &k.settings);
    kit_dump(&alone, &k.settings, out);
    if (out->failure_count > 0)
        deadletter_put(&letters, &m, "t", 0, out->failures[0].reason, out->failures[0].field,
                       out->failures[0].byte);
    check_same(d, &k.settings, &m, &alone);
    if (m.value.p) {
        check_tree(m.value);
        check_canon(m.value);
    }
    decoder_free(d);
    buf_deinit(&alone);
    records_deinit(&letters);
    return 0;
}
