/* SPDX-License-Identifier: Apache-2.0 */
/* The report as data: SEMANTICS section 6. */
#include "report_json.h"

#include "funnel/json_out.h"
#include "funnel/mem.h"
#include "report_sums.h"

struct writer {
    struct json_out json;
    const struct judge *j;
    const struct funnel *f;
    int decimals;
};

static void put_seconds(struct writer *w, const char *key, int64_t ms)
{
    json_pair_number(&w->json, key, (double)ms / 1000);
}

static void put_dwell(struct writer *w, const char *key, const struct dwell *d)
{
    json_key(&w->json, key);
    json_open(&w->json, '{');
    json_pair_int(&w->json, "n", d->n);
    if (d->n > 0) {
        json_pair_number(&w->json, "mean_s", (double)d->sum / (double)d->n / 1000);
        put_seconds(w, "p50_s", dwell_quantile(d, 0.5));
        put_seconds(w, "p90_s", dwell_quantile(d, 0.9));
        put_seconds(w, "min_s", d->min);
        put_seconds(w, "max_s", d->max);
    }
    json_close(&w->json, '}');
}

static void put_step_ends(struct writer *w, int step)
{
    json_pair_string(&w->json, "from", funnel_stage_id(w->f, funnel_step_begin(w->f, step)));
    json_pair_string(&w->json, "to", funnel_stage_id(w->f, funnel_step_end(w->f, step)));
}

static void put_outcomes(struct writer *w, const struct sum_step *s)
{
    struct json_out *o = &w->json;

    json_pair_int(o, "entered", s->entered);
    json_pair_int(o, "credited", s->credited);
    json_pair_int(o, "seeded", s->seeded);
    json_pair_int(o, "advanced", s->advanced);
    json_pair_int(o, "lost", s->lost);
    json_pair_int(o, "deleted", s->deleted);
    json_pair_int(o, "superseded", s->superseded);
    json_pair_int(o, "skipped", s->skipped);
    json_pair_int(o, "expired", s->expired);
    json_pair_int(o, "open", s->open);
    json_pair_number(o, "rate", s->rate);
    json_pair_number(o, "low", s->low);
    json_pair_number(o, "high", s->high);
}

static void put_step(struct writer *w, int step, const struct sum_step *s)
{
    json_open(&w->json, '{');
    put_step_ends(w, step);
    put_outcomes(w, s);
    json_pair_int(&w->json, "late_advance", s->late);
    put_dwell(w, "dwell", &s->dwell);
    json_close(&w->json, '}');
}

/* Cohorts have no dwell of their own. */
static void put_cohort_step(struct writer *w, int step, const struct sum_step *s)
{
    json_open(&w->json, '{');
    put_step_ends(w, step);
    put_outcomes(w, s);
    json_close(&w->json, '}');
}

static void put_steps(struct writer *w, const struct sum_step *steps,
                      void (*put)(struct writer *, int, const struct sum_step *))
{
    json_key(&w->json, "steps");
    json_open(&w->json, '[');
    for (int s = 0; s < w->f->stage_count - 1; s++)
        put(w, s, &steps[s]);
    json_close(&w->json, ']');
}

static void put_stages(struct writer *w)
{
    struct sum_stage stages[STAGES_MAX];
    int64_t won_amount = 0;

    sum_stages(w->j, stages);
    for (size_t i = 0; i < w->j->leaf_count; i++)
        amount_add(&won_amount, w->j->leaves[i].won_amount);
    json_key(&w->json, "stages");
    json_open(&w->json, '[');
    for (int k = 0; k < w->f->stage_count; k++) {
        json_open(&w->json, '{');
        json_pair_string(&w->json, "stage", funnel_stage_id(w->f, k));
        json_pair_int(&w->json, "reached", stages[k].reached);
        json_pair_int(&w->json, "stock", stages[k].stock);
        json_key(&w->json, "stock_amount");
        json_amount(&w->json, stages[k].stock_amount, w->decimals);
        json_pair_int(&w->json, "regressed", stages[k].regressed);
        if (k == w->f->won) {
            json_key(&w->json, "won_amount");
            json_amount(&w->json, won_amount, w->decimals);
        }
        if (k == w->f->stage_count - 1 && w->f->loop) {
            json_pair_int(&w->json, "repeats", stages[k].repeats);
            json_key(&w->json, "repeat_amount");
            json_amount(&w->json, stages[k].repeat_amount, w->decimals);
        }
        json_close(&w->json, '}');
    }
    json_close(&w->json, ']');
}

