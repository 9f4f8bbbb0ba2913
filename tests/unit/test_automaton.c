/* SPDX-License-Identifier: Apache-2.0 */
/* Each row of the table, each policy: events in, the row taken, the cells but stock, and the entity after.
 *
 * An event is "b@5" (stage at minute 5), "b@5!" late (the open pane begins at minute 60), "r:b@5" a seed, "d:@5" a
 * delete. What is said: the last event's row, "ROW: cells | stage/highest attempt flags". */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/automaton.h"
#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)

struct kit {
    struct settings *settings;
    struct zone *zone;
    struct funnel funnel;
    struct leaves leaves;
    struct cells cells;
    struct automaton m;
    int64_t counts[FUNNEL_COUNT_COUNT];
    struct entity e;
    bool known;
    struct buf said;
};

static void kit_open(struct kit *k, const char *policies)
{
    struct settings_problems problems = {0};
    struct buf y = {0};

    buf_fmt(
        &y,
        PIPE_KAFKA
        "inputs: [{topic: in}]\nfunnels: {f: {stages: [a, b, c, {id: d, loop: true}], lost: [lost],"
        "actions: [call], won: c, window: 1h, %s}}\n",
        policies);
    *k = (struct kit){.settings = settings_parse(buf_cstr(&y), y.len, &problems),
                      .zone = pipe_zone("UTC")};
    cr_assert(k->settings != NULL, "%s", problems.count ? problems.items[0].message : "");
    settings_problems_deinit(&problems);
    buf_deinit(&y);
    funnel_init(&k->funnel, k->settings, &k->settings->funnels.items[0]);
    leaves_init(&k->leaves, &k->funnel.settings->dims, &k->settings->limits);
    k->m = (struct automaton){.funnel = &k->funnel,
                              .zone = k->zone,
                              .leaves = &k->leaves,
                              .out = &k->cells,
                              .counts = k->counts};
}

static void kit_close(struct kit *k)
{
    leaves_deinit(&k->leaves);
    cells_deinit(&k->cells);
    funnel_deinit(&k->funnel);
    zone_free(k->zone);
    settings_free(k->settings);
    buf_deinit(&k->said);
}

static const char *kit_stage(int stage)
{
    static const char *const names[] = {"a", "b", "c", "d", "*"};

    return names[stage];
}

static void say_cell(struct kit *k, const struct cell *c)
{
    static const char *const kinds[] = {
        [CELL_ENTER] = "+",    [CELL_CREDIT] = "credit ", [CELL_SEED] = "seed ",
        [CELL_LATE] = "late ", [CELL_REGRESS] = "back ",  [CELL_REPEAT] = "repeat "};
    static const char *const causes[] = {"advanced",   "lost",    "deleted",
                                         "superseded", "skipped", "expired"};

    if (c->kind == CELL_EXIT)
        buf_fmt(&k->said, " %s %s", kit_stage(c->stage), causes[c->cause]);
    else if (c->kind == CELL_WON)
        buf_str(&k->said, " won");
    else if (c->kind < sizeof(kinds) / sizeof(kinds[0]) && kinds[c->kind])
        buf_fmt(&k->said, " %s%s", kinds[c->kind], kit_stage(c->stage));
}

static void say_all(struct kit *k, const struct automaton_result *r)
{
    static const char letters[] =
        "CsxoOS"; /* closed, stay open, expired, overall open, expired, seeded */

    buf_clear(&k->said);
    buf_fmt(&k->said, "%s:", r->row);
    for (size_t i = 0; i < k->cells.count; i++)
        say_cell(k, &k->cells.items[i]);
    if (k->known == false) {
        buf_str(&k->said, " | gone");
        return;
    }
    buf_fmt(&k->said, " | %s/%s %d ", kit_stage(k->e.stage), kit_stage(k->e.highest), k->e.attempt);
    for (int i = 0; letters[i]; i++)
        if (k->e.flags >> i & 1)
            buf_char(&k->said, letters[i]);
}

