/* SPDX-License-Identifier: Apache-2.0 */
/* conf/funneld.yaml: every key at its default with its help above it, for a shop's funnel. What is off unless
 * it is wanted stands there commented out, with an example. */
#include <string.h>

#include "funnel/settings.h"
#include "core/settings_doc.h"
#include "core/settings_tables.h"

static const char preamble[] =
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# The settings of funneld: every key, at its default. `funneld check -c FILE` says what is wrong\n"
    "# with a file. Keys behind a '#' are off, or follow from others; what stands there is an example:\n"
    "# take the '#' away. A file of one's own needs kafka, inputs and funnels, and no more.\n"
    "# Durations are written 500ms, 1h30m, 14d; sizes 64KiB; ratios 0.3 or 30%.\n"
    "# Generated from include/funnel/settings_table.h.\n";

/* What the table has no default for. Paths are keys alone, without names and numbers. */
enum example_use {
    EXAMPLE, /* commented out */
    ACTIVE,  /* part of the sample's funnel */
    BLOCK,   /* lines of their own below the key */
    NAME,    /* of the one element of a map */
    AROUND,  /* items of a list before and after the one that is written out; '|' in between */
};
static const struct example {
    const char *path;
    enum example_use use;
    const char *text;
} examples[] = {
    {"kafka", BLOCK,
     "bootstrap.servers: 127.0.0.1:9092\n"
     "#security.protocol: SASL_SSL\n"
     "#sasl.mechanisms: PLAIN\n"
     "#sasl.username: funneld\n"
     "#sasl.password: ${KAFKA_PASSWORD}\n"},
    {"inputs.topic", ACTIVE, "funnel.events"},
    {"inputs.map.entity_id", EXAMPLE, "/entity_id"},
    {"inputs.map.funnel", EXAMPLE, "/funnel"},
    {"inputs.map.stage", EXAMPLE, "/stage"},
    {"inputs.map.ts", EXAMPLE, "{from: /ts, format: epoch_ms}"},
    {"inputs.map.amount", EXAMPLE, "/amount"},
    {"inputs.map.owner", EXAMPLE, "{from: /owner, default: nobody}"},
    {"inputs.map.event_id", EXAMPLE, "header:event-id"},
    {"inputs.map.reason", EXAMPLE, "/reason"},
    {"inputs.map.entered_at", EXAMPLE, "/entered_at"},
    {"inputs.map.op", EXAMPLE, "/op"},
    {"inputs.map.dims", EXAMPLE, "{channel: /dims/channel}"},
    {"time.holidays", EXAMPLE, "[2026-12-25, 2026-12-26]"},
    {"funnels", NAME, "shop"},
    {"funnels.where", EXAMPLE, "{funnel: shop}"},
    {"funnels.stages", AROUND, "- visit\n|- checkout\n- paid\n"},
    {"funnels.stages.id", ACTIVE, "cart"},
    {"funnels.stages.name", EXAMPLE, "Cart"},
    {"funnels.stages.alias", EXAMPLE, "[basket, 购物车]"},
    {"funnels.stages.window", EXAMPLE, "14d"},
    {"funnels.stages.probability", EXAMPLE, "20%"},
    {"funnels.stages.target", EXAMPLE, "40%"},
    {"funnels.stages.dwell", EXAMPLE, "2h"},
    {"funnels.stages.owner", EXAMPLE, "web team"},
    {"funnels.stages.note", EXAMPLE, "new design since May"},
    {"funnels.won", EXAMPLE, "paid"},
    {"funnels.lost", EXAMPLE, "[abandoned]"},
    {"funnels.actions", EXAMPLE, "[search, wishlist]"},
    {"funnels.overall", EXAMPLE, "60d"},
    {"funnels.forget_after", EXAMPLE, "180d"},
    {"funnels.dims", NAME, "channel"},
    {"funnels.dims.values", EXAMPLE, "[ads, mail]"},
    {"funnels.segments", EXAMPLE, "[[channel]]"},
    {"funnels.breakdowns", EXAMPLE, "[owner]"},
    {"funnels.rules.id", ACTIVE, "paid-target"},
    {"funnels.rules.kind", ACTIVE, "target"},
    {"funnels.rules.step", ACTIVE, "checkout>paid"},
    {"funnels.rules.budget", EXAMPLE, "0.1/week"}, /* of another kind */
    {"funnels.rules.accept_after", EXAMPLE, "7d"},
    {"funnels.rules.by", EXAMPLE, "[channel]"},
    {"funnels.rules.against", EXAMPLE, "1d"}, /* of another kind */
    {"funnels.rules.target", ACTIVE, "60%"},
    {"funnels.rules.clear", EXAMPLE, "65%"},
    {"funnels.rules.direction", EXAMPLE, "both"},
    {"funnels.rules.runbook_url", EXAMPLE, "https://wiki.example.com/paid-target"},
    {"state.hash_key", EXAMPLE, "file:/etc/funneld/hash_key"},
    {"http_token", EXAMPLE, "${FUNNELD_HTTP_TOKEN}"},
};

