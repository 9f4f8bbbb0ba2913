/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pulse_kit.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/canon.h"

void pulse_rig_open(struct pulse_rig *r, size_t parts, int64_t pane_ms, const char *zone)
{
    *r = (struct pulse_rig){.parts = parts, .zone = pipe_zone(zone)};
    r->settings.group = "g";
    r->settings.time.pane = pane_ms;
    r->input.topic = "orders";
    r->input.no_data = 0.05;
    r->input.no_data_severity = "critical";
    r->p = pulse_new(&r->settings, &r->input, r->zone, parts);
}

void pulse_rig_close(struct pulse_rig *r)
{
    pulse_free(r->p);
    zone_free(r->zone);
    records_deinit(&r->out);
    buf_deinit(&r->text);
}

void pulse_rig_note(struct pulse_rig *r, size_t part, struct pulse_note note)
{
    struct pulse_notes notes = {0};

    pulse_notes_add(&notes, note);
    pulse_add(r->p, part, &notes);
    pulse_notes_deinit(&notes);
}

void pulse_rig_pane(struct pulse_rig *r, int64_t pane, int64_t n, bool dark)
{
    if (n > 0)
        pulse_rig_note(r, 0, (struct pulse_note){PULSE_EVENTS, .pane = pane, .n = n});
    pulse_rig_pass(r, pane, pane, dark);
}

void pulse_rig_pass(struct pulse_rig *r, int64_t from, int64_t to, bool dark)
{
    bool gap = to - from >= ZONE_DAY_MS / r->settings.time.pane;

    for (size_t i = 0; i < r->parts; i++) {
        if (dark)
            pulse_rig_note(r, i, (struct pulse_note){PULSE_DARK, .pane = from, .to = to});
        if (gap)
            pulse_rig_note(r, i, (struct pulse_note){PULSE_GAP, .pane = from, .to = to});
        pulse_rig_note(r, i, (struct pulse_note){PULSE_CLOSE, .pane = to});
    }
    pulse_step(r->p, &r->out);
}

void pulse_rig_reload(struct pulse_rig *r)
{
    unsigned char window[64];
    struct buf bytes = {0}, again = {0};
    struct codec_out out = {window, 0, sizeof(window), codec_flush_buf, &bytes, false};
    struct pulse *p = pulse_new(&r->settings, &r->input, r->zone, r->parts);
    struct codec_in in;

    pulse_save(r->p, &out);
    out.flush(&out);
    in = (struct codec_in){(const unsigned char *)bytes.data, bytes.len, NULL};
    pulse_load(p, &in);
    cr_assert(!in.error, "%s", in.error);
    cr_assert_eq(in.left, 0);
    out.context = &again;
    pulse_save(p, &out);
    out.flush(&out);
    cr_assert(bytes.len == again.len && memcmp(bytes.data, again.data, bytes.len) == 0,
              "saved again it is the same");
    pulse_free(r->p);
    r->p = p;
    buf_deinit(&bytes);
    buf_deinit(&again);
}

static int64_t pane_of(const struct pulse_rig *r, size_t record, const char *key)
{
    const char *text = pipe_field(&r->out, record, "window", key);
    int64_t ms;

    cr_assert(text && canon_time(span_of(text), FORMAT_RFC3339, &ms) == 0);
    return ms / r->settings.time.pane - r->base;
}

const char *pulse_rig_story(struct pulse_rig *r)
{
    buf_clear(&r->text);
    for (size_t i = 0; i < r->out.count; i++) {
        buf_fmt(&r->text, "%s%s ", i > 0 ? "; " : "", pipe_field(&r->out, i, NULL, "status"));
        buf_fmt(&r->text, "%s@%" PRId64, pipe_field(&r->out, i, "labels", "alertname"),
                r->out.items[i].timestamp / r->settings.time.pane - 1 - r->base);
        buf_fmt(&r->text, " %s %" PRId64 "..%" PRId64, pipe_field(&r->out, i, NULL, "sequence"),
                pane_of(r, i, "from"), pane_of(r, i, "to") - 1);
    }
    records_clear(&r->out);
    return buf_cstr(&r->text);
}

static double uniform(struct dice *d)
{
    return ((double)(dice_next(d) >> 11) + 0.5) / 9007199254740992.0;
}

/* By counting waits; large means in pieces, so that exp() does not run out. */
int64_t pulse_rig_poisson(struct dice *d, double mean)
{
    int64_t n = 0;

    for (; mean > 100; mean -= 100)
        n += pulse_rig_poisson(d, 100);
    for (double left = exp(-mean), x = uniform(d); x > left; x *= uniform(d))
        n++;
    return n;
}
