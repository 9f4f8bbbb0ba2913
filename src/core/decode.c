/* SPDX-License-Identifier: Apache-2.0 */
/* The reference decoder: strict scan, cJSON tree, and for each field the first of its places
 * that has a value. Slower than could be, and the one that says what is right. Fields are taken
 * in the order of enum mapping_field, then settings.fields: the first that fails is the
 * message's failure. */
#include "funnel/decode.h"

#include <string.h>

#include "funnel/canon.h"
#include "funnel/lookup.h"
#include "funnel/mapping.h"
#include "funnel/mem.h"

#define IDS_MAX 64 /* of one message */

struct decoder {
    const struct settings *settings;
    struct mapping_input *inputs;
    struct arena *life;    /* the mapping */
    struct arena *strings; /* of the batch */
    struct lookup lookup;
    struct decoded out;
    size_t event_cap, failure_cap;
};

/* One message on its way. */
struct task {
    struct decoder *d;
    const struct mapping *map;
    enum event_kind kind;
    int cdc;       /* the key is the row's: it names what a delete deletes */
    int tombstone; /* there is nothing but the key */
    struct span ids[IDS_MAX];
    size_t id_count;
    uint32_t found;                /* where the value looked up last begins */
    struct decode_failure failure; /* set by task_fail */
};

#define REJECT_WORD(name, word, text) word,
#define REJECT_TEXT(name, word, text) text,

const char *reject_word(enum reject r)
{
    static const char *const words[] = {REJECT_TABLE(REJECT_WORD)};

    return words[r];
}

const char *reject_text(enum reject r)
{
    static const char *const texts[] = {REJECT_TABLE(REJECT_TEXT)};

    return texts[r];
}

struct decoder *decoder_new(const struct settings *settings)
{
    struct decoder *d = mem_zero(1, sizeof(*d));

    d->settings = settings;
    d->life = arena_new();
    d->strings = arena_new();
    d->inputs = mapping_new(settings, d->life);
    lookup_init(&d->lookup, settings, d->strings);
    return d;
}

void decoder_free(struct decoder *d)
{
    if (!d)
        return;
    lookup_deinit(&d->lookup);
    arena_free(d->life);
    arena_free(d->strings);
    mem_free(d->out.events);
    mem_free(d->out.failures);
    mem_free(d);
}

static int task_fail(struct task *t, enum reject reason, const char *field, uint32_t byte)
{
    t->failure.reason = reason;
    t->failure.field = field;
    t->failure.byte = byte;
    return -1;
}

static int task_find(struct task *t, const struct mapping_source *source, struct lookup_value *ret)
{
    struct lookup *l = &t->d->lookup;

    if (lookup_find(l, source, ret) != 0)
        return task_fail(t, l->reason, source->name, l->byte);
    t->found = ret->byte;
    return 0;
}

static int token_of(struct task *t, const char *field, const struct lookup_value *v,
                    struct span *ret)
{
    int64_t limit = t->d->settings->limits.id;
    int failed;

    if (v->type == JSON_STRING)
        failed = canon_string(v->text, limit);
    else if (v->type == JSON_NUMBER)
        failed = canon_number(v->text, limit);
    else
        return task_fail(t, REJECT_TYPE, field, v->byte);
    if (failed)
        return task_fail(t, REJECT_TOKEN, field, v->byte);
    *ret = v->text;
    return 0;
}

static int take_token(struct task *t, enum mapping_field field, struct span *ret)
{
    const struct mapping_source *source = &t->map->of[field];
    struct lookup_value v;

    if (task_find(t, source, &v) != 0)
        return -1;
    return v.type == JSON_NULL ? 0 : token_of(t, source->name, &v, ret);
}

/* As a token; true and false are values, too. */
static int take_value(struct task *t, const struct mapping_source *source, struct span *ret)
{
    struct lookup_value v;

    if (task_find(t, source, &v) != 0)
        return -1;
    if (v.type == JSON_TRUE || v.type == JSON_FALSE)
        v.type = JSON_STRING;
    return v.type == JSON_NULL ? 0 : token_of(t, source->name, &v, ret);
}

