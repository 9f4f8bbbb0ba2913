/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/audit.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "lib/pipe_kit.h"
#include "lib/saved.h"
#include "lib/standings.h"

#define MINUTE 60000
#define BEGIN INT64_C(28333440) /* a day's first minute */

static const char yaml[] = PIPE_KAFKA "inputs: [{topic: t}]\n"
                                      "time: {lateness: 0s}\n"
                                      "funnels:\n"
                                      "  shop:\n"
                                      "    stages: [visit, cart, paid]\n"
                                      "    window: 2h\n"
                                      "    dims: {channel: {top: 5}}\n";

static void say(struct pipe *k, uint32_t partition, int entity, const char *stage, int64_t minute)
{
    char text[200];

    snprintf(text, sizeof(text),
             "{\"entity_id\":\"e%d\",\"funnel\":\"shop\",\"stage\":\"%s\",\"ts\":%lld,"
             "\"dims\":{\"channel\":\"%s\"}}",
             entity, stage, (long long)((BEGIN + minute) * MINUTE), entity % 2 ? "ads" : "mail");
    pipe_say_on(k, partition, -1, text);
}

/* Both partitions have come to minute 100 and some; then the first runs ahead: its panes wait. */
static void open_ahead(struct pipe *k)
{
    pipe_open(k, yaml, 2);
    for (int i = 0; i < 40; i++)
        say(k, (uint32_t)i % 2, i, "visit", 2 * i);
    for (int i = 0; i < 10; i++)
        say(k, (uint32_t)i % 2, i, "cart", 100 + i);
    for (int i = 10; i < 20; i += 2)
        say(k, 0, i, "cart", 110 + i);
    for (int i = 40; i < 60; i += 2)
        say(k, 0, i, "visit", 82 + i);
    cr_assert(pipe_judge(k)->pending_count > 10, "nothing waits");
}

static void expect(const struct pipeline *p, uint64_t places, const char *words)
{
    struct buf why = {0};
    uint64_t found = audit_pipeline(p, &why);

    cr_expect(found == places, "%d places, not %d: %s", (int)found, (int)places, buf_cstr(&why));
    cr_expect(strcmp(buf_cstr(&why), words) == 0, "it says: %s", buf_cstr(&why));
    buf_deinit(&why);
}

static struct judge_step *step_of(struct pipe *k, const char *channel, int step)
{
    struct judge *j = pipe_judge(k);
    size_t leaf = 0;

    while (!span_is(names_text(&j->values[0], j->leaves[leaf].value[0]), channel))
        leaf++;
    return &j->leaves[leaf].steps[step];
}

Test(audit, agrees_while_one_partition_is_ahead)
{
    struct pipe k;

    open_ahead(&k);
    expect(k.p, 0, "");
    for (int64_t minute = 200; minute < 400; minute++) {
        say(&k, (uint32_t)minute % 2, 100, "visit", minute);
        expect(k.p, 0, "");
    }
    pipe_end(&k);
    expect(k.p, 0, "");
    pipe_close(&k);
}

/* Looking brings nothing forward: what is saved afterwards is the same. */
Test(audit, changes_nothing)
{
    struct saved before, after;
    struct pipe k;

    open_ahead(&k);
    saved_take(&before, k.p);
    cr_expect(audit_pipeline(k.p, NULL) == 0);
    saved_take(&after, k.p);
    cr_expect(saved_differs(&before, &after, k.p) == NULL);
    saved_deinit(&before);
    saved_deinit(&after);
    pipe_close(&k);
}

