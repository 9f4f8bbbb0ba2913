/* SPDX-License-Identifier: Apache-2.0 */
/* What decoding costs: plain events of about 240 bytes with three dims, in batches, against
 * cJSON's parse alone and the strict scan alone of the same bytes, in turns. Pin it: taskset -c
 * 1 bench_decode
 *
 * Prints key=value: bytes of an event, ns per event (the median of the rounds), and the ratio to
 * cJSON. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "funnel/decode.h"
#include "funnel/json_scan.h"
#include "funnel/mem.h"
#include "funnel/settings.h"

#define BATCH 1000
#define BATCHES 100 /* of different bytes: 24 MB, more than the caches */
#define ROUNDS 15
#define TEXT_MAX 320

struct load {
    struct message *messages;
    char *texts;
    uint64_t bytes;
};

static uint64_t rng_state = 1;

static uint32_t rng(uint32_t below)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((rng_state >> 33) % below);
}

static void load_init(struct load *l)
{
    static const char *const stages[] = {"lead", "contact", "proposal", "negotiation", "won"};
    static const char *const channels[] = {"ads", "organic", "partner", "referral", "direct"};
    static const char *const regions[] = {"east", "west", "north", "south"};
    size_t count = (size_t)BATCH * BATCHES;

    l->messages = mem_zero(count, sizeof(*l->messages));
    l->texts = mem_alloc(count * TEXT_MAX);
    l->bytes = 0;
    for (size_t i = 0; i < count; i++) {
        char *text = l->texts + i * TEXT_MAX;
        int n = snprintf(
            text, TEXT_MAX,
            "{\"event_id\":\"5f0c%08x-77aa-4c1e\",\"entity_id\":\"deal-%07u\","
            "\"funnel\":\"sales\",\"stage\":\"%s\",\"ts\":\"2024-02-%02uT%02u:%02u:%02u.%03uZ\","
            "\"amount\":\"%u.%02u\",\"owner\":\"owner-%02u\",\"dims\":{\"channel\":\"%s\","
            "\"region\":\"%s\",\"product\":\"p-%03u\"}}",
            rng(UINT32_MAX), rng(1000000), stages[rng(5)], 1 + rng(28), rng(24), rng(60), rng(60),
            rng(1000), rng(100000), rng(100), rng(50), channels[rng(5)], regions[rng(4)], rng(200));

        l->messages[i] = (struct message){.value = {text, (uint32_t)n}, .timestamp = -1};
        l->bytes += (uint64_t)n;
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_decode(const struct load *l, struct decoder *d, uint64_t *sum)
{
    double from = now();

    for (size_t i = 0; i < BATCHES; i++) {
        const struct decoded *out = decode_batch(d, l->messages + i * BATCH, BATCH);

        *sum += out->event_count + (uint64_t)out->events[0].at.ms;
        if (out->failure_count > 0)
            abort();
    }
    return (now() - from) / (BATCH * BATCHES);
}

static double time_cjson(const struct load *l, uint64_t *sum)
{
    double from = now();

    for (size_t i = 0; i < (size_t)BATCH * BATCHES; i++) {
        struct span text = l->messages[i].value;
        cJSON *root = cJSON_ParseWithLengthOpts(text.p, text.len, NULL, 0);

        *sum += root != NULL;
        cJSON_Delete(root);
    }
    return (now() - from) / (BATCH * BATCHES);
}

static double time_scan(const struct load *l, struct json_scan *scan, uint64_t *sum)
{
    double from = now();
    uint32_t byte;

    for (size_t i = 0; i < (size_t)BATCH * BATCHES; i++)
        *sum += json_scan_text(scan, l->messages[i].value, 32, &byte) == JSON_OK;
    return (now() - from) / (BATCH * BATCHES);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), compare);
    return values[ROUNDS / 2];
}

int main(void)
{
    struct settings_input input = {.topic = "t", .preset = PRESET_PLAIN};
    struct settings settings = {
        .inputs = {&input, 1},
        .amount_decimals = 2,
        .limits = {.message = 1 << 20, .depth = 32, .id = 256},
        .fields = {"channel", "region", "product"},
        .field_count = 3,
    };
    double decode[ROUNDS], cjson[ROUNDS], scan[ROUNDS];
    struct decoder *d = decoder_new(&settings);
    struct json_scan scratch = {0};
    struct load l;
    uint64_t sum = 0;

    load_init(&l);
    time_decode(&l, d, &sum); /* warm */
    for (int i = 0; i < ROUNDS; i++) {
        decode[i] = time_decode(&l, d, &sum);
        cjson[i] = time_cjson(&l, &sum);
        scan[i] = time_scan(&l, &scratch, &sum);
    }
    printf("bytes_per_event=%.1f\n", (double)l.bytes / (BATCH * BATCHES));
    printf("decode_ns=%.1f\ncjson_parse_ns=%.1f\nscan_ns=%.1f\n", median(decode), median(cjson),
           median(scan));
    printf("decode_to_cjson=%.3f\n", median(decode) / median(cjson));
    printf("checksum=%" PRIu64 "\n", sum);
    json_scan_deinit(&scratch);
    decoder_free(d);
    mem_free(l.messages);
    mem_free(l.texts);
    return 0;
}
