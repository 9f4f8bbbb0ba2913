/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/control.h"

#include <stdlib.h>
#include <string.h>

#include "funnel/canon.h"
#include "funnel/json_out.h"
#include "funnel/json_tree.h"
#include "funnel/mem.h"
#include "funnel/units.h"

#define CONTROL_DEPTH 2
#define CONTROL_ID_MAX 64

static const char *const KINDS[] = {"silence", "expire", "intervention"};

/* --- reading --- */

enum key {
    KEY_KIND,
    KEY_ID,
    KEY_FROM,
    KEY_TO,
    KEY_AT,
    KEY_MATCHERS,
    KEY_FUNNEL,
    KEY_STEP,
    KEY_WINDOW,
    KEY_AUTHOR,
    KEY_COMMENT,
    KEY_COUNT
};

#define OF(kind) (1u << (kind))
#define OF_ALL (OF(CONTROL_SILENCE) | OF(CONTROL_EXPIRE) | OF(CONTROL_INTERVENTION))

/* Which kinds of record may have a key, and which must. */
static const struct {
    const char *name, *missing;
    unsigned may, must;
} KEYS[KEY_COUNT] = {
    [KEY_KIND] = {"kind", "kind is missing", OF_ALL, OF_ALL},
    [KEY_ID] = {"id", "id is missing", OF_ALL, OF_ALL},
    [KEY_FROM] = {"from", "from is missing", OF(CONTROL_SILENCE), OF(CONTROL_SILENCE)},
    [KEY_TO] = {"to", "to is missing", OF(CONTROL_SILENCE), OF(CONTROL_SILENCE)},
    [KEY_AT] = {"at", "at is missing", OF(CONTROL_INTERVENTION), OF(CONTROL_INTERVENTION)},
    [KEY_MATCHERS] = {"matchers", "matchers are missing", OF(CONTROL_SILENCE), OF(CONTROL_SILENCE)},
    [KEY_FUNNEL] = {"funnel", "funnel is missing", OF(CONTROL_INTERVENTION),
                    OF(CONTROL_INTERVENTION)},
    [KEY_STEP] = {"step", NULL, OF(CONTROL_INTERVENTION), 0},
    [KEY_WINDOW] = {"window", NULL, OF(CONTROL_INTERVENTION), 0},
    [KEY_AUTHOR] = {"author", NULL, OF_ALL, 0},
    [KEY_COMMENT] = {"comment", NULL, OF_ALL, 0},
};

struct reader {
    struct json_tree tree;
    struct arena *arena;
    struct buf *scratch;
    const cJSON *members[KEY_COUNT];
};

/* With a NUL behind it. The scratch holds the whole text's length: strings are shorter than their JSON form. */
static struct span keep(struct reader *r, struct span text)
{
    struct span kept = {r->scratch->data + r->scratch->len, text.len};

    buf_add(r->scratch, text.p, text.len);
    buf_char(r->scratch, '\0');
    return kept;
}

static bool take_text(struct reader *r, const cJSON *node, struct span *ret)
{
    if (json_tree_value(&r->tree, node).type != JSON_STRING)
        return false;
    *ret = keep(r, json_tree_text(&r->tree, node, r->arena));
    return true;
}

static const char *take_members(struct reader *r)
{
    if (json_tree_value(&r->tree, r->tree.root).type != JSON_OBJECT)
        return "it is no JSON object";
    for (const cJSON *node = r->tree.root->child; node; node = node->next) {
        int key = 0;

        while (key < KEY_COUNT && strcmp(KEYS[key].name, node->string) != 0)
            key++;
        if (key == KEY_COUNT)
            return "it has an unknown key";
        if (r->members[key])
            return "a key stands twice";
        r->members[key] = node;
    }
    return NULL;
}

static const char *take_kind(struct reader *r, struct control *c)
{
    struct span text;
    size_t kind = 0;

    if (!r->members[KEY_KIND])
        return KEYS[KEY_KIND].missing;
    if (!take_text(r, r->members[KEY_KIND], &text))
        return "kind is no text";
    while (kind < 3 && !span_is(text, KINDS[kind]))
        kind++;
    if (kind == 3)
        return "kind is none of silence, expire, intervention";
    c->kind = (enum control_kind)kind;
    for (int key = 0; key < KEY_COUNT; key++) {
        if (!r->members[key] && KEYS[key].must & OF(kind))
            return KEYS[key].missing;
        if (r->members[key] && !(KEYS[key].may & OF(kind)))
            return "it has a key that this kind does not have";
    }
    return NULL;
}

static bool is_id(struct span id)
{
    for (uint32_t i = 0; i < id.len; i++)
        if (id.p[i] <= ' ' || id.p[i] > '~')
            return false;
    return id.len >= 1 && id.len <= CONTROL_ID_MAX;
}

static const char *take_id(struct reader *r, struct control *c)
{
    if (take_text(r, r->members[KEY_ID], &c->id) && is_id(c->id))
        return NULL;
    return "id is no text of 1 to 64 printable ASCII characters without blanks";
}

static bool take_time(struct reader *r, enum key key, struct etime *ret)
{
    struct span text;

    return take_text(r, r->members[key], &text) && canon_time_rfc3339(text, &ret->ms) == 0;
}

static int matcher_compare(const void *a, const void *b)
{
    return span_compare(((const struct control_matcher *)a)->label,
                        ((const struct control_matcher *)b)->label);
}

