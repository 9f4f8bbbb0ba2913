/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of settings share: small files, and what is said of them. */
#ifndef TESTS_SETTINGS_KIT_H
#define TESTS_SETTINGS_KIT_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/buf.h"
#include "funnel/settings.h"

/* Three lines that are all a file needs; SMALL is the least there is. */
#define KIT_KAFKA "kafka: {bootstrap.servers: 'b:1'}\n"
#define KIT_INPUTS "inputs: [{topic: in}]\n"
#define KIT_FUNNELS "funnels: {f: {stages: [a, b, c]}}\n"
#define KIT_HEAD KIT_KAFKA KIT_INPUTS
#define KIT_SMALL KIT_HEAD KIT_FUNNELS

/* A case: the only problem of `text`, which stands at line:column. message and remedy are parts of them. */
struct kit_case {
    const char *text;
    uint32_t line, column;
    const char *path, *message, *remedy;
};

static inline void kit_print(const struct settings_problems *p, struct buf *out)
{
    for (size_t i = 0; i < p->count; i++)
        buf_fmt(out, "%u:%u: %s%s: %s\n    %s\n", p->items[i].mark.line, p->items[i].mark.column,
                p->items[i].warning ? "warning: " : "", p->items[i].path, p->items[i].message,
                p->items[i].remedy);
}

static inline int kit_is(const struct settings_problem *p, const struct kit_case *c)
{
    return p->mark.line == c->line && p->mark.column == c->column &&
           strcmp(p->path, c->path) == 0 && strstr(p->message, c->message) &&
           strstr(p->remedy, c->remedy) && p->remedy[0] != '\0';
}

static inline void kit_check(const struct kit_case *c, int warning)
{
    struct settings_problems p = {0};
    struct settings *s = settings_parse(c->text, strlen(c->text), &p);
    struct buf said = {0};

    kit_print(&p, &said);
    cr_assert(p.count == 1 && p.items[0].warning == !!warning && kit_is(&p.items[0], c),
              "expected %u:%u: %s: %s (%s)\nfor:\n%sgot:\n%s", c->line, c->column, c->path,
              c->message, c->remedy, c->text, buf_cstr(&said));
    cr_assert(warning ? s != NULL : s == NULL, "settings where there is an error, or none:\n%s",
              c->text);
    cr_assert(eq(sz, p.errors, warning ? 0 : 1));
    settings_free(s);
    settings_problems_deinit(&p);
    buf_deinit(&said);
}

static inline void kit_check_all(const struct kit_case *cases, size_t count, int warning)
{
    for (size_t i = 0; i < count; i++)
        kit_check(&cases[i], warning);
}
#define KIT_ERRORS(cases) kit_check_all(cases, sizeof(cases) / sizeof((cases)[0]), 0)
#define KIT_WARNINGS(cases) kit_check_all(cases, sizeof(cases) / sizeof((cases)[0]), 1)

/* Settings of a text without problems. The caller frees them. */
static inline struct settings *kit_parse(const char *text)
{
    struct settings_problems p = {0};
    struct settings *s = settings_parse(text, strlen(text), &p);
    struct buf said = {0};

    kit_print(&p, &said);
    cr_assert(s != NULL && p.count == 0, "%s\nsays:\n%s", text, buf_cstr(&said));
    settings_problems_deinit(&p);
    buf_deinit(&said);
    return s;
}

/* A file of the source tree, read whole. */
static inline void kit_read(const char *path, struct buf *out)
{
    const char *dir = getenv("SOURCE_DIR");
    struct buf whole = {0};
    char block[4096];
    size_t n;
    FILE *f;

    buf_fmt(&whole, "%s/%s", dir ? dir : ".", path);
    f = fopen(buf_cstr(&whole), "rb");
    cr_assert(f != NULL, "%s: cannot be opened; SOURCE_DIR is the source tree", buf_cstr(&whole));
    while (f && (n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(out, block, n);
    if (f)
        fclose(f);
    buf_deinit(&whole);
}

#endif
