/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people, as sales managers keep it: stage, actual, rate against target, owner, note. */
#include "report_table.h"

#include <string.h>

#include "funnel/json_out.h"
#include "funnel/mem.h"
#include "funnel/splits.h"
#include "funnel/stats.h"
#include "report_sums.h"

#define COLUMNS 10

/* Columns of a terminal a text takes: wide for CJK, Hangul, kana and full-width forms (UAX #11). */
static size_t text_width(const char *s, size_t len)
{
    size_t width = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        unsigned code;

        if ((c & 0xc0) == 0x80)
            continue;
        code = c < 0xe0 || i + 2 >= len
                   ? 0
                   : (c & 0x0fu) << 12 | ((unsigned char)s[i + 1] & 0x3fu) << 6 |
                         ((unsigned char)s[i + 2] & 0x3fu);
        width += c >= 0xf0 || (code >= 0x1100 && code <= 0x115f) ||
                         (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) ||
                         (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f) ||
                         (code >= 0xff00 && code <= 0xff60)
                     ? 2
                     : 1;
    }
    return width;
}

/* A table is first collected, then laid out: columns fit their widest cell. */
struct table {
    struct buf text;
    size_t *ends; /* of each cell in text */
    size_t count, cap;
};

static void cell_end(struct table *t)
{
    t->ends = mem_grow(t->ends, t->count, &t->cap, sizeof(*t->ends));
    t->ends[t->count++] = t->text.len;
}

static void cell_text(struct table *t, const char *s)
{
    buf_str(&t->text, s ? s : "");
    cell_end(t);
}

static void cell_int(struct table *t, int64_t v)
{
    buf_fmt(&t->text, "%lld", (long long)v);
    cell_end(t);
}

static void cell_percent(struct table *t, double v)
{
    if (v == v)
        buf_fmt(&t->text, "%.1f %%", v * 100);
    else
        buf_str(&t->text, "-");
    cell_end(t);
}

static void cell_interval(struct table *t, const struct sum_step *s)
{
    if (s->rate == s->rate)
        buf_fmt(&t->text, "%.1f-%.1f", s->low * 100, s->high * 100);
    cell_end(t);
}

static void cell_duration(struct table *t, const struct dwell *d)
{
    double s = d->n > 0 ? (double)dwell_quantile(d, 0.5) / 1000 : -1;

    if (s < 0)
        buf_str(&t->text, "-");
    else if (s < 120)
        buf_fmt(&t->text, "%.0f s", s);
    else if (s < 7200)
        buf_fmt(&t->text, "%.0f min", s / 60);
    else if (s < 172800)
        buf_fmt(&t->text, "%.1f h", s / 3600);
    else
        buf_fmt(&t->text, "%.1f d", s / 86400);
    cell_end(t);
}

static void table_head(struct table *t, int language)
{
    static const char *const head[2][COLUMNS] = {
        {"step", "entered", "advanced", "rate", "95 %", "target", "open", "dwell p50", "owner",
         "note"},
        {"步骤", "进入", "转化", "转化率", "95 %", "目标", "进行中", "停留中位", "负责人", "备注"}};

    for (int c = 0; c < COLUMNS; c++)
        cell_text(t, head[language == LANGUAGE_ZH][c]);
}

static void table_step(struct table *t, const struct funnel *f, int step, const struct sum_step *s)
{
    const struct settings_stage *stage = &f->settings->stages.items[funnel_step_begin(f, step)];
    bool own = step != f->overall;

    buf_fmt(&t->text, "%s -> %s", funnel_stage_label(f, funnel_step_begin(f, step)),
            funnel_stage_label(f, funnel_step_end(f, step)));
    cell_end(t);
    cell_int(t, s->entered + s->credited + s->seeded);
    cell_int(t, s->advanced + s->credited);
    cell_percent(t, s->rate);
    cell_interval(t, s);
    if (own && stage->target >= 0)
        cell_percent(t, stage->target);
    else
        cell_text(t, "");
    cell_int(t, s->open);
    cell_duration(t, &s->dwell);
    cell_text(t, own ? stage->owner : NULL);
    cell_text(t, own ? stage->note : NULL);
}

static struct span table_cell(const struct table *t, size_t i)
{
    size_t from = i > 0 ? t->ends[i - 1] : 0;

