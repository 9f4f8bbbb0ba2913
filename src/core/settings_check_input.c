/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka, topics, and where the fields of events stand. */
#include <string.h>

#include "core/settings_check.h"

#define INPUTS_MAX 64

/* What funneld's guarantees hang on is not for the file to change. */
static const struct {
    const char *key, *why, *remedy;
} own_properties[] = {
    {"group.id", "is set from `group`", "write it as `group`, at the top"},
    {"group.instance.id", "makes no sense here: partitions are assigned, not shared out",
     "remove it"},
    {"transactional.id", "is funneld-<group>", "set `group`, at the top"},
    {"enable.idempotence", "is always true: transactions need it", "remove it"},
    {"enable.auto.commit", "is always false: offsets are committed with the alerts", "remove it"},
    {"auto.commit.enable", "is always false: offsets are committed with the alerts", "remove it"},
    {"enable.auto.offset.store", "is always false: offsets are committed with the alerts",
     "remove it"},
    {"auto.offset.reset", "is always error: a lost position must be seen, not skipped",
     "remove it"},
    {"isolation.level", "is always read_committed", "remove it"},
    {"enable.partition.eof", "is always true: it says when an input is caught up", "remove it"},
    {"queue.buffering.max.messages", "is large: a transaction must fit whole", "see limits.outbox"},
    {"queue.buffering.max.kbytes", "is large: a transaction must fit whole", "see limits.outbox"},
    {"log.queue", "is set by funneld: its log goes through funneld's own", "see `log`"},
};

static void check_property(const struct check *c, const struct settings_pair *p)
{
    for (size_t i = 0; i < sizeof(own_properties) / sizeof(own_properties[0]); i++)
        if (strcmp(p->key, own_properties[i].key) == 0)
            check_fail(c, AT(p->value), own_properties[i].remedy, "%s %s", p->key,
                       own_properties[i].why);
}

void check_kafka(const struct check *c)
{
    const struct settings_pairs *kafka = &c->s->kafka;
    bool servers = false;

    for (size_t i = 0; i < kafka->count; i++) {
        const struct settings_pair *p = &kafka->items[i];

        check_property(c, p);
        if (strcmp(p->key, "bootstrap.servers") != 0 && strcmp(p->key, "metadata.broker.list") != 0)
            continue;
        servers = true;
        if (p->value && p->value[0] == '\0')
            check_fail(c, AT(p->value), "write HOST:PORT, or several with commas in between",
                       "no address of a broker");
    }
    if (!servers && check_set(c, AT(*kafka)))
        check_fail(c, AT(*kafka), "add bootstrap.servers: HOST:PORT",
                   "'bootstrap.servers' is missing");
}

/* --- sources --- */

static bool pointer_is_valid(const char *p)
{
    if (*p != '/')
        return false;
    for (; *p; p++)
        if (*p == '~' && p[1] != '0' && p[1] != '1')
            return false;
    return true;
}

/* $.a.b and a.b are how others write it. */
static const char *as_pointer(const struct check *c, const char *from)
{
    char *text = arena_strndup(c->b->scratch, from, strlen(from));

    for (char *p = text; *p; p++)
        if (*p == '.')
            *p = '/';
    if (text[0] == '$')
        text++;
    return check_text(c, "write a JSON Pointer such as %s%.100s, or key, key:/..., header:NAME",
                      text[0] == '/' ? "" : "/", text);
}

static void check_from(const struct check *c, const struct settings_source *source, bool time)
{
    const char *from = source->from;
    bool pointer = from[0] == '/' || strncmp(from, "key:", 4) == 0;

    if (pointer && !pointer_is_valid(from[0] == '/' ? from : from + 4))
        check_fail(c, AT(source->from),
                   "begin each level with '/'; write ~1 for '/' and ~0 for '~' inside a name",
                   "%s is not a JSON Pointer", check_quoted(c, from));
    else if (strcmp(from, "timestamp") == 0 && !time)
        check_fail(c, AT(source->from), "use it for ts or entered_at only",
                   "the record's timestamp cannot be this field");
    else if (strncmp(from, "header:", 7) == 0 && from[7] == '\0')
        check_fail(c, AT(source->from), "write header:NAME", "no name of a header");
    else if (!pointer && strcmp(from, "key") != 0 && strcmp(from, "timestamp") != 0 &&
             strncmp(from, "header:", 7) != 0)
        check_fail(c, AT(source->from), as_pointer(c, from), "%s is not a source",
                   check_quoted(c, from));
}

