/* SPDX-License-Identifier: Apache-2.0 */
/* The demo on a terminal: one refreshed screen. Drawing is a pure function into a buffer. */
#ifndef CLI_DEMO_VIEW_H
#define CLI_DEMO_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/demo_alerts.h"
#include "cli/demo_report.h"
#include "cli/demo_words.h"
#include "funnel/buf.h"

struct demo_view {
    enum demo_language language;
    int columns, rows;
    double speed;     /* event time ÷ clock */
    int64_t start_ms; /* of the script */
    int64_t now_ms;   /* event time the generator has reached */
    const char *bootstrap;
    const struct demo_report *report;
    const struct demo_alerts *alerts;
};

/* One frame over the last one, without clearing in between: nothing flickers. */
void demo_view_draw(const struct demo_view *v, struct buf *out);

/* Enters and leaves the terminal's other screen, cursor hidden. */
void demo_view_enter(void);
void demo_view_leave(void);
/* Size of the terminal on stdout, 80 by 24 when it does not say. */
void demo_view_size(int *ret_columns, int *ret_rows);
/* stdout is a terminal that can move its cursor. */
bool demo_view_possible(void);

/* Columns a text takes, and its longest start that takes no more than max. */
int demo_text_width(const char *text);
size_t demo_text_fit(const char *text, int max);

#endif
