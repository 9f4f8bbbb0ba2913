/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/start_plan.h"

#include <string.h>

#include <criterion/criterion.h>

#include "funnel/codec.h"
#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/state_header.h"

/* Two partitions of one topic, consumed up to 50 of 100 from 0 on; instance 9 committed its transaction 40. Snapshot
 * 7 of transaction 30 stands at 30, snapshot 6 of transaction 20 at 20; both are named. */
enum { PARTS = 2, SNAPSHOTS = 2 };

static const struct pipeline_source sources[PARTS] = {{"a", 0, 0}, {"a", 1, 0}};
static struct start_part parts[PARTS];
static struct commit_meta metas[PARTS];
static struct buf texts[PARTS], decisions[PARTS];
static struct state_part state_parts[SNAPSHOTS][PARTS];
static struct state_header headers[SNAPSHOTS];
static const struct state_header *const snapshots[SNAPSHOTS] = {&headers[0], &headers[1]};
static size_t snapshot_count;
static uint64_t known[1];
static struct start_ours ours;
static struct start_plan plan;
static char why[512];

/* --- a world where all is well, and how to spoil it --- */

static void good_snapshot(size_t k, uint32_t generation, int64_t at)
{
    for (size_t i = 0; i < PARTS; i++)
        state_parts[k][i] = (struct state_part){"a", (int32_t)i, at, 0, 0, {-1, 0, 0}};
    headers[k] = (struct state_header){.generation = generation,
                                       .instance = 9,
                                       .txn_seq = (uint64_t)at,
                                       .decision_seq = (uint64_t)at,
                                       .machine = COMMIT_META_MACHINE,
                                       .zone_hash = 2,
                                       .settings_hash = 1,
                                       .group = "g",
                                       .cluster_id = "c",
                                       .parts = state_parts[k],
                                       .part_count = PARTS};
}

static void good(void)
{
    ours = (struct start_ours){.group = "g",
                               .settings_hash = 1,
                               .layout_hash = start_layout_hash(sources, PARTS),
                               .cluster_hash = commit_meta_cluster("c"),
                               .known = known};
    for (size_t i = 0; i < PARTS; i++) {
        buf_clear(&decisions[i]);
        metas[i] = (struct commit_meta){.instance = 9,
                                        .seq = 40,
                                        .last = {49, 1000, 77},
                                        .tally_digest = 5,
                                        .has_base = i == 0};
        parts[i] = (struct start_part){.low = 0, .high = 100, .committed = 50, .retention_ms = -1};
        parts[i].reread = true;
        parts[i].last = metas[i].last;
    }
    metas[0].machine = COMMIT_META_MACHINE;
    metas[0].settings_hash = 1;
    metas[0].zone_hash = 2;
    metas[0].layout_hash = ours.layout_hash;
    metas[0].judge_digest = 78;
    metas[0].cluster_hash = ours.cluster_hash;
    metas[0].decision_seq = 35;
    metas[0].generation = 7;
    metas[0].snapshots[0] = (struct commit_snapshot){6, 9, 20};
    metas[0].snapshots[1] = (struct commit_snapshot){7, 9, 30};
    metas[0].snapshot_count = 2;
    good_snapshot(0, 7, 30);
    good_snapshot(1, 6, 20);
    snapshot_count = SNAPSHOTS;
}

/* No snapshot was ever durable. */
static void young(void)
{
    good();
    metas[0].generation = 0;
    metas[0].snapshot_count = 0;
    snapshot_count = 0;
}

static void empty(void)
{
    young();
    for (size_t i = 0; i < PARTS; i++)
        parts[i].committed = -1;
}

static void decided(size_t i, uint64_t seq, enum decision_kind kind, int64_t at, int64_t value)
{
    unsigned char room[128];
    struct codec_out out = {.data = room, .cap = sizeof(room)};
    struct decision d = {.seq = seq,
                         .source = kind == DECISION_CONTROL ? DECISION_JUDGES : (uint32_t)i,
                         .kind = kind,
                         .at = at,
                         .value = value};

    if (kind == DECISION_CONTROL)
        d.text = span_of("{}");
    decision_put(&out, &d);
    buf_add(&decisions[i], room, out.len);
}

