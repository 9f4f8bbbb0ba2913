/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a section of saved state: nothing crashes, what is refused leaves a pipeline that can be freed, and
 * what is taken is saved again as the same bytes and can go on.
 *
 * The input is: the section's number, how it is made, then its bytes. They stand for themselves, or follow the
 * first part of what a real pipeline saved (two bytes say how much), or change it: a place (two or three bytes), a
 * byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "funnel/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

static const char yaml[] =
    "kafka: {bootstrap.servers: 'b:1'}\n"
    "inputs: [{topic: in}]\n"
    "time: {zone: UTC, lateness: 2m, pane: 1m, max_jump: 20m, max_ahead: 2h}\n"
    "limits: {entities: 1000}\n"
    "funnels:\n"
    "  f:\n"
    "    stages: [{id: a, target: 60%, dwell: 2m}, b, c, d]\n"
    "    lost: [lost]\n"
    "    skip: reject\n"
    "    dedupe: 1h\n"
    "    window: 30m\n"
    "    windows: [5m]\n"
    "    dims: {channel: {top: 2}}\n"
    "    breakdowns: [owner]\n"
    "    rules:\n"
    "      - {id: low, kind: target, target: 50%, window: 5m, min_entries: 3, significance: 0.2}\n"
    "      - {id: matured, kind: target, target: 50%, window: 1d, measure: matured}\n"
    "      - {id: drop, kind: drop, step: a>b, budget: 10/week}\n";

#define SOURCES 2
#define SECTIONS_MAX 8
#define START INT64_C(1710720000000)

static struct settings *settings;
static struct zone *zone;
static const struct pipeline_source sources[SOURCES] = {{"in", 0, 0}, {"in", 1, 0}};
static struct buf saved[SECTIONS_MAX];
static size_t section_count;

/* `count` events from number `from` on. */
static void feed(struct pipeline *p, int from, int count)
{
    static const char *const stages[] = {"a", "b", "a", "c", "a", "lost", "b"};
    struct records out = {0};

    for (int i = from; i < from + count; i++) {
        int64_t at = START + i * INT64_C(15000);
        char text[300];
        struct message m = {.offset = i, .timestamp = at, .partition = (uint32_t)i % SOURCES};
        int n = snprintf(text, sizeof(text),
                         "{\"entity_id\":\"e%d\",\"stage\":\"%s\",\"ts\":%lld,\"event_id\":\"i%d\","
                         "\"owner\":\"o%d\",\"amount\":%d,\"reason\":\"r%d\","
                         "\"dims\":{\"channel\":\"c%d\"}}",
                         i / 3, stages[i % 7],
                         (long long)(at - i % 5 * 17000 + (i % 16 == 9 ? 1500000 : 0)), i, i % 3, i,
                         i % 2, i % 4);

        m.value = (struct span){text, (uint32_t)n};
        pipeline_step(p, &m, 1, &out);
    }
    records_deinit(&out);
}

static void save(const struct pipeline *p, size_t section, struct buf *ret)
{
    unsigned char window[256];
    struct codec_out out = {
        .data = window, .cap = sizeof(window), .flush = codec_flush_buf, .context = ret};

    pipeline_section_save(p, section, &out);
    codec_flush_buf(&out);
}

static void make_saved(void)
{
    struct settings_problems problems = {0};
    struct pipeline *p;

    settings = settings_parse(yaml, sizeof(yaml) - 1, &problems);
    CHECK(settings);
    settings_problems_deinit(&problems);
    zone = zone_fixed("UTC", 0);
    p = pipeline_new(settings, zone, sources, SOURCES);
    feed(p, 0, 90);
    section_count = pipeline_sections(p);
    CHECK(section_count <= SECTIONS_MAX);
    for (size_t i = 0; i < section_count; i++)
        save(p, i, &saved[i]);
    pipeline_free(p);
}

static void make_bytes(size_t section, int how, const uint8_t *data, size_t size, struct buf *ret)
{
    const struct buf *real = &saved[section];

    if (how == 0 || size < 2) {
        buf_add(ret, data, size);
    } else if (how == 1) {
        size_t part = (data[0] | (size_t)data[1] << 8) % (real->len + 1);

        buf_add(ret, real->data, part);
        buf_add(ret, data + 2, size - 2);
    } else {
        size_t each = how == 2 ? 3 : 4; /* a place of two bytes or three */

        buf_add(ret, real->data, real->len);
        for (; size >= each; data += each, size -= each) {
            size_t at = data[0] | (size_t)data[1] << 8 | (each == 4 ? (size_t)data[2] << 16 : 0);

            ret->data[at % real->len] = (char)data[each - 1];
        }
    }
}

/* Allocated exactly, so that a read past its end is seen. */
static const char *load(struct pipeline *p, size_t section, const struct buf *bytes)
{
    unsigned char *exact = malloc(bytes->len ? bytes->len : 1);
    struct codec_in in = {.p = exact, .left = bytes->len};

    CHECK(exact);
    if (bytes->len > 0)
        memcpy(exact, bytes->data, bytes->len);
    pipeline_section_load(p, section, &in);
    free(exact);
    return in.error;
}

static void check_same(const struct pipeline *p, size_t section, const struct buf *bytes)
{
    struct buf again = {0};

    save(p, section, &again);
    CHECK(again.len == bytes->len && memcmp(again.data, bytes->data, again.len) == 0);
    buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pipeline *p;
    const char *wrong = NULL;
    struct buf bytes = {0};
    size_t section;

    if (!settings)
        make_saved();
    if (size < 2)
        return 0;
    section = data[0] % section_count;
    make_bytes(section, data[1] % 4, data + 2, size - 2, &bytes);
    p = pipeline_new(settings, zone, sources, SOURCES);
    for (size_t i = 0; i < section_count && !wrong; i++) {
        wrong = load(p, i, i == section ? &bytes : &saved[i]);
        if (!wrong && i == section)
            check_same(p, i, &bytes);
    }
    if (!wrong)
        feed(p, 90, 60);
    pipeline_free(p);
    buf_deinit(&bytes);
    return 0;
}
