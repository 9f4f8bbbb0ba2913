/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/json_scan.h"

#include <string.h>

#include "funnel/mem.h"

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

struct scanner {
    struct json_scan *out;
    const unsigned char *text;
    uint32_t at, len;
    uint32_t depth, depth_max;
    int fresh; /* just behind an opening bracket: no comma yet, and closing is allowed */
    uint32_t open[JSON_DEPTH_MAX]; /* ordinals of the containers around */
};

void json_scan_deinit(struct json_scan *s)
{
    mem_free(s->values);
    *s = (struct json_scan){0};
}

/* Length of the UTF-8 sequence at p, 0 when it is none: overlong forms, surrogates and what lies
 * beyond U+10FFFF have no valid second byte (RFC 3629, section 4). */
static uint32_t utf8_length(const unsigned char *p, size_t left)
{
    unsigned char lead = p[0], low = 0x80, high = 0xbf;
    uint32_t n;

    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    n = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (left < n)
        return 0;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (uint32_t i = 2; i < n; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return n;
}

int json_utf8_valid(struct span text)
{
    const unsigned char *p = (const unsigned char *)text.p;

    for (uint32_t i = 0; i < text.len;) {
        uint32_t n = utf8_length(p + i, text.len - i);

        if (n == 0 || p[i] == 0)
            return 0;
        i += n;
    }
    return 1;
}

/* 0 at the end: no text goes on with a NUL, so both are refused alike. */
static unsigned char scanner_peek(const struct scanner *s)
{
    return s->at < s->len ? s->text[s->at] : 0;
}

static void scanner_blanks(struct scanner *s)
{
    while (s->at < s->len) {
        unsigned char c = s->text[s->at];

        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            return;
        s->at++;
    }
}

static struct json_value *scanner_record(struct scanner *s, enum json_type type)
{
    struct json_scan *out = s->out;
    struct json_value *v;

    if (out->count == out->cap)
        out->values = mem_grow(out->values, out->count, &out->cap, sizeof(*out->values));
    v = &out->values[out->count++];
    *v = (struct json_value){.begin = s->at, .type = (uint8_t)type};
    return v;
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The code unit of the \uXXXX at `at`, or -1. */
static int32_t scanner_unit(const struct scanner *s, uint32_t at)
{
    int32_t unit = 0;

    if (s->len - at < 6 || s->text[at] != '\\' || s->text[at + 1] != 'u')
        return -1;
    for (uint32_t i = 2; i < 6; i++) {
        int digit = hex_digit(s->text[at + i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static enum json_status scanner_unicode_escape(struct scanner *s)
{
    int32_t unit = scanner_unit(s, s->at), next;

    if (unit < 0)
        return JSON_MALFORMED;
    if (unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return JSON_UTF8;
    if (unit < 0xd800 || unit > 0xdbff) {
        s->at += 6;
        return JSON_OK;
    }
    next = scanner_unit(s, s->at + 6);
    if (next < 0xdc00 || next > 0xdfff)
        return JSON_UTF8;
    s->at += 12;
    return JSON_OK;
}

static enum json_status scanner_escape(struct scanner *s)
{
    unsigned char c = s->len - s->at < 2 ? 0 : s->text[s->at + 1];

    switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        s->at += 2;
        return JSON_OK;
    case 'u':
        return scanner_unicode_escape(s);
    default:
        return JSON_MALFORMED;
    }
}

static int is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Up to the first byte that needs a look, eight at a time. A borrow can only raise a false alarm
 * above a true one, so the lowest is always true. */
static void scanner_plain(struct scanner *s)
{
    while (s->len - s->at >= 8) {
        uint64_t w, quote, slash, special;

        memcpy(&w, s->text + s->at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        w = __builtin_bswap64(w);
#endif
        quote = w ^ EACH_BYTE('"');
        slash = w ^ EACH_BYTE('\\');
        quote = (quote - EACH_BYTE(1)) & ~quote;
        slash = (slash - EACH_BYTE(1)) & ~slash;
        special = (quote | slash | (w - EACH_BYTE(0x20)) | w) & EACH_BYTE(0x80);
        if (special) {
            s->at += (uint32_t)__builtin_ctzll(special) / 8;
            return;
        }
        s->at += 8;
    }
    while (s->at < s->len && is_plain(s->text[s->at]))
        s->at++;
}

/* From the opening quote to behind the closing one. */
static enum json_status scanner_string(struct scanner *s, uint8_t *ret_escaped)
{
    s->at++;
    for (;;) {
        unsigned char c;

        scanner_plain(s);
        if (s->at == s->len)
            return JSON_MALFORMED;
        c = s->text[s->at];
        if (c == '"') {
            s->at++;
            return JSON_OK;
        }
        if (c == '\\') {
            enum json_status status = scanner_escape(s);

            *ret_escaped = 1;
            if (status != JSON_OK)
                return status;
        } else if (c < 0x20) {
            return JSON_MALFORMED;
        } else {
            uint32_t n = utf8_length(s->text + s->at, s->len - s->at);

            if (n == 0)
                return JSON_UTF8;
            s->at += n;
        }
    }
}

static enum json_status scanner_digits(struct scanner *s)
{
    uint32_t from = s->at;

    while (s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9')
        s->at++;
    return s->at > from ? JSON_OK : JSON_MALFORMED;
}

/* A digit behind a leading 0 is left to the caller, who finds no comma there. */
static enum json_status scanner_number(struct scanner *s)
{
    if (scanner_peek(s) == '-')
        s->at++;
    if (scanner_peek(s) == '0')
        s->at++;
    else if (scanner_digits(s) != JSON_OK)
        return JSON_MALFORMED;
    if (scanner_peek(s) == '.') {
        s->at++;
        if (scanner_digits(s) != JSON_OK)
            return JSON_MALFORMED;
    }
    if (scanner_peek(s) == 'e' || scanner_peek(s) == 'E') {
        s->at++;
        if (scanner_peek(s) == '+' || scanner_peek(s) == '-')
            s->at++;
        return scanner_digits(s);
    }
    return JSON_OK;
}

static enum json_status scanner_word(struct scanner *s, const char *word)
{
    for (; *word; word++, s->at++)
        if (scanner_peek(s) != (unsigned char)*word)
            return JSON_MALFORMED;
    return JSON_OK;
}

static enum json_status scanner_scalar(struct scanner *s, enum json_type type)
{
    struct json_value *v = scanner_record(s, type);
    enum json_status status;

    switch (type) {
    case JSON_STRING:
        status = scanner_string(s, &v->escaped);
        break;
    case JSON_NUMBER:
        status = scanner_number(s);
        s->out->long_numbers += s->at - v->begin > JSON_NUMBER_SHORT;
        break;
    case JSON_TRUE:
        status = scanner_word(s, "true");
        break;
    case JSON_FALSE:
        status = scanner_word(s, "false");
        break;
    default:
        status = scanner_word(s, "null");
        break;
    }
    v->end = s->at;
    return status;
}

static enum json_status scanner_open(struct scanner *s, enum json_type type)
{
    if (s->depth == s->depth_max)
        return JSON_DEPTH;
    s->open[s->depth++] = (uint32_t)s->out->count;
    scanner_record(s, type);
    s->at++;
    s->fresh = 1;
    return JSON_OK;
}

static enum json_status scanner_value(struct scanner *s)
{
    unsigned char c;

    scanner_blanks(s);
    c = scanner_peek(s);
    switch (c) {
    case '{':
        return scanner_open(s, JSON_OBJECT);
    case '[':
        return scanner_open(s, JSON_ARRAY);
    case '"':
        return scanner_scalar(s, JSON_STRING);
    case 't':
        return scanner_scalar(s, JSON_TRUE);
    case 'f':
        return scanner_scalar(s, JSON_FALSE);
    case 'n':
        return scanner_scalar(s, JSON_NULL);
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return scanner_scalar(s, JSON_NUMBER);
        return JSON_MALFORMED;
    }
}

static enum json_status scanner_key(struct scanner *s)
{
    uint8_t escaped;
    enum json_status status;

    scanner_blanks(s);
    if (scanner_peek(s) != '"')
        return JSON_MALFORMED;
    status = scanner_string(s, &escaped);
    if (status != JSON_OK)
        return status;
    scanner_blanks(s);
    if (scanner_peek(s) != ':')
        return JSON_MALFORMED;
    s->at++;
    return JSON_OK;
}

/* Inside a container: closes it, or takes one more member up to its end or its opening bracket. */
static enum json_status scanner_member(struct scanner *s)
{
    struct json_value *around = &s->out->values[s->open[s->depth - 1]];
    int is_array = around->type == JSON_ARRAY;

    scanner_blanks(s);
    if (scanner_peek(s) == (is_array ? ']' : '}')) {
        around->end = ++s->at;
        s->depth--;
        s->fresh = 0;
        return JSON_OK;
    }
    if (!s->fresh) {
        if (scanner_peek(s) != ',')
            return JSON_MALFORMED;
        s->at++;
    }
    s->fresh = 0;
    if (!is_array) {
        enum json_status status = scanner_key(s);

        if (status != JSON_OK)
            return status;
    }
    return scanner_value(s);
}

enum json_status json_scan_text(struct json_scan *out, struct span text, int64_t depth_max,
                                uint32_t *ret_byte)
{
    struct scanner s;
    enum json_status status;

    /* Not an initialiser: it would clear the stack of ordinals for every message. */
    s.out = out;
    s.text = (const unsigned char *)text.p;
    s.at = 0;
    s.len = text.len;
    s.depth = 0;
    s.depth_max = depth_max < 0                ? 0
                  : depth_max > JSON_DEPTH_MAX ? JSON_DEPTH_MAX
                                               : (uint32_t)depth_max;
    s.fresh = 0;
    out->count = 0;
    out->long_numbers = 0;

    status = scanner_value(&s);
    while (status == JSON_OK && s.depth > 0)
        status = scanner_member(&s);
    if (status == JSON_OK) {
        scanner_blanks(&s);
        if (s.at < s.len)
            status = JSON_MALFORMED;
    }
    if (status != JSON_OK)
        *ret_byte = s.at;
    return status;
}