static int make(void)
{
    start_plan_deinit(&plan);
    why[0] = '\0';
    for (size_t i = 0; i < PARTS; i++) {
        metas[i].decisions = (struct span){decisions[i].data, (uint32_t)decisions[i].len};
        buf_clear(&texts[i]);
        if (metas[i].seq) /* 0: as another program would commit */
            commit_meta_encode(&metas[i], &texts[i]);
        parts[i].meta = parts[i].committed >= 0 ? texts[i].data : NULL;
        parts[i].meta_len = parts[i].committed >= 0 ? texts[i].len : 0;
    }
    return start_plan_make(sources, parts, PARTS, snapshots, snapshot_count, &ours, &plan, why);
}

static void done(void)
{
    start_plan_deinit(&plan);
    for (size_t i = 0; i < PARTS; i++) {
        buf_deinit(&texts[i]);
        buf_deinit(&decisions[i]);
    }
}

static void expect(int code, const char *text)
{
    int got = make();

    cr_assert_eq(got, code, "got %d: %s", got, why);
    cr_assert(!text || strstr(why, text), "%s", why);
}

/* The made decisions of way k, "kind/source@at=value " each. */
static const char *made(size_t k)
{
    static struct buf text;

    buf_clear(&text);
    for (size_t i = 0; i < plan.ways[k].made_count; i++) {
        const struct decision *d = &plan.ways[k].made[i];

        buf_fmt(&text, "%s/%u@%lld=%lld ", d->kind == DECISION_GAP ? "gap" : "end", d->source,
                (long long)d->at, (long long)d->value);
    }
    return buf_cstr(&text);
}

static void expect_reads(size_t k, size_t i, int64_t start, int64_t stop)
{
    cr_assert_eq(plan.ways[k].start[i], start, "part %zu from %lld", i,
                 (long long)plan.ways[k].start[i]);
    cr_assert_eq(plan.ways[k].stop[i], stop, "part %zu to %lld", i,
                 (long long)plan.ways[k].stop[i]);
}

TestSuite(start_plan, .init = good, .fini = done);

/* --- a restart --- */

Test(start_plan, newest_snapshot_first_then_the_other)
{
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 2);
    for (size_t k = 0; k < 2; k++) {
        cr_assert_eq(plan.ways[k].kind, START_SNAPSHOT);
        cr_assert_eq(plan.ways[k].snapshot, k);
        cr_assert(plan.ways[k].compare);
        cr_assert_not(plan.ways[k].anchor);
        cr_assert_not(plan.ways[k].commit_first);
        cr_assert_str_eq(made(k), "");
        expect_reads(k, 1, k == 0 ? 30 : 20, 50);
        cr_assert_eq(plan.ways[k].decision_seq, k == 0 ? 30 : 20);
    }
    cr_assert(plan.known);
    cr_assert_eq(plan.instance, 9);
    cr_assert_eq(plan.seq, 40);
    cr_assert_eq(plan.generation, 7);
    cr_assert_eq(plan.decision_seq, 35);
    cr_assert_eq(plan.metas[0].judge_digest, 78);
    cr_assert_not(plan.reconcile);
}

Test(start_plan, from_the_origin_while_no_snapshot_was_durable)
{
    young();
    metas[0].origin = 3;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 1);
    cr_assert_eq(plan.ways[0].kind, START_ORIGIN);
    cr_assert_eq(plan.ways[0].decision_seq, 0);
    cr_assert(plan.ways[0].compare);
    expect_reads(0, 0, 3, 50);
    expect_reads(0, 1, 0, 50);
}

static void spoil_group(void)
{
    headers[0].group = "other";
}
static void spoil_cluster(void)
{
    headers[0].cluster_id = "d";
}
static void spoil_machine(void)
{
    headers[0].machine++;
}
static void spoil_topic(void)
{
    state_parts[0][1].topic = "b";
}
static void spoil_offset(void)
{
    state_parts[0][1].next = 51;
}
static void spoil_instance(void)
{
    headers[0].instance++;
}
static void spoil_seq(void)
{
    headers[0].txn_seq++;
}
static void spoil_unnamed(void) /* its transaction was the last of another process */
{
    metas[0].snapshots[1] = (struct commit_snapshot){0};
    metas[0].snapshot_count = 1;
    headers[0].instance = 8;
}
static void spoil_unconfirmed(void)
{
    metas[0].snapshot_count = 1;
    headers[0].txn_seq = 41;
}

