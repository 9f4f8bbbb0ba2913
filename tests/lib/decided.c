/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/decided.h"

#include <string.h>

#include "funnel/mem.h"
#include "lib/saved.h"
#include "lib/standings.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

void decided_add(struct decided *d, uint32_t source, enum decision_kind kind, int64_t at,
                 int64_t value)
{
    d->items = mem_grow(d->items, d->count, &d->cap, sizeof(*d->items));
    d->items[d->count] = (struct decision){
        .seq = d->count + 1, .source = source, .kind = kind, .at = at, .value = value};
    d->count++;
}

void decided_deinit(struct decided *d)
{
    mem_free(d->items);
    *d = (struct decided){0};
}

/* The time that partition's log has come to before its line `offset`. */
static int64_t time_at(struct stream *s, uint32_t partition, int64_t offset)
{
    int64_t at = s->from_ms;

    for (size_t i = 0; i < s->log.count; i++) {
        const struct pipe_line *x = &s->log.lines[i];
        int64_t t = x->partition == partition && x->offset < offset ? stream_time(s, i) : INT64_MIN;

        if (t < at + DAY && t > at)
            at = t;
    }
    return at;
}

/* The first offset at which it has come to this time. */
static int64_t offset_at(struct stream *s, uint32_t partition, int64_t time)
{
    for (size_t i = 0; i < s->log.count; i++)
        if (s->log.lines[i].partition == partition && stream_time(s, i) >= time)
            return s->log.lines[i].offset;
    return s->log.next[partition];
}

static int64_t some_length(struct dice *d)
{
    int64_t longest[] = {10 * MINUTE, HOUR, 6 * HOUR, 40 * HOUR, 200 * DAY};

    return dice_below(d, longest[dice_below(d, dice_chance(d, 0.2) ? 5 : 3)]);
}

/* One partition follows the others, in some steps at one place. */
static void make_quiet(struct decided *d, struct stream *s, struct dice *dice, uint32_t p)
{
    int64_t at = dice_below(dice, s->log.next[p] + 1), value = time_at(s, p, at) - 5 * MINUTE;

    for (int64_t i = 0, n = 1 + dice_below(dice, 3); i < n; i++) {
        value += some_length(dice);
        decided_add(d, p, dice_chance(dice, 0.3) ? DECISION_DARK : DECISION_ADVANCE, at, value);
    }
}

/* All partitions are silent: they follow the clock. */
static void make_silent(struct decided *d, struct stream *s, struct dice *dice)
{
    uint32_t first = (uint32_t)dice_below(dice, (int64_t)s->partitions);
    int64_t from = time_at(s, first, dice_below(dice, s->log.next[first] + 1));
    int64_t to = from + some_length(dice);
    int64_t steps = 1 + dice_below(dice, 4);

    for (int64_t i = 1; i <= steps; i++)
        for (uint32_t p = 0; p < s->partitions; p++)
            decided_add(d, p, DECISION_DARK, offset_at(s, p, from), from + (to - from) / steps * i);
}

void decided_make(struct decided *d, struct stream *s, uint64_t seed)
{
    struct dice dice = {seed * 7919};

    *d = (struct decided){0};
    for (int64_t n = dice_below(&dice, 6); n > 0; n--)
        make_silent(d, s, &dice);
    for (uint32_t p = 0; p < s->partitions; p++) {
        int64_t next = s->log.next[p], at;

        for (int64_t n = dice_below(&dice, 6); n > 0; n--)
            make_quiet(d, s, &dice, p);
        for (int64_t n = dice_below(&dice, 4); n > 0; n--) {
            at = dice_below(&dice, next + 1);
            decided_add(d, p, DECISION_RELEASE, at, time_at(s, p, at) + some_length(&dice));
        }
        if (dice_chance(&dice, 0.3))
            decided_add(d, p, DECISION_GAP, dice_below(&dice, next + 1), dice_below(&dice, 100));
        if (seed % 3 == 0)
            decided_add(d, p, DECISION_BOOTSTRAP_END, dice_below(&dice, next / 2 + 1), 0);
    }
}

/* --- runs --- */

struct feeder {
    struct pipe *k;
    const struct decided *d;
    struct decided_way *way;
    bool *given;
};

/* A bootstrap's end is known before the first record; in a live run the others come to be known at their place. */
static void give(struct feeder *f, bool early, uint32_t source, int64_t at)
{
    for (size_t i = 0; i < f->d->count; i++) {
        const struct decision *d = &f->d->items[i];
        bool mine = early ? !f->way->live || d->kind == DECISION_BOOTSTRAP_END
                          : d->source == source && d->at <= at;

        if (f->given[i] || !mine)
            continue;
        f->given[i] = true;
        pipeline_decide(f->k->p, d);
    }
}

static void give_batch(struct feeder *f, const struct message *m, size_t count)
{
    int64_t next[PIPE_SOURCES_MAX];

    for (size_t i = 0; i < PIPE_SOURCES_MAX; i++)
        next[i] = -1;
    for (size_t i = 0; i < count; i++) {
        if (next[m[i].partition] < 0 && dice_chance(&f->way->dice, 0.5)) {
            give(f, false, m[i].partition, m[i].offset);
            pipeline_reach(f->k->p, m[i].partition, m[i].offset, &f->k->out);
        }
        next[m[i].partition] = m[i].offset;
        give(f, false, m[i].partition, m[i].offset);
    }
    pipeline_step(f->k->p, m, count, &f->k->out);
}

const char *decided_feed(struct pipe *k, struct stream *s, const struct decided *d,
                         const size_t *lines, size_t count, struct decided_way way)
{
    const struct message *all = pipe_log_messages(&s->log);
    struct message *mine = mem_alloc((count + 1) * sizeof(*mine));
    struct feeder f = {k, d, &way, mem_zero(d->count + 1, sizeof(bool))};
    struct dice when = {s->seed ^ 0xa0d17};

    for (size_t i = 0; i < count; i++)
        mine[i] = all[lines[i]];
    give(&f, true, 0, 0);
    for (size_t at = 0, n; at < count; at += n) {
        n = 1 + (size_t)dice_below(&way.dice, way.most);
        n = n > count - at ? count - at : n;
        if (!way.wrong && dice_chance(&way.dice, way.restarts))
            way.wrong = saved_restart(k);
        if (!way.wrong && dice_chance(&when, 0.05))
            way.wrong = audit_differs(k->p);
        give_batch(&f, mine + at, n);
    }
    for (uint32_t p = 0; p < s->partitions; p++) {
        give(&f, false, p, INT64_MAX);
        pipeline_reach(k->p, p, INT64_MAX, &k->out);
    }
    mem_free(f.given);
    mem_free(mine);
    return way.wrong;
}

const char *decided_run(struct stream *s, const struct decided *d, const size_t *lines,
                        size_t count, struct decided_way way, struct run_result *ret)
{
    const char *wrong;
    struct pipe k;

    *ret = (struct run_result){0};
    pipe_open(&k, buf_cstr(&s->yaml), s->partitions);
    wrong = decided_feed(&k, s, d, lines, count, way);
    pipe_end(&k);
    run_result_take(&k, ret);
    pipe_close(&k);
    return wrong;
}
