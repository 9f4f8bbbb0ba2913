/* SPDX-License-Identifier: Apache-2.0 */
/* The settings as canonical bytes, hashed. The bytes come from the tables (settings_tables.c): a key that is new
 * there counts from the first day, unless a list below leaves it out. */
#include "funnel/settings_meaning.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/mem.h"
#include "core/schema.h"
#include "core/settings_tables.h"

/* --- what is left out --- */

/* Only the shell goes by these, or nobody yet. A path stands for all below it. */
static const char *const shell_keys[] = {
    "mode",
    "kafka",
    "outputs",
    "time.idle_after", /* the clock's: what it decides enters as a decision */
    "time.idle_lateness",
    "funnels.ids", /* without effect in this version */
    "state.dir",
    "state.snapshot",
    "limits.outbox",
    "log",
    "http",
    "http_token",
    "missing_topic",
    "shutdown_timeout",
    "first_start",
    "on_gap",
    "control",
    "heartbeat",
    NULL,
};

/* What a funnel's entities, windows and series do not depend on: rules and windows are told apart one by one
 * where settings are switched; names only say which stage an event means; the rest is for people to read. */
static const char *const beside_shape[] = {
    "funnels.rules",
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
    "funnels.stages.note",
    NULL,
};

/* What a running daemon cannot change, and how a message names it. The rest it can take over as it runs: by a
 * switch, or where only the shell goes by it at once. */
static const struct fixed_key {
    const char *path, *said;
} fixed_keys[] = {
    {"mode", "mode"},
    {"group", "group"},                     /* offsets and the transactional.id hang on it */
    {"kafka", "kafka"},                     /* of clients that are connected */
    {"inputs.topic", "inputs[].topic"},     /* a partition of an input is a machine */
    {"outputs", "outputs"},                 /* alerts would go on where nobody resolves them */
    {"amount_decimals", "amount_decimals"}, /* every amount kept is a number of the old units */
    {"state.dir", "state.dir"},             /* locked */
    {"state.hash_key", "state.hash_key"},   /* every entity is kept by its fingerprint */
    {"http", "http"},                       /* bound */
    {"http_token", "http_token"},
    {"control", "control"},
    {"log.format", "log.format"},
};

/* Of those, what the state was made with: a restart does not change it either. */
static const char *const state_keys[] = {"amount_decimals", "state.hash_key", NULL};

/* These maps' order is no more than how they are written; that of the others (funnels, dims) decides numbers and
 * ties. */
static const char *const unordered[] = {"funnels.where", "inputs.map.dims", NULL};

/* `path` itself or something above it is listed. */
static bool is_listed(const char *const *list, const char *path)
{
    for (; *list; list++) {
        size_t len = strlen(*list);

        if (strncmp(*list, path, len) == 0 && (path[len] == '\0' || path[len] == '.'))
            return true;
    }
    return false;
}

/* --- bytes --- */

struct meaning {
    const char *const *without;
    const char *only; /* NULL, or the path without whose subtree nothing is written */
};

static void put(const struct meaning *m, struct buf *out, const char *path,
                const struct schema_type *type, const void *at);

static void put_text(struct buf *out, const char *text)
{
    uint32_t len = text ? (uint32_t)strlen(text) : UINT32_MAX;

    buf_add(out, &len, sizeof(len));
    buf_add(out, text ? text : "", text ? len : 0);
}

static bool is_text(const struct schema_type *type)
{
    return strcmp(type->name, "text") == 0;
}

/* Numbers and words, as their C members are; bytes of padding there are none. */
static void put_scalar(struct buf *out, const struct schema_type *type, const void *at)
{
    const char *text;

    if (is_text(type)) {
        memcpy(&text, at, sizeof(text));
        put_text(out, text);
    } else {
        buf_add(out, at, type->size);
    }
}

/* Above, at or below the path that alone is wanted. */
static bool is_wanted(const struct meaning *m, const char *path)
{
    size_t len = strlen(path), only;

    if (is_listed(m->without, path))
        return false;
    if (!m->only || len == 0)
        return true;
    only = strlen(m->only);
    if (len <= only)
        return strncmp(m->only, path, len) == 0 && (m->only[len] == '\0' || m->only[len] == '.');
    return strncmp(m->only, path, only) == 0 && path[only] == '.';
}

static void put_object(const struct meaning *m, struct buf *out, const char *path,
                       const struct schema_object *object, const void *at)
{
    bool short_is_field = !object->short_type;
    struct buf own = {0};

    for (size_t i = 0; i < object->field_count; i++) {
        const struct schema_field *f = &object->fields[i];

        short_is_field = short_is_field || f->offset == object->short_offset;
        buf_clear(&own);
        buf_fmt(&own, "%s%s%s", path, path[0] ? "." : "", f->key);
        if (!is_wanted(m, buf_cstr(&own)))
            continue;
        put_text(out, f->key);
        put(m, out, buf_cstr(&own), f->type, (const unsigned char *)at + f->offset);
    }
    if (!short_is_field)
        put(m, out, path, object->short_type, (const unsigned char *)at + object->short_offset);
    buf_deinit(&own);
}

static void put_element(const struct meaning *m, struct buf *out, const char *path,
                        const struct schema_type *type, const unsigned char *element)
{
    const char *name;

    if (type->name_at != SCHEMA_NOWHERE) {
        memcpy(&name, element + type->name_at, sizeof(name));
        put_text(out, name);
    }
    put(m, out, path, type->element, element + type->value_at);
}

