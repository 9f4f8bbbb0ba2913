/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record of the control topic: nothing crashes, what is taken keeps its bounds, and said again in
 * its canonical form it is the same record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/control.h"
#include "funnel/json_scan.h"

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

/* NUL-terminated UTF-8 within the scratch. */
static void check_text(struct span s, const struct buf *scratch)
{
    if (!s.p)
        return;
    CHECK(s.p >= scratch->data && s.p + s.len < scratch->data + scratch->len);
    CHECK(s.p[s.len] == '\0' && strlen(s.p) == s.len && json_utf8_valid(s));
}

static void check_control(const struct control *c, const struct buf *scratch)
{
    CHECK(c->id.len >= 1 && c->id.len <= 64);
    check_text(c->id, scratch);
    check_text(c->author, scratch);
    check_text(c->comment, scratch);
    check_text(c->funnel, scratch);
    check_text(c->step, scratch);
    CHECK(c->matcher_count <= CONTROL_MATCHERS_MAX);
    CHECK((c->matcher_count > 0) == (c->kind == CONTROL_SILENCE));
    for (size_t i = 0; i < c->matcher_count; i++) {
        check_text(c->matchers[i].label, scratch);
        check_text(c->matchers[i].value, scratch);
        CHECK(i == 0 || span_compare(c->matchers[i - 1].label, c->matchers[i].label) < 0);
    }
    CHECK(c->kind != CONTROL_SILENCE || c->from.ms < c->to.ms);
    CHECK(c->window_ms >= 0);
}

/* The canonical form may be longer than a record may be: an escape that was short, fields spelled out. */
static void check_again(const struct control *c)
{
    struct buf once = {0}, twice = {0}, scratch = {0};
    struct control again;

    control_write(c, &once);
    if (once.len <= DECISION_TEXT_MAX) {
        CHECK(control_parse((struct span){once.data, (uint32_t)once.len}, &scratch, &again) ==
              NULL);
        control_write(&again, &twice);
        CHECK(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    }
    buf_deinit(&once);
    buf_deinit(&twice);
    buf_deinit(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, (uint32_t)size};
    struct buf scratch = {0};
    struct control c;

    if (control_parse(text, &scratch, &c) == NULL) {
        check_control(&c, &scratch);
        check_again(&c);
    }
    buf_deinit(&scratch);
    return 0;
}
