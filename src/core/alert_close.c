/* SPDX-License-Identifier: Apache-2.0 */
/* A resolved record made from a published one. Its text is cut and pieced together, so that numbers and whatever a
 * later version has added stay as they are. */
#include <string.h>

#include "alert_headers.h"
#include "funnel/canon.h"
#include "funnel/json_out.h"
#include "funnel/json_tree.h"
#include "funnel/mem.h"
#include "funnel/sentence.h"

#define CLOSE_DEPTH 8
#define CLOSE_PATCHES 5

struct patch {
    uint32_t begin, end;   /* bytes of the old text that are replaced */
    size_t text, text_len; /* by these, of closing.texts */
};

struct closing {
    struct json_tree tree;
    struct arena *strings;
    struct buf texts;
    struct patch patches[CLOSE_PATCHES];
    size_t patch_count;
    struct alert_label labels[ALERT_LABELS_MAX];
    struct alert_headers headers;
    bool failed; /* a member is missing, or is not of its type */
};

/* --- reading --- */

static const cJSON *member(struct closing *c, const cJSON *node, const char *name)
{
    return json_tree_member(&c->tree, node, name);
}

static struct span text_of(struct closing *c, const cJSON *node)
{
    if (node && json_tree_value(&c->tree, node).type == JSON_STRING)
        return json_tree_text(&c->tree, node, c->strings);
    c->failed = true;
    return SPAN_NONE;
}

static uint64_t hash_of(struct closing *c, const cJSON *node)
{
    struct span text = text_of(c, node);
    uint64_t hash = 0;

    c->failed = c->failed || text.len != 16;
    for (uint32_t i = 0; !c->failed && i < text.len; i++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, text.p[i]);

        c->failed = !digit || !*digit;
        hash = hash << 4 | (uint64_t)(digit ? digit - digits : 0);
    }
    return hash;
}

static struct etime time_of(struct closing *c, const cJSON *node)
{
    struct span text = text_of(c, node);
    int64_t ms = 0;

    c->failed = c->failed || canon_time_rfc3339(text, &ms) != 0;
    return (struct etime){ms};
}

static uint32_t sequence_of(struct closing *c, const cJSON *node)
{
    bool is_number = node && json_tree_value(&c->tree, node).type == JSON_NUMBER;
    struct span text = is_number ? json_tree_text(&c->tree, node, c->strings) : SPAN_NONE;
    uint32_t n = 0;

    c->failed = c->failed || text.len == 0 || text.len > 9;
    for (uint32_t i = 0; !c->failed && i < text.len; i++) {
        c->failed = text.p[i] < '0' || text.p[i] > '9';
        n = 10 * n + (uint32_t)(text.p[i] - '0');
    }
    return n;
}

static void take_labels(struct closing *c, const cJSON *labels)
{
    size_t n = 0;

    c->failed = c->failed || json_tree_value(&c->tree, labels).type != JSON_OBJECT;
    for (const cJSON *x = c->failed ? NULL : labels->child; x && !c->failed; x = x->next) {
        if (n == ALERT_LABELS_MAX) {
            c->failed = true;
            return;
        }
        c->labels[n++] = (struct alert_label){span_of(x->string), text_of(c, x)};
    }
    c->headers.labels = c->labels;
    c->headers.label_count = n;
    c->failed = c->failed || n == 0;
}

/* --- piecing together --- */

/* The node's bytes become what is appended to c->texts until patch_end(). In the order of the text. */
static void patch_begin(struct closing *c, const cJSON *node)
{
    struct patch *p = &c->patches[c->patch_count];
    struct json_value v = json_tree_value(&c->tree, node);

    c->failed = c->failed || !node || (c->patch_count > 0 && v.begin < p[-1].end);
    *p = (struct patch){v.begin, v.end, c->texts.len, 0};
}

static void patch_end(struct closing *c)
{
    struct patch *p = &c->patches[c->patch_count++];

    p->text_len = c->texts.len - p->text;
}

