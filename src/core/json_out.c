/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/json_out.h"

#include "funnel/stats.h"

static void value_begin(struct json_out *j)
{
    if (j->comma)
        buf_char(j->out, ',');
    j->comma = 1;
}

void buf_json_string(struct buf *b, struct span s)
{
    buf_char(b, '"');
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"' || c == '\\')
            buf_fmt(b, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_fmt(b, "\\u%04x", c);
        else if (c == 0xc2 && i + 1 < s.len && (unsigned char)s.p[i + 1] < 0xa0) /* C1 */
            buf_fmt(b, "\\u%04x", (unsigned char)s.p[++i]);
        else
            buf_char(b, (char)c);
    }
    buf_char(b, '"');
}

void json_open(struct json_out *j, char bracket)
{
    value_begin(j);
    buf_char(j->out, bracket);
    j->comma = 0;
}

void json_close(struct json_out *j, char bracket)
{
    buf_char(j->out, bracket);
    j->comma = 1;
}

void json_key_span(struct json_out *j, struct span key)
{
    value_begin(j);
    buf_json_string(j->out, key);
    buf_char(j->out, ':');
    j->comma = 0;
}

void json_key(struct json_out *j, const char *key)
{
    json_key_span(j, span_of(key));
}

void json_int(struct json_out *j, int64_t v)
{
    value_begin(j);
    buf_fmt(j->out, "%lld", (long long)v);
}

void json_number(struct json_out *j, double v)
{
    value_begin(j);
    buf_number(j->out, v);
}

void json_string(struct json_out *j, struct span v)
{
    value_begin(j);
    if (v.p)
        buf_json_string(j->out, v);
    else
        buf_str(j->out, "null");
}

void json_bool(struct json_out *j, int v)
{
    value_begin(j);
    buf_str(j->out, v ? "true" : "false");
}

void json_amount(struct json_out *j, int64_t minor, int decimals)
{
    value_begin(j);
    buf_char(j->out, '"');
    buf_amount(j->out, minor, decimals);
    buf_char(j->out, '"');
}

void json_pair_int(struct json_out *j, const char *key, int64_t v)
{
    json_key(j, key);
    json_int(j, v);
}

void json_pair_number(struct json_out *j, const char *key, double v)
{
    json_key(j, key);
    json_number(j, v);
}

void json_pair_string(struct json_out *j, const char *key, const char *v)
{
    json_key(j, key);
    json_string(j, span_of(v));
}

void buf_amount(struct buf *b, int64_t minor, int decimals)
{
    uint64_t size = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor, unit = 1;

    for (int i = 0; i < decimals; i++)
        unit *= 10;
    buf_fmt(b, "%s%llu", minor < 0 ? "-" : "", (unsigned long long)(size / unit));
    if (decimals > 0)
        buf_fmt(b, ".%0*llu", decimals, (unsigned long long)(size % unit));
}
