/* SPDX-License-Identifier: Apache-2.0 */
/* What operators say while the log is read, said again in a replay at the same panes, gives the same bytes: under
 * any batch split, and with the controls saved and loaded on the way. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "funnel/canon.h"
#include "funnel/controls.h"
#include "funnel/mem.h"
#include "lib/streams.h"

#define SAID_MAX 400

struct said {
    struct decision decisions[SAID_MAX];
    char texts[SAID_MAX][512];
    size_t count;
};

struct talk {
    struct dice dice;
    struct said said;
    bool replay; /* says it all before the first record, and restarts now and then */
    size_t silenced, measured;
};

static void give(struct pipe *k, const struct decision *d)
{
    for (size_t f = 0; f < k->p->funnel_count; f++)
        judge_control(&k->p->judges[f], d);
}

static int64_t next_pane(const struct pipe *k)
{
    int64_t closed = INT64_MIN;

    for (size_t f = 0; f < k->p->funnel_count; f++)
        closed = k->p->judges[f].closed > closed ? k->p->judges[f].closed : closed;
    return closed == INT64_MIN ? ETIME_MIN_MS : closed + 1;
}

static void put_text(struct dice *d, int64_t now, char text[512])
{
    static const char *const matchers[] = {"\"funnel\":\"f0\"", "\"funnel\":\"f1\"",
                                           "\"severity\":\"warning\",\"step\":\"a>b\"",
                                           "\"channel\":\"ads\""};
    char from[CANON_RFC3339_SIZE], to[CANON_RFC3339_SIZE];
    int64_t begin = now + dice_below(d, 9000000) - 3000000;

    canon_rfc3339(begin, from);
    canon_rfc3339(begin + 1 + dice_below(d, 12 * INT64_C(3600000)), to);
    switch (dice_below(d, 8)) {
    case 0:
        snprintf(text, 512, "{\"kind\":\"expire\",\"id\":\"x%d\"}", (int)dice_below(d, 9));
        break;
    case 1:
    case 2:
    case 3:
        snprintf(text, 512,
                 "{\"kind\":\"intervention\",\"id\":\"i%d\",\"at\":\"%s\",\"funnel\":\"f%d\"}",
                 (int)dice_below(d, 200), from, (int)dice_below(d, 3));
        break;
    default:
        snprintf(text, 512,
                 "{\"kind\":\"silence\",\"id\":\"x%d\",\"from\":\"%s\",\"to\":\"%s\","
                 "\"matchers\":{%s}}",
                 (int)dice_below(d, 400), from, to, matchers[dice_below(d, 4)]);
    }
}

static void talk_now(struct talk *t, struct pipe *k, int64_t pane_ms)
{
    struct said *s = &t->said;
    int64_t pane = next_pane(k);
    size_t i = s->count++;

    put_text(&t->dice, pane == ETIME_MIN_MS ? 0 : pane * pane_ms, s->texts[i]);
    s->decisions[i] = (struct decision){.seq = i + 1,
                                        .source = DECISION_JUDGES,
                                        .kind = DECISION_CONTROL,
                                        .at = pane,
                                        .text = span_of(s->texts[i])};
    give(k, &s->decisions[i]);
}

static void restart(struct judge *j)
{
    struct controls *loaded = controls_new(j->funnel);
    unsigned char window[64];
    struct buf bytes = {0};
    struct codec_out out = {
        .data = window, .cap = sizeof(window), .flush = codec_flush_buf, .context = &bytes};
    struct codec_in in;

    controls_save(j->controls, &out);
    out.flush(&out);
    in = (struct codec_in){.p = (unsigned char *)bytes.data, .left = bytes.len};
    controls_load(loaded, &in);
    cr_assert(!in.error && in.left == 0, "%s", in.error);
    controls_free(j->controls);
    j->controls = loaded;
    buf_deinit(&bytes);
}

static size_t talking(void *user, struct pipe *k, size_t at)
{
    struct talk *t = user;

    if (t->replay) {
        for (size_t i = 0; at == 0 && i < t->said.count; i++)
            give(k, &t->said.decisions[i]);
        for (size_t f = 0; dice_chance(&t->dice, 0.05) && f < k->p->funnel_count; f++)
            restart(&k->p->judges[f]);
    } else if (t->said.count < SAID_MAX && dice_chance(&t->dice, 0.3)) {
        talk_now(t, k, k->p->settings->time.pane);
    }
    return 1 + (size_t)dice_below(&t->dice, dice_chance(&t->dice, 0.2) ? 300 : 12);
}

static size_t count_of(const struct buf *b, const char *part)
{
    size_t n = 0, len = strlen(part);

    for (size_t i = 0; i + len <= b->len; i++)
        n += memcmp(b->data + i, part, len) == 0;
    return n;
}

static size_t silenced, measured;

static const char *replay_says_the_same(struct stream *s, const size_t *lines, size_t count,
                                        struct property_sums *sums)
{
    struct talk *t = mem_zero(1, sizeof(*t));
    struct run_result live, again;
    const char *wrong;

    t->dice.state = s->seed;
    stream_run(s, lines, count, talking, t, &live);
    t->replay = true;
    stream_run(s, lines, count, talking, t, &again);
    wrong = run_result_differs(&live, &again);
    sums->fired += live.fired;
    sums->detected += live.detected;
    sums->resolved += live.resolved;
    for (size_t i = 0; i < 4; i++) {
        silenced += count_of(&live.alerts[i], "\"silenced_by\":[\"x");
        measured += count_of(&live.alerts[i], "\"endsReason\":\"measured\"");
    }
    run_result_deinit(&live);
    run_result_deinit(&again);
    mem_free(t);
    return wrong;
}

Test(controls, a_replay_says_the_same)
{
    struct property_sums sums;
    const char *wrong = property_run(replay_says_the_same, 7001, 40, 3, STREAM_GAP, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(silenced > property_least(100) && measured > property_least(100),
              "%zu silenced, %zu measured", silenced, measured);
}
