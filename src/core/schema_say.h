/* SPDX-License-Identifier: Apache-2.0 */
/* What the binder says of a file: one function per kind of mistake. Each marks the node as bad. */
#ifndef FUNNEL_SCHEMA_SAY_H
#define FUNNEL_SCHEMA_SAY_H

#include "core/schema.h"

void schema_say(struct schema *b, struct yaml_node *node, const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void schema_say_nothing(struct schema *b, struct yaml_node *node, const struct schema_type *type);
/* '3x' is not a duration */
void schema_say_value(struct schema *b, struct yaml_node *node, const struct schema_type *type);
/* a list, where a duration belongs */
void schema_say_kind(struct schema *b, struct yaml_node *node, const struct schema_type *type);
void schema_say_word(struct schema *b, struct yaml_node *node, const struct schema_type *type);
void schema_say_missing(struct schema *b, struct yaml_node *map, const struct schema_field *field);
void schema_say_unknown(struct schema *b, const struct schema_object *object,
                        struct yaml_node *node);
void schema_say_later(struct schema *b, const struct yaml_node *node); /* a warning */

/* Appends the text in quotes as it was written, shortened where it is long. */
void schema_quote(struct buf *out, const char *text);

#endif
