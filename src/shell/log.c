/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The terminal is looked at once, before other threads exist; a reload may set the rest. */
static struct {
    _Atomic int format, level;
    bool prefix, timed, ready;
} log_config = {LOG_FORMAT_TEXT, LOG_LEVEL_INFO, true, true, false};

static const struct {
    const char *word;
    char priority; /* syslog(3) */
} log_levels[] = {
    [LOG_LEVEL_ERROR] = {"error", '3'},   [LOG_LEVEL_WARNING] = {"warning", '4'},
    [LOG_LEVEL_NOTICE] = {"notice", '5'}, [LOG_LEVEL_INFO] = {"info", '6'},
    [LOG_LEVEL_DEBUG] = {"debug", '7'},
};

static void log_terminal(void)
{
    if (log_config.ready)
        return;
    log_config.ready = true;
    log_config.prefix = !isatty(STDERR_FILENO);
    log_config.timed = !getenv("JOURNAL_STREAM"); /* the journal has its own clock */
}

void log_setup(int format, int level)
{
    log_config.format = format;
    log_config.level = level;
    log_terminal();
}

/* --- escaping --- */

/* Length of the UTF-8 sequence at p, 0 where there is none; *ret_rune its code point. */
static size_t log_rune(const unsigned char *p, size_t n, uint32_t *ret_rune)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80       ? 1
                 : p[0] >> 5 == 6  ? 2
                 : p[0] >> 4 == 14 ? 3
                 : p[0] >> 3 == 30 ? 4
                                   : 0;
    uint32_t rune;

    if (len == 0 || len > n)
        return 0;
    rune = len == 1 ? p[0] : p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        rune = rune << 6 | (p[i] & 0x3fu);
    }
    if (rune < smallest[len] || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
        return 0;
    *ret_rune = rune;
    return len;
}

/* Controls, line separators and bidirectional overrides could forge lines or hide text on a terminal. */
static bool log_rune_is_safe(uint32_t r)
{
    return !(r < 0x20 || (r >= 0x7f && r < 0xa0) || r == 0x2028 || r == 0x2029 ||
             (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) || r == 0xfeff);
}

static void log_escape(struct buf *out, const char *text, bool json)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = strnlen(text, LOG_VALUE_MAX + 1);
    bool cut = n > LOG_VALUE_MAX;

    for (n = cut ? LOG_VALUE_MAX : n; n > 0;) {
        uint32_t rune = 0;
        size_t len = log_rune(p, n, &rune);

        if (len == 0)
            buf_fmt(out, json ? "\\ufffd" : "\\x%02x", p[0]);
        else if (rune == '"' || rune == '\\')
            buf_fmt(out, "\\%c", (char)rune);
        else if (rune == '\n')
            buf_str(out, "\\n");
        else if (rune == '\t')
            buf_str(out, "\\t");
        else if (log_rune_is_safe(rune))
            buf_add(out, p, len);
        else
            buf_fmt(out, json || rune > 0xff ? "\\u%04x" : "\\x%02x", rune);
        p += len ? len : 1;
        n -= len ? len : 1;
    }
    if (cut)
        buf_str(out, "...");
}

static bool log_is_plain(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                            "._-:/@+,>[]%");

    return n > 0 && text[n] == '\0' && n <= LOG_VALUE_MAX;
}

/* --- lines --- */

static void log_pair(struct buf *out, bool json, const struct log_field *f)
{
    if (json)
        buf_fmt(out, "%s\"%s\":", out->len && out->data[out->len - 1] != '{' ? "," : "", f->key);
    else
        buf_fmt(out, "%s%s=", out->len && out->data[out->len - 1] != '>' ? " " : "", f->key);
    if (f->kind == LOG_KIND_NUMBER) {
        buf_fmt(out, "%lld", (long long)f->number);
    } else if (!json && log_is_plain(f->text)) {
        buf_str(out, f->text);
    } else {
        buf_char(out, '"');
        log_escape(out, f->text, json);
        buf_char(out, '"');
    }
}

void log_format(struct buf *out, const struct log_style *style, int level, const char *message,
                const struct log_field *fields, size_t count, uint32_t left_out)
{
    bool json = style->format == LOG_FORMAT_JSON;

    if (json)
        buf_char(out, '{');
    else if (style->prefix)
        buf_fmt(out, "<%c>", log_levels[level].priority);
    if (style->when)
        log_pair(out, json, &LOG_TEXT("time", style->when));
    log_pair(out, json, &LOG_TEXT("level", log_levels[level].word));
    log_pair(out, json, &LOG_TEXT("msg", message));
    for (size_t i = 0; i < count; i++) {
        if (fields[i].kind == LOG_KIND_NUMBER ||
            (fields[i].kind == LOG_KIND_TEXT && fields[i].text))
            log_pair(out, json, &fields[i]);
    }
    if (left_out)
        log_pair(out, json, &LOG_NUMBER("left_out", left_out));
    buf_str(out, json ? "}\n" : "\n");
}

int log_site_admit(struct log_site *site, int64_t now_ms, uint32_t *ret_left_out)
{
    int64_t window = atomic_load(&site->window);
    uint32_t lines;

    *ret_left_out = 0;
    if ((window == 0 || now_ms - window >= LOG_WINDOW_MS) &&
        atomic_compare_exchange_strong(&site->window, &window, now_ms ? now_ms : 1)) {
        lines = atomic_exchange(&site->lines, 1);
        *ret_left_out = lines > LOG_BURST ? lines - LOG_BURST : 0;
        return 1;
    }
    return atomic_fetch_add(&site->lines, 1) < LOG_BURST;
}

static void log_when(char *out, size_t n, const struct timespec *t)
{
    struct tm tm;
    size_t len;

    gmtime_r(&t->tv_sec, &tm);
    len = strftime(out, n, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + len, n - len, ".%03dZ", (int)(t->tv_nsec / 1000000));
}

void log_write(struct log_site *site, int level, const char *message,
               const struct log_field *fields, size_t count)
{
    struct timespec mono, wall;
    struct buf line = {0};
    struct log_style style = {log_config.format, log_config.prefix, NULL};
    uint32_t left_out;
    char when[40];

    if (level > log_config.level)
        return;
    log_terminal();
    clock_gettime(CLOCK_MONOTONIC, &mono);
    if (!log_site_admit(site, (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000, &left_out))
        return;
    if (log_config.timed) {
        clock_gettime(CLOCK_REALTIME, &wall);
        log_when(when, sizeof(when), &wall);
        style.when = when;
    }
    log_format(&line, &style, level, message, fields, count, left_out);
    /* One write, so that lines of several threads do not mix. A full disk is no reason to stop. */
    if (write(STDERR_FILENO, line.data, line.len) < 0) {
    }
    buf_deinit(&line);
}
