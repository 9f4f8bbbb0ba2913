/* SPDX-License-Identifier: Apache-2.0 */
/* The reference "floor": bare, and simdjson On-Demand over a padded copy, one flat hash table's update
 * by entity, one counter of a window. None of funneld's meaning: no disorder, no dimensions, no checks of
 * what is not read, no transactions. What is left to pay above it is what funneld does.
 *
 *   taskset -c 1 floor BROKERS TOPIC [ENTITIES]      (the table's size comes from ENTITIES) */
#include "consumer.h"

#include <cinttypes>
#include <cstring>
#include <string_view>
#include <vector>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <simdjson.h>

/* What On-Demand was compiled for. builtin_implementation() would tell what the library was. */
#define KERNEL_TEXT(name) #name
#define KERNEL_OF(name) KERNEL_TEXT(name)
#define KERNEL KERNEL_OF(SIMDJSON_BUILTIN_IMPLEMENTATION)

namespace ondemand = simdjson::ondemand;

static constexpr size_t TEXT_MAX = 4096;
static constexpr int64_t PANE_MS = 60000;
static constexpr size_t PANES = 4096; /* a ring */

struct floor_state {
    uint64_t fingerprint; /* 0: free */
    int64_t first_ms, last_ms;
    uint32_t amount;
    uint16_t events;
    uint8_t stage, highest;
};
static_assert(sizeof(floor_state) == 32, "the floor's state is 32 bytes");

struct floor_event {
    uint64_t fingerprint;
    int64_t ms;
    uint32_t amount;
    uint8_t stage;
};

struct floor_run {
    ondemand::parser parser;
    char text[TEXT_MAX + simdjson::SIMDJSON_PADDING];
    floor_event events[CONSUMER_BATCH];
    std::vector<floor_state> table; /* a power of two */
    size_t used = 0;
    uint64_t panes[PANES][4] = {};
    uint64_t refused = 0, touched = 0;
};

/* Values are taken by named results: value_unsafe() of a temporary dangles. */
static inline bool text_of(ondemand::object &object, std::string_view key, std::string_view &out)
{
    return object[key].get(out) == simdjson::SUCCESS;
}

static uint8_t stage_of(std::string_view name)
{
    static constexpr std::string_view names[] = {"visit", "cart", "checkout", "paid"};

    for (uint8_t i = 0; i < 4; i++) {
        if (name == names[i])
            return i;
    }
    return 0;
}

/* All fields, in the order in which they stand. */
static bool floor_decode(floor_run &run, const void *payload, size_t len, floor_event &out)
{
    std::string_view id, entity, funnel, stage, owner, channel, region, device;
    ondemand::document document;
    ondemand::object object, dims;
    double amount;

    if (len > TEXT_MAX)
        return false;
    std::memcpy(run.text, payload, len);
    if (run.parser.iterate(run.text, len, sizeof(run.text)).get(document) ||
        document.get_object().get(object))
        return false;
    if (!text_of(object, "event_id", id) || !text_of(object, "entity_id", entity) ||
        !text_of(object, "funnel", funnel) || !text_of(object, "stage", stage) ||
        object["ts"].get(out.ms) || object["amount"].get(amount) ||
        !text_of(object, "owner", owner) || object["dims"].get(dims) ||
        !text_of(dims, "channel", channel) || !text_of(dims, "region", region) ||
        !text_of(dims, "device", device))
        return false;
    run.touched += id.size() + funnel.size() + owner.size() + channel.size() + region.size() +
                   device.size();
    out.fingerprint = XXH3_64bits(entity.data(), entity.size()) | 1;
    out.amount = static_cast<uint32_t>(amount * 100);
    out.stage = stage_of(stage);
    return true;
}

static void floor_update(floor_run &run, const floor_event &e)
{
    size_t mask = run.table.size() - 1, at = e.fingerprint >> 20 & mask;

    while (run.table[at].fingerprint != e.fingerprint && run.table[at].fingerprint)
        at = (at + 1) & mask;
    floor_state &s = run.table[at];
    if (!s.fingerprint) {
        s.fingerprint = e.fingerprint;
        s.first_ms = e.ms;
        if (++run.used > mask - mask / 8)
            consumer_die("floor", "the table is full: give ENTITIES");
    }
    s.last_ms = e.ms;
    s.amount += e.amount;
    s.events++;
    s.stage = e.stage;
    if (e.stage > s.highest)
        s.highest = e.stage;
    run.panes[static_cast<size_t>(e.ms / PANE_MS) % PANES][e.stage]++;
}

/* Two passes, so that the table's slots are on their way before they are needed. */
static void floor_take(void *context, rd_kafka_message_t *const *messages, size_t count)
{
    floor_run &run = *static_cast<floor_run *>(context);
    size_t mask = run.table.size() - 1, n = 0;

    for (size_t i = 0; i < count; i++) {
        floor_event &e = run.events[n];

        if (!floor_decode(run, messages[i]->payload, messages[i]->len, e)) {
            run.refused++;
            continue;
        }
        __builtin_prefetch(&run.table[e.fingerprint >> 20 & mask], 1);
        n++;
    }
    for (size_t i = 0; i < n; i++)
        floor_update(run, run.events[i]);
}

int main(int argc, char **argv)
{
    static floor_run run;
    uint64_t entities = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1000000, size = 1024;

    if (argc < 3) {
        std::fprintf(stderr, "usage: floor BROKERS TOPIC [ENTITIES]\n");
        return 2;
    }
    while (size < entities * 3 / 2)
        size *= 2;
    run.table.resize(size);
    consumer_run("floor", argv[1], argv[2], floor_take, &run);
    std::printf(" entities=%zu refused=%" PRIu64 " kernel=%s touched=%" PRIu64 "\n", run.used,
                run.refused, KERNEL, run.touched);
    return run.refused > 0;
}