/* One bin has a stay more, another one less: the sums still balance. */
Test(audit, finds_a_stay_in_another_bin)
{
    struct judge_step *s;
    struct pipe k;

    pipe_open(&k, yaml, 1);
    say(&k, 0, 1, "visit", 1000);
    say(&k, 0, 2, "visit", 1060);
    say(&k, 0, 4, "visit", 1061);
    s = step_of(&k, "ads", 0);
    cr_assert(s->risk_pane == BEGIN + 1000);
    cr_assert(riskset_exit(&s->risk, 0, BEGIN + 1000, 1) == 0);
    cr_assert(riskset_seed(&s->risk, 3, BEGIN + 997, 1) == 0);
    cr_expect(judge_audit(pipe_judge(&k)) == 0);
    expect(k.p, 2,
           "funnel shop, step visit>cart, channel=ads: bin 20, column 28334440, at pane 28334501: "
           "judged 0, recounted 1");
    pipe_close(&k);
}

Test(audit, finds_a_stay_under_another_leaf)
{
    struct judge_step *from, *to;
    int64_t column;
    int overall, bin;
    struct pipe k;

    open_ahead(&k);
    overall = k.p->funnels[0].overall;
    from = step_of(&k, "ads", overall);
    to = step_of(&k, "mail", overall);
    judge_step_advance(from, pipe_judge(&k)->closed);
    judge_step_advance(to, pipe_judge(&k)->closed);
    bin = ages_bin(from->risk.ages, from->risk_pane, BEGIN + 66);
    column = ages_column(from->risk.ages, bin, BEGIN + 66);
    cr_assert(riskset_exit(&from->risk, bin, column, 1) == 0);
    cr_assert(riskset_seed(&to->risk, bin, column, 1) == 0);
    cr_expect(audit_pipeline(k.p, NULL) == 2);
    pipe_close(&k);
}

/* A cell that is lost on its way is missing before its pane is closed, and after. */
Test(audit, finds_a_cell_that_is_lost)
{
    struct cell *last = NULL;
    struct judge *j;
    struct pipe k;

    open_ahead(&k);
    j = pipe_judge(&k);
    for (size_t i = 0; i < j->pending_count; i++)
        for (size_t c = 0; c < j->pending[i].count; c++)
            if (j->pending[i].cells[c].kind == CELL_EXIT)
                last = &j->pending[i].cells[c];
    cr_assert(last);
    last->n = 0;
    cr_expect(audit_pipeline(k.p, NULL) == 1);
    say(&k, 1, 101, "visit", 130);
    cr_assert(j->closed == BEGIN + 129);
    cr_expect(audit_pipeline(k.p, NULL) == 1);
    pipe_close(&k);
}

/* forget_after as short as it may be: the judge's columns are up to 1/32 of the window late to expire. */
Test(audit, excuses_what_is_forgotten_and_no_more)
{
    const char *text = PIPE_KAFKA "inputs: [{topic: t}]\n"
                                  "time: {lateness: 0s}\n"
                                  "funnels:\n"
                                  "  shop:\n"
                                  "    stages: [visit, cart, paid]\n"
                                  "    window: 5d\n"
                                  "    overall: 5d\n"
                                  "    forget_after: 5d\n"
                                  "    dims: {channel: {top: 5}}\n";
    int64_t day = 1440;
    uint64_t excused = 0;
    struct counters c;
    struct funnel *f;
    struct pipe k;

    pipe_open(&k, text, 1);
    f = &k.p->funnels[0];
    for (int i = 0; i < 200; i++)
        say(&k, 0, i, "visit", 100 * day - 140 + i);
    for (int64_t minute = 105 * day - 20; minute < 105 * day + 80; minute++) {
        say(&k, 0, 1001, "visit", minute);
        cr_expect(audit_differs(k.p) == NULL, "%s", audit_differs(k.p));
        f->forget_ms *= 2;
        excused += audit_pipeline(k.p, NULL);
        f->forget_ms /= 2;
    }
    pipe_count(&k, &c);
    cr_expect(c.n[COUNTER_ENTITIES_FORGOTTEN] > 100 && excused > 0, "%d forgotten, %d",
              (int)c.n[COUNTER_ENTITIES_FORGOTTEN], (int)excused);
    riskset_seed(&step_of(&k, "ads", 0)->risk, 0, step_of(&k, "ads", 0)->risk_pane, 1);
    cr_expect(audit_differs(k.p) != NULL);
    pipe_close(&k);
}
