/* SPDX-License-Identifier: Apache-2.0 */
/* What settings mean: every key of the tables counts, unless it stands in the lists below. */
#include <string.h>

#include "funnel/settings_meaning.h"
#include "core/schema.h"
#include "core/settings_tables.h"
#include "lib/settings_kit.h"

/* With something in every list and map. */
#define EVERYTHING \
    KIT_KAFKA \
    "inputs:\n" \
    "  - topic: in\n" \
    "    map: {entity_id: /id, dims: {region: /r, channel: /c}}\n" \
    "  - topic: more\n" \
    "state: {hash_key: secret}\n" \
    "funnels:\n" \
    "  f:\n" \
    "    where: {funnel: [f, g], channel: ads}\n" \
    "    stages: [a, {id: b, alias: [B], window: 8d}, c]\n" \
    "    lost: [lost]\n" \
    "    won: c\n    overall: 30d\n    forget_after: 90d\n" \
    "    actions: [call]\n" \
    "    dims: {channel: {top: 3}, region: {values: [e, w]}}\n" \
    "    segments: [[channel], [region]]\n" \
    "    breakdowns: [owner]\n" \
    "    windows: [1h, {calendar: day}]\n" \
    "    rules: [{id: r, kind: target, target: 30%, by: [channel]}, {id: d, kind: drop}]\n" \
    "  g: {stages: [a, b], won: b, overall: 30d, forget_after: 90d}\n"

/* Without effect on the machines. */
static const char *const shell_keys[] = {"mode",
                                         "kafka",
                                         "outputs",
                                         "log",
                                         "http",
                                         "http_token",
                                         "missing_topic",
                                         "first_start",
                                         "on_gap",
                                         "control",
                                         "heartbeat",
                                         "state.dir",
                                         "state.snapshot",
                                         "funnels.ids",
                                         "limits.outbox",
                                         "time.idle_after",
                                         "time.idle_lateness",
                                         "shutdown_timeout"};

/* Without effect on entities and series. */
static const char *const beside_shape[] = {"funnels.rules",
                                           "funnels.windows",
                                           "funnels.segments",
                                           "funnels.dedupe",
                                           "funnels.forget_after",
                                           "funnels.actions",
                                           "funnels.lost",
                                           "funnels.ids",
                                           "funnels.stages.name",
                                           "funnels.stages.alias",
                                           "funnels.stages.probability",
                                           "funnels.stages.target",
                                           "funnels.stages.dwell",
                                           "funnels.stages.owner",
                                           "funnels.stages.note"};

/* Not to be had without a restart. */
static const char *const fixed_keys[] = {
    "mode",    "group",           "kafka",        "outputs",   "http",           "http_token",
    "control", "amount_decimals", "inputs.topic", "state.dir", "state.hash_key", "log.format"};
static const char *const kept_keys[] = {"amount_decimals", "state.hash_key"};

static bool stands_in(const char *const *list, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(list[i]);

        if (strncmp(list[i], path, len) == 0 && (path[len] == '\0' || path[len] == '.'))
            return true;
    }
    return false;
}
#define STANDS_IN(list, path) stands_in(list, sizeof(list) / sizeof((list)[0]), path)

struct mutant {
    struct settings *s, *as_it_was;
    uint64_t meaning, shape;
    size_t keys;
};

/* `at` has just been changed. */
static void expect_noticed(struct mutant *m, const char *path, bool in_first_funnel)
{
    bool shapes = in_first_funnel
                      ? !STANDS_IN(beside_shape, path)
                      : strcmp(path, "time.pane") == 0 || strcmp(path, "time.zone") == 0;
    bool fixed = STANDS_IN(fixed_keys, path);

    m->keys++;
    cr_expect(eq(int, settings_meaning(m->s) != m->meaning, !STANDS_IN(shell_keys, path)), "%s",
              path);
    cr_expect(eq(int, settings_shape(m->s, &m->s->funnels.items[0]) != m->shape, shapes), "%s",
              path);
    cr_expect(eq(int, settings_switchable(m->as_it_was, m->s) != NULL, fixed), "%s", path);
    cr_expect(eq(int, settings_keepable(m->as_it_was, m->s) != NULL, STANDS_IN(kept_keys, path)),
              "%s", path);
}