static void put_lost_reasons(struct writer *w)
{
    const struct judge *j = w->j;
    uint32_t *order = names_sorted(&j->reasons);

    json_key(&w->json, "lost_reasons");
    json_open(&w->json, '{');
    for (uint32_t i = 0; i < j->reasons.count - 1; i++) {
        if (order[i] >= j->lost_cap || j->lost[order[i]] == 0)
            continue;
        json_key_span(&w->json, names_text(&j->reasons, order[i]));
        json_int(&w->json, j->lost[order[i]]);
    }
    json_close(&w->json, '}');
    mem_free(order);
}

/* Stock before won, weighted by its chance: expected deals, and amount in minor units. */
static void put_forecast(struct writer *w, const struct sum_step *steps)
{
    struct sum_stage stages[STAGES_MAX];
    double deals = 0, amount = 0;

    sum_stages(w->j, stages);
    json_key(&w->json, "forecast");
    json_open(&w->json, '{');
    json_key(&w->json, "stages");
    json_open(&w->json, '[');
    for (int k = 0; k < w->f->won; k++) {
        double p = sum_probability(w->j, steps, k);

        json_open(&w->json, '{');
        json_pair_string(&w->json, "stage", funnel_stage_id(w->f, k));
        json_pair_int(&w->json, "stock", stages[k].stock);
        json_pair_number(&w->json, "probability", p);
        json_close(&w->json, '}');
        if (p == p) { /* a stage without any experience adds nothing yet */
            deals += p * (double)stages[k].stock;
            amount += p * (double)stages[k].stock_amount;
        }
    }
    json_close(&w->json, ']');
    json_pair_number(&w->json, "deals", deals);
    json_key(&w->json, "amount");
    amount = amount > 9e18    ? 9e18
             : amount < -9e18 ? -9e18
                              : amount; /* beyond: no integer any more */
    json_amount(&w->json, (int64_t)(amount < 0 ? amount - 0.5 : amount + 0.5), w->decimals);
    json_close(&w->json, '}');
}

static void put_targets(struct writer *w, const struct sum_step *steps)
{
    json_key(&w->json, "targets");
    json_open(&w->json, '[');
    for (int s = 0; s < w->f->stage_count - 1; s++) {
        const struct settings_stage *stage = &w->f->settings->stages.items[s];

        if (stage->target < 0)
            continue;
        json_open(&w->json, '{');
        json_pair_string(&w->json, "stage", stage->id);
        json_pair_string(&w->json, "metric", "rate");
        json_pair_number(&w->json, "target", stage->target);
        json_pair_number(&w->json, "actual", steps[s].rate);
        json_pair_number(&w->json, "attainment", steps[s].rate / stage->target);
        json_pair_string(&w->json, "owner", stage->owner);
        json_pair_string(&w->json, "note", stage->note);
        json_close(&w->json, '}');
    }
    json_close(&w->json, ']');
}

static void put_segment_key(struct writer *w, uint32_t series)
{
    const struct series *s = &w->j->series[series];
    const struct segment_spec *spec = &w->j->specs[s->spec];

    json_key(&w->json, "segment");
    json_open(&w->json, '{');
    for (int i = 0; i < spec->count; i++) {
        json_key(&w->json, w->f->settings->dims.items[spec->dims[i]].name);
        json_string(&w->json, series_value(w->j, s, spec->dims[i]));
    }
    json_close(&w->json, '}');
}

/* One segment's steps: in all, or of a cohort. */
struct span_of_days {
    int64_t first, last;
};

static void put_segment(struct writer *w, size_t spec, uint32_t series,
                        const struct span_of_days *days)
{
    struct sum_filter which = {spec, series};
    struct sum_step steps[STEPS_MAX];

    json_open(&w->json, '{');
    put_segment_key(w, series);
    if (days)
        sum_cohort(w->j, &which, days->first, days->last, steps);
    else
        sum_steps(w->j, &which, steps);
    put_steps(w, steps, days ? put_cohort_step : put_step);
    sum_steps_free(w->j, steps);
    json_close(&w->json, '}');
}

static void put_segments(struct writer *w, const struct span_of_days *days)
{
    json_key(&w->json, "segments");
    json_open(&w->json, '[');
    for (size_t spec = 1; spec < w->j->spec_count; spec++) {
        uint32_t *series;
        size_t n = sum_series(w->j, spec, &series);

        for (size_t i = 0; i < n; i++)
            put_segment(w, spec, series[i], days);
        mem_free(series);
    }
    json_close(&w->json, ']');
}

static void put_break_step(struct writer *w, int step, const struct sum_step *s)
{
    struct json_out *o = &w->json;

    json_open(o, '{');
    put_step_ends(w, step);
    json_pair_int(o, "entered", s->entered);
    json_pair_int(o, "credited", s->credited);
    json_pair_int(o, "advanced", s->advanced);
    json_pair_int(o, "lost", s->lost);
    json_pair_int(o, "deleted", s->deleted);
    json_pair_int(o, "superseded", s->superseded);
    json_pair_int(o, "skipped", s->skipped);
    json_pair_number(o, "rate", s->rate);
    json_pair_number(o, "low", s->low);
    json_pair_number(o, "high", s->high);
    json_close(o, '}');
}

