/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dims.h"
#include "funnel/mem.h"

#define BUFFER_BYTES (256u << 10)

void lines_init(struct lines *l, int64_t start_ms, bool ids)
{
    *l = (struct lines){.start_ms = start_ms, .ids = ids};
    l->bytes = mem_alloc(BUFFER_BYTES);
    for (int leaf = 0; leaf < LEAVES; leaf++) {
        struct line_tail *tail = &l->tails[leaf];

        tail->n = (size_t)snprintf(tail->text, sizeof(tail->text),
                                   ",\"dims\":{\"%s\":\"%s\",\"%s\":\"%s\",\"%s\":\"%s\"}}\n",
                                   dims_names[0], dims_values[0][dims_value(leaf, 0)],
                                   dims_names[1], dims_values[1][dims_value(leaf, 1)],
                                   dims_names[2], dims_values[2][dims_value(leaf, 2)]);
    }
}

void lines_deinit(struct lines *l)
{
    mem_free(l->bytes);
}

bool lines_flush(struct lines *l)
{
    size_t at = 0;

    while (at < l->len) {
        ssize_t n = write(STDOUT_FILENO, l->bytes + at, l->len - at);

        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    l->len = 0;
    return true;
}

static char *add_text(char *out, const char *text)
{
    size_t n = strlen(text);

    memcpy(out, text, n);
    return out + n;
}

static char *add_number(char *out, uint64_t x)
{
    char digits[20];
    size_t n = 0;

    do
        digits[n++] = (char)('0' + x % 10);
    while ((x /= 10) != 0);
    while (n > 0)
        *out++ = digits[--n];
    return out;
}

bool lines_add(struct lines *l, const struct queued *e)
{
    char *out;

    if (l->len + LINE_MAX_BYTES > BUFFER_BYTES && !lines_flush(l))
        return false;
    out = add_text(l->bytes + l->len, "{\"entity_id\":\"v");
    out = add_number(out, e->entity);
    out = add_text(out, "\",\"funnel\":\"shop\",\"stage\":\"");
    out = add_text(out, dims_stages[e->stage]);
    if (l->ids) {
        out = add_text(out, "\",\"event_id\":\"e");
        out = add_number(out, e->entity * STAGES + e->stage);
    }
    out = add_text(out, "\",\"ts\":");
    out = add_number(out, (uint64_t)(l->start_ms + e->ms));
    out = add_text(out, ",\"amount\":");
    out = add_number(out, e->amount / 100);
    *out++ = '.';
    *out++ = (char)('0' + e->amount / 10 % 10);
    *out++ = (char)('0' + e->amount % 10);
    memcpy(out, l->tails[e->leaf].text, l->tails[e->leaf].n);
    out += l->tails[e->leaf].n;
    l->len = (size_t)(out - l->bytes);
    return true;
}