static void mutate(struct mutant *m, const char *path, const struct schema_type *type,
                   unsigned char *at, bool first);

static void mutate_scalar(struct mutant *m, const char *path, const struct schema_type *type,
                          unsigned char *at, bool first)
{
    static const char *const other = "another text";
    unsigned char keep[16];
    int64_t number;

    memcpy(keep, at, type->size);
    if (type->bind == schema_bind_string || type->bind == schema_bind_text)
        memcpy(at, &other, sizeof(other));
    else if (type->size == sizeof(number) && (memcpy(&number, at, sizeof(number)), number <= 0))
        memcpy(at, &(int64_t){7200000}, sizeof(int64_t)); /* was absent */
    else
        at[type->size > 1 ? 1 : 0] ^= 1; /* of a double too: its value is another one */
    expect_noticed(m, path, first);
    memcpy(at, keep, type->size);
}

static void mutate_object(struct mutant *m, const char *path, const struct schema_object *o,
                          unsigned char *at, bool first)
{
    bool seen = !o->short_type;

    for (size_t i = 0; i < o->field_count; i++) {
        char own[200];

        snprintf(own, sizeof(own), "%s%s%s", path, path[0] ? "." : "", o->fields[i].key);
        seen = seen || o->fields[i].offset == o->short_offset;
        mutate(m, own, o->fields[i].type, at + o->fields[i].offset, first);
    }
    if (!seen)
        mutate(m, path, o->short_type, at + o->short_offset, first);
}

static void mutate_list(struct mutant *m, const char *path, const struct schema_type *type,
                        unsigned char *at, bool first)
{
    static const char *const other = "another name";
    struct {
        unsigned char *items;
        size_t count;
    } list, less;

    memcpy(&list, at, sizeof(list));
    for (size_t i = 0; i < list.count; i++) {
        unsigned char *x = list.items + i * type->stride;
        bool own = strcmp(path, "funnels") == 0 ? i == 0 : first;
        const char *name;

        mutate(m, path, type->element, x + type->value_at, own);
        if (type->name_at == SCHEMA_NOWHERE)
            continue;
        memcpy(&name, x + type->name_at, sizeof(name));
        memcpy(x + type->name_at, &other, sizeof(other));
        expect_noticed(m, path, own);
        memcpy(x + type->name_at, &name, sizeof(name));
    }
    if (list.count == 0 || strcmp(path, "funnels.stages") == 0 || strcmp(path, "inputs") == 0)
        return;
    less = list;
    less.count--;
    memcpy(at, &less, sizeof(less));
    expect_noticed(m, path, first);
    memcpy(at, &list, sizeof(list));
}

static void mutate(struct mutant *m, const char *path, const struct schema_type *type,
                   unsigned char *at, bool first)
{
    if (type->object)
        mutate_object(m, path, type->object, at, first);
    else if (type->element)
        mutate_list(m, path, type, at, first);
    else
        mutate_scalar(m, path, type, at, first);
}

Test(settings_meaning, every_key_counts_or_is_listed)
{
    struct mutant m = {.s = kit_parse(EVERYTHING), .as_it_was = kit_parse(EVERYTHING)};

    m.meaning = settings_meaning(m.s);
    m.shape = settings_shape(m.s, &m.s->funnels.items[0]);
    mutate_object(&m, "", &settings_root_object, (unsigned char *)m.s, false);
    cr_expect(gt(sz, m.keys, 100));
    cr_expect(eq(u64, settings_meaning(m.s), m.meaning)); /* all was put back */
    settings_free(m.s);
    settings_free(m.as_it_was);
}

