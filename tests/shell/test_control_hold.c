/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/control_hold.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static void push(struct control_hold *h, uint32_t part, int64_t offset, const char *value)
{
    char copy[32];
    struct message m = {.partition = part, .offset = offset};

    snprintf(copy, sizeof(copy), "%s", value);
    m.value = (struct span){copy, (uint32_t)strlen(copy)};
    control_hold_push(h, &m);
    memset(copy, 'x', sizeof(copy)); /* it has its own */
}

static void expect_first(struct control_hold *h, int64_t offset, const char *value)
{
    struct message m;

    cr_assert(control_hold_first(h, &m));
    cr_assert_eq(m.offset, offset);
    cr_assert(span_is(m.value, value));
    control_hold_pop(h);
}

Test(control_hold, in_the_order_they_came_and_not_consumed_before)
{
    struct control_hold h = {0};
    struct message m;

    cr_assert_eq(control_hold_next(&h, 3, 12), 12, "all is consumed");
    push(&h, 3, 10, "a");
    push(&h, 4, 70, "b");
    push(&h, 3, 11, "");
    cr_assert_eq(control_hold_next(&h, 3, 12), 10);
    cr_assert_eq(control_hold_next(&h, 4, 71), 70);
    cr_assert_eq(control_hold_next(&h, 5, 9), 9);
    expect_first(&h, 10, "a");
    cr_assert_eq(control_hold_next(&h, 3, 12), 11);
    expect_first(&h, 70, "b");
    cr_assert_eq(control_hold_next(&h, 4, 71), 71);
    expect_first(&h, 11, "");
    cr_assert_not(control_hold_first(&h, &m));
    push(&h, 3, 12, "c");
    control_hold_deinit(&h);
    cr_assert_eq(h.count, 0);
    control_hold_deinit(&h);
}
