/* SPDX-License-Identifier: Apache-2.0 */
/* The simple types of settings: how each is read from one YAML value. */
#include <string.h>

#include "funnel/units.h"
#include "core/schema_say.h"

void schema_absent_int64(void *out)
{
    *(int64_t *)out = -1;
}

void schema_absent_double(void *out)
{
    *(double *)out = -1;
}

void schema_absent_int(void *out)
{
    *(int *)out = -1;
}

static bool is_scalar(struct schema *b, const struct schema_type *type, struct yaml_node *node)
{
    if (node->kind == NODE_SCALAR)
        return true;
    schema_say_kind(b, node, type);
    return false;
}

static void set_text(struct schema *b, const char *text, void *out)
{
    *(const char **)out = arena_strndup(b->arena, text, strlen(text));
}

void schema_bind_text(struct schema *b, const struct schema_type *type, struct schema_place *place,
                      struct yaml_node *node, void *out)
{
    (void)place;
    if (is_scalar(b, type, node))
        set_text(b, node->text, out);
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

/* Says nothing of the text itself: it may be a secret. */
void schema_bind_string(struct schema *b, const struct schema_type *type,
                        struct schema_place *place, struct yaml_node *node, void *out)
{
    (void)place;
    if (!is_scalar(b, type, node))
        return;
    if (node->text[0] == '\0')
        schema_say(b, node, "write a text, or remove the line", "an empty text");
    else if (has_control(node->text))
        schema_say(b, node, "write it on one line, without tabs",
                   "a line break or another control character in the text");
    else
        set_text(b, node->text, out);
}

void schema_bind_bool(struct schema *b, const struct schema_type *type, struct schema_place *place,
                      struct yaml_node *node, void *out)
{
    static const char *const words[] = {"false", "no", "off", "true", "yes", "on"};

    (void)place;
    if (!is_scalar(b, type, node))
        return;
    for (size_t i = 0; i < 6; i++)
        if (strcmp(node->text, words[i]) == 0) {
            *(bool *)out = i >= 3;
            return;
        }
    schema_say_value(b, node, type);
}

void schema_bind_enum(struct schema *b, const struct schema_type *type, struct schema_place *place,
                      struct yaml_node *node, void *out)
{
    (void)place;
    if (!is_scalar(b, type, node))
        return;
    for (int i = 0; type->words[i]; i++)
        if (strcmp(node->text, type->words[i]) == 0) {
            *(int *)out = i;
            return;
        }
    schema_say_word(b, node, type);
}

/* Numbers: read, or say what one looks like. */
#define BIND_NUMBER(stem, type_, read) \
    void schema_bind_##stem(struct schema *b, const struct schema_type *type, \
                            struct schema_place *place, struct yaml_node *node, void *out) \
    { \
        (void)place; \
        if (is_scalar(b, type, node) && read(node->text, (type_ *)out) != 0) \
            schema_say_value(b, node, type); \
    }
BIND_NUMBER(int, int64_t, units_integer)
BIND_NUMBER(size, int64_t, settings_size)
BIND_NUMBER(rate, double, units_rate)

void schema_bind_duration(struct schema *b, const struct schema_type *type,
                          struct schema_place *place, struct yaml_node *node, void *out)
{
    int64_t bare;

    (void)place;
    if (!is_scalar(b, type, node) || settings_duration(node->text, out) == 0)
        return;
    if (units_integer(node->text, &bare) != 0 || bare < 0) {
        schema_say_value(b, node, type);
    } else {
        struct buf remedy = {0};

        buf_fmt(&remedy, "say of what: %llds, %lldm, %lldh", (long long)bare, (long long)bare,
                (long long)bare);
        schema_say(b, node, buf_cstr(&remedy), "'%lld' has no unit", (long long)bare);
        buf_deinit(&remedy);
    }
}

void schema_bind_ratio(struct schema *b, const struct schema_type *type, struct schema_place *place,
                       struct yaml_node *node, void *out)
{
    double x;

    (void)place;
    if (!is_scalar(b, type, node))
        return;
    if (units_ratio(node->text, &x) != 0) {
        schema_say_value(b, node, type);
    } else if (x > 1) { /* a minus is refused before */
        struct buf value = {0}, remedy = {0};

        schema_quote(&value, node->text);
        buf_str(&remedy, "write 0.3 or 30%");
        if (x <= 100 && !strchr(node->text, '%')) {
            buf_clear(&remedy);
            buf_fmt(&remedy, "if it is per cent, write %.20s%%", node->text);
        }
        schema_say(b, node, buf_cstr(&remedy), "%s is above 1, that is 100%%", buf_cstr(&value));
        buf_deinit(&value);
        buf_deinit(&remedy);
    } else {
        *(double *)out = x;
    }
}