static bool means_the_same(const char *a, const char *b)
{
    struct settings *x = kit_parse(a), *y = kit_parse(b);
    bool same = settings_meaning(x) == settings_meaning(y) &&
                settings_shape(x, &x->funnels.items[0]) == settings_shape(y, &y->funnels.items[0]);

    cr_expect(zero(ptr, (void *)settings_switchable(x, y)));
    settings_free(x);
    settings_free(y);
    return same;
}

Test(settings_meaning, comments_order_and_defaults_do_not)
{
    cr_expect(
        means_the_same(KIT_KAFKA KIT_INPUTS "funnels: {f: {stages: [a, b, c]}}\n",
                       "# a remark\nfunnels:\n"
                       "  f: {window: 30d, stages: [{id: a, name: a}, b, {id: c, loop: false}]}\n"
                       "language: en\n" KIT_INPUTS "log: {level: debug}\n" KIT_KAFKA));
}

Test(settings_meaning, nor_do_defaults_that_follow_from_others)
{
    cr_expect(means_the_same(KIT_KAFKA KIT_INPUTS
                             "funnels: {f: {stages: [a, b, c], dims: {x: {}, y: {}}}}\n",
                             KIT_KAFKA KIT_INPUTS "state: {hash_key: funneld}\n"
                                                  "funnels:\n"
                                                  "  f:\n"
                                                  "    stages: [a, {id: b, window: 30d}, c]\n"
                                                  "    won: c\n"
                                                  "    overall: 60d\n"
                                                  "    forget_after: 120d\n"
                                                  "    segments: [[x], [y]]\n"
                                                  "    dims: {x: {}, y: {}}\n"));
}

Test(settings_meaning, nor_do_those_of_a_kind_of_rule_nor_the_order_of_days)
{
    cr_expect(means_the_same(KIT_HEAD "time: {holidays: [2026-12-25, 2026-01-01]}\n"
                                      "funnels:\n  f:\n    stages: [a, b]\n    rules:\n"
                                      "      - {id: d, kind: drop}\n"
                                      "      - {id: v, kind: volume}\n"
                                      "      - {id: q, kind: data_quality}\n",
                             KIT_HEAD "time: {holidays: [2026-01-01, 2026-12-25]}\n"
                                      "funnels:\n  f:\n    stages: [a, b]\n    rules:\n"
                                      "      - {id: d, kind: drop, budget: 0.1/week}\n"
                                      "      - {id: v, kind: volume, budget: 0.05/week}\n"
                                      "      - {id: q, kind: data_quality, target: 5%}\n"));
    cr_expect(not(means_the_same(KIT_HEAD "time: {holidays: [2026-12-25]}\n" KIT_FUNNELS,
                                 KIT_HEAD KIT_FUNNELS)));
}

#define FUNNEL(text) KIT_KAFKA KIT_INPUTS "funnels: {f: {stages: [a, b, c], " text "}}\n"

Test(settings_meaning, of_named_things_only_the_order_that_decides_counts)
{
    cr_expect(means_the_same(FUNNEL("where: {funnel: x, topic: y}"),
                             FUNNEL("where: {topic: y, funnel: x}")));
    cr_expect(not(means_the_same(FUNNEL("dims: {x: {}, y: {}}"), FUNNEL("dims: {y: {}, x: {}}"))));
}

Test(settings_meaning, what_cannot_be_changed_is_named)
{
    struct settings *x = kit_parse(KIT_KAFKA KIT_INPUTS KIT_FUNNELS),
                    *y = kit_parse(KIT_KAFKA "inputs: [{topic: other}]\n" KIT_FUNNELS);

    cr_expect(eq(str, (char *)settings_switchable(x, y), "inputs[].topic"));
    cr_expect(zero(ptr, (void *)settings_switchable(x, x)));
    settings_free(x);
    settings_free(y);
}
