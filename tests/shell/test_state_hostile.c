/* SPDX-License-Identifier: Apache-2.0 */
/* Sections whose hashes are right and whose content is not: what a file made on purpose would hold. Loading says
 * so or gives machines that can go on; it is bounded, and never crashes. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "funnel/codec.h"
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
static bool go_on(const struct pipe *full, size_t section, const struct buf *bytes)
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
                 i, i % 2 ? "cart" : "paid", 1700002000000LL + 60000 * i);
        pipe_say_on(&other, (uint32_t)i % 2, -1, text);
    }
    pipe_close(&other);
    return good;
}

Test(state_hostile, sections_with_bytes_changed)
{
    int rounds = getenv("TEST_LIGHT") ? 300 : 3000;
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
        good += go_on(&full, section, &bytes);
    }
    cr_assert_lt(good, rounds);
    buf_deinit(&whole);
    buf_deinit(&bytes);
    pipe_close(&full);
}
