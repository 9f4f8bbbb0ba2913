/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "funnel/mem.h"
#include "funnel/names.h"

static uint32_t intern(struct names *n, const char *text, int *refused)
{
    return names_intern(n, span_of(text), refused);
}

Test(names, numbers_come_in_order_of_appearance)
{
    struct names n;
    int refused = 0;

    names_init(&n, 100);
    cr_expect(eq(u32, intern(&n, "ads", &refused), NAME_FIRST));
    cr_expect(eq(u32, intern(&n, "seo", &refused), NAME_FIRST + 1));
    cr_expect(eq(u32, intern(&n, "ads", &refused), NAME_FIRST));
    cr_expect(eq(u32, intern(&n, NAME_OTHER_TEXT, &refused), NAME_OTHER));
    cr_expect(eq(u32, intern(&n, NAME_NONE_TEXT, &refused), NAME_NONE));
    cr_expect(eq(u32, names_find(&n, span_of("seo")), NAME_FIRST + 1));
    cr_expect(eq(u32, names_find(&n, span_of("se")), NAME_ABSENT));
    cr_expect(span_is(names_text(&n, NAME_FIRST), "ads"));
    cr_expect(eq(int, refused, 0));
    names_deinit(&n);
}

Test(names, an_empty_name_is_a_name)
{
    struct names n;
    int refused = 0;

    names_init(&n, 100);
    cr_expect(eq(u32, names_find(&n, span_of("")), NAME_ABSENT));
    cr_expect(eq(u32, intern(&n, "", &refused), NAME_FIRST));
    cr_expect(eq(u32, names_find(&n, span_of("")), NAME_FIRST));
    names_deinit(&n);
}

Test(names, the_limit_refuses_only_what_is_new)
{
    struct names n;
    int refused = 0;

    names_init(&n, 2);
    intern(&n, "a", &refused);
    intern(&n, "b", &refused);
    cr_expect(eq(int, refused, 0));
    cr_expect(eq(u32, intern(&n, "c", &refused), NAME_OTHER));
    cr_expect(eq(int, refused, 1));
    cr_expect(eq(u32, intern(&n, "b", &refused), NAME_FIRST + 1));
    names_deinit(&n);
}

Test(names, a_closed_list_refuses_nobody)
{
    struct names n;
    int refused = 0;

    names_init(&n, 10);
    intern(&n, "a", &refused);
    names_close(&n);
    cr_expect(eq(u32, intern(&n, "b", &refused), NAME_OTHER));
    cr_expect(eq(u32, intern(&n, "a", &refused), NAME_FIRST));
    cr_expect(eq(int, refused, 0));
    names_deinit(&n);
}

Test(names, thousands_and_sorted)
{
    struct names n;
    uint32_t *order;
    char text[20];
    int refused = 0;

    names_init(&n, 100000);
    for (int i = 0; i < 20000; i++) {
        snprintf(text, sizeof(text), "n%d", i * 7919 % 20000);
        cr_assert(intern(&n, text, &refused) == (uint32_t)(NAME_FIRST + i));
    }
    for (int i = 0; i < 20000; i++) {
        snprintf(text, sizeof(text), "n%d", i * 7919 % 20000);
        cr_assert(names_find(&n, span_of(text)) == (uint32_t)(NAME_FIRST + i));
        cr_assert(span_is(names_text(&n, (uint32_t)(NAME_FIRST + i)), text));
    }
    order = names_sorted(&n);
    for (uint32_t i = 1; i < n.count - 1; i++)
        cr_assert(span_compare(names_text(&n, order[i - 1]), names_text(&n, order[i])) < 0);
    cr_expect(names_bytes(&n) > 20000 * 5);
    mem_free(order);
    names_deinit(&n);
}
