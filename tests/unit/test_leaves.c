/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "funnel/leaves.h"

static struct settings_dim dims[2] = {{.name = "channel"}, {.name = "region"}};

static void open_leaves(struct leaves *l, int64_t limit)
{
    struct settings_limits limits = {.leaves = limit, .values = 60000};

    leaves_init(l, &(struct settings_dims){dims, 2}, &limits);
}

static struct leaf_key key(struct leaves *l, const char *channel, const char *region)
{
    struct leaf_key k = {{0}};
    int refused = 0;

    k.value[0] = channel ? (uint16_t)names_intern(&l->names[0], span_of(channel), &refused)
                         : NAME_ABSENT;
    k.value[1] = region ? (uint16_t)names_intern(&l->names[1], span_of(region), &refused)
                        : NAME_ABSENT;
    return k;
}

static void expect_text(const struct leaves *l, uint32_t leaf, const char *channel,
                        const char *region)
{
    struct buf want = {0}, got = {0};
    uint16_t len = (uint16_t)strlen(channel);

    buf_add(&want, &len, 2);
    buf_str(&want, channel);
    len = (uint16_t)strlen(region);
    buf_add(&want, &len, 2);
    buf_str(&want, region);
    leaves_text(l, leaf, &got);
    cr_expect(got.len == want.len && memcmp(got.data, want.data, got.len) == 0,
              "leaf %u is not %s, %s", leaf, channel, region);
    buf_deinit(&want);
    buf_deinit(&got);
}

Test(leaves, absent_values_stay)
{
    struct leaf_key ads, east, none;
    struct leaves l;
    uint32_t a, b;
    int refused = 0;

    open_leaves(&l, 100);
    ads = key(&l, "ads", NULL), east = key(&l, NULL, "east"), none = key(&l, NULL, NULL);
    a = leaves_begin(&l, &ads, &refused);
    expect_text(&l, a, "ads", "__none__");
    cr_expect(eq(u32, leaves_begin(&l, &ads, &refused), a));
    b = leaves_update(&l, a, &east, &refused);
    expect_text(&l, b, "ads", "east");
    cr_expect(eq(u32, leaves_update(&l, b, &none, &refused), b));
    cr_expect(eq(u32, leaves_update(&l, b, &ads, &refused), b));
    expect_text(&l, leaves_begin(&l, &none, &refused), "__none__", "__none__");
    expect_text(&l, LEAF_OTHER, "__other__", "__other__");
    cr_expect(eq(int, refused, 0));
    leaves_deinit(&l);
}

Test(leaves, the_cap_gives_other)
{
    struct leaf_key a, b, c;
    struct leaves l;
    uint32_t first;
    int refused = 0;

    open_leaves(&l, 2);
    a = key(&l, "a", "x"), b = key(&l, "b", "x"), c = key(&l, "c", "x");
    first = leaves_begin(&l, &a, &refused);
    leaves_begin(&l, &b, &refused);
    cr_expect(eq(int, refused, 0));
    cr_expect(eq(u32, leaves_begin(&l, &c, &refused), LEAF_OTHER));
    cr_expect(eq(int, refused, 1));
    cr_expect(eq(u32, leaves_begin(&l, &a, &refused), first));
    leaves_deinit(&l);
}

Test(leaves, numbers_fit_sixteen_bits)
{
    struct leaves l;
    int refused = 0;

    open_leaves(&l, 1 << 30);
    cr_expect(eq(u32, l.limit, LEAVES_CAP));
    for (uint32_t i = 0; i < 70000; i++) {
        struct leaf_key k = {{(uint16_t)(NAME_FIRST + i % 300), (uint16_t)(NAME_FIRST + i / 300)}};
        uint32_t leaf = leaves_begin(&l, &k, &refused);

        cr_assert(leaf == (i < LEAVES_CAP ? i + 1 : LEAF_OTHER), "%u", i);
    }
    cr_expect(eq(int, refused, 1));
    leaves_deinit(&l);
}

Test(leaves, configured_values_are_the_only_ones)
{
    const char *listed[] = {"ads", "seo"};
    struct settings_dim dim = {.name = "channel", .values = {listed, 2}};
    struct settings_limits limits = {.leaves = 10, .values = 10};
    struct leaves l;
    int refused = 0;

    leaves_init(&l, &(struct settings_dims){&dim, 1}, &limits);
    cr_expect(eq(u32, names_intern(&l.names[0], span_of("seo"), &refused), NAME_FIRST + 1));
    cr_expect(eq(u32, names_intern(&l.names[0], span_of("fair"), &refused), NAME_OTHER));
    cr_expect(eq(int, refused, 0));
    leaves_deinit(&l);
}
