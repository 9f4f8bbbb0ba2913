/* SPDX-License-Identifier: Apache-2.0 */
/* The entity table against a plain array, with fingerprints that crowd into few shards and few slots. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "funnel/entities.h"
#include "funnel/mem.h"
#include "lib/pipe_kit.h"

#define KEYS 4000
#define BREAKDOWNS 2

/* One shard of 16 for half of them, equal tags for many, equal homes for some. */
static uint64_t key_of(int i)
{
    struct dice d = {(uint64_t)i};
    uint64_t r = dice_next(&d);

    if (i % 2 == 0)
        r = (r & UINT64_C(0x0fffffffffff0003)) | (uint64_t)(i & 0xfff) << 4;
    if (i % 7 == 0)
        r |= UINT64_C(0x00ffffffff000000); /* the last slot of its shard: probing wraps */
    return r;
}

static struct entity random_entity(struct dice *d, uint64_t fingerprint)
{
    static const int64_t edges[] = {
        0, -1, 1, INT64_C(0x7fffffffffff), -INT64_C(0x800000000000), ETIME_MIN_MS, ETIME_MAX_MS};
    struct entity e = {.fingerprint = fingerprint};
    int64_t *longs[] = {&e.position_ms, &e.reached_ms, &e.attempt_ms, &e.amount};

    for (int i = 0; i < 4; i++)
        *longs[i] = dice_chance(d, 0.3) ? edges[dice_below(d, 7)] : (int64_t)dice_next(d) >> 16;
    e.latest = (uint32_t)dice_below(d, 65536);
    e.stay = (uint32_t)dice_below(d, 65536);
    e.attempt_leaf = (uint32_t)dice_below(d, 65536);
    e.stage = (uint8_t)dice_next(d);
    e.highest = (uint8_t)dice_next(d);
    e.attempt = (uint8_t)dice_next(d);
    e.flags = (uint8_t)dice_next(d);
    for (int b = 0; b < BREAKDOWNS; b++) {
        e.break_latest[b] = (uint32_t)dice_below(d, 1 << 24);
        e.break_stay[b] = (uint32_t)dice_below(d, 1 << 24);
    }
    return e;
}

static bool entity_equal(const struct entity *a, const struct entity *b)
{
    return a->fingerprint == b->fingerprint && a->position_ms == b->position_ms &&
           a->reached_ms == b->reached_ms && a->attempt_ms == b->attempt_ms &&
           a->amount == b->amount && a->latest == b->latest && a->stay == b->stay &&
           a->attempt_leaf == b->attempt_leaf && a->stage == b->stage && a->highest == b->highest &&
           a->attempt == b->attempt && a->flags == b->flags &&
           memcmp(a->break_latest, b->break_latest, BREAKDOWNS * sizeof(uint32_t)) == 0 &&
           memcmp(a->break_stay, b->break_stay, BREAKDOWNS * sizeof(uint32_t)) == 0;
}

struct model {
    struct entities table;
    struct entity known[KEYS];
    bool there[KEYS];
    size_t count;
    struct dice dice;
};

static void model_check(struct model *m, int i)
{
    uint64_t key = key_of(i);
    uint32_t place = entities_find(&m->table, key);
    struct entity e = {0};

    cr_assert(m->there[i] == (place != ENTITY_NONE), "key %d", i);
    if (place == ENTITY_NONE)
        return;
    entities_load(&m->table, key, place, &e);
    cr_assert(entity_equal(&e, &m->known[i]), "key %d", i);
}

static void model_act(struct model *m, int i, double add)
{
    uint64_t key = key_of(i);

    model_check(m, i);
    entities_prefetch_slot(&m->table, key);
    entities_prefetch_record(&m->table, key);
    if (!m->there[i]) {
        if (!dice_chance(&m->dice, add))
            return;
        m->known[i] = random_entity(&m->dice, key);
        cr_assert(entities_add(&m->table, &m->known[i]) != ENTITY_NONE);
        m->there[i] = true;
        m->count++;
    } else if (dice_chance(&m->dice, 0.5)) {
        m->known[i] = random_entity(&m->dice, key);
        entities_store(&m->table, entities_find(&m->table, key), &m->known[i]);
    } else if (dice_chance(&m->dice, 1 - add)) {
        entities_remove(&m->table, key, entities_find(&m->table, key));
        m->there[i] = false;
        m->count--;
    }
}

static void model_check_all(struct model *m)
{
    uint64_t sum = 0;

    for (int i = 0; i < KEYS; i++)
        model_check(m, i);
    for (int s = 0; s < ENTITY_SHARDS; s++)
        sum += entities_shard_count(&m->table, s);
    cr_assert(sum == m->count && m->table.count == m->count);
}