static void check_source(const struct check *c, const struct settings_source *source, bool time)
{
    if (source->from)
        check_from(c, source, time);
    if (source->from && source->constant)
        check_fail(c, AT(source->constant), "keep one of the two",
                   "const and from contradict each other");
    else if (source->constant && source->fallback)
        check_fail(c, AT(source->fallback), "keep one of the two",
                   "beside const, a default is never used");
    if (!time && check_set(c, AT(source->format)))
        check_fail(c, AT(source->format), "remove it", "format is for times: ts and entered_at");
}

/* Harmless, but most likely a slip in the name. */
static void check_mapped_dim(const struct check *c, const struct settings_named_source *dim)
{
    for (size_t i = 0; i < c->s->field_count; i++)
        if (strcmp(c->s->fields[i], dim->name) == 0)
            return;
    check_warn(c, AT(dim->source),
               check_nearest(c, dim->name, (const char *const *)c->s->fields, c->s->field_count),
               "no funnel uses a dimension or breakdown %s", check_quoted(c, dim->name));
}

static void check_sources(const struct check *c, const struct settings_sources *dims)
{
    for (size_t i = 0; i < dims->count; i++) {
        check_label(c, AT(dims->items[i].source), dims->items[i].name);
        check_source(c, &dims->items[i].source, false);
        check_mapped_dim(c, &dims->items[i]);
    }
}

static void check_map(const struct check *c, const struct settings_map *map)
{
#define ROW_SOURCE(member) \
    check_source(c, &map->member, &map->member == &map->ts || &map->member == &map->entered_at);
#define ROW_SOURCES(member) check_sources(c, &map->member);
#define ROW(type, member, ...) ROW_##type(member)
    SETTINGS_MAP(ROW)
#undef ROW
#undef ROW_SOURCES
#undef ROW_SOURCE
}

/* --- topics --- */

static void check_output(const struct check *c, const char *const *topic, const char *const *other)
{
    if (!*topic || !check_topic(c, topic, sizeof(*topic), *topic))
        return;
    for (size_t i = 0; i < c->s->inputs.count; i++) {
        const char *input = c->s->inputs.items[i].topic;

        if (input && strcmp(input, *topic) == 0) {
            check_fail(c, topic, sizeof(*topic), "write to a topic that no input reads",
                       "%s is an input too", check_quoted(c, *topic));
            return;
        }
    }
    if (other && *other && strcmp(*other, *topic) == 0)
        check_fail(c, topic, sizeof(*topic), "give each a topic of its own",
                   "%s is for alerts already", check_quoted(c, *topic));
}

void check_inputs(const struct check *c)
{
    const struct settings_inputs *inputs = &c->s->inputs;

    if (inputs->count == 0 && check_set(c, AT(*inputs)))
        check_fail(c, AT(*inputs), "add '- topic: NAME'", "no input");
    if (!check_at_most(c, AT(*inputs), inputs->count, INPUTS_MAX, "inputs"))
        return;
    for (size_t i = 0; i < inputs->count; i++) {
        const struct settings_input *in = &inputs->items[i];

        if (in->topic)
            check_topic(c, AT(in->topic), in->topic);
        for (size_t j = 0; in->topic && j < i; j++)
            if (inputs->items[j].topic && strcmp(inputs->items[j].topic, in->topic) == 0) {
                check_fail(c, AT(in->topic), "remove one of the two", "%s is an input already",
                           check_quoted(c, in->topic));
                break;
            }
        check_map(c, &in->map);
    }
    check_output(c, &c->s->outputs.alerts, NULL);
    check_output(c, &c->s->outputs.deadletter, &c->s->outputs.alerts);
}
