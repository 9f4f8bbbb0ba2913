/* SPDX-License-Identifier: Apache-2.0 */
/* More partitions in the middle of a stream: whatever waits or has gone wrong there, every sum balances, is what the
 * entity tables say, and can be saved and loaded. */
#include <criterion/criterion.h>

#include "lib/rekeyed.h"
#include "lib/saved.h"
#include "lib/standings.h"
#include "lib/streams.h"

struct walk {
    struct dice dice;
    struct pipe k;
    struct decoder *decoder;
    double known;
    const char *yamls[2]; /* to switch between; NULL: never */
    struct rekey_result sums;
    size_t rekeyed, switched;
};

/* By its first entity; a message that is none's stays on the partition it was made for. */
static uint32_t walk_partition(struct walk *w, const struct message *m)
{
    const struct decoded *d = decode_batch(w->decoder, m, 1);

    if (w->rekeyed == 0 || d->event_count == 0)
        return m->partition;
    return rekeyed_home(tally_fingerprint(&w->k.p->tallies[0], d->events[0].entity),
                        w->k.p->source_count);
}

static const char *walk_rekey(struct walk *w)
{
    size_t most = PIPE_SOURCES_MAX - w->k.p->source_count;
    size_t partitions = w->k.p->source_count + (size_t)dice_below(&w->dice, (int64_t)most + 1);
    struct rekey_result r = rekeyed(&w->k, partitions, w->known);
    const char *wrong;

    w->sums.moved += r.moved;
    w->sums.waiting += r.waiting;
    w->sums.stuck += r.stuck;
    w->rekeyed++;
    for (size_t f = 0; f < w->k.p->funnel_count; f++)
        if (judge_audit(&w->k.p->judges[f]) > 0)
            return "a step does not balance after it";
    wrong = audit_differs(w->k.p);
    return wrong ? wrong : saved_restart(&w->k);
}

static const char *walk_switch(struct walk *w)
{
    decoder_free(w->decoder);
    pipe_switch(&w->k, w->yamls[w->switched++ % 2]);
    w->decoder = decoder_new(w->k.settings);
    return audit_differs(w->k.p);
}

static const char *walk_through(struct walk *w, struct stream *s, const size_t *lines, size_t count)
{
    const struct message *all = pipe_log_messages(&s->log);
    const char *wrong = NULL;

    for (size_t i = 0; i < count && !wrong; i++) {
        struct message m = all[lines[i]];

        m.partition = walk_partition(w, &m);
        m.offset = w->k.log.next[m.partition]++;
        pipeline_step(w->k.p, &m, 1, &w->k.out);
        if (dice_chance(&w->dice, 2.0 / (double)count))
            wrong = walk_rekey(w);
        else if (w->yamls[0] && dice_chance(&w->dice, 6.0 / (double)count))
            wrong = walk_switch(w);
        else if (dice_chance(&w->dice, 0.02))
            wrong = audit_differs(w->k.p);
    }
    return wrong;
}

static struct rekey_result total;

static size_t switched;

static const char *sums_hold(struct stream *s, const size_t *lines, size_t count, struct walk w,
                             struct property_sums *sums)
{
    struct run_result result = {0};
    const char *wrong;

    pipe_open(&w.k, buf_cstr(&s->yaml), s->partitions);
    w.decoder = decoder_new(w.k.settings);
    wrong = walk_through(&w, s, lines, count);
    if (!wrong) {
        pipe_end(&w.k);
        wrong = standings_differ(w.k.p);
        run_result_take(&w.k, &result);
        if (result.conservation + result.counts[COUNTER_CONSERVATION] > 0)
            wrong = "a step does not balance";
        if (!wrong)
            wrong = audit_differs(w.k.p);
        sums->fired += result.fired;
        sums->detected += result.detected;
        run_result_deinit(&result);
    }
    total.moved += w.sums.moved;
    total.waiting += w.sums.waiting;
    total.stuck += w.sums.stuck;
    switched += w.switched;
    decoder_free(w.decoder);
    pipe_close(&w.k);
    return wrong;
}

static const char *all_known(struct stream *s, const size_t *lines, size_t count,
                             struct property_sums *sums)
{
    return sums_hold(s, lines, count, (struct walk){.dice = {s->seed}, .known = 1}, sums);
}

static const char *some_known(struct stream *s, const size_t *lines, size_t count,
                              struct property_sums *sums)
{
    return sums_hold(s, lines, count, (struct walk){.dice = {s->seed}, .known = 0.6}, sums);
}

/* Other windows, other stages, other panes, while some partitions are ahead of others. */
static const char *also_between_switches(struct stream *s, const size_t *lines, size_t count,
                                         struct property_sums *sums)
{
    struct walk w = {.dice = {s->seed}, .known = 0.8};
    struct stream other;
    const char *wrong;

    stream_make(&other, s->seed + 7777, 1, 0);
    w.yamls[0] = buf_cstr(&other.yaml);
    w.yamls[1] = buf_cstr(&s->yaml);
    wrong = sums_hold(s, lines, count, w, sums);
    stream_deinit(&other);
    return wrong;
}

Test(rekey, balances)
{
    struct property_sums sums;
    const char *wrong = property_run(all_known, 3001, 60, 3, 0, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100), "%zu fired", sums.fired);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
    cr_expect(total.moved > property_least(1000), "%d moved", (int)total.moved);
    cr_expect(total.waiting > property_least(100), "%d waited", (int)total.waiting);
}

Test(rekey, balances_with_homes_unknown_and_clocks_gone_wrong)
{
    struct property_sums sums;
    const char *wrong = property_run(some_known, 3501, 60, 3, STREAM_GAP | STREAM_TIMESTAMPS,
                                     &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(total.moved > property_least(500), "%d moved", (int)total.moved);
    cr_expect(total.stuck > property_least(10), "%d stuck", (int)total.stuck);
}

Test(rekey, balances_between_reloads)
{
    struct property_sums sums;
    const char *wrong = property_run(also_between_switches, 3801, 30, 3, STREAM_TIMESTAMPS, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(total.moved > property_least(500), "%d moved", (int)total.moved);
    cr_expect(switched > property_least(100), "%zu switches", switched);
}
