/* SPDX-License-Identifier: Apache-2.0 */
/* Sections whose hashes are right and whose content is not: what a file made on purpose would hold. Loading says
 * so or gives machines that can go on; it is bounded, and never crashes. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "funnel/codec.h"
#include "funnel/detect_parts.h"
#include "funnel/mem.h"
#include "lib/state_kit.h"

static void save(const struct pipe *k, size_t section, struct buf *out)
{
    unsigned char scratch[512];
    struct codec_out to = {
        .data = scratch, .cap = sizeof(scratch), .flush = codec_flush_buf, .context = out};

    pipeline_section_save(k->p, section, &to);
    to.flush(&to);
}

/* Loads all sections, this one from these bytes. True: there was no error, and the machines went on. */
static bool go_on(const struct pipe *full, size_t section, const struct buf *bytes,
                  long long step_ms)
{
    struct pipe other;
    bool good = true;

    state_kit_open_empty(&other);
    for (size_t i = 0; i < pipeline_sections(full->p) && good; i++) {
        struct buf whole = {0};
        struct codec_in in;

        save(full, i, &whole);
        in = i == section ? (struct codec_in){.p = (unsigned char *)bytes->data, .left = bytes->len}
                          : (struct codec_in){.p = (unsigned char *)whole.data, .left = whole.len};
        pipeline_section_load(other.p, i, &in);
        good = !in.error;
        buf_deinit(&whole);
    }
    for (int i = 0; good && i < 40; i++) {
        char text[256];

        snprintf(text, sizeof(text),
                 "{\"entity_id\":\"v-%d\",\"funnel\":\"shop\",\"stage\":\"%s\",\"ts\":%lld,"
                 "\"dims\":{\"channel\":\"mail\"}}",
                 i, i % 2 ? "cart" : "paid", 1700002000000LL + step_ms * i);
        pipe_say_on(&other, (uint32_t)i % 2, -1, text);
    }
    pipe_close(&other);
    return good;
}

Test(state_hostile, sections_with_bytes_changed)
{
    int rounds = getenv("TEST_LIGHT") ? 150 : 1200;
    struct buf whole = {0}, bytes = {0};
    int good = 0;
    struct pipe full;

    srandom(1);
    state_kit_open(&full);
    for (int round = 0; round < rounds; round++) {
        size_t section = (size_t)random() % pipeline_sections(full.p);
        int changes = 1 + (int)random() % 3;

        buf_clear(&whole);
        save(&full, section, &whole);
        buf_clear(&bytes);
        buf_add(&bytes, whole.data, whole.len);
        while (changes-- > 0)
            bytes.data[(size_t)random() % bytes.len] = (char)(random() % 2
                                                                  ? random()
                                                                  : (random() % 2 ? 0xff : 0));
        if (random() % 10 == 0)
            bytes.len = (size_t)random() % bytes.len;
        good += go_on(&full, section, &bytes, round % 2 ? 60000 : 7200000);
    }
    cr_assert_lt(good, rounds);
    buf_deinit(&whole);
    buf_deinit(&bytes);
    pipe_close(&full);
}

/* The judge's section with what these changes make of its detector. */
static bool detector_goes_on(void (*change)(struct detect *d))
{
    struct buf bytes = {0};
    struct pipe full;
    size_t section;
    bool good;

    state_kit_open(&full);
    section = pipeline_sections(full.p) - 1;
    change(pipe_judge(&full)->detect);
    save(&full, section, &bytes);
    good = go_on(&full, section, &bytes, 7200000);
    buf_deinit(&bytes);
    pipe_close(&full);
    return good;
}

static void nothing(struct detect *d)
{
    cr_assert(d->tracks[0].day != INT64_MIN && d->tracks[0].series_count > 0);
}

static void days_ahead(struct detect *d)
{
    struct detect_track *t = &d->tracks[0];

    t->day += 3;
    for (int i = 0; i < DETECT_DAYS; i++)
        t->pending[i].day = t->day - 3 + i;
    t->today = DETECT_DAYS - 1;
}

static void a_day_twice(struct detect *d)
{
    d->tracks[0].pending[0].day = d->tracks[0].pending[1].day = d->tracks[0].day;
}

static void silence_of_ages(struct detect *d)
{
    d->cursor = -(INT64_C(1) << 37);
    for (size_t i = 0; i < d->track_count; i++) {
        d->tracks[i].day = INT64_MIN;
        for (int k = 0; k < DETECT_DAYS; k++)
            d->tracks[i].pending[k].day = INT64_MIN;
    }
}

static void too_much(struct detect *d)
{
    d->tracks[0].series[0].fine[0].entries = 1e18f;
}

static void no_number(struct detect *d)
{
    d->tracks[0].series[0].w[0] = __builtin_nan("");
}

static void incident_of_nothing(struct detect *d)
{
    d->incidents = mem_grow(d->incidents, 0, &d->incident_cap, sizeof(*d->incidents));
    d->incidents[0] = (struct incident){.watch = 9, .r = 0.5, .phi = 1, .onset = 5, .fired = 6};
    d->incident_count = 1;
}

Test(state_hostile, a_detector_that_cannot_be)
{
    cr_expect(detector_goes_on(nothing));
    cr_expect(!detector_goes_on(days_ahead));
    cr_expect(!detector_goes_on(a_day_twice));
    cr_expect(!detector_goes_on(too_much));
    cr_expect(!detector_goes_on(no_number));
    cr_expect(!detector_goes_on(incident_of_nothing));
}

/* It may be so: nobody looked at the source for as long. To charge every pane of it would take for ever. */
Test(state_hostile, a_detector_after_ages_of_silence)
{
    cr_expect(detector_goes_on(silence_of_ages));
}
