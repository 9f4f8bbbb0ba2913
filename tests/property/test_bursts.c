/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic that comes in bursts is nothing to the detector: observed less expected conversions of an hour, over the root
 * of what was expected, have a mean square of one, whatever the hour before sent. Entries are a Poisson process whose
 * rate jumps by the hour; people convert as they always did. That holds because ages are bins of the same people: with a
 * first bin as wide as 1/500 of the window it would not, which is shown, too. Seeds are fixed. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/mem.h"
#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000) /* a pane */
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY) /* 2024-03-18, a Monday */
#define WINDOW (14 * DAY)
#define CONVERT 0.3

/* How long people take, in minutes. */
enum dwell_kind { EXPONENTIAL, LOG_NORMAL };
struct people {
    enum dwell_kind kind;
    double typical; /* the mean, or the median */
};
#define SIGMA 1.0 /* of the logarithm */

static const struct people quick = {EXPONENTIAL, 10}, usual = {LOG_NORMAL, 30};

static double chance_of(struct dice *d)
{
    return ((double)(dice_next(d) >> 11) + 0.5) * 0x1p-53;
}

static double dwell_of(struct dice *d, const struct people *who)
{
    double u = chance_of(d);

    if (who->kind == EXPONENTIAL)
        return -who->typical * log(u);
    return who->typical * exp(SIGMA * sqrt(-2 * log(u)) * cos(2 * acos(-1) * chance_of(d)));
}

static double dwell_share(const struct people *who, double minutes)
{
    if (who->kind == EXPONENTIAL)
        return 1 - exp(-minutes / who->typical);
    return 0.5 * erfc(-log(minutes / who->typical) / (SIGMA * sqrt(2)));
}

/* --- what happens --- */

struct traffic {
    double a_day; /* entries, in usual hours */
    double burst; /* so many times as many in a third of all hours */
    int days;
    const struct people *who;
};

struct happening {
    int64_t at, entered;
    int id;
};
struct story {
    struct happening *items; /* by time; entered == at: an entry */
    size_t count, cap;
};

static void story_add(struct story *s, int64_t at, int64_t entered, int id)
{
    s->items = mem_grow(s->items, s->count, &s->cap, sizeof(*s->items));
    s->items[s->count++] = (struct happening){at, entered, id};
}

static int happening_compare(const void *pa, const void *pb)
{
    const struct happening *a = pa, *b = pb;

    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return a->id != b->id ? a->id - b->id : (a->entered < b->entered) - (a->entered > b->entered);
}

/* People come on both sides of their hour's rate alone: gaps are memoryless, so an hour begins anew. */
static void story_hour(struct story *s, const struct traffic *t, struct dice *d, int64_t hour,
                       int *id)
{
    double rate = t->a_day / DAY * (dice_chance(d, 1 / 3.0) ? t->burst : 1), at = 0;

    while ((at -= log(chance_of(d)) / rate) < HOUR) {
        int64_t entered = hour + (int64_t)at;

        story_add(s, entered, entered, ++*id);
        if (dice_chance(d, CONVERT))
            story_add(s, entered + 1 + (int64_t)(dwell_of(d, t->who) * MINUTE), entered, *id);
    }
}

static struct story story_of(const struct traffic *t, uint64_t seed)
{
    struct story s = {0};
    struct dice d = {seed};
    int id = 0;

    for (int64_t hour = 0; hour < t->days * DAY; hour += HOUR)
        story_hour(&s, t, &d, T0 + hour, &id);
    qsort(s.items, s.count, sizeof(*s.items), happening_compare);
    return s;
}

/* --- hours --- */

struct score {
    double squares, sum;
    int hours;
};

static void score_add(struct score *s, double n, double e)
{
    double z = (n - e) / sqrt(e);

    s->squares += z * z;
    s->sum += z;
    s->hours++;
}

static void score_join(struct score *s, const struct score *with)
{
    s->squares += with->squares;
    s->sum += with->sum;
    s->hours += with->hours;
}

static double score_rms(const struct score *s, const char *what)
{
    double rms = sqrt(s->squares / s->hours);

    fprintf(stderr, "%s: rms %.3f, mean %+.3f, of %d hours\n", what, rms, s->sum / s->hours,
            s->hours);
    return rms;
}

/* --- ages --- */

