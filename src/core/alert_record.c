/* SPDX-License-Identifier: Apache-2.0 */
/* The published form of an alert: docs/alerts.md in code. Every key is always there; what does not
 * apply is null, so that a consumer need not tell "absent" from "null". cJSON arranges and
 * escapes; numbers go in as raw text, because cJSON would print 17 digits where the product's form
 * has 9. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/alert.h"
#include "funnel/canon.h"
#include "funnel/mem.h"
#include "funnel/sentence.h"
#include "funnel/stats.h"
#include "alert_headers.h"

/* Bounds that keep a value under 64 KiB, whatever its text escapes to; a test builds the worst
 * one. */
#define TEXT_BYTES 256
#define SEGMENT_BYTES 64
#define URL_BYTES 2048

#define HASH_DIGITS 16

/* --- labels --- */

struct labels {
    struct arena *arena;
    struct alert_label items[ALERT_LABELS_MAX]; /* in the value's order */
    size_t count;
};

/* At most `max` bytes. A longer one keeps its beginning and ends in a hash of the whole: two that
 * differ late stay two. */
static struct span bounded_to(struct arena *arena, struct span text, uint32_t max)
{
    struct buf b = {0};
    uint32_t keep = text.len;
    struct span copy;

    if (text.len > max)
        keep = sentence_clip(text, max - 1 - HASH_DIGITS);
    buf_add(&b, text.p, keep);
    if (keep < text.len)
        buf_fmt(&b, "~%016" PRIx64, (uint64_t)XXH3_64bits(text.p, text.len));
    copy = (struct span){arena_strndup(arena, buf_cstr(&b), b.len), (uint32_t)b.len};
    buf_deinit(&b);
    return copy;
}

static struct span bounded(struct arena *arena, struct span text)
{
    return bounded_to(arena, text, TEXT_BYTES);
}

/* A dimension named like one of our own labels, or like what that becomes, gets one more prefix:
 * distinct names stay distinct. */
static struct span dim_label(struct arena *arena, struct span name)
{
    struct span rest = name;
    struct buf b = {0};

    while (rest.len > 4 && memcmp(rest.p, "dim_", 4) == 0)
        rest = (struct span){rest.p + 4, rest.len - 4};
    if (alert_label_is_reserved(rest))
        buf_str(&b, "dim_");
    buf_add(&b, name.p, name.len);
    name = bounded(arena, (struct span){buf_cstr(&b), (uint32_t)b.len});
    buf_deinit(&b);
    return name;
}

/* An empty value is the same as no label, in Prometheus and in Alertmanager. */
static void labels_add(struct labels *l, struct span name, struct span value)
{
    if (value.len > 0)
        l->items[l->count++] = (struct alert_label){name, bounded(l->arena, value)};
}

static void labels_init(struct labels *l, const struct alert *a)
{
    const char *fixed[ALERT_LABELS_FIXED] = {a->alertname ? a->alertname : a->rule_id, a->severity,
                                             a->funnel, a->step};

    if (a->dim_count > DIMS_MAX)
        abort();
    l->arena = arena_new();
    l->count = 0;
    for (int i = 0; i < ALERT_LABELS_FIXED; i++)
        labels_add(l, span_of(alert_labels_fixed[i]), span_of(fixed[i]));
    labels_add(l, span_of("source"), span_of(a->source));
    for (size_t i = 0; i < a->dim_count; i++)
        labels_add(l, dim_label(l->arena, a->dims[i].name), a->dims[i].value);
}

static int label_compare(const void *a, const void *b)
{
    return span_compare(((const struct alert_label *)a)->name,
                        ((const struct alert_label *)b)->name);
}