static const struct example *find_example(const char *path)
{
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
        if (strcmp(examples[i].path, path) == 0)
            return &examples[i];
    return NULL;
}

static void put_indented(struct buf *out, int indent, const char *lines)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n") + 1;

        buf_fmt(out, "%*s", indent, "");
        buf_add(out, lines, len);
        lines += len;
    }
}

static void put_fields(struct buf *out, const struct schema_object *object, const char *path,
                       int indent, bool item);

/* "key: value", or "#key: value"; "- " before it where it begins an item. */
static void put_value(struct buf *out, const struct schema_field *f, const struct example *x,
                      int indent, const char *dash)
{
    bool off = x ? x->use == EXAMPLE : !f->def || (f->flags & LATER);
    const char *text = x ? x->text : f->def ? f->def : "?";

    buf_fmt(out, "%*s%s%s%s: %s\n", indent, "", dash, off ? "#" : "", f->key, text);
}

/* A list's or map's one element that is written out. */
static void put_element(struct buf *out, const struct schema_field *f, const struct example *x,
                        const char *path, int indent)
{
    const struct schema_object *object = f->type->element->object;

    if (x && x->use == NAME) {
        buf_fmt(out, "%*s%s:\n", indent, "", x->text);
        put_fields(out, object, path, indent + 2, false);
    } else if (x && x->use == AROUND) {
        const char *bar = strchr(x->text, '|');
        struct buf before = {0};

        buf_add(&before, x->text, (size_t)(bar - x->text));
        put_indented(out, indent, buf_cstr(&before));
        put_fields(out, object, path, indent, true);
        put_indented(out, indent, bar + 1);
        buf_deinit(&before);
    } else {
        put_fields(out, object, path, indent, true);
    }
}

static void put_field(struct buf *out, const struct schema_field *f, const char *path, int indent,
                      const char *dash)
{
    const struct example *x = find_example(path);
    const struct schema_object *inner = doc_object(f->type);
    struct buf help = {0};

    doc_put_help(&help, f);
    doc_put_wrapped(out, indent, "# ", buf_cstr(&help));
    buf_deinit(&help);
    if (x && x->use == BLOCK) {
        buf_fmt(out, "%*s%s:\n", indent, "", f->key);
        put_indented(out, indent + 2, x->text);
    } else if (!inner || f->def || (x && (x->use == EXAMPLE || x->use == ACTIVE))) {
        put_value(out, f, x, indent, dash);
    } else {
        buf_fmt(out, "%*s%s:\n", indent, "", f->key);
        if (f->type->element)
            put_element(out, f, x, path, indent + 2);
        else
            put_fields(out, inner, path, indent + 2, false);
    }
}

static void put_fields(struct buf *out, const struct schema_object *object, const char *path,
                       int indent, bool item)
{
    struct buf own = {0};

    for (size_t i = 0; i < object->field_count; i++) {
        const struct schema_field *f = &object->fields[i];

        buf_clear(&own);
        buf_fmt(&own, "%s%s%s", path, path[0] ? "." : "", f->key);
        if (indent == 0)
            buf_char(out, '\n');
        if (item && i == 0)
            put_field(out, f, buf_cstr(&own), indent, "- ");
        else
            put_field(out, f, buf_cstr(&own), item ? indent + 2 : indent, "");
    }
    buf_deinit(&own);
}

void settings_write_sample(struct buf *out)
{
    buf_str(out, preamble);
    put_fields(out, &settings_root_object, "", 0, false);
}