static void kit_event(struct kit *k, const char *word)
{
    struct arrival a = {
        .floor_ms = INT64_MIN, .entered_ms = INT64_MIN, .reason = NAME_NONE, .fingerprint = 1};
    char stage[20] = "";
    struct automaton_result r;

    a.kind = word[1] != ':' ? EVENT_STAGE : word[0] == 'r' ? EVENT_SEED : EVENT_DELETE;
    word += a.kind == EVENT_STAGE ? 0 : 2;
    memcpy(stage, word, (size_t)(strchr(word, '@') - word));
    a.stage = funnel_stage(&k->funnel, stage[0] ? span_of(stage) : SPAN_NONE);
    a.time_ms = atoi(strchr(word, '@') + 1) * MINUTE;
    if (strchr(word, '!'))
        a.late = 1, a.floor_ms = 60 * MINUTE;
    if (strchr(word, '<')) /* entered so many minutes before */
        a.entered_ms = a.time_ms - atoi(strchr(word, '<') + 1) * MINUTE;
    cells_clear(&k->cells);
    r = automaton_apply(&k->m, &a, k->known, &k->e);
    k->known = r.fate == FATE_CREATED || (k->known && r.fate != FATE_DELETED);
    say_all(k, &r);
}

static void expect(const char *policies, const char *events, const char *said)
{
    char *words = strdup(events);
    struct kit k;

    kit_open(&k, policies);
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        kit_event(&k, w);
    cr_expect(strcmp(buf_cstr(&k.said), said) == 0, "{%s} %s\nexpected %s\n     got %s", policies,
              events, said, k.said.data);
    kit_close(&k);
    free(words);
}

#define FLOW "skip: credit"

Test(automaton, unknown_entities)
{
    expect(FLOW, "call@1", "action: | gone");
    expect(FLOW, "d:@1", "delete of an unknown entity: | gone");
    expect(FLOW, "lost@1", "exit of an unknown entity: | gone");
    expect(FLOW, "a@1", "first event: +a +* | a/a 1 so");
    expect(FLOW, "b@1", "first event: +b | b/b 1 s");
    expect(FLOW, "c@1", "first event: +c won | c/c 1 s");
    expect("order: strict", "b@1", "strict: not the first stage: | gone");
    expect(FLOW, "r:b@1", "seed: | b/b 1 S");
    expect(FLOW, "r:b@100<59", "seed: seed b | b/b 1 sS");
    expect(FLOW, "r:a@100<60", "seed: seed a seed * | a/a 1 soS");
    expect(FLOW, "r:a@100<61", "seed: seed * | a/a 1 oS"); /* overall has two hours */
}

Test(automaton, forward)
{
    expect(FLOW, "a@1 b@2", "next stage: a advanced +b | b/b 1 so");
    expect(FLOW, "a@1 b@2 c@3", "next stage: b advanced +c * advanced won | c/c 1 s");
    expect(FLOW, "a@1 b@2 c@3 d@4", "next stage: c advanced +d | d/d 1 ");
    expect(FLOW, "a@1 a@2", "same stage: | a/a 1 so");
    expect(FLOW, "r:a@1 r:b@2", "next stage: +b | b/b 1 sS");
    expect(FLOW, "a@0 b@1 a@2 b@3", "forward again: | b/b 1 so");
    expect(FLOW, "a@0 b@1 c@2 d@3 d@4", "last stage again: repeat d | d/d 1 ");
}

Test(automaton, skips)
{
    expect("skip: credit", "a@1 c@2",
           "further stage: a advanced credit b +c * advanced won | c/c 1 s");
    expect("skip: credit", "a@1 d@2",
           "further stage: a advanced credit b credit c * advanced won +d | d/d 1 ");
    expect("skip: direct", "a@1 c@2", "further stage: a skipped +c * advanced won | c/c 1 s");
    expect("skip: ignore", "a@1 c@2", "further stage: | a/a 1 so");
    expect("skip: reject", "a@1 c@2", "further stage: | a/a 1 so");
    expect("order: strict", "a@1 c@2", "further stage: | a/a 1 so");
}