    return (struct span){t->text.data + from, (uint32_t)(t->ends[i] - from)};
}

static void table_print(const struct table *t, struct buf *out)
{
    size_t width[COLUMNS] = {0};

    for (size_t i = 0; i < t->count; i++) {
        struct span s = table_cell(t, i);
        size_t w = text_width(s.p, s.len);

        width[i % COLUMNS] = w > width[i % COLUMNS] ? w : width[i % COLUMNS];
    }
    for (size_t i = 0; i < t->count; i++) {
        struct span s = table_cell(t, i);
        int pad = (int)(width[i % COLUMNS] - text_width(s.p, s.len));
        bool left = i % COLUMNS == 0 || i % COLUMNS >= 8;

        buf_fmt(out, "%*s", left ? 0 : pad, "");
        buf_add(out, s.p, s.len);
        if (i % COLUMNS == COLUMNS - 1) {
            while (out->len > 0 && out->data[out->len - 1] == ' ')
                out->len--;
            buf_char(out, '\n');
        } else {
            buf_fmt(out, "%*s", (left ? pad : 0) + 2, "");
        }
    }
}

static void print_totals(const struct judge *j, struct buf *out)
{
    const struct funnel *f = j->funnel;
    struct sum_stage stages[STAGES_MAX];
    int64_t won = 0, amount = 0;

    sum_stages(j, stages);
    for (size_t i = 0; i < j->leaf_count; i++) {
        won += j->leaves[i].won;
        amount_add(&amount, j->leaves[i].won_amount);
    }
    buf_fmt(out, "%s  %lld %s, %s ", f->root->language == LANGUAGE_ZH ? "成交" : "won",
            (long long)won, funnel_stage_label(f, f->won),
            f->root->language == LANGUAGE_ZH ? "金额" : "amount");
    buf_amount(out, amount, (int)f->root->amount_decimals);
    buf_str(out, f->root->language == LANGUAGE_ZH ? "\n在途 " : "\nstock");
    for (int k = 0; k < f->stage_count; k++) {
        buf_fmt(out, "  %s %lld", funnel_stage_label(f, k), (long long)stages[k].stock);
        if (stages[k].stock_amount != 0) {
            buf_str(out, " (");
            buf_amount(out, stages[k].stock_amount, (int)f->root->amount_decimals);
            buf_char(out, ')');
        }
    }
    buf_str(out, "\n\n");
}

void report_table(const struct judge *j, struct buf *out)
{
    const struct funnel *f = j->funnel;
    struct sum_filter all = {0, ALL_SERIES};
    struct sum_step steps[STEPS_MAX];
    struct table t = {0};

    buf_fmt(out, "%s: %lld events, %lld entities, %lld attempts", f->name,
            (long long)j->counts[COUNT_EVENTS], (long long)j->counts[COUNT_ENTITIES],
            (long long)j->counts[COUNT_ATTEMPTS]);
    if (j->counts[COUNT_LATE] > 0)
        buf_fmt(out, ", %lld late", (long long)j->counts[COUNT_LATE]);
    if (j->counts[COUNT_DEADLETTERS] > 0)
        buf_fmt(out, ", %lld dead letters", (long long)j->counts[COUNT_DEADLETTERS]);
    if (j->counts[COUNT_SPLIT] > 0)
        buf_fmt(out, ", %lld split keys among one id in %d", (long long)j->counts[COUNT_SPLIT],
                SPLITS_SHARE);
    buf_char(out, '\n');
    sum_steps(j, &all, steps);
    table_head(&t, f->root->language);
    for (int s = 0; s <= f->overall; s++)
        if (funnel_has_step(f, s))
            table_step(&t, f, s, &steps[s]);
    table_print(&t, out);
    print_totals(j, out);
    sum_steps_free(j, steps);
    buf_deinit(&t.text);
    mem_free(t.ends);
}

/* --- CSV --- */

/* What a terminal would obey, C1 too; CSV itself knows what to do with line ends and tabs. */
static bool is_control(unsigned char c, unsigned char next)
{
    return (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f ||
           (c == 0xc2 && next < 0xa0);
}

static void csv_text(struct buf *out, struct span s)
{
    bool quote = false;

    for (uint32_t i = 0; i < s.len; i++)
        quote = quote || s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    if (quote)
        buf_char(out, '"');
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"')
            buf_char(out, '"');
        if (is_control(c, i + 1 < s.len ? (unsigned char)s.p[i + 1] : 0xff)) {
            buf_str(out, "\xef\xbf\xbd"); /* U+FFFD */
            i += c == 0xc2;
        } else {
            buf_char(out, s.p[i]);
        }
    }
    if (quote)
        buf_char(out, '"');
}