static int take_time(struct task *t, enum mapping_field field, struct etime *ret)
{
    const struct mapping_source *source = &t->map->of[field];
    struct lookup_value v;
    int failed;

    if (task_find(t, source, &v) != 0)
        return -1;
    if (v.type == JSON_NULL)
        return 0;
    if (v.type == JSON_STRING)
        failed = canon_time(v.text, v.format, &ret->ms);
    else if (v.type == JSON_NUMBER && v.format != FORMAT_RFC3339)
        failed = canon_time_epoch(v.text, v.format, &ret->ms);
    else
        return task_fail(t, REJECT_TYPE, source->name, v.byte);
    return failed ? task_fail(t, REJECT_TIME, source->name, v.byte) : 0;
}

static int take_amount(struct task *t, struct event *e)
{
    const struct mapping_source *source = &t->map->of[MAPPING_AMOUNT];
    struct lookup_value v;

    if (task_find(t, source, &v) != 0)
        return -1;
    if (v.type == JSON_NULL)
        return 0;
    if (v.type != JSON_STRING && v.type != JSON_NUMBER)
        return task_fail(t, REJECT_TYPE, source->name, v.byte);
    if (canon_amount(v.text, (int)t->d->settings->amount_decimals, &e->amount) != 0)
        return task_fail(t, REJECT_AMOUNT, source->name, v.byte);
    e->has_amount = 1;
    return 0;
}

static int take_kind(struct task *t)
{
    const struct mapping_source *source = &t->map->of[MAPPING_OP];
    struct lookup_value v;

    if (t->tombstone) {
        t->kind = EVENT_DELETE;
        return 0;
    }
    if (task_find(t, source, &v) != 0)
        return -1;
    if (v.type != JSON_NULL && v.type != JSON_STRING)
        return task_fail(t, REJECT_TYPE, source->name, v.byte);
    if (span_is(v.text, "d"))
        t->kind = EVENT_DELETE;
    else if (span_is(v.text, "r"))
        t->kind = EVENT_SEED;
    return 0;
}

static int take_id_array(struct task *t, const char *field, const struct lookup_value *array)
{
    if (!array->node->child)
        return task_fail(t, REJECT_UNMAPPED, field, array->byte);
    for (const cJSON *node = array->node->child; node; node = node->next) {
        struct lookup_value id;

        lookup_node(&t->d->lookup, array->tree, node, FORMAT_AUTO, &id);
        if (t->id_count == IDS_MAX)
            return task_fail(t, REJECT_TOKEN, field, id.byte);
        if (token_of(t, field, &id, &t->ids[t->id_count++]) != 0)
            return -1;
    }
    return 0;
}

static int take_ids(struct task *t)
{
    const struct mapping_source *source = &t->map->of[MAPPING_ENTITY];
    struct lookup *l = &t->d->lookup;
    struct lookup_value v;

    if (task_find(t, source, &v) != 0)
        return -1;
    if (v.type == JSON_NULL && t->cdc && t->kind == EVENT_DELETE &&
        lookup_find_key(l, FORMAT_AUTO, &v) != 0)
        return task_fail(t, l->reason, source->name, l->byte);
    if (v.type == JSON_NULL)
        return task_fail(t, REJECT_UNMAPPED, source->name, 0);
    if (v.type == JSON_ARRAY)
        return take_id_array(t, source->name, &v);
    t->id_count = 1;
    return token_of(t, source->name, &v, &t->ids[0]);
}

/* A tombstone has no time of its own but its record's. */
static int take_at(struct task *t, struct event *e)
{
    int64_t timestamp = t->d->lookup.message->timestamp;

    if (take_time(t, MAPPING_TS, &e->at) != 0)
        return -1;
    e->at_byte = t->found;
    if (etime_is_set(e->at))
        return 0;
    if (!t->tombstone || timestamp < 0)
        return task_fail(t, REJECT_UNMAPPED, t->map->of[MAPPING_TS].name, 0);
    if (timestamp > ETIME_MAX_MS)
        return task_fail(t, REJECT_TIME, t->map->of[MAPPING_TS].name, 0);
    e->at.ms = timestamp;
    return 0;
}

static int take_stage(struct task *t, struct event *e)
{
    if (take_token(t, MAPPING_STAGE, &e->stage) != 0)
        return -1;
    e->stage_byte = t->found;
    if (!e->stage.p && t->kind != EVENT_DELETE)
        return task_fail(t, REJECT_UNMAPPED, t->map->of[MAPPING_STAGE].name, 0);
    return 0;
}

