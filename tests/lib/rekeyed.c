/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rekeyed.h"

#include "funnel/homes.h"

uint32_t rekeyed_home(uint64_t fingerprint, size_t partitions)
{
    return (uint32_t)((fingerprint >> 7) % partitions);
}

uint32_t rekeyed_home_of(const struct pipe *k, const char *entity)
{
    return rekeyed_home(tally_fingerprint(&k->p->tallies[0], span_of(entity)), k->p->source_count);
}

struct saying {
    struct homes *homes;
    struct dice dice;
    uint32_t source;
    size_t partitions;
    double known;
};

static void say(struct saying *s, uint64_t fingerprint)
{
    if (s->known >= 1 || dice_chance(&s->dice, s->known))
        homes_set(s->homes, s->source, fingerprint, rekeyed_home(fingerprint, s->partitions));
}

static void say_arrival(void *saying, const struct arrival *a)
{
    say(saying, a->fingerprint);
}

static void say_tally(struct saying *s, const struct tally *t)
{
    struct entity e;

    for (size_t f = 0; f < t->funnel_count; f++) {
        const struct entities *all = &t->funnels[f].entities;

        for (int shard = 0; shard < ENTITY_SHARDS; shard++) {
            for (uint32_t i = 0; i < entities_shard_count(all, shard); i++) {
                entities_load_at(all, shard, i, &e);
                say(s, e.fingerprint);
            }
        }
    }
    reorder_each(&t->reorder, say_arrival, s);
    for (size_t i = 0; i < t->waiting_count; i++)
        say_arrival(s, &t->waiting[i]);
}

struct rekey_result rekeyed(struct pipe *k, size_t partitions, double known)
{
    struct pipeline_source sources[PIPE_SOURCES_MAX];
    struct saying s = {homes_new(k->p), {partitions}, 0, partitions, known};
    struct rekey r = {sources, partitions, k->log.next, s.homes};
    struct rekey_result result;

    for (size_t i = 0; i < partitions; i++)
        sources[i] = (struct pipeline_source){.topic = k->settings->inputs.items[0].topic,
                                              .partition = (int32_t)i};
    for (; s.source < k->p->source_count; s.source++)
        say_tally(&s, &k->p->tallies[s.source]);
    pipeline_rekey(k->p, &r, &k->out, &result);
    homes_free(s.homes);
    return result;
}