static const char *take_matchers(struct reader *r, struct control *c)
{
    const cJSON *matchers = r->members[KEY_MATCHERS];

    if (json_tree_value(&r->tree, matchers).type != JSON_OBJECT)
        return "matchers are no object of texts";
    for (const cJSON *node = matchers->child; node; node = node->next) {
        struct control_matcher *m = &c->matchers[c->matcher_count];

        if (c->matcher_count == CONTROL_MATCHERS_MAX)
            return "there are more than 8 matchers";
        m->label = keep(r, span_of(node->string));
        if (!take_text(r, node, &m->value) || m->label.len == 0 || m->value.len == 0)
            return "a matcher is no label with a text of at least one character";
        c->matcher_count++;
    }
    if (c->matcher_count == 0)
        return "there is no matcher: it would silence everything";
    qsort(c->matchers, c->matcher_count, sizeof(c->matchers[0]), matcher_compare);
    for (size_t i = 1; i < c->matcher_count; i++)
        if (span_equal(c->matchers[i - 1].label, c->matchers[i].label))
            return "a label stands twice";
    return NULL;
}

static const char *take_silence(struct reader *r, struct control *c)
{
    if (!take_time(r, KEY_FROM, &c->from))
        return "from is no RFC 3339 time";
    if (!take_time(r, KEY_TO, &c->to))
        return "to is no RFC 3339 time";
    if (c->to.ms <= c->from.ms)
        return "to is not after from";
    return take_matchers(r, c);
}

static const char *take_intervention(struct reader *r, struct control *c)
{
    struct span window;

    if (!take_time(r, KEY_AT, &c->from))
        return "at is no RFC 3339 time";
    if (!take_text(r, r->members[KEY_FUNNEL], &c->funnel) || c->funnel.len == 0)
        return "funnel is no name";
    if (r->members[KEY_STEP] && (!take_text(r, r->members[KEY_STEP], &c->step) || c->step.len == 0))
        return "step is no name";
    if (r->members[KEY_WINDOW] &&
        (!take_text(r, r->members[KEY_WINDOW], &window) ||
         settings_duration(window.p, &c->window_ms) != 0 || c->window_ms == 0))
        return "window is no duration like 1h";
    return NULL;
}

static const char *take_all(struct reader *r, struct control *c)
{
    const char *wrong = take_members(r);

    wrong = wrong ? wrong : take_kind(r, c);
    wrong = wrong ? wrong : take_id(r, c);
    if (!wrong && r->members[KEY_AUTHOR] && !take_text(r, r->members[KEY_AUTHOR], &c->author))
        return "author is no text";
    if (!wrong && r->members[KEY_COMMENT] && !take_text(r, r->members[KEY_COMMENT], &c->comment))
        return "comment is no text";
    if (!wrong && c->kind == CONTROL_SILENCE)
        return take_silence(r, c);
    if (!wrong && c->kind == CONTROL_INTERVENTION)
        return take_intervention(r, c);
    return wrong;
}

const char *control_parse(struct span text, struct buf *scratch, struct control *ret)
{
    struct control c = {.from = ETIME_NONE, .to = ETIME_NONE};
    struct reader r = {.scratch = scratch};
    const char *wrong = "it is no JSON";
    uint32_t at;

    if (!text.p || text.len == 0)
        return "it is empty";
    if (text.len > DECISION_TEXT_MAX)
        return "it is longer than 1024 bytes";
    buf_clear(scratch);
    buf_reserve(scratch, text.len);
    r.arena = arena_new();
    if (json_tree_parse(&r.tree, text, CONTROL_DEPTH, r.arena, &at) == JSON_OK)
        wrong = take_all(&r, &c);
    json_tree_deinit(&r.tree);
    arena_free(r.arena);
    if (!wrong)
        *ret = c;
    return wrong;
}

/* --- writing --- */

static void put_text(struct json_out *j, const char *key, struct span text)
{
    if (!text.p)
        return;
    json_key(j, key);
    json_string(j, text);
}

static void put_time(struct json_out *j, const char *key, struct etime at)
{
    char text[CANON_RFC3339_SIZE];

    canon_rfc3339(at.ms, text);
    json_pair_string(j, key, text);
}

static void put_matchers(struct json_out *j, const struct control *c)
{
    struct control_matcher sorted[CONTROL_MATCHERS_MAX];

    memcpy(sorted, c->matchers, sizeof(sorted));
    qsort(sorted, c->matcher_count, sizeof(sorted[0]), matcher_compare);
    json_key(j, "matchers");
    json_open(j, '{');
    for (size_t i = 0; i < c->matcher_count; i++) {
        json_key_span(j, sorted[i].label);
        json_string(j, sorted[i].value);
    }
    json_close(j, '}');
}

static void put_window(struct json_out *j, int64_t window_ms)
{
    struct buf text = {0};

    if (window_ms == 0)
        return;
    units_put_duration(&text, window_ms);
    json_pair_string(j, "window", buf_cstr(&text));
    buf_deinit(&text);
}

void control_write(const struct control *c, struct buf *out)
{
    struct json_out j = {.out = out};

    json_open(&j, '{');
    json_pair_string(&j, "kind", KINDS[c->kind]);
    put_text(&j, "id", c->id);
    if (c->kind == CONTROL_SILENCE) {
        put_time(&j, "from", c->from);
        put_time(&j, "to", c->to);
        put_matchers(&j, c);
    } else if (c->kind == CONTROL_INTERVENTION) {
        put_time(&j, "at", c->from);
        put_text(&j, "funnel", c->funnel);
        put_text(&j, "step", c->step);
        put_window(&j, c->window_ms);
    }
    put_text(&j, "author", c->author);
    put_text(&j, "comment", c->comment);
    json_close(&j, '}');
}
