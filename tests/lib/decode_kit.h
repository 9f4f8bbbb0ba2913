/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the decoder: settings without a file, and what was decoded as text, so that a
 * test reads as a line in and a line out. */
#ifndef TESTS_DECODE_KIT_H
#define TESTS_DECODE_KIT_H

#include <inttypes.h>
#include <string.h>

#include "funnel/buf.h"
#include "funnel/decode.h"
#include "funnel/settings.h"

#define KIT __attribute__((unused)) static

/* One input with default limits. Fields are names of settings.fields, space-separated; `storage`
 * holds them and the input for as long as the settings are used. */
struct kit_settings {
    struct settings settings;
    struct settings_input input;
    char names[256];
};

KIT void kit_init(struct kit_settings *k, int preset, const char *fields)
{
    char *save = NULL;

    memset(k, 0, sizeof(*k));
    k->input.topic = "funnel.events";
    k->input.preset = preset;
    k->settings.inputs.items = &k->input;
    k->settings.inputs.count = 1;
    k->settings.amount_decimals = 2;
    k->settings.limits.message = 1 << 20;
    k->settings.limits.depth = 32;
    k->settings.limits.id = 256;
    strncpy(k->names, fields, sizeof(k->names) - 1);
    for (char *name = strtok_r(k->names, " ", &save); name; name = strtok_r(NULL, " ", &save))
        k->settings.fields[k->settings.field_count++] = name;
}

KIT void kit_text(struct buf *out, const char *name, struct span s)
{
    if (s.p)
        buf_fmt(out, " %s=%.*s", name, (int)s.len, s.p);
}

KIT void kit_event(struct buf *out, const struct settings *settings, const struct event *e)
{
    static const char *const kinds[] = {"stage", "seed", "delete"};

    buf_fmt(out, "#%u %s", e->message, kinds[e->kind]);
    kit_text(out, "entity", e->entity);
    kit_text(out, "funnel", e->funnel);
    kit_text(out, "stage", e->stage);
    buf_fmt(out, " at=%" PRId64, e->at.ms);
    if (e->has_amount)
        buf_fmt(out, " amount=%" PRId64, e->amount);
    kit_text(out, "id", e->id);
    kit_text(out, "reason", e->reason);
    if (etime_is_set(e->entered_at))
        buf_fmt(out, " entered_at=%" PRId64, e->entered_at.ms);
    for (size_t i = 0; i < EVENT_FIELDS_MAX; i++)
        kit_text(out, i < settings->field_count ? settings->fields[i] : "BEYOND", e->fields[i]);
    buf_str(out, "\n");
}

/* A line for each event, then one for each failure. */
KIT void kit_dump(struct buf *out, const struct settings *settings, const struct decoded *d)
{
    for (size_t i = 0; i < d->event_count; i++)
        kit_event(out, settings, &d->events[i]);
    for (size_t i = 0; i < d->failure_count; i++)
        buf_fmt(out, "#%u %s %s @%u\n", d->failures[i].message, reject_word(d->failures[i].reason),
                d->failures[i].field ? d->failures[i].field : "-", d->failures[i].byte);
}

#endif