static void put_break_value(struct writer *w, int b, uint32_t value)
{
    struct sum_step steps[STEPS_MAX];

    json_open(&w->json, '{');
    json_key(&w->json, w->f->settings->breakdowns.items[b]);
    json_string(&w->json, names_text(&w->j->breakdowns[b].values, value));
    for (int s = 0; s < w->f->stage_count - 1; s++)
        sum_break(w->j, b, value, s, &steps[s]);
    put_steps(w, steps, put_break_step);
    json_close(&w->json, '}');
}

static void put_breakdowns(struct writer *w)
{
    json_key(&w->json, "breakdowns");
    json_open(&w->json, '[');
    for (int b = 0; b < w->f->breakdown_count; b++) {
        const struct breakdown *x = &w->j->breakdowns[b];
        uint32_t *order = names_sorted(&x->values);

        for (uint32_t i = 0; i < x->values.count - 1; i++)
            if (order[i] < x->value_cap && sum_break_any(w->j, b, order[i]))
                put_break_value(w, b, order[i]);
        mem_free(order);
    }
    json_close(&w->json, ']');
}

static void put_cohort(struct writer *w, int calendar, int64_t period)
{
    struct span_of_days days = {zone_period_first_day(calendar, period),
                                zone_period_first_day(calendar, period + 1) - 1};
    struct sum_filter all = {0, ALL_SERIES};
    struct sum_step steps[STEPS_MAX];
    char name[ZONE_NAME_MAX];

    zone_period_name(calendar, period, name);
    json_open(&w->json, '{');
    json_pair_int(&w->json, "from", zone_period_start(w->j->zone, calendar, period));
    json_pair_int(&w->json, "to", zone_period_start(w->j->zone, calendar, period + 1));
    json_pair_string(&w->json, "name", name);
    sum_cohort(w->j, &all, days.first, days.last, steps);
    put_steps(w, steps, put_cohort_step);
    json_key(&w->json, "overall");
    put_cohort_step(w, w->f->overall, &steps[w->f->overall]);
    put_segments(w, &days);
    json_close(&w->json, '}');
}

/* Those with stays: between a wrong clock's event and the rest may lie millennia. */
static void put_cohorts(struct writer *w, int calendar)
{
    int64_t from = INT64_MIN, day;

    json_key(&w->json, "cohorts");
    json_open(&w->json, '[');
    while (calendar >= 0 && sum_cohort_day(w->j, from, &day)) {
        int64_t period = zone_period_of_day(calendar, day);

        put_cohort(w, calendar, period);
        from = zone_period_first_day(calendar, period + 1);
    }
    json_close(&w->json, ']');
}

static void put_head(struct writer *w)
{
    static const struct {
        const char *name;
        enum funnel_count count;
    } counts[] = {{"events", COUNT_EVENTS},           {"entities", COUNT_ENTITIES},
                  {"attempts", COUNT_ATTEMPTS},       {"late", COUNT_LATE},
                  {"deadletters", COUNT_DEADLETTERS}, {"ignored", COUNT_IGNORED},
                  {"split_keys", COUNT_SPLIT}};
    bool any = w->j->last_ms != INT64_MIN;

    json_pair_string(&w->json, "funnel", w->f->name);
    json_key(&w->json, "from");
    any ? json_int(&w->json, w->j->first_ms) : json_string(&w->json, SPAN_NONE);
    json_key(&w->json, "to");
    any ? json_int(&w->json, w->j->last_ms) : json_string(&w->json, SPAN_NONE);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        json_pair_int(&w->json, counts[i].name, w->j->counts[counts[i].count]);
}

void report_json(struct judge *j, int cohort, struct buf *out)
{
    struct writer w = {
        .json.out = out, .j = j, .f = j->funnel, .decimals = (int)j->funnel->root->amount_decimals};
    struct sum_filter all = {0, ALL_SERIES};
    struct sum_step steps[STEPS_MAX];
    struct dwell cycle;

    sum_steps(j, &all, steps);
    sum_cycle(j, &cycle);
    json_open(&w.json, '{');
    put_head(&w);
    put_steps(&w, steps, put_step);
    put_stages(&w);
    put_lost_reasons(&w);
    put_dwell(&w, "cycle", &cycle);
    put_forecast(&w, steps);
    put_targets(&w, steps);
    put_segments(&w, NULL);
    put_breakdowns(&w);
    json_key(&w.json, "overall");
    put_step(&w, w.f->overall, &steps[w.f->overall]);
    put_cohorts(&w, cohort);
    json_close(&w.json, '}');
    buf_char(out, '\n');
    dwell_deinit(&cycle);
    sum_steps_free(j, steps);
}
