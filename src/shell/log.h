/* SPDX-License-Identifier: Apache-2.0 */
/* One line per happening, on standard error: key=value with <N> priority for journald, or JSON.
 * Callable from any thread. Values may be hostile text; secrets are never handed in. */
#ifndef SHELL_LOG_H
#define SHELL_LOG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/settings.h"

/* At most LOG_BURST lines per call site in LOG_WINDOW_MS; the next line after says how many were left out. */
#define LOG_BURST 20
#define LOG_WINDOW_MS 10000
#define LOG_VALUE_MAX 1024 /* bytes of a value that are written */

enum log_kind { LOG_KIND_NONE, LOG_KIND_TEXT, LOG_KIND_NUMBER };

struct log_field {
    const char *key;
    enum log_kind kind;
    const char *text; /* NULL is left out */
    int64_t number;
};

/* One per call site, static, zero-initialised. */
struct log_site {
    _Atomic int64_t window;
    _Atomic uint32_t lines;
};

/* format: LOG_FORMAT_*, level: LOG_LEVEL_*. Before the call: text, info. */
void log_setup(int format, int level);
void log_write(struct log_site *site, int level, const char *message,
               const struct log_field *fields, size_t count);

#define LOG_TEXT(key_, value_) ((struct log_field){key_, LOG_KIND_TEXT, value_, 0})
#define LOG_NUMBER(key_, value_) \
    ((struct log_field){key_, LOG_KIND_NUMBER, NULL, (int64_t)(value_)})

#define log_at(level_, message_, ...) \
    do { \
        static struct log_site log_site_; \
        const struct log_field log_fields_[] = {{NULL, LOG_KIND_NONE, NULL, 0}, ##__VA_ARGS__}; \
        log_write(&log_site_, level_, message_, log_fields_, \
                  sizeof(log_fields_) / sizeof(log_fields_[0])); \
    } while (0)

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* --- pure parts, for tests --- */

/* How one line looks, newline included. prefix: with <N>; when: RFC 3339 time to write, or NULL. */
struct log_style {
    int format;
    int prefix;
    const char *when;
};
void log_format(struct buf *out, const struct log_style *style, int level, const char *message,
                const struct log_field *fields, size_t count, uint32_t left_out);
/* Whether a line may be written at now_ms; *ret_left_out: lines refused in the window before. */
int log_site_admit(struct log_site *site, int64_t now_ms, uint32_t *ret_left_out);

#endif
