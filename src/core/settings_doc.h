/* SPDX-License-Identifier: Apache-2.0 */
/* What the texts made from the tables share. */
#ifndef FUNNEL_SETTINGS_DOC_H
#define FUNNEL_SETTINGS_DOC_H

#include "funnel/buf.h"
#include "core/schema.h"

#define DOC_WIDTH 100

/* Appends `text` in lines of at most DOC_WIDTH columns, each after `indent` blanks and `lead`. */
void doc_put_wrapped(struct buf *out, int indent, const char *lead, const char *text);
/* "duration", "en or zh" */
void doc_put_type(struct buf *out, const struct schema_type *type);
/* The help, with what its flags say. */
void doc_put_help(struct buf *out, const struct schema_field *f);
/* A map that may also be said in one value: a source, a window, a stage. */
bool doc_is_short(const struct schema_type *type);
/* The object whose keys stand below this field, or NULL. */
const struct schema_object *doc_object(const struct schema_type *type);

#endif