static void patch_text(struct closing *c, const cJSON *node, const char *text)
{
    patch_begin(c, node);
    buf_json_string(&c->texts, span_of(text));
    patch_end(c);
}

static void patch_summary(struct closing *c, const cJSON *node, const char *reason, int language)
{
    const struct alert a = {.ends_reason = reason, .language = language};
    struct span old = text_of(c, node);
    struct buf text = {0};

    buf_fmt(&text, language == LANGUAGE_ZH ? "告警已关闭（%s）：" : "The alert was closed (%s): ",
            sentence_ending(&a));
    buf_add(&text, old.p ? old.p : "", old.len);
    patch_begin(c, node);
    buf_json_string(&c->texts, (struct span){text.data, (uint32_t)text.len});
    patch_end(c);
    buf_deinit(&text);
}

/* The members stand in the order of alert_record.c. */
static void close_value(struct closing *c, const char *reason, struct etime at, int language)
{
    const cJSON *root = c->tree.root;
    char time[CANON_RFC3339_SIZE];

    canon_rfc3339(at.ms, time);
    patch_text(c, member(c, root, "status"), "resolved");
    patch_summary(c, member(c, member(c, root, "annotations"), "summary"), reason, language);
    patch_text(c, member(c, root, "endsAt"), time);
    patch_text(c, member(c, root, "endsReason"), reason);
    patch_begin(c, member(c, root, "sequence"));
    buf_fmt(&c->texts, "%u", c->headers.sequence);
    patch_end(c);
}

static void put_pieces(const struct closing *c, struct span value, struct records *out)
{
    struct buf text = {0};
    uint32_t from = 0;

    for (size_t i = 0; i < c->patch_count; i++) {
        const struct patch *p = &c->patches[i];

        buf_add(&text, value.p + from, p->begin - from);
        buf_add(&text, c->texts.data + p->text, p->text_len);
        from = p->end;
    }
    buf_add(&text, value.p + from, value.len - from);
    record_value(out, (struct span){text.data, (uint32_t)text.len});
    buf_deinit(&text);
}

/* --- all of it --- */

static void close_read(struct closing *c, struct span key, struct etime at)
{
    const cJSON *root = c->tree.root, *window = member(c, root, "window");
    struct span status = text_of(c, member(c, root, "status"));
    struct span fingerprint = text_of(c, member(c, root, "fingerprint"));
    struct etime starts = time_of(c, member(c, root, "startsAt"));

    c->failed = c->failed || !(span_is(status, "firing") || span_is(status, "updated")) ||
                !span_equal(fingerprint, key);
    c->headers.fingerprint = hash_of(c, member(c, root, "fingerprint"));
    c->headers.rule_hash = hash_of(c, member(c, member(c, root, "rule"), "hash"));
    c->headers.to_ms = time_of(c, member(c, window, "to")).ms;
    c->headers.sequence = sequence_of(c, member(c, root, "sequence")) + 1;
    c->headers.at = at.ms > starts.ms ? at : starts;
    take_labels(c, member(c, root, "labels"));
}

static void close_put(struct closing *c, struct records *out, struct span key, struct span value)
{
    record_begin(out, RECORD_ALERT, c->headers.at.ms);
    record_key(out, key);
    put_pieces(c, value, out);
    alert_headers_put(out, &c->headers);
}

bool alert_close_put(struct records *out, struct span key, struct span value, const char *reason,
                     struct etime at, const char *group, int language)
{
    struct closing c = {.strings = arena_new(),
                        .headers = {.group = group, .status = ALERT_STATUS_RESOLVED}};
    uint32_t byte;

    c.failed = !key.p || !value.p ||
               json_tree_parse(&c.tree, value, CLOSE_DEPTH, c.strings, &byte) != JSON_OK;
    if (!c.failed)
        close_read(&c, key, at);
    if (!c.failed)
        close_value(&c, reason, c.headers.at, language);
    if (!c.failed)
        close_put(&c, out, key, value);
    json_tree_deinit(&c.tree);
    arena_free(c.strings);
    buf_deinit(&c.texts);
    return !c.failed;
}