/* As ages_init(), but the first bin is 1/500 of the window, and the others grow from there. */
static void coarse_init(struct ages *a, int64_t window)
{
    ages_init(a, window);
    a->slots = 0;
    for (int j = 1; j < a->bins; j++)
        a->edge[j] = llround((double)window / 500 * pow(500, (j - 1) / 23.0));
    for (int j = 0; j < a->bins; j++) {
        int64_t width = a->edge[j + 1] - a->edge[j];
        uint8_t shift = width < 16 ? 0 : (uint8_t)ilogb((double)width / 16);

        cr_assert(width > 0);
        a->shift[j] = j > 0 && a->shift[j - 1] > shift ? a->shift[j - 1] : shift;
        a->ring[j] = (uint16_t)((width >> a->shift[j]) + 3);
        a->slot[j] = (uint16_t)a->slots;
        a->slots += a->ring[j];
    }
}

/* The share that has not converted when the pane of this age begins: entries are spread over their first pane. */
static double share_left(const struct people *who, int64_t age)
{
    double sum = 0;

    for (int i = 0; i < 8; i++)
        sum += dwell_share(who, (double)age - 1 + (i + 0.5) / 8);
    return age == 0 ? 1 : 1 - CONVERT * sum / 8;
}

/* What the bins' chances are in even traffic, by counting through the life of an entrant of every column's panes. */
static void true_chances(const struct ages *a, const struct people *who, double *ret_chance)
{
    double *left = mem_zero((size_t)a->window + 3, sizeof(double));
    double d[AGES_BINS] = {0}, y[AGES_BINS] = {0}, lambda[AGES_BINS];
    int64_t width = INT64_C(1) << a->shift[a->bins - 1];
    struct hazard h;

    for (int64_t age = 0; age <= a->window + 2; age++)
        left[age] = share_left(who, age);
    for (int64_t entry = 0; entry < width; entry++) {
        int bin = 0;

        for (int64_t age = 0; age <= a->window; age++) {
            while (bin < a->bins - 1 && entry + age >= ages_exit_pane(a, bin, entry))
                bin++;
            y[bin] += left[age];
            d[bin] += left[age] - left[age + 1];
        }
    }
    hazard_raw(a->bins, d, y, lambda);
    hazard_init(&h, a->bins, a->edge, lambda);
    hazard_chances(&h, h.p, ret_chance);
    mem_free(left);
}

/* --- risk sets, with what is true --- */

struct run {
    const struct ages *ages;
    struct riskset set;
    double chance[AGES_BINS];
    double n, e; /* of the hour */
    struct score score;
};

/* The happenings of one pane, from i on; the next pane's first one is returned. */
static size_t run_pane(struct run *r, const struct story *s, size_t i, int64_t pane)
{
    size_t end = i;
    uint32_t entries = 0;
    int64_t expired;

    for (; end < s->count && s->items[end].at < (pane + 1) * MINUTE; end++)
        entries += s->items[end].at == s->items[end].entered;
    riskset_close(&r->set, pane, entries, &expired);
    for (int j = 0; j < r->ages->bins; j++)
        r->e += r->chance[j] * r->set.n[j];
    for (; i < end; i++) {
        const struct happening *x = &s->items[i];
        int64_t entry = x->entered / MINUTE;
        int bin = ages_bin(r->ages, pane, entry);

        if (x->at == x->entered || x->at - x->entered > r->ages->window * MINUTE)
            continue;
        cr_assert(riskset_exit(&r->set, bin, ages_column(r->ages, bin, entry), 1) == 0);
        r->n++;
    }
    return end;
}

static double rms_of_risk_sets(const struct ages *ages, const struct traffic *t, uint64_t seed,
                               const char *what)
{
    struct story s = story_of(t, seed);
    struct run r = {.ages = ages};
    size_t at = 0;

    riskset_init(&r.set, ages);
    true_chances(ages, t->who, r.chance);
    for (int64_t pane = 0; pane < t->days * DAY / MINUTE; pane++) {
        at = run_pane(&r, &s, at, T0 / MINUTE + pane);
        if (pane % 60 < 59)
            continue;
        if (pane * MINUTE >= DAY)
            score_add(&r.score, r.n, r.e);
        r.n = r.e = 0;
    }
    riskset_deinit(&r.set);
    mem_free(s.items);
    return score_rms(&r.score, what);
}

