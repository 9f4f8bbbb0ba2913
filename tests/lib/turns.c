/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)

static void copy(char *to, size_t cap, const char *text)
{
    snprintf(to, cap, "%s", text && strcmp(text, "null") != 0 ? text : "");
}

static double number(const char *text)
{
    return text && strcmp(text, "null") != 0 ? strtod(text, NULL) : __builtin_nan("");
}

static void turn_take(const struct records *r, size_t i, struct turn *t)
{
    char device[24];

    t->at = r->items[i].timestamp;
    copy(t->status, sizeof(t->status), pipe_field(r, i, NULL, "status"));
    copy(t->fingerprint, sizeof(t->fingerprint), pipe_field(r, i, NULL, "fingerprint"));
    copy(t->name, sizeof(t->name), pipe_field(r, i, "labels", "alertname"));
    copy(t->step, sizeof(t->step), pipe_field(r, i, "labels", "step"));
    copy(t->where, sizeof(t->where), pipe_field(r, i, "labels", "channel"));
    copy(device, sizeof(device), pipe_field(r, i, "labels", "device"));
    if (device[0])
        copy(t->where, sizeof(t->where), device);
    copy(t->starts, sizeof(t->starts), pipe_field(r, i, NULL, "startsAt"));
    copy(t->reason, sizeof(t->reason), pipe_field(r, i, NULL, "endsReason"));
    t->sequence = atoi(pipe_field(r, i, NULL, "sequence"));
    t->lost = number(pipe_field(r, i, "effect", "lost_conversions"));
    t->amount = number(pipe_field(r, i, "effect", "lost_amount"));
    t->threshold = number(pipe_field(r, i, "evidence", "threshold"));
}

void turns_take(const struct pipe *k, struct turns *ret)
{
    ret->count = 0;
    for (size_t i = 0; i < k->out.count; i++) {
        if (k->out.items[i].target != RECORD_ALERT)
            continue;
        if (ret->count == TURNS_MAX) {
            fprintf(stderr, "more than %d turns\n", TURNS_MAX);
            abort();
        }
        turn_take(&k->out, i, &ret->items[ret->count++]);
    }
}

static const char *turns_write(const struct turns *t, bool times, int64_t from)
{
    static char text[8000];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < t->count; i++) {
        const struct turn *x = &t->items[i];
        int64_t minutes = (x->at - from) / MINUTE_MS;

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s %s", i ? "; " : "", x->name,
                              x->where[0] ? " " : "", x->where, x->status);
        if (times)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " %d %02d:%02d",
                                  (int)(minutes / 1440), (int)(minutes / 60 % 24),
                                  (int)(minutes % 60));
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", x->reason[0] ? " " : "",
                              x->reason);
    }
    return text;
}

const char *turns_text(const struct turns *t, int64_t from)
{
    return turns_write(t, true, from);
}

const char *turns_tale(const struct turns *t)
{
    return turns_write(t, false, 0);
}

/* The last word on its alert. */
static bool is_last(const struct turns *t, size_t i)
{
    for (size_t k = i + 1; k < t->count; k++)
        if (strcmp(t->items[k].fingerprint, t->items[i].fingerprint) == 0)
            return false;
    return true;
}

size_t turns_open(const struct turns *t)
{
    size_t open = 0;

    for (size_t i = 0; i < t->count; i++)
        open += is_last(t, i) && strcmp(t->items[i].status, "resolved") != 0;
    return open;
}
