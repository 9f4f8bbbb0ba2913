/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "funnel/mem.h"
#include "funnel/settings.h"

/* A file with more mistakes than this is not a settings file; the rest is only counted. */
#define PROBLEMS_MAX 1000

void settings_problems_deinit(struct settings_problems *p)
{
    mem_free(p->items);
    arena_free(p->arena);
    *p = (struct settings_problems){0};
}

static bool mark_before(struct settings_mark a, struct settings_mark b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

static const char *keep(struct settings_problems *p, const char *text)
{
    if (!text)
        text = "";
    return arena_strndup(p->arena, text, strlen(text));
}

void settings_problem_add(struct settings_problems *p, struct settings_mark mark, bool warning,
                          const char *path, const char *message, const char *remedy)
{
    size_t at = p->count;

    p->errors += !warning;
    if (p->count >= PROBLEMS_MAX)
        return;
    if (!p->arena)
        p->arena = arena_new();
    p->items = mem_grow(p->items, p->count, &p->cap, sizeof(*p->items));
    while (at > 0 && mark_before(mark, p->items[at - 1].mark))
        at--;
    memmove(&p->items[at + 1], &p->items[at], (p->count - at) * sizeof(*p->items));
    p->items[at] = (struct settings_problem){
        .mark = mark,
        .warning = warning,
        .path = keep(p, path),
        .message = keep(p, message),
        .remedy = keep(p, remedy),
    };
    p->count++;
}