static void expect_calm(const struct people *who, double burst, const char *what)
{
    struct traffic t = {30000, burst, getenv("TEST_LIGHT") ? 6 : 12, who};
    struct ages ages;

    ages_init(&ages, WINDOW / MINUTE);
    cr_expect(rms_of_risk_sets(&ages, &t, 7, what) <= 1.1, "%s", what);
}

Test(bursts, leave_risk_sets_calm)
{
    expect_calm(&quick, 1.5, "quick people, 1.5 times");
    expect_calm(&quick, 5, "quick people, 5 times");
    expect_calm(&usual, 1.5, "usual people, 1.5 times");
    expect_calm(&usual, 5, "usual people, 5 times");
}

/* That it can fail: with the same people and the same truth. */
Test(bursts, would_not_with_a_first_bin_by_the_window)
{
    struct traffic t = {30000, 5, getenv("TEST_LIGHT") ? 6 : 12, &quick};
    struct ages ages;

    coarse_init(&ages, WINDOW / MINUTE);
    cr_expect(rms_of_risk_sets(&ages, &t, 7, "first bin of 40 panes") > 1.3);
}

/* --- the whole pipeline, with what it has learned --- */

static const char yaml[] = PIPE_KAFKA
    "inputs: [{topic: in, no_data: off}]\n"
    "time: {lateness: 0s, pane: 1m, zone: UTC}\n"
    "funnels: {f: {stages: [a, b], window: 14d, rules: [{id: drop, kind: drop}]}}\n";

/* Of the hours that are closed since the last call; `from` on. */
static void score_closed(struct pipe *k, int64_t *hour, int64_t from, struct score *s)
{
    const struct judge *j = pipe_judge(k);
    const struct detect_series *of = j->detect->tracks[0].series;

    for (; j->closed >= (*hour + 1) * 60 - 1; (*hour)++) {
        const struct detect_sum *first = &of->coarse[2 * *hour % DETECT_COARSE];
        const struct detect_sum *second = &of->coarse[(2 * *hour + 1) % DETECT_COARSE];

        if (*hour * HOUR >= from)
            score_add(s, (double)first->n + (double)second->n,
                      (double)first->e + (double)second->e);
    }
}

/* One in place of the other, before anything has come. */
static void use_ages(struct pipe *k, const struct ages *ages)
{
    struct ages *own = &k->p->funnels[0].ages[0];

    cr_assert(own->bins == ages->bins && own->window == ages->window);
    *own = *ages;
}

static struct score score_of_pipeline(void (*init)(struct ages *, int64_t), const struct traffic *t,
                                      int learning, uint64_t seed)
{
    struct story s = story_of(t, seed);
    struct score score = {0};
    int64_t hour = T0 / HOUR;
    struct ages ages;
    struct pipe k;

    pipe_open(&k, yaml, 1);
    init(&ages, WINDOW / MINUTE);
    use_ages(&k, &ages);
    for (size_t i = 0; i < s.count && s.items[i].at < T0 + t->days * DAY; i++) {
        const struct happening *x = &s.items[i];

        pipe_say(&k, "{\"entity_id\":%d,\"stage\":\"%s\",\"ts\":%" PRId64 "}", x->id,
                 x->at == x->entered ? "a" : "b", x->at);
        score_closed(&k, &hour, T0 + learning * DAY, &score);
    }
    cr_expect(k.out.count == 0, "nothing happened");
    pipe_close(&k);
    mem_free(s.items);
    return score;
}

/* A week and a day to learn, another week to be judged by, a few times: what is learned in so little time has errors of
 * its own, which are of the same size in all hours of a run. */
static double rms_of_weeks(void (*init)(struct ages *, int64_t), int weeks, const char *what)
{
    struct traffic t = {2500, 5, 15, &quick};
    struct score all = {0};

    for (int i = 0; i < weeks; i++) {
        struct score one = score_of_pipeline(init, &t, 8, (uint64_t)(7 + i));

        score_join(&all, &one);
    }
    return score_rms(&all, what);
}

Test(bursts, leave_the_detector_calm)
{
    cr_expect(rms_of_weeks(ages_init, getenv("TEST_LIGHT") ? 2 : 4, "as it is") <= 1.1);
}

Test(bursts, would_not_leave_the_detector_calm)
{
    cr_expect(rms_of_weeks(coarse_init, 1, "first bin of 40 panes") > 1.3);
}
