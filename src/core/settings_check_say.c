/* SPDX-License-Identifier: Apache-2.0 */
/* How checks say what they found, and the checks that many settings share. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "funnel/units.h"
#include "core/nearest.h"
#include "core/schema_say.h"
#include "core/settings_check.h"

#define LABEL_MAX 64
#define TOPIC_MAX 249 /* Kafka's own bound */

static void check_say(const struct check *c, const struct schema_place *place, bool warning,
                      const char *remedy, const char *fmt, va_list ap)
{
    struct buf path = {0};
    char message[512];

    if (!place || (place->set && place->node->bad))
        return;
    vsnprintf(message, sizeof(message), fmt, ap);
    schema_path(place, &path);
    settings_problem_add(c->b->problems, yaml_mark(place->node), warning, buf_cstr(&path), message,
                         remedy);
    buf_deinit(&path);
}

void check_fail(const struct check *c, const void *at, size_t size, const char *remedy,
                const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    check_say(c, schema_place(c->b, at, size), false, remedy, fmt, ap);
    va_end(ap);
}

void check_warn(const struct check *c, const void *at, size_t size, const char *remedy,
                const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    check_say(c, schema_place(c->b, at, size), true, remedy, fmt, ap);
    va_end(ap);
}

static const char *keep(const struct check *c, struct buf *text)
{
    const char *kept = arena_strndup(c->b->scratch, buf_cstr(text), text->len);

    buf_deinit(text);
    return kept;
}

const char *check_text(const struct check *c, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return arena_strndup(c->b->scratch, text, strlen(text));
}

const char *check_duration_text(const struct check *c, int64_t ms)
{
    struct buf text = {0};

    units_put_duration(&text, ms);
    return keep(c, &text);
}

const char *check_quoted(const struct check *c, const char *text)
{
    struct buf quoted = {0};

    schema_quote(&quoted, text);
    return keep(c, &quoted);
}

const char *check_value(const struct check *c, const void *at, size_t size)
{
    const struct schema_place *place = schema_place(c->b, at, size);

    if (!place || !place->set || place->node->kind != NODE_SCALAR)
        return "the default";
    return check_quoted(c, place->node->text);
}

const char *check_nearest(const struct check *c, const char *word, const char *const *names,
                          size_t count)
{
    struct nearest near = {.word = word};
    struct buf text = {0};

    for (size_t i = 0; i < count; i++)
        if (names[i])
            nearest_offer(&near, names[i]);
    if (near.best) {
        buf_str(&text, "did you mean ");
        schema_quote(&text, near.best);
        buf_char(&text, '?');
        return keep(c, &text);
    }
    buf_str(&text, count > 0 ? "there are: " : "there are none");
    for (size_t i = 0; i < count && i < 20; i++)
        buf_fmt(&text, "%s%.60s", i > 0 ? ", " : "", names[i] ? names[i] : "?");
    if (count > 20)
        buf_str(&text, ", ...");
    return keep(c, &text);
}

bool check_set(const struct check *c, const void *at, size_t size)
{
    const struct schema_place *place = schema_place(c->b, at, size);

    return place && place->set;
}

bool check_good(const struct check *c, const void *at, size_t size)
{
    const struct schema_place *place = schema_place(c->b, at, size);

    return place && !(place->set && (place->node->bad || place->node->spoiled));
}

struct settings_mark check_mark(const struct check *c, const void *at, size_t size)
{
    const struct schema_place *place = schema_place(c->b, at, size);

    return place ? yaml_mark(place->node) : (struct settings_mark){0};
}

/* --- ranges --- */

bool check_count(const struct check *c, const int64_t *n, int64_t min, int64_t max)
{
    if (!check_set(c, n, sizeof(*n)) || (*n >= min && *n <= max))
        return true;
    check_fail(c, n, sizeof(*n),
               check_text(c, "write a number from %lld to %lld", (long long)min, (long long)max),
               "%s is out of range", check_value(c, n, sizeof(*n)));
    return false;
}

bool check_bytes(const struct check *c, const int64_t *n, int64_t min, int64_t max)
{
    struct buf range = {0};

    if (!check_set(c, n, sizeof(*n)) || (*n >= min && *n <= max))
        return true;
    buf_str(&range, "write a size from ");
    units_put_size(&range, min);
    buf_str(&range, " to ");
    units_put_size(&range, max);
    check_fail(c, n, sizeof(*n), keep(c, &range), "%s is out of range",
               check_value(c, n, sizeof(*n)));
    return false;
}

bool check_duration(const struct check *c, const int64_t *ms, int64_t min, int64_t max)
{
    if (!check_set(c, ms, sizeof(*ms)) || (*ms >= min && *ms <= max))
        return true;
    check_fail(c, ms, sizeof(*ms),
               check_text(c, "write a duration from %s to %s", check_duration_text(c, min),
                          check_duration_text(c, max)),
               "%s is out of range", check_value(c, ms, sizeof(*ms)));
    return false;
}

bool check_at_most(const struct check *c, const void *at, size_t size, size_t count, size_t max,
                   const char *what)
{
    if (count <= max)
        return true;
    check_fail(c, at, size, check_text(c, "at most %zu; leave some out", max), "%zu %s", count,
               what);
    return false;
}

/* --- names --- */

void check_repeated(const struct check *c, const struct settings_strings *list)
{
    for (size_t i = 1; i < list->count && i <= 4096; i++) {
        struct settings_strings before = {list->items, i};

        if (settings_has_name(&before, list->items[i]))
            check_fail(c, AT(list->items[i]), "remove one of the two", "%s stands here twice",
                       check_quoted(c, list->items[i]));
    }
}

static bool is_word_char(unsigned char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           ch == '_' || ch == '-' || ch == '.';
}

bool check_label(const struct check *c, const void *at, size_t size, const char *name)
{
    const unsigned char *p = (const unsigned char *)name;

    while (is_word_char(*p) || *p >= 0x80)
        p++;
    if (*p == '\0' && name[0] != '\0' && strlen(name) <= LABEL_MAX && strncmp(name, "__", 2) != 0)
        return true;
    check_fail(c, at, size,
               "use letters, digits, _, - and ., at most 64 bytes, not beginning with __",
               "%s cannot be a name here: it goes into labels", check_quoted(c, name));
    return false;
}

bool check_topic(const struct check *c, const void *at, size_t size, const char *name)
{
    const unsigned char *p = (const unsigned char *)name;

    while (is_word_char(*p))
        p++;
    if (*p == '\0' && strlen(name) <= TOPIC_MAX && strcmp(name, ".") != 0 &&
        strcmp(name, "..") != 0)
        return true;
    check_fail(c, at, size, "Kafka takes ASCII letters, digits, '.', '_' and '-', at most 249",
               "%s is no name for Kafka", check_quoted(c, name));
    return false;
}