Test(entities, against_a_plain_array)
{
    struct model *m = mem_zero(1, sizeof(*m));

    m->dice.state = 42;
    entities_init(&m->table, BREAKDOWNS, KEYS);
    for (int round = 0; round < 12; round++) {
        double add = round % 2 == 0 ? 0.9 : 0.1; /* it fills, it empties */

        for (int n = 0; n < 100000; n++)
            model_act(m, (int)dice_below(&m->dice, KEYS), add);
        model_check_all(m);
    }
    entities_deinit(&m->table);
    mem_free(m);
}

Test(entities, a_sweep_from_the_end_sees_each_once)
{
    struct entities t;
    struct dice d = {7};
    struct entity e;
    size_t seen = 0;

    entities_init(&t, 0, 100000);
    for (int i = 0; i < 20000; i++) {
        e = random_entity(&d, dice_next(&d));
        entities_add(&t, &e);
    }
    for (int s = 0; s < ENTITY_SHARDS; s++) {
        for (uint32_t place = entities_shard_count(&t, s); place-- > 0; seen++) {
            entities_load_at(&t, s, place, &e);
            cr_assert(entities_find(&t, e.fingerprint) == place);
            if (e.flags & 1)
                entities_remove(&t, e.fingerprint, place);
        }
    }
    cr_expect(eq(sz, seen, 20000));
    for (int s = 0; s < ENTITY_SHARDS; s++) {
        for (uint32_t place = 0; place < entities_shard_count(&t, s); place++) {
            entities_load_at(&t, s, place, &e);
            cr_assert(entities_find(&t, e.fingerprint) == place && (e.flags & 1) == 0);
        }
    }
    entities_deinit(&t);
}

Test(entities, the_limit_is_a_count)
{
    struct entities t;
    struct entity e = {.fingerprint = 1};

    entities_init(&t, 0, 2);
    cr_expect(entities_add(&t, &e) != ENTITY_NONE);
    e.fingerprint = UINT64_MAX;
    cr_expect(entities_add(&t, &e) != ENTITY_NONE);
    e.fingerprint = 0;
    cr_expect(entities_add(&t, &e) == ENTITY_NONE);
    cr_expect(entities_find(&t, 0) == ENTITY_NONE);
    entities_remove(&t, 1, entities_find(&t, 1));
    cr_expect(entities_add(&t, &e) != ENTITY_NONE); /* 0 is a fingerprint like any other */
    cr_expect(entities_find(&t, 0) != ENTITY_NONE);
    entities_deinit(&t);
}

Test(entities, memory_is_accounted_for)
{
    struct entities t;
    struct dice d = {9};
    struct entity e = {0};
    uint64_t *keys = mem_zero(200000, sizeof(*keys)), full;

    entities_init(&t, 0, 1000000);
    cr_expect(eq(u64, t.bytes, 0));
    for (int i = 0; i < 200000; i++) {
        e.fingerprint = keys[i] = dice_next(&d);
        entities_add(&t, &e);
    }
    full = t.bytes;
    /* A record is 42 bytes, a slot 6 at a load of 0.53 to 0.8; chunks of 64 are rounded up. */
    cr_expect(full > 200000 * (42 + 7) && full < 200000 * (42 + 12 + 3), "%llu",
              (unsigned long long)full);
    for (int i = 0; i < 200000; i++)
        entities_remove(&t, keys[i], entities_find(&t, keys[i]));
    cr_expect(t.bytes < full / 3);
    entities_deinit(&t);
    mem_free(keys);
}

/* --- saved state --- */

static const struct entities_bounds bounds = {
    .stages = 256, .leaves = 65536, .breaks = {1 << 24, 1 << 24}};

static void save(const struct entities *t, struct buf *ret)
{
    unsigned char window[1000];
    struct codec_out out = {
        .data = window, .cap = sizeof(window), .flush = codec_flush_buf, .context = ret};

    entities_save(t, &out);
    codec_flush_buf(&out);
}

static const char *restore(struct entities *t, const struct buf *from,
                           const struct entities_bounds *b)
{
    struct codec_in in = {.p = (const unsigned char *)from->data, .left = from->len};

    entities_init(t, BREAKDOWNS, 10);
    entities_restore(t, b, &in);
    cr_expect(in.error || in.left == 0);
    return in.error;
}

static void fill(struct entities *t, int count)
{
    struct dice d = {11};

    entities_init(t, BREAKDOWNS, 100000);
    for (int i = 0; i < count; i++) {
        struct entity e = random_entity(&d, key_of(i));

        e.flags &= 2 * ENTITY_SEEDED - 1;
        if (entities_find(t, e.fingerprint) == ENTITY_NONE)
            entities_add(t, &e);
    }
    /* More chunks and slots than are needed. */
    for (int i = 0; i < count; i += 3)
        if (entities_find(t, key_of(i)) != ENTITY_NONE)
            entities_remove(t, key_of(i), entities_find(t, key_of(i)));
}