static int take_event(struct task *t, struct event *e)
{
    if (take_ids(t) != 0 || take_token(t, MAPPING_FUNNEL, &e->funnel) != 0 ||
        take_stage(t, e) != 0 || take_at(t, e) != 0 || take_amount(t, e) != 0 ||
        take_token(t, MAPPING_EVENT_ID, &e->id) != 0 ||
        take_token(t, MAPPING_REASON, &e->reason) != 0 ||
        take_time(t, MAPPING_ENTERED_AT, &e->entered_at) != 0)
        return -1;
    for (size_t i = 0; i < t->d->settings->field_count; i++)
        if (take_value(t, &t->map->fields[i], &e->fields[i]) != 0)
            return -1;
    e->kind = t->kind;
    return 0;
}

static int open_cloudevent(struct task *t, const struct mapping_input *input)
{
    struct lookup *l = &t->d->lookup;
    const cJSON *root = l->value.root;

    if (lookup_header(l, "ce_specversion").p) {
        t->map = &input->binary;
        l->row = root;
        return take_kind(t);
    }
    if (json_tree_value(&l->value, json_tree_member(&l->value, root, "specversion")).type ==
        JSON_NULL)
        return task_fail(t, REJECT_UNMAPPED, "specversion", 0);
    l->envelope = root;
    l->row = json_tree_member(&l->value, root, "data");
    return take_kind(t);
}

/* A null is a tombstone however it is written; what has no row (heartbeat, schema change,
 * truncate) goes on and finds no entity. */
static int open_debezium(struct task *t)
{
    struct lookup *l = &t->d->lookup;

    t->cdc = 1;
    l->envelope = lookup_unwrap(&l->value, l->value.root);
    t->tombstone = json_tree_value(&l->value, l->envelope).type == JSON_NULL;
    if (take_kind(t) != 0)
        return -1;
    l->row = json_tree_member(&l->value, l->envelope, t->kind == EVENT_DELETE ? "before" : "after");
    return 0;
}

static int task_open(struct task *t, const struct message *m)
{
    const struct mapping_input *input = &t->d->inputs[m->input];
    struct lookup *l = &t->d->lookup;

    if (lookup_open(l, m) != 0)
        return task_fail(t, l->reason, NULL, l->byte);
    t->map = &input->map;
    l->key_member = input->map.key_member;
    switch (input->preset) {
    case PRESET_CLOUDEVENTS:
        return open_cloudevent(t, input);
    case PRESET_DEBEZIUM:
        return open_debezium(t);
    default:
        l->envelope = l->row = l->value.root;
        return take_kind(t);
    }
}

static void decode_message(struct decoder *d, const struct message *m, uint32_t index)
{
    struct decoded *out = &d->out;
    struct task t;
    struct event *e;

    /* Not one initialiser: it would clear the ids of every message. */
    t.d = d;
    t.kind = EVENT_STAGE;
    t.cdc = t.tombstone = 0;
    t.id_count = 0;
    t.failure = (struct decode_failure){.message = index};

    while (d->event_cap - out->event_count < IDS_MAX)
        out->events = mem_grow(out->events, d->event_cap, &d->event_cap, sizeof(*out->events));
    e = &out->events[out->event_count];
    *e = (struct event){.at = ETIME_NONE, .entered_at = ETIME_NONE, .message = index};
    if (task_open(&t, m) != 0 || take_event(&t, e) != 0) {
        out->failures = mem_grow(out->failures, out->failure_count, &d->failure_cap,
                                 sizeof(*out->failures));
        out->failures[out->failure_count++] = t.failure;
        return;
    }
    for (size_t i = 0; i < t.id_count; i++) {
        if (i > 0)
            e[i] = *e;
        e[i].entity = t.ids[i];
    }
    out->event_count += t.id_count;
}

const struct decoded *decode_batch(struct decoder *d, const struct message *messages, size_t count)
{
    arena_reset(d->strings);
    d->out.event_count = d->out.failure_count = 0;
    for (size_t i = 0; i < count; i++)
        decode_message(d, &messages[i], (uint32_t)i);
    return &d->out;
}
