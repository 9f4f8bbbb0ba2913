/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of kind drop, rise and volume on one funnel: each says what it is there for, and nothing else. Ten days as usual,
 * then something happens. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY) /* 2024-03-18, a Monday */
#define BEGIN (T0 + 10 * DAY + 6 * HOUR)
#define END (BEGIN + 30 * HOUR)

static const char yaml[] = PIPE_KAFKA
    "inputs: [{topic: in, no_data: off}]\n"
    "time: {lateness: 0s, pane: 5m, zone: UTC}\n"
    "funnels: {f: {stages: [a, b], window: 2h, dims: {channel: {values: [ads, seo]}},\n"
    "  rules: [{id: drop, kind: drop}, {id: rise, kind: rise},"
    " {id: volume, kind: volume}]}}\n";

/* From BEGIN on. */
struct change {
    double entries; /* times as many */
    double ads;     /* what converts of channel=ads; 0.3 before, and elsewhere */
};

#define STAYS_MAX 60000
static struct happening {
    int64_t at;
    int id;
    const char *stage;
} happenings[2 * STAYS_MAX];
static int count;

static int happening_compare(const void *pa, const void *pb)
{
    const struct happening *a = pa, *b = pb;

    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return a->id != b->id ? a->id - b->id : strcmp(a->stage, b->stage);
}

/* Even ids are of ads. Conversions come within an hour. */
static void come(struct dice *d, int64_t at, const struct change *c, int id)
{
    bool ads = id % 2 == 0;
    double rate = at >= BEGIN && ads ? c->ads : 0.3;

    cr_assert(count + 2 < 2 * STAYS_MAX);
    happenings[count++] = (struct happening){at, id, "a"};
    if (dice_chance(d, rate))
        happenings[count++] = (struct happening){at + dice_below(d, HOUR), id, "b"};
}

static void tell(struct pipe *k, struct change c, uint64_t seed)
{
    struct dice d = {seed};
    int id = 0;

    count = 0;
    for (int64_t at = T0; at < END; at += MINUTE) {
        double chance = 0.25 * (at >= BEGIN ? c.entries : 1);

        for (int i = 0; i < 4; i++) /* one a minute, usually */
            if (dice_chance(&d, chance))
                come(&d, at + dice_below(&d, MINUTE), &c, id++);
    }
    qsort(happenings, (size_t)count, sizeof(*happenings), happening_compare);
    for (int i = 0; i < count && happenings[i].at < END; i++)
        pipe_say(k,
                 "{\"entity_id\":%d,\"stage\":\"%s\",\"ts\":%" PRId64
                 ",\"dims\":{\"channel\":\"%s\"}}",
                 happenings[i].id + 1, happenings[i].stage, happenings[i].at,
                 happenings[i].id % 2 == 0 ? "ads" : "seo");
}

/* "rise ads": what has fired, and where, each once. */
static const char *fired(const struct pipe *k)
{
    static char text[1000];

    text[0] = '\0';
    for (size_t i = 0; i < k->out.count && strlen(text) < 800; i++) {
        const char *channel;
        char one[100];

        if (strcmp(pipe_field(&k->out, i, NULL, "status"), "firing") != 0)
            continue;
        cr_expect(k->out.items[i].timestamp > BEGIN, "before anything happened");
        snprintf(one, sizeof(one), "%s", pipe_field(&k->out, i, "labels", "alertname"));
        channel = pipe_field(&k->out, i, "labels", "channel");
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s%s%s", text[0] ? "; " : "",
                 one, channel ? " " : "", channel ? channel : "");
    }
    return text;
}

/* A false alarm is allowed in ten weeks of usual traffic, and twenty-four seeds have two: not these. */
static void expect_fired(struct change c, const char *expected)
{
    uint64_t last = getenv("TEST_LIGHT") ? 3 : 4;

    for (uint64_t seed = 3; seed <= last; seed++) {
        struct pipe k;

        pipe_open(&k, yaml, 1);
        tell(&k, c, seed);
        cr_expect(strcmp(fired(&k), expected) == 0, "seed %d: expected '%s', got '%s'", (int)seed,
                  expected, fired(&k));
        pipe_close(&k);
    }
}

Test(detect_kinds, as_usual_is_nothing)
{
    expect_fired((struct change){1, 0.3}, "");
}

Test(detect_kinds, a_segment_that_converts_twice_as_well_is_a_rise)
{
    expect_fired((struct change){1, 0.6}, "rise ads");
}

Test(detect_kinds, a_segment_that_converts_less_is_a_drop)
{
    expect_fired((struct change){1, 0.08}, "drop ads");
}

Test(detect_kinds, fewer_entries_are_a_matter_of_volume)
{
    expect_fired((struct change){0.4, 0.3}, "volume");
}

Test(detect_kinds, more_entries_are_nothing)
{
    expect_fired((struct change){2.5, 0.3}, "");
}

/* Both at once: each rule says its part. */
Test(detect_kinds, fewer_entries_that_convert_less)
{
    struct pipe k;

    pipe_open(&k, yaml, 1);
    tell(&k, (struct change){0.4, 0}, 3);
    cr_expect(not(zero(ptr, strstr(fired(&k), "volume"))), "%s", fired(&k));
    cr_expect(not(zero(ptr, strstr(fired(&k), "drop ads"))), "%s", fired(&k));
    cr_expect(zero(ptr, strstr(fired(&k), "rise")), "%s", fired(&k));
    pipe_close(&k);
}