Test(start_plan, a_snapshot_that_is_none_is_passed_over)
{
    static const struct {
        const char *what;
        void (*spoil)(void);
    } cases[] = {
        {"group", spoil_group},
        {"cluster", spoil_cluster},
        {"machine", spoil_machine},
        {"topics", spoil_topic},
        {"ahead of the offsets", spoil_offset},
        {"instance", spoil_instance},
        {"transaction", spoil_seq},
        {"unnamed", spoil_unnamed},
        {"never confirmed", spoil_unconfirmed},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        good();
        cases[i].spoil();
        cr_assert_eq(make(), EXIT_OK, "%s: %s", cases[i].what, why);
        cr_assert_eq(plan.way_count, 1, "%s", cases[i].what);
        cr_assert_eq(plan.ways[0].snapshot, 1, "%s", cases[i].what);
    }
}

Test(start_plan, a_snapshot_that_the_same_process_outlived_need_not_be_named)
{
    metas[0].snapshot_count = 1;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 2);
    /* But none older than the ones named: decisions are kept only since those. */
    good();
    metas[0].snapshots[0] = metas[0].snapshots[1];
    metas[0].snapshot_count = 1;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 1);
    cr_assert_eq(plan.ways[0].snapshot, 0);
    /* None is named yet: the origin is there for one that is broken. */
    good();
    metas[0].snapshot_count = 0;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 3);
    cr_assert_eq(plan.ways[0].kind, START_SNAPSHOT);
    cr_assert_eq(plan.ways[1].kind, START_SNAPSHOT);
    cr_assert_eq(plan.ways[2].kind, START_ORIGIN);
    cr_assert_eq(plan.zone_hash, 2);
    parts[0].low = 1;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 2, "of the origin records are missing");
}

Test(start_plan, state_lost)
{
    snapshot_count = 0;
    expect(EXIT_STATE, "--rebuild");
    snapshot_count = 2;
    headers[0].machine++;
    headers[1].machine++;
    expect(EXIT_STATE, "snapshot 7");
    ours.flags.rebuild = true;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 1);
    cr_assert_eq(plan.ways[0].kind, START_FRESH);
    cr_assert_str_eq(made(0), "end/0@50=0 end/1@50=0 ");
    cr_assert(plan.ways[0].commit_first);
    cr_assert_not(plan.ways[0].compare);
    cr_assert_eq(plan.ways[0].decision_seq, UINT64_MAX);
    expect_reads(0, 0, 0, 0);
}

Test(start_plan, rebuild_prefers_what_is_exact)
{
    ours.flags.rebuild = ours.flags.reconcile = true;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 3);
    cr_assert(plan.ways[0].compare);
    cr_assert_eq(plan.ways[2].kind, START_FRESH);
    cr_assert(plan.reconcile);
}

/* --- the first start --- */

Test(start_plan, bootstrap_publishes_from_the_ends_of_the_logs_on)
{
    empty();
    parts[1].low = 7;
    expect(EXIT_OK, NULL);
    cr_assert_not(plan.known);
    cr_assert_eq(plan.way_count, 1);
    cr_assert_eq(plan.ways[0].kind, START_FRESH);
    cr_assert(plan.ways[0].commit_first);
    cr_assert_str_eq(made(0), "end/0@100=0 end/1@100=0 ");
    expect_reads(0, 0, 0, 0);
    expect_reads(0, 1, 7, 7);
    ours.publish = true;
    expect(EXIT_OK, NULL);
    cr_assert_str_eq(made(0), "");
    cr_assert_not(plan.ways[0].commit_first);
    cr_assert_eq(plan.ways[0].settings_hash, 1);
}

/* --- refusals --- */

static void wrong_part(void)
{
    parts[1].committed = -1;
}
static void wrong_text(void)
{
    metas[1].seq = 0;
}
static void wrong_transaction(void)
{
    metas[1].seq++;
}
static void wrong_instance(void)
{
    metas[1].instance++;
}
static void wrong_base(void)
{
    metas[0].has_base = false;
}
static void wrong_bases(void)
{
    metas[1].has_base = true;
}
static void wrong_decisions(void)
{
    decided(1, 3, DECISION_GAP, 5, 1);
    buf_add(&decisions[0], decisions[1].data, decisions[1].len);
}
static void wrong_layout(void)
{
    ours.layout_hash++;
}
static void wrong_cluster(void)
{
    ours.cluster_hash++;
}
static void wrong_high(void)
{
    parts[1].high = 49;
}
static void wrong_hash(void)
{
    parts[1].last.hash++;
}
static void wrong_timestamp(void)
{
    parts[1].last.timestamp++;
}
static void wrong_low(void)
{
    parts[1].low = 51;
}
static void wrong_start(void)
{
    parts[1].low = 31;
}
static void wrong_origin(void)
{
    young();
    parts[1].low = 1;
}
static void wrong_machine(void)
{
    young();
    metas[0].machine++;
}
static void wrong_settings(void)
{
    young();
    ours.settings_hash++;
}
static void wrong_cut(void)
{
    decided(0, 31, DECISION_SWITCH, 40, 1);
}

