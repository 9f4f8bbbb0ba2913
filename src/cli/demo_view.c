/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* wcwidth */
#endif
#include "cli/demo_view.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "funnel/stats.h"

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define CYAN "\033[36m"
#define PLAIN "\033[0m"

#define NAME_COLUMNS 10
#define COUNT_COLUMNS 7

/* --- text --- */

/* Bytes of the next character, its columns in *ret_width. */
static size_t text_step(const char *text, int *ret_width)
{
    wchar_t c;
    mbstate_t state = {0};
    size_t n = mbrtowc(&c, text, MB_LEN_MAX, &state);

    if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
        *ret_width = 1;
        return 1;
    }
    *ret_width = wcwidth(c) < 0 ? 0 : wcwidth(c);
    return n;
}

int demo_text_width(const char *text)
{
    int sum = 0, width;

    while (*text) {
        text += text_step(text, &width);
        sum += width;
    }
    return sum;
}

size_t demo_text_fit(const char *text, int max)
{
    size_t at = 0;
    int width;

    while (text[at]) {
        size_t n = text_step(text + at, &width);

        if (width > max)
            break;
        max -= width;
        at += n;
    }
    return at;
}

/* A line as it is built: text up to the right edge, colours for free. */
struct line {
    struct buf *out;
    int left; /* columns */
};

/* The last column stays free: erasing the rest of a full line would take its last character. */
static struct line line_begin(const struct demo_view *v, struct buf *out)
{
    return (struct line){out, v->columns - 1};
}

static void line_end(struct line *l)
{
    buf_str(l->out, PLAIN "\033[K\r\n");
}

static void line_text(struct line *l, const char *colour, const char *text)
{
    int width = demo_text_width(text);

    buf_str(l->out, colour);
    if (width <= l->left) {
        buf_str(l->out, text);
        l->left -= width;
    } else if (l->left > 0) {
        buf_add(l->out, text, demo_text_fit(text, l->left - 1));
        buf_str(l->out, "…");
        l->left = 0;
    }
    buf_str(l->out, PLAIN);
}

static void line_pad(struct line *l, int columns)
{
    for (; columns > 0 && l->left > 0; columns--, l->left--)
        buf_char(l->out, ' ');
}

/* Text at the right edge, two columns at least from what is there. */
static void line_right(struct line *l, const char *colour, const char *text)
{
    int room = l->left - demo_text_width(text);

    line_pad(l, room > 2 ? room : 2);
    line_text(l, colour, text);
}

static void line_column(struct line *l, const char *colour, const char *text, int columns)
{
    line_text(l, colour, text);
    line_pad(l, columns - demo_text_width(text));
}

/* Eighths of a column, so that small changes show. */
static void line_bar(struct line *l, const char *colour, double columns)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int eighths = (int)(columns * 8 + 0.5);

    buf_str(l->out, colour);
    for (; eighths >= 8 && l->left > 0; eighths -= 8, l->left--)
        buf_str(l->out, "█");
    if (eighths > 0 && l->left > 0) {
        buf_str(l->out, parts[eighths]);
        l->left--;
    }
    buf_str(l->out, PLAIN);
}

/* --- pieces of the screen --- */

static void draw_title(const struct demo_view *v, struct buf *out)
{
    struct line l = line_begin(v, out);
    char when[32], right[96];

    demo_time_format(v->now_ms, true, when, sizeof(when));
    snprintf(right, sizeof(right), "%s %s", demo_word(v->language, WORD_CLOCK), when);
    line_text(&l, BOLD, demo_word(v->language, WORD_TITLE));
    line_right(&l, CYAN, right);
    line_end(&l);

    l = line_begin(v, out);
    snprintf(right, sizeof(right), demo_word(v->language, WORD_SPEED), v->speed);
    line_text(&l, DIM, right);
    line_end(&l);
}

static const struct demo_alert *firing_at(const struct demo_alerts *a, int step)
{
    char edge[64];

    scenario_step(step, edge, sizeof(edge));
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].firing && strcmp(a->items[i].step, edge) == 0)
            return &a->items[i];
    return NULL;
}

static void draw_stage(const struct demo_view *v, struct buf *out, const struct demo_sums *s,
                       int stage)
{
    struct line l = line_begin(v, out);
    char count[24];
    int64_t most = s->reached[0] > 0 ? s->reached[0] : 1;

    line_column(&l, BOLD, demo_word(v->language, WORD_STAGE_VISIT + (unsigned)stage), NAME_COLUMNS);
    snprintf(count, sizeof(count), "%lld", (long long)s->reached[stage]);
    line_pad(&l, COUNT_COLUMNS - 1 - (int)strlen(count));
    line_column(&l, "", count, (int)strlen(count) + 1);
    line_bar(&l, CYAN, (double)s->reached[stage] / (double)most * (double)l.left);
    line_end(&l);
}

static void draw_step(const struct demo_view *v, struct buf *out, const struct demo_sums *s,
                      int step)
{
    struct line l = line_begin(v, out);
    const struct demo_alert *firing = firing_at(v->alerts, step);
    int64_t n = s->entries[step], k = s->conversions[step];
    struct interval wilson = stats_wilson(k, n, STATS_Z95);
    char text[96];

    line_pad(&l, NAME_COLUMNS + COUNT_COLUMNS);
    snprintf(text, sizeof(text), "↓ %5.1f %%", n > 0 ? 100.0 * (double)k / (double)n : 0.0);
    line_text(&l, firing ? BOLD RED : GREEN, text);
    snprintf(text, sizeof(text), "   [%.1f – %.1f]   ", 100 * wilson.low, 100 * wilson.high);
    line_text(&l, DIM, text);
    if (firing) {
        line_text(&l, BOLD RED, "◀ ");
        line_text(&l, BOLD RED, demo_word(v->language, WORD_FIRING));
        line_text(&l, BOLD RED, "  ");
        line_text(&l, BOLD RED, firing->dims);
    }
    line_end(&l);
}