static void csv_number(struct buf *out, double v)
{
    buf_char(out, ',');
    if (v == v)
        buf_number(out, v);
}

void report_csv_head(struct buf *out)
{
    buf_str(
        out,
        "funnel,segment,from,to,entered,credited,seeded,advanced,lost,deleted,superseded,skipped,"
        "expired,open,rate,low,high,target,late_advance,dwell_n,dwell_mean_s,dwell_p50_s,"
        "dwell_p90_s,owner,note\r\n");
}

static void csv_segment(const struct judge *j, const struct sum_filter *which, struct buf *out)
{
    const struct segment_spec *spec = &j->specs[which->spec];
    struct buf text = {0};

    for (int i = 0; which->series != ALL_SERIES && i < spec->count; i++) {
        struct span value = series_value(j, &j->series[which->series], spec->dims[i]);

        buf_fmt(&text, "%s%s=", i > 0 ? ";" : "",
                j->funnel->settings->dims.items[spec->dims[i]].name);
        buf_add(&text, value.p, value.len);
    }
    csv_text(out, (struct span){text.data, (uint32_t)text.len});
    buf_deinit(&text);
}

static void csv_dwell(struct buf *out, const struct dwell *d)
{
    double none = __builtin_nan("");

    buf_fmt(out, ",%lld", (long long)d->n);
    csv_number(out, d->n > 0 ? (double)d->sum / (double)d->n / 1000 : none);
    csv_number(out, d->n > 0 ? (double)dwell_quantile(d, 0.5) / 1000 : none);
    csv_number(out, d->n > 0 ? (double)dwell_quantile(d, 0.9) / 1000 : none);
}

static void csv_step(const struct judge *j, const struct sum_filter *which, int step,
                     const struct sum_step *s, struct buf *out)
{
    const struct funnel *f = j->funnel;
    const struct settings_stage *stage = &f->settings->stages.items[funnel_step_begin(f, step)];
    const int64_t counts[] = {s->entered, s->credited,   s->seeded,  s->advanced, s->lost,
                              s->deleted, s->superseded, s->skipped, s->expired,  s->open};
    bool own = step != f->overall;

    csv_text(out, span_of(f->name));
    buf_char(out, ',');
    csv_segment(j, which, out);
    buf_char(out, ',');
    csv_text(out, span_of(funnel_stage_id(f, funnel_step_begin(f, step))));
    buf_char(out, ',');
    csv_text(out, span_of(own ? funnel_stage_id(f, step + 1) : "overall"));
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        buf_fmt(out, ",%lld", (long long)counts[i]);
    csv_number(out, s->rate);
    csv_number(out, s->low);
    csv_number(out, s->high);
    csv_number(out, own && stage->target >= 0 ? stage->target : __builtin_nan(""));
    buf_fmt(out, ",%lld", (long long)s->late);
    csv_dwell(out, &s->dwell);
    buf_char(out, ',');
    csv_text(out, own ? span_of(stage->owner) : SPAN_NONE);
    buf_char(out, ',');
    csv_text(out, own ? span_of(stage->note) : SPAN_NONE);
    buf_str(out, "\r\n");
}

static void csv_steps(const struct judge *j, const struct sum_filter *which, struct buf *out)
{
    struct sum_step steps[STEPS_MAX];

    sum_steps(j, which, steps);
    for (int s = 0; s <= j->funnel->overall; s++)
        if (funnel_has_step(j->funnel, s))
            csv_step(j, which, s, &steps[s], out);
    sum_steps_free(j, steps);
}

void report_csv(const struct judge *j, struct buf *out)
{
    csv_steps(j, &(struct sum_filter){0, ALL_SERIES}, out);
    for (size_t spec = 1; spec < j->spec_count; spec++) {
        uint32_t *series;
        size_t n = sum_series(j, spec, &series);

        for (size_t i = 0; i < n; i++)
            csv_steps(j, &(struct sum_filter){spec, series[i]}, out);
        mem_free(series);
    }
}