static void wrong_nothing(void)
{
    parts[0].committed = parts[1].committed = -1;
}

Test(start_plan, every_refusal_has_its_code_and_a_remedy)
{
    static const struct {
        const char *what;
        void (*spoil)(void);
        int code;
        const char *remedy;
    } cases[] = {
        {"a partition without an offset", wrong_part, EXIT_PARTITIONS, "--new-epoch"},
        {"a foreign commit", wrong_text, EXIT_STATE, "--new-epoch"},
        {"another transaction", wrong_transaction, EXIT_STATE, "--new-epoch"},
        {"another instance", wrong_instance, EXIT_STATE, "--new-epoch"},
        {"no base", wrong_base, EXIT_STATE, "--new-epoch"},
        {"two bases", wrong_bases, EXIT_STATE, "--new-epoch"},
        {"another partition's decisions", wrong_decisions, EXIT_STATE, "--new-epoch"},
        {"another layout", wrong_layout, EXIT_PARTITIONS, "--new-epoch"},
        {"another cluster", wrong_cluster, EXIT_RESET, "--accept-reset"},
        {"a shorter log", wrong_high, EXIT_RESET, "--accept-reset"},
        {"another record", wrong_hash, EXIT_RESET, "--accept-reset"},
        {"the same at another time", wrong_timestamp, EXIT_RESET, "--accept-reset"},
        {"unread events are gone", wrong_low, EXIT_GAP, "on_gap: continue"},
        {"read ones are gone", wrong_start, EXIT_REPLAY, "--rebuild"},
        {"the log's origin is gone", wrong_origin, EXIT_REPLAY, "--rebuild"},
        {"machines, no snapshot", wrong_machine, EXIT_STATE, "--rebuild"},
        {"settings, no snapshot", wrong_settings, EXIT_STATE, "--rebuild"},
        {"half a switch", wrong_cut, EXIT_STATE, "--new-epoch"},
        {"all offsets are gone", wrong_nothing, EXIT_RESET, "--accept-reset"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int code;

        good();
        cases[i].spoil();
        code = make();
        cr_assert_eq(code, cases[i].code, "%s: %d %s", cases[i].what, code, why);
        cr_assert_not_null(strstr(why, cases[i].remedy), "%s: %s", cases[i].what, why);
        cr_assert(strlen(why) < sizeof(why) - 1, "%s: cut off: %s", cases[i].what, why);
    }
}

Test(start_plan, edges_that_are_fine)
{
    parts[0].low = parts[0].high = 50; /* everything consumed, everything deleted */
    parts[0].reread = false;
    state_parts[0][0].next = 50;
    expect(EXIT_OK, NULL);
    cr_assert(plan.ways[0].compare);
    good();
    parts[0].low = 30;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 1, "the older one cannot be replayed any more");
    good();
    ours.cluster_hash = 0; /* the broker does not tell */
    expect(EXIT_OK, NULL);
    young();
    for (size_t i = 0; i < PARTS; i++)
        metas[i].last.offset = -1; /* nothing was consumed */
    parts[0].reread = parts[1].reread = false;
    expect(EXIT_OK, NULL);
}

/* --- another log --- */

Test(start_plan, a_snapshot_without_offsets_may_be_of_a_first_transaction_that_never_was)
{
    wrong_nothing();
    headers[0].txn_seq = headers[1].txn_seq = 1;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.ways[0].kind, START_FRESH);
    headers[1].txn_seq = 2;
    headers[1].group = "another";
    expect(EXIT_OK, NULL);
    headers[1].group = "g";
    expect(EXIT_RESET, "expired");
    ours.flags.accept_reset = true;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.ways[0].kind, START_FRESH);
    cr_assert_eq(plan.ways[0].made_count, PARTS, "what lies in the new logs is not published");
}