static void draw_funnel(const struct demo_view *v, struct buf *out)
{
    struct line l = line_begin(v, out);
    struct demo_sums s;
    int64_t minutes;
    char text[128];

    line_end(&l);
    l = line_begin(v, out);
    if (!v->report->there) {
        line_text(&l, DIM, demo_word(v->language, WORD_NO_REPORT));
        line_end(&l);
        return;
    }
    s = demo_report_hour(v->report, &minutes);
    snprintf(text, sizeof(text), demo_word(v->language, WORD_SPAN), (long long)minutes);
    line_text(&l, DIM, text);
    snprintf(text, sizeof(text), demo_word(v->language, WORD_COUNTS), (long long)v->report->events,
             (long long)v->report->entities, (long long)v->report->deadletters);
    line_right(&l, DIM, text);
    line_end(&l);
    for (int i = 0; i < SHOP_STAGES; i++) {
        draw_stage(v, out, &s, i);
        if (i < SHOP_STEPS)
            draw_step(v, out, &s, i);
    }
}

static void draw_script(const struct demo_view *v, struct buf *out)
{
    struct line l = line_begin(v, out);
    struct incident now = scenario_incident(v->start_ms, 0);
    bool broken = scenario_current(v->start_ms, v->now_ms, &now);
    char when[32], text[256];

    if (!broken && v->now_ms >= now.to_ms)
        now = scenario_incident(v->start_ms, now.number + 1);
    demo_time_format(broken ? now.to_ms : now.from_ms, false, when, sizeof(when));
    snprintf(text, sizeof(text), demo_word(v->language, broken ? WORD_BROKEN : WORD_NORMAL), when,
             demo_word(v->language, now.kind->story));
    line_end(&l);
    l = line_begin(v, out);
    line_text(&l, broken ? RED : DIM, text);
    line_end(&l);
}

static void draw_alert(const struct demo_view *v, struct buf *out, const struct demo_alert *x)
{
    struct line l = line_begin(v, out);
    char when[32], text[200];

    demo_time_format(x->firing ? x->starts_ms : x->ends_ms, false, when, sizeof(when));
    snprintf(text, sizeof(text), "%s %s", when,
             demo_word(v->language, x->firing ? WORD_FIRING : WORD_RESOLVED));
    line_column(&l, x->firing ? BOLD RED : GREEN, text, 16);
    snprintf(text, sizeof(text), "%s  %s  %s", x->rule, x->step, x->dims);
    line_text(&l, "", text);
    line_end(&l);
    l = line_begin(v, out);
    line_pad(&l, 6);
    line_text(&l, DIM, x->summary);
    line_end(&l);
}

static void draw_alerts(const struct demo_view *v, struct buf *out, int rows)
{
    struct line l = line_begin(v, out);
    const struct demo_alerts *a = v->alerts;
    char text[128];

    snprintf(text, sizeof(text), demo_word(v->language, WORD_ALERTS), "funnel.alerts");
    line_end(&l);
    l = line_begin(v, out);
    line_text(&l, BOLD, text);
    if (a->count == 0) {
        line_text(&l, DIM, ": ");
        line_text(&l, DIM, demo_word(v->language, WORD_NO_ALERTS));
    }
    line_end(&l);
    for (size_t i = 0; i < a->count && rows >= 2; i++, rows -= 2)
        draw_alert(v, out, &a->items[a->count - 1 - i]);
    for (; rows > 0; rows--) {
        l = line_begin(v, out);
        line_end(&l);
    }
}

/* Lines beyond the screen would scroll it. */
static void frame_cut(struct buf *out, size_t from, int rows)
{
    for (size_t at = from; at + 1 < out->len; at++)
        if (out->data[at] == '\r' && --rows == 0)
            out->len = at;
}

void demo_view_draw(const struct demo_view *v, struct buf *out)
{
    /* Title 2, blank and heading 2, stages and steps, script 2, heading 2, hint 1. */
    int used = 2 + 2 + SHOP_STAGES + SHOP_STEPS + 2 + 2 + 1;
    size_t from = out->len;
    struct line l;

    if (!v->report->there)
        used -= SHOP_STAGES + SHOP_STEPS;
    buf_str(out, "\033[?2026h\033[H"); /* terminals that know it show the frame at once */
    draw_title(v, out);
    draw_funnel(v, out);
    draw_script(v, out);
    draw_alerts(v, out, v->rows - used);
    l = line_begin(v, out);
    line_text(&l, DIM, demo_word(v->language, WORD_HINT));
    buf_str(out, "\033[K"); /* no line break: it would scroll a full screen */
    frame_cut(out, from, v->rows);
    buf_str(out, "\033[J\033[?2026l");
}

/* --- terminal --- */

static void terminal_put(const char *text)
{
    fputs(text, stdout);
    fflush(stdout);
}

void demo_view_enter(void)
{
    terminal_put("\033[?1049h\033[?25l\033[H\033[2J");
}

void demo_view_leave(void)
{
    terminal_put("\033[?25h\033[?1049l");
}

void demo_view_size(int *ret_columns, int *ret_rows)
{
    struct winsize w;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 && w.ws_row > 0;

    *ret_columns = known ? w.ws_col : 80;
    *ret_rows = known ? w.ws_row : 24;
}

bool demo_view_possible(void)
{
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && term[0] != '\0';
}