static uint64_t fnv1a(uint64_t hash, struct span text)
{
    for (uint32_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
    return hash;
}

/* LabelSet.Fingerprint() of github.com/prometheus/common, model/signature.go: FNV-1a over name,
 * 0xff, value, 0xff of each label by name; 0xff occurs in no UTF-8 text. */
static uint64_t labels_fingerprint(const struct labels *l)
{
    static const struct span SEPARATOR = {"\xff", 1};
    struct alert_label sorted[ALERT_LABELS_MAX];
    uint64_t hash = UINT64_C(14695981039346656037);

    memcpy(sorted, l->items, l->count * sizeof(*sorted));
    qsort(sorted, l->count, sizeof(*sorted), label_compare);
    for (size_t i = 0; i < l->count; i++) {
        hash = fnv1a(fnv1a(hash, sorted[i].name), SEPARATOR);
        hash = fnv1a(fnv1a(hash, sorted[i].value), SEPARATOR);
    }
    return hash;
}

struct arena *alert_labels(const struct alert *a, struct alert_label ret[ALERT_LABELS_MAX],
                           size_t *ret_count)
{
    struct labels labels;

    labels_init(&labels, a);
    memcpy(ret, labels.items, labels.count * sizeof(*ret));
    *ret_count = labels.count;
    return labels.arena;
}

uint64_t alert_fingerprint(const struct alert *a)
{
    struct labels labels;
    uint64_t fingerprint;

    labels_init(&labels, a);
    fingerprint = labels_fingerprint(&labels);
    arena_free(labels.arena);
    return fingerprint;
}

/* --- pieces of the value --- */

/* cJSON reports memory that ran out as NULL, and prints an incomplete tree without a word. */
static cJSON *put(cJSON *object, const char *key, cJSON *item)
{
    if (!item || !cJSON_AddItemToObjectCS(object, key, item))
        abort();
    return item;
}

static void put_null(cJSON *object, const char *key)
{
    put(object, key, cJSON_CreateNull());
}

static void put_text(cJSON *object, const char *key, const char *text)
{
    put(object, key, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static void put_number(cJSON *object, const char *key, double x)
{
    struct buf text = {0};

    buf_number(&text, x);
    put(object, key, cJSON_CreateRaw(buf_cstr(&text)));
    buf_deinit(&text);
}

static void put_integer(cJSON *object, const char *key, int64_t n)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, n);
    put(object, key, cJSON_CreateRaw(text));
}

static void put_time(cJSON *object, const char *key, struct etime at)
{
    char text[CANON_RFC3339_SIZE];

    canon_rfc3339(at.ms, text);
    put_text(object, key, etime_is_set(at) ? text : NULL);
}

static void put_hash(cJSON *object, const char *key, uint64_t hash)
{
    char text[HASH_DIGITS + 1];

    snprintf(text, sizeof(text), "%016" PRIx64, hash);
    put_text(object, key, text);
}

/* Exact, and a string: a JSON number would be read as a double. */
static void put_amount(cJSON *object, const char *key, int64_t minor, int decimals)
{
    uint64_t n = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor, unit = 1;
    struct buf text = {0};

    for (int i = 0; i < decimals; i++)
        unit *= 10;
    buf_fmt(&text, "%s%" PRIu64, minor < 0 ? "-" : "", n / unit);
    if (decimals > 0)
        buf_fmt(&text, ".%0*" PRIu64, decimals, n % unit);
    put_text(object, key, buf_cstr(&text));
    buf_deinit(&text);
}

static void put_sentence(cJSON *object, const char *key, const struct alert *a,
                         void (*sentence)(struct buf *, const struct alert *))
{
    struct buf text = {0};

    sentence(&text, a);
    put_text(object, key, buf_cstr(&text));
    buf_deinit(&text);
}

/* --- the value --- */

static const char *const STATUS[] = {
    [ALERT_STATUS_FIRING] = "firing",
    [ALERT_STATUS_UPDATED] = "updated",
    [ALERT_STATUS_RESOLVED] = "resolved",
};
static const char *const KINDS[] = {
    [RULE_TARGET] = "target",
    [RULE_BENCHMARK] = "benchmark",
    [RULE_CHANGE] = "change",
    [RULE_DROP] = "drop",
    [RULE_RISE] = "rise",
    [RULE_VOLUME] = "volume",
    [RULE_MIX] = "mix",
    [RULE_DATA_QUALITY] = "data_quality",
    [ALERT_KIND_INTERVENTION] = "intervention",
    [ALERT_KIND_NO_DATA] = "no_data",
    [ALERT_KIND_DATA_GAP] = "data_gap",
};
static const char *const MEASURES[] = {
    [MEASURE_THROUGHPUT] = "throughput",
    [MEASURE_COHORT] = "cohort",
    [MEASURE_MATURED] = "matured",
    [ALERT_MEASURE_EVENTS] = "events",
};

static void put_identity(cJSON *value, const struct alert *a, const struct labels *labels)
{
    cJSON *object;

    put_text(value, "status", STATUS[a->status]);
    put_hash(value, "fingerprint", labels_fingerprint(labels));
    object = put(value, "labels", cJSON_CreateObject());
    for (size_t i = 0; i < labels->count; i++)
        put_text(object, labels->items[i].name.p, labels->items[i].value.p);
}

static void put_annotations(cJSON *value, const struct alert *a)
{
    cJSON *object = put(value, "annotations", cJSON_CreateObject());
    /* A link cut short leads nowhere. */
    int linked = a->runbook_url && strlen(a->runbook_url) <= URL_BYTES;

    put_sentence(object, "summary", a, sentence_summary);
    put_sentence(object, "description", a, sentence_description);
    put_text(object, "runbook_url", linked ? a->runbook_url : NULL);
}

static void put_rule(cJSON *value, const struct alert *a, struct arena *arena)
{
    cJSON *object = put(value, "rule", cJSON_CreateObject());

    put_text(object, "id", bounded(arena, span_of(a->rule_id)).p);
    put_hash(object, "hash", a->rule_hash);
    put_text(object, "kind", KINDS[a->rule_kind]);
}

static void put_window(cJSON *value, const struct alert *a, struct arena *arena)
{
    cJSON *object = put(value, "window", cJSON_CreateObject());

    put_time(object, "from", a->from);
    put_time(object, "to", a->to);
    put_text(object, "zone", bounded(arena, span_of(a->zone)).p);
    put_text(value, "measure", MEASURES[a->measure]);
}

/* Counts of events instead of conversions: what these are follows the keys that every record has. Only data_quality
 * has a rate, the share of its bad events. */
static void put_events(cJSON *observed, cJSON *expected, cJSON *effect, const struct alert *a)
{
    bool gap = a->rule_kind == ALERT_KIND_DATA_GAP, bad = a->rule_kind == RULE_DATA_QUALITY;
    bool shift = a->rule_kind == RULE_MIX || a->rule_kind == RULE_VOLUME;
    double none = __builtin_nan("");

    put_null(observed, "entries");
    put_null(observed, "conversions");
    put_number(observed, "rate", bad ? a->rate : none);
    put_number(observed, "low", bad ? a->low : none);
    put_number(observed, "high", bad ? a->high : none);
    if (gap)
        put_null(observed, "events");
    else
        put_integer(observed, "events", a->events);
    put_number(expected, "rate", bad ? a->expected_rate : none);
    put_null(expected, "conversions");
    put_text(expected, "source", a->expected_source);
    put_number(expected, "events", bad || a->rule_kind == RULE_MIX ? none : a->expected_events);
    put_number(effect, "absolute", bad || shift ? a->effect_absolute : none);
    put_number(effect, "relative", bad || shift ? a->effect_relative : none);
    put_null(effect, "lost_conversions");
    put_null(effect, "lost_amount");
    if (gap || bad)
        put_integer(effect, "lost_records", a->lost_records);
    else
        put_null(effect, "lost_records");
}

static void put_rates(cJSON *value, const struct alert *a)
{
    cJSON *observed = put(value, "observed", cJSON_CreateObject());
    cJSON *expected = put(value, "expected", cJSON_CreateObject());
    cJSON *effect = put(value, "effect", cJSON_CreateObject());

    if (a->measure == ALERT_MEASURE_EVENTS) {
        put_events(observed, expected, effect, a);
        return;
    }
    put_integer(observed, "entries", a->entries);
    put_integer(observed, "conversions", a->conversions);
    put_number(observed, "rate", a->rate);
    put_number(observed, "low", a->low);
    put_number(observed, "high", a->high);
    put_number(expected, "rate", a->expected_rate);
    put_number(expected, "conversions", a->expected_conversions);
    put_text(expected, "source", a->expected_source);
    put_number(effect, "absolute", a->effect_absolute);
    put_number(effect, "relative", a->effect_relative);
    put_number(effect, "lost_conversions", a->lost_conversions);
    if (a->has_lost_amount)
        put_amount(effect, "lost_amount", a->lost_amount, a->amount_decimals);
    else
        put_null(effect, "lost_amount");
}

static void put_parts(cJSON *value, const struct alert *a)
{
    cJSON *array = put(value, "attribution", cJSON_CreateArray());
    struct arena *arena = arena_new();

    for (size_t i = 0; i < a->part_count && i < ALERT_PARTS_MAX; i++) {
        cJSON *part = cJSON_CreateObject();

        if (!part || !cJSON_AddItemToArray(array, part))
            abort();
        put_text(part, "segment", bounded_to(arena, a->parts[i].segment, SEGMENT_BYTES).p);
        put_number(part, "rate_effect", a->parts[i].rate_effect);
        put_number(part, "mix_effect", a->parts[i].mix_effect);
        put(part, "affected", cJSON_CreateBool(a->parts[i].affected));
    }
    put_number(value, "remainder", a->part_count > 0 ? a->remainder : __builtin_nan(""));
    arena_free(arena);
}

static void put_grounds(cJSON *value, const struct alert *a)
{
    cJSON *evidence = put(value, "evidence", cJSON_CreateObject());
    cJSON *data;

    put_number(evidence, "statistic", a->statistic);
    put_number(evidence, "threshold", a->threshold);
    put_number(evidence, "budget", a->budget);
    put_time(value, "change_point", a->change_point);
    put_number(value, "maturity", a->maturity);
    put_parts(value, a);
    data = put(value, "data", cJSON_CreateObject());
    put_time(data, "watermark", a->watermark);
    put_integer(data, "late", a->late);
    put_integer(data, "split_keys", a->split_keys);
    put(data, "complete", cJSON_CreateBool(a->complete));
}

static void put_silences(cJSON *value, const struct alert *a)
{
    cJSON *array = put(value, "silenced_by", cJSON_CreateArray());
    char id[TEXT_BYTES + 1];

    for (size_t i = 0; i < a->silenced_count && i < ALERT_SILENCES_MAX; i++) {
        snprintf(id, sizeof(id), "%.*s", (int)a->silenced_by[i].len, a->silenced_by[i].p);
        if (!cJSON_AddItemToArray(array, cJSON_CreateString(id)))
            abort();
    }
}

static void put_value(struct records *out, const struct alert *a, const struct labels *labels)
{
    cJSON *value = cJSON_CreateObject();
    char *text;

    if (!value)
        abort();
    put_identity(value, a, labels);
    put_annotations(value, a);
    put_time(value, "startsAt", a->starts_at);
    put_time(value, "endsAt", a->ends_at);
    put_text(value, "endsReason", a->ends_reason);
    put_rule(value, a, labels->arena);
    put_window(value, a, labels->arena);
    put_rates(value, a);
    put_grounds(value, a);
    put_silences(value, a);
    put_integer(value, "sequence", a->sequence);
    text = cJSON_PrintUnformatted(value);
    if (!text)
        abort();
    record_value(out, span_of(text));
    cJSON_free(text);
    cJSON_Delete(value);
}

void alert_put(struct records *out, const struct alert *a)
{
    struct labels labels;
    struct alert_headers headers;
    char key[HASH_DIGITS + 1];

    labels_init(&labels, a);
    headers = (struct alert_headers){.group = a->group,
                                     .labels = labels.items,
                                     .label_count = labels.count,
                                     .status = a->status,
                                     .rule_hash = a->rule_hash,
                                     .fingerprint = labels_fingerprint(&labels),
                                     .to_ms = a->to.ms,
                                     .sequence = a->sequence,
                                     .at = a->at};
    snprintf(key, sizeof(key), "%016" PRIx64, headers.fingerprint);
    record_begin(out, RECORD_ALERT, a->at.ms);
    record_key(out, span_of(key));
    put_value(out, a, &labels);
    alert_headers_put(out, &headers);
    arena_free(labels.arena);
}