Test(start_plan, accepted_reset_begins_at_the_new_log_with_the_state_kept)
{
    ours.flags.accept_reset = true;
    parts[1].low = 2;
    parts[1].high = 10;
    expect(EXIT_OK, NULL);
    expect_reads(0, 0, 30, 50);
    expect_reads(0, 1, 2, 2);
    cr_assert(plan.ways[0].reset[1]);
    cr_assert_not(plan.ways[0].reset[0]);
    cr_assert_str_eq(made(0), "gap/1@2=20 ");
    cr_assert(plan.ways[0].anchor);
    cr_assert_not(plan.ways[0].compare, "what it had read since the snapshot is gone");
    /* After a clean stop nothing is missing. */
    state_parts[0][1].next = 50;
    expect(EXIT_OK, NULL);
    cr_assert(plan.ways[0].compare);
    cr_assert_str_eq(made(0), "gap/1@2=1 ");
    /* A longer new log is known by its record. */
    good();
    ours.flags.accept_reset = true;
    parts[0].last.hash++;
    expect(EXIT_OK, NULL);
    expect_reads(0, 0, 0, 0);
    /* Without a snapshot the others are read again all the same. */
    young();
    ours.flags.accept_reset = true;
    parts[1].high = 10;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.ways[0].kind, START_ORIGIN);
    expect_reads(0, 0, 0, 50);
    expect_reads(0, 1, 0, 0);
    cr_assert(plan.ways[0].anchor);
}

Test(start_plan, moved_to_another_cluster)
{
    ours.flags.accept_reset = true;
    ours.cluster_hash++;
    parts[1].reread = false;
    expect(EXIT_OK, NULL);
    expect_reads(0, 0, 30, 50); /* the same record is there: a mirror that keeps offsets */
    cr_assert(plan.ways[0].reset[1], "what cannot be compared is not trusted");
    cr_assert_not(plan.ways[0].reset[0]);
    parts[1].reread = true;
    expect(EXIT_OK, NULL);
    cr_assert_not(plan.ways[0].reset[1]);
    cr_assert(plan.ways[0].anchor, "no offset of here without a snapshot of here");
}

/* --- lost records --- */

Test(start_plan, unread_events_lost)
{
    ours.on_gap_continue = true;
    parts[1].low = 60;
    expect(EXIT_OK, NULL);
    expect_reads(0, 0, 30, 50);
    expect_reads(0, 1, 60, 60);
    cr_assert_str_eq(made(0), "gap/1@60=30 ", "those since the snapshot, too");
    cr_assert_not(plan.ways[0].compare);
    cr_assert(plan.ways[0].anchor);
    state_parts[0][1].next = 50;
    expect(EXIT_OK, NULL);
    cr_assert_str_eq(made(0), "gap/1@60=10 ");
    cr_assert(plan.ways[0].compare);
    cr_assert(plan.ways[0].anchor);
    /* Without a snapshot that is more than a gap. */
    young();
    ours.on_gap_continue = true;
    parts[1].low = 60;
    expect(EXIT_REPLAY, "--rebuild");
    ours.flags.rebuild = true;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.ways[0].kind, START_FRESH);
    cr_assert_str_eq(made(0), "end/0@50=0 end/1@60=0 gap/1@60=10 ");
}

Test(start_plan, records_of_the_replay_lost)
{
    parts[1].low = 35;
    ours.flags.rebuild = true;
    expect(EXIT_OK, NULL);
    expect_reads(0, 0, 30, 50);
    expect_reads(0, 1, 35, 50);
    cr_assert_str_eq(made(0), "gap/1@50=5 ");
    cr_assert_not(plan.ways[0].compare);
    cr_assert(plan.ways[0].anchor);
    cr_assert_eq(plan.ways[plan.way_count - 1].kind, START_FRESH);
    /* A rebuild was killed before it had committed: its snapshot is none, and the records still lack. */
    good();
    parts[1].low = 35;
    headers[0].generation = 8;
    headers[0].instance = 10;
    expect(EXIT_REPLAY, "snapshot 6");
    ours.flags.rebuild = true;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.ways[0].snapshot, 1);
}

/* --- a new epoch --- */