Test(automaton, back)
{
    expect("regress: back", "a@1 b@2 a@3", "back: back b | a/b 1 so");
    expect("regress: ignore", "a@1 b@2 a@3", "back: | b/b 1 so");
    expect("regress: new_attempt", "a@1 b@2 a@3",
           "back: b superseded * superseded +a +* | a/a 2 so");
    expect("order: strict", "a@1 b@2 a@3", "back: | b/b 1 so");
}

Test(automaton, lost_and_won_and_again)
{
    expect(FLOW, "a@1 lost@2", "lost: a lost * lost | a/a 1 C");
    expect(FLOW, "a@1 b@5 lost@2", "lost: b lost * lost | b/b 1 C"); /* back-dated */
    expect(FLOW, "a@1 lost@2 lost@3", "lost again: | a/a 1 C");
    expect(FLOW, "a@1 lost@2 b@3", "after lost: +b | b/b 2 s");
    expect(FLOW, "a@1 lost@5 b@3", "older: | a/a 1 C");
    expect("reentry: ignore", "a@1 lost@2 b@3", "after lost, reentry: ignore: | a/a 1 C");
    expect("order: strict", "a@1 lost@2 b@3", "after lost, strict: not the first stage: | a/a 1 C");
    expect("order: strict", "a@1 lost@2 a@3", "after lost: +a +* | a/a 2 so");
    expect(FLOW, "a@1 b@2 c@3 a@4", "first stage after won: c superseded +a +* | a/a 2 so");
    expect("reentry: ignore", "a@1 b@2 c@3 a@4",
           "first stage after won, reentry: ignore: | c/c 1 s");
}

Test(automaton, older)
{
    expect(FLOW, "a@5 b@3", "older, next stage: a advanced +b | a/b 1 so");
    expect(FLOW, "b@5 c@3", "older, next stage: b advanced +c won | c/c 1 s"); /* won moves it */
    expect(FLOW, "a@5 c@3",
           "older, further stage: a advanced credit b +c * advanced won | c/c 1 s");
    expect(FLOW, "a@1 b@5 a@3", "older: | b/b 1 so");
    expect("order: strict", "a@5 b@3", "strict: older: | a/a 1 so");
    expect(FLOW, "a@70 b@3!", "older, next stage: a advanced +b | a/b 1 so");
    expect(FLOW, "a@1 b@3!",
           "next stage: a advanced +b | b/b 1 so"); /* at minute 60: inside the window */
}

Test(automaton, deletes)
{
    expect(FLOW, "a@1 d:@2", "delete: a deleted * deleted | gone");
    expect(FLOW, "a@5 d:b@2", "delete: a deleted * deleted | gone");
    expect(FLOW, "a@1 b@2 c@3 d:@4", "delete: c deleted | gone");
}

Test(automaton, windows_pass)
{
    expect(FLOW, "a@0 b@60", "next stage: a advanced +b | b/b 1 so"); /* exactly at its end */
    expect(FLOW, "a@0 b@61", "next stage: a expired late a +b | b/b 1 so");
    expect(FLOW, "a@0 a@61", "same stage: a expired | a/a 1 xo");
    expect(FLOW, "a@0 a@61 b@62", "next stage: late a +b | b/b 1 so");
    expect(FLOW, "a@0 c@121",
           "further stage: a expired * expired late a credit b +c late * won | c/c 1 s");
    expect(FLOW, "a@0 lost@61", "lost: a expired * lost | a/a 1 C");
    expect("skip: ignore", "a@0 d@61",
           "further stage: a expired | a/a 1 xo"); /* whatever the event is */
}