static void put_elements(const struct meaning *m, struct buf *out, const char *path,
                         const struct schema_type *type, const void *at)
{
    struct {
        const unsigned char *items;
        size_t count;
    } list; /* as every struct of a list or a map begins */
    bool any_order = is_listed(unordered, path);
    uint64_t sum = 0, count;

    memcpy(&list, at, sizeof(list));
    count = list.count;
    buf_add(out, &count, sizeof(count));
    for (size_t i = 0; i < list.count; i++) {
        size_t from = out->len;

        put_element(m, out, path, type, list.items + i * type->stride);
        if (!any_order)
            continue;
        sum += XXH3_64bits(out->data + from, out->len - from);
        out->len = from;
    }
    if (any_order)
        buf_add(out, &sum, sizeof(sum));
}

static void put(const struct meaning *m, struct buf *out, const char *path,
                const struct schema_type *type, const void *at)
{
    if (type->object)
        put_object(m, out, path, type->object, at);
    else if (type->element)
        put_elements(m, out, path, type, at);
    else
        put_scalar(out, type, at);
}

/* --- defaults that follow from other settings --- */

/* A funnel as if they had been written out. */
struct spelled {
    struct settings_funnel funnel;
    struct settings_stage stages[STAGES_MAX];
    struct settings_strings segments[DIMS_MAX];
    struct settings_rule rules[RULES_MAX];
};

static void spell_windows(struct settings_funnel *f, size_t won)
{
    int64_t sum = 0, longest = 0;

    for (size_t i = 0; i + 1 < f->stages.count; i++) {
        sum += i < won ? f->stages.items[i].window : 0;
        longest = f->stages.items[i].window > longest ? f->stages.items[i].window : longest;
    }
    if (f->overall <= 0)
        f->overall = sum;
    longest = f->overall > longest ? f->overall : longest;
    if (f->forget_after <= 0)
        f->forget_after = 2 * longest;
}

static void spell_rules(struct spelled *x, const struct settings_rules *rules)
{
    x->funnel.rules.items = x->rules;
    for (size_t i = 0; i < rules->count; i++) {
        struct settings_rule *r = &x->rules[i];

        *r = rules->items[i];
        r->target = settings_rule_target(r);
        if (r->budget < 0 && settings_rule_budget(r) > 0)
            r->budget = settings_rule_budget(r);
    }
}

/* As funnel.c and series.c understand it. */
static void spell(struct spelled *x, const struct settings_funnel *f)
{
    size_t count = f->stages.count, won = count - 1;

    x->funnel = *f;
    x->funnel.stages.items = x->stages;
    memcpy(x->stages, f->stages.items, count * sizeof(*x->stages));
    for (size_t i = 0; i < count; i++) {
        struct settings_stage *s = &x->stages[i];

        if (!s->name)
            s->name = s->id;
        if (s->window <= 0 && i + 1 < count)
            s->window = f->window;
        if (f->won && strcmp(f->won, s->id) == 0)
            won = i;
    }
    if (!f->won)
        x->funnel.won = x->stages[won].id;
    x->funnel.window = 0; /* the stages have it now */
    spell_windows(&x->funnel, won);
    spell_rules(x, &f->rules);
    if (f->segments.count > 0)
        return;
    x->funnel.segments = (struct settings_segments){x->segments, f->dims.count};
    for (size_t d = 0; d < f->dims.count; d++)
        x->segments[d] = (struct settings_strings){&f->dims.items[d].name, 1};
}

/* --- the whole --- */

static void put_settings(const struct meaning *m, struct buf *out, const struct settings *s)
{
    struct settings_funnel funnels[FUNNELS_MAX];
    struct settings root = *s;
    struct spelled *spelled = mem_zero(s->funnels.count, sizeof(*spelled));

    for (size_t i = 0; i < s->funnels.count; i++) {
        spell(&spelled[i], &s->funnels.items[i]);
        funnels[i] = spelled[i].funnel;
    }
    root.funnels.items = funnels;
    if (!root.state.hash_key)
        root.state.hash_key = root.group;
    put_object(m, out, "", &settings_root_object, &root);
    mem_free(spelled);
}

static uint64_t hash_settings(const struct meaning *parts, size_t count, const struct settings *s)
{
    struct buf b = {0};
    uint64_t hash;

    for (size_t i = 0; i < count; i++)
        put_settings(&parts[i], &b, s);
    hash = XXH3_64bits(b.data, b.len);
    buf_deinit(&b);
    return hash;
}

uint64_t settings_meaning(const struct settings *s)
{
    return hash_settings(&(struct meaning){shell_keys, NULL}, 1, s);
}

uint64_t settings_shape(const struct settings *s, const struct settings_funnel *f)
{
    static const struct meaning parts[] = {
        {beside_shape, "funnels"}, {beside_shape, "time.pane"}, {beside_shape, "time.zone"}};
    struct settings one = *s;
    struct settings_funnel copy = *f;

    one.funnels = (struct settings_funnels){&copy, 1};
    return hash_settings(parts, sizeof(parts) / sizeof(parts[0]), &one);
}

/* among: NULL for any of them. */
static const char *fixed_key_changed(const struct settings *from, const struct settings *to,
                                     const char *const *among)
{
    static const char *const nothing[] = {NULL};

    for (size_t i = 0; i < sizeof(fixed_keys) / sizeof(fixed_keys[0]); i++) {
        struct meaning m = {nothing, fixed_keys[i].path};

        if ((!among || is_listed(among, fixed_keys[i].path)) &&
            hash_settings(&m, 1, from) != hash_settings(&m, 1, to))
            return fixed_keys[i].said;
    }
    return NULL;
}

const char *settings_switchable(const struct settings *from, const struct settings *to)
{
    return fixed_key_changed(from, to, NULL);
}

const char *settings_keepable(const struct settings *from, const struct settings *to)
{
    return fixed_key_changed(from, to, state_keys);
}