Test(start_plan, new_epoch_publishes_where_the_old_one_ended)
{
    ours.flags.new_epoch = true;
    ours.layout_hash++;
    parts[1].committed = -1;
    parts[1].low = 4;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 1);
    cr_assert_eq(plan.ways[0].kind, START_FRESH);
    cr_assert_str_eq(made(0), "end/0@50=0 end/1@4=0 ");
    cr_assert(plan.ways[0].commit_first);
    expect_reads(0, 0, 0, 0);
    cr_assert(plan.known);
    cr_assert_eq(plan.seq, 40);
    cr_assert_eq(plan.decision_seq, 35, "numbers go on");
    cr_assert_eq(plan.generation, 7);
    /* It also helps where something else has committed. */
    good();
    ours.flags.new_epoch = true;
    metas[0].seq = metas[1].seq = 0;
    expect(EXIT_OK, NULL);
    cr_assert_str_eq(made(0), "end/0@50=0 end/1@50=0 ");
    cr_assert_eq(plan.settings_hash, 1);
    /* A recreated log is published as a whole. */
    good();
    ours.flags.new_epoch = true;
    parts[0].high = 10;
    expect(EXIT_OK, NULL);
    cr_assert_str_eq(made(0), "end/0@0=0 end/1@50=0 ");
}

/* --- decisions and switches --- */

Test(start_plan, decisions_come_in_their_order)
{
    decided(0, 21, DECISION_CONTROL, 600000, 0);
    decided(0, 33, DECISION_ADVANCE, 44, 7);
    decided(1, 22, DECISION_DARK, 44, 7);
    decided(1, 34, DECISION_RELEASE, 50, 7);
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.decision_count, 4);
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(plan.decisions[i].seq, ((const uint64_t[]){21, 22, 33, 34})[i]);
    cr_assert_eq(plan.decisions[0].source, DECISION_JUDGES);
    cr_assert(span_is(plan.decisions[0].text, "{}"));
    cr_assert_eq(plan.decisions[1].source, 1);
}

static void switched(uint64_t seq, int64_t at, int64_t hash)
{
    decided(0, seq, DECISION_SWITCH, at, hash);
    decided(1, seq + 1, DECISION_SWITCH, at + 1, hash);
}

Test(start_plan, switches_of_settings)
{
    switched(22, 25, 11);
    switched(32, 40, 12);
    metas[0].settings_hash = 12;
    ours.settings_hash = 12;
    known[0] = 11;
    ours.known_count = 1;
    headers[0].settings_hash = 11;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.cut_count, 2);
    cr_assert_eq(plan.cuts[1].settings_hash, 12);
    cr_assert_eq(plan.cuts[1].seq, 33);
    cr_assert_eq(plan.cuts[0].at[0], 25);
    cr_assert_eq(plan.cuts[0].at[1], 26);
    cr_assert_eq(plan.way_count, 2);
    cr_assert_eq(plan.ways[0].settings_hash, 11);
    cr_assert_eq(plan.ways[0].first_cut, 1, "the first one is in the snapshot");
    cr_assert_eq(plan.ways[1].settings_hash, 1);
    cr_assert_eq(plan.ways[1].first_cut, 0);
    /* Those of in between were not kept: only the newer one will do. */
    ours.known_count = 0;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.way_count, 1);
    cr_assert_eq(plan.ways[0].snapshot, 0);
    /* Another file than the one in force: a switch is due. */
    ours.settings_hash = 13;
    known[0] = 12;
    ours.known_count = 1;
    expect(EXIT_OK, NULL);
    cr_assert_neq(plan.settings_hash, ours.settings_hash);
    cr_assert_eq(plan.settings_hash, 12);
}

Test(start_plan, halves_of_a_switch_that_do_not_fit)
{
    decided(0, 31, DECISION_SWITCH, 40, 11);
    decided(1, 32, DECISION_SWITCH, 40, 12);
    expect(EXIT_STATE, "switch");
}

Test(start_plan, other_settings_without_a_snapshot)
{
    young();
    ours.settings_hash = 5;
    known[0] = 1;
    ours.known_count = 1;
    expect(EXIT_OK, NULL);
    cr_assert_eq(plan.ways[0].settings_hash, 1);
    cr_assert(plan.ways[0].compare, "under its own settings it is exact");
    cr_assert_neq(plan.settings_hash, ours.settings_hash);
}