Test(entities, come_back_and_go_on)
{
    struct entities t, again;
    struct buf first = {0}, second = {0};

    fill(&t, KEYS);
    save(&t, &first);
    cr_assert_null(restore(&again, &first, &bounds));
    save(&again, &second);
    cr_expect(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    cr_expect_eq(again.count, t.count);
    for (int i = 0; i < KEYS; i++) {
        struct entity a = {0}, b = {0};
        uint32_t place = entities_find(&t, key_of(i));

        cr_assert_eq(entities_find(&again, key_of(i)), place);
        if (place == ENTITY_NONE)
            continue;
        entities_load(&t, key_of(i), place, &a);
        entities_load(&again, key_of(i), place, &b);
        cr_assert(entity_equal(&a, &b));
        entities_remove(&again, key_of(i), entities_find(&again, key_of(i)));
        cr_assert_eq(entities_find(&again, key_of(i)), ENTITY_NONE);
        entities_remove(&t, key_of(i), place);
    }
    cr_expect_eq(again.count, 0);
    buf_deinit(&first);
    buf_deinit(&second);
    entities_deinit(&t);
    entities_deinit(&again);
}

/* The shards of one record: it alone is in them. */
static const char *restore_records(const struct entity *e, size_t count, int shard,
                                   const struct entities_bounds *b)
{
    struct buf bytes = {0};
    struct entities t;
    const char *wrong;
    uint32_t none = 0;

    for (int s = 0; s < ENTITY_SHARDS; s++) {
        uint32_t n = s == shard ? (uint32_t)count : 0;

        buf_add(&bytes, n ? &n : &none, sizeof(n));
        for (uint32_t i = 0; i < n; i++) {
            struct buf one = {0};

            /* As the table itself writes it, without the counts of the 256 shards. */
            entities_init(&t, BREAKDOWNS, 1);
            entities_add(&t, &e[i]);
            save(&t, &one);
            buf_add(&bytes, one.data + 4 * ((e[i].fingerprint >> 56) + 1), t.stride);
            buf_deinit(&one);
            entities_deinit(&t);
        }
    }
    wrong = restore(&t, &bytes, b);
    entities_deinit(&t);
    buf_deinit(&bytes);
    return wrong;
}

Test(entities, what_cannot_be_is_refused)
{
    struct entities_bounds b = {.stages = 3, .leaves = 2, .breaks = {4, 5}};
    struct entity good = {.fingerprint = UINT64_C(7) << 56,
                          .stage = 2,
                          .highest = 2,
                          .latest = 1,
                          .stay = 1,
                          .attempt_leaf = 1,
                          .flags = ENTITY_SEEDED,
                          .break_latest = {3, 4},
                          .break_stay = {3, 4}};
    struct entity pair[2] = {good, good}, bad;

    cr_expect_null(restore_records(&good, 1, 7, &b));
    cr_expect_not_null(restore_records(&good, 1, 8, &b), "in another's shard");
    cr_expect_not_null(restore_records(pair, 2, 7, &b), "twice");
    pair[1].fingerprint++;
    cr_expect_null(restore_records(pair, 2, 7, &b));
#define EXPECT_BAD(member, value) \
    do { \
        bad = good; \
        bad.member = value; \
        cr_expect_not_null(restore_records(&bad, 1, 7, &b), #member); \
    } while (0)
    EXPECT_BAD(stage, 3);
    EXPECT_BAD(highest, 3);
    EXPECT_BAD(latest, 2);
    EXPECT_BAD(stay, 2);
    EXPECT_BAD(attempt_leaf, 2);
    EXPECT_BAD(flags, 64);
    EXPECT_BAD(break_latest[0], 4);
    EXPECT_BAD(break_stay[1], 5);
#undef EXPECT_BAD
}

/* Fingerprints chosen to meet in one slot: they are refused before the load takes for ever. */
Test(entities, a_crowded_table_is_refused)
{
    size_t count = 20000;
    struct buf bytes = {0};
    struct entities t;
    struct entity e = {.fingerprint = 0};

    entities_init(&t, 0, count);
    cr_assert_eq(t.stride, 42);
    for (uint32_t s = 0; s < ENTITY_SHARDS; s++) {
        uint32_t n = s == 0 ? (uint32_t)count : 0;

        buf_add(&bytes, &n, sizeof(n));
        for (e.fingerprint = 0; e.fingerprint < n; e.fingerprint++) {
            char record[42] = {0};

            memcpy(record, &e.fingerprint, sizeof(e.fingerprint));
            buf_add(&bytes, record, sizeof(record));
        }
    }
    {
        struct codec_in in = {.p = (const unsigned char *)bytes.data, .left = bytes.len};

        entities_restore(&t, &bounds, &in);
        cr_expect_not_null(in.error);
    }
    entities_deinit(&t);
    buf_deinit(&bytes);
}
