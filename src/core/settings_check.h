/* SPDX-License-Identifier: Apache-2.0 */
/* What types and words alone cannot tell: ranges, names that must exist or differ, settings that contradict
 * each other. Works on bound settings; what was refused before is not complained of twice. */
#ifndef FUNNEL_SETTINGS_CHECK_H
#define FUNNEL_SETTINGS_CHECK_H

#include "core/schema.h"

struct check {
    const struct settings *s;
    struct schema *b;
};

/* The address and size by which a member's place is found. */
#define AT(member) &(member), sizeof(member)

/* All of them. */
void settings_check(const struct settings *s, struct schema *b);

/* Its parts, a file each. */
void check_kafka(const struct check *c);
void check_inputs(const struct check *c); /* with their mappings */
void check_names(const struct check *c,
                 const struct settings_funnel *f); /* stages, exits, actions */
void check_dims(const struct check *c, const struct settings_funnel *f); /* segments, where too */
void check_windows(const struct check *c, const struct settings_funnel *f);
void check_rules(const struct check *c, const struct settings_funnel *f);

/* settings_check_kind.c: what kinds of rules take, and what of detection two rules cannot share. */
void check_kind(const struct check *c, const struct settings_funnel *f, size_t at);

/* --- settings_check_say.c --- */

/* An error, or a warning, at a member; none where something in it was refused already. */
void check_fail(const struct check *c, const void *at, size_t size, const char *remedy,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void check_warn(const struct check *c, const void *at, size_t size, const char *remedy,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Texts for them, kept as long as the check. */
const char *check_text(const struct check *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *check_duration_text(const struct check *c, int64_t ms);
const char *check_quoted(const struct check *c, const char *text);
/* A single value 'as written', or the default. */
const char *check_value(const struct check *c, const void *at, size_t size);
/* "did you mean 'x'?", else what there is. */
const char *check_nearest(const struct check *c, const char *word, const char *const *names,
                          size_t count);

bool check_set(const struct check *c, const void *at, size_t size);
bool check_good(const struct check *c, const void *at, size_t size); /* nothing in it was refused */
struct settings_mark check_mark(const struct check *c, const void *at, size_t size);

/* Ranges, both ends included; absent values pass. False when outside, and said so. */
bool check_count(const struct check *c, const int64_t *n, int64_t min, int64_t max);
bool check_bytes(const struct check *c, const int64_t *n, int64_t min, int64_t max);
bool check_duration(const struct check *c, const int64_t *ms, int64_t min, int64_t max);

/* At most `max`; said at the list. */
bool check_at_most(const struct check *c, const void *at, size_t size, size_t count, size_t max,
                   const char *what);
/* No item twice; said at the second one. */
void check_repeated(const struct check *c, const struct settings_strings *list);
/* A name for labels and paths: letters, digits, _ - . and whatever is not ASCII; at most 64 bytes. */
bool check_label(const struct check *c, const void *at, size_t size, const char *name);
/* A topic's or group's name as Kafka takes it. */
bool check_topic(const struct check *c, const void *at, size_t size, const char *name);

/* --- settings_check_funnel.c --- */

/* The stages' ids, the dims' names are all known: what refers to them can be checked. */
bool check_has_stages(const struct settings_funnel *f);
bool check_has_dims(const struct check *c, const struct settings_funnel *f);

/* --- settings_check_window.c --- */

/* time.pane; 0 when it cannot be used. */
int64_t check_pane(const struct check *c);
/* A rolling window of whole panes; false where it is none, said or calendar. */
bool check_rolling(const struct check *c, const struct settings_window *w);
/* ms of one slot: the most equal slots of whole panes, at most 60. */
int64_t check_slot(int64_t window_ms, int64_t pane_ms);

/* --- shared with settings.c --- */

bool settings_where_is_envelope(
    const char *field); /* funnel, topic: stand beside an event's fields */
bool settings_has_name(const struct settings_strings *list, const char *name);
bool settings_same_names(const struct settings_strings *a, const struct settings_strings *b);

#endif
