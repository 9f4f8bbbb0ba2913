/* SPDX-License-Identifier: Apache-2.0 */
/* What `funneld state rekey` may do, and what it refuses: topic a had partitions 0 and 1 and has 2 now, topic b had
 * 0 and has 1 now. All is consumed up to 50; snapshot 7 of transaction 40 stands there. */
#include <criterion/criterion.h>
#include <string.h>

#include "shell/exit_codes.h"
#include "shell/rekey.h"
#include "shell/state_header.h"

enum { NOW = 5, BEFORE = 3 };

static struct pipeline_source sources[NOW];
static const struct pipeline_source before[BEFORE] = {{"a", 0, 0}, {"a", 1, 0}, {"b", 0, 1}};
static struct start_part parts[NOW];
static struct commit_meta metas[NOW];
static struct buf texts[NOW];
static struct state_part state_parts[BEFORE];
static struct state_header header;
static const struct state_header *const snapshots[1] = {&header};
static size_t snapshot_count;
static struct start_ours ours;
static struct rekey_plan plan;
static char why[REKEY_WHY];

static void good(void)
{
    static const struct pipeline_source now[NOW] = {
        {"a", 0, 0}, {"a", 1, 0}, {"a", 2, 0}, {"b", 0, 1}, {"b", 1, 1}};

    memcpy(sources, now, sizeof(sources));
    ours = (struct start_ours){
        .group = "g", .settings_hash = 1, .cluster_hash = commit_meta_cluster("c")};
    for (size_t i = 0; i < NOW; i++) {
        bool is_new = i == 2 || i == 4;

        parts[i] = (struct start_part){.high = 100, .committed = is_new ? -1 : 50};
        metas[i] = (struct commit_meta){.instance = 9, .seq = 40, .last = {.offset = -1}};
    }
    metas[0].has_base = true;
    metas[0].machine = COMMIT_META_MACHINE;
    metas[0].settings_hash = 1;
    metas[0].zone_hash = 2;
    metas[0].layout_hash = start_layout_hash(before, BEFORE);
    metas[0].decision_seq = 35;
    metas[0].generation = 7;
    metas[0].snapshots[0] = (struct commit_snapshot){7, 9, 40};
    metas[0].snapshot_count = 1;
    for (size_t i = 0; i < BEFORE; i++)
        state_parts[i] = (struct state_part){.topic = before[i].topic,
                                             .partition = before[i].partition,
                                             .next = 50,
                                             .last = {.offset = -1}};
    header = (struct state_header){.generation = 7,
                                   .instance = 9,
                                   .txn_seq = 40,
                                   .decision_seq = 35,
                                   .machine = COMMIT_META_MACHINE,
                                   .zone_hash = 2,
                                   .settings_hash = 1,
                                   .group = "g",
                                   .cluster_id = "c",
                                   .parts = state_parts,
                                   .part_count = BEFORE};
    snapshot_count = 1;
}

static int make(void)
{
    rekey_plan_deinit(&plan);
    why[0] = '\0';
    for (size_t i = 0; i < NOW; i++) {
        buf_clear(&texts[i]);
        commit_meta_encode(&metas[i], &texts[i]);
        parts[i].meta = parts[i].committed >= 0 ? texts[i].data : NULL;
        parts[i].meta_len = parts[i].committed >= 0 ? texts[i].len : 0;
    }
    return rekey_plan_make(sources, parts, NOW, snapshots, snapshot_count, &ours, &plan, why);
}

static void done(void)
{
    rekey_plan_deinit(&plan);
    for (size_t i = 0; i < NOW; i++)
        buf_deinit(&texts[i]);
}

static void refused(int code, const char *text)
{
    int found = make();

    cr_expect(found == code, "%d, not %d: %s", found, code, why);
    cr_expect(strstr(why, text) != NULL, "it does not say '%s': %s", text, why);
    done();
}

Test(rekey_plan, more_partitions_of_two_topics)
{
    int code;

    good();
    code = make();
    cr_assert(code == EXIT_OK, "%d: %s", code, why);
    cr_expect(!plan.nothing && plan.count == BEFORE && plan.snapshot == 0);
    cr_expect(plan.olds[1].now == 1 && plan.olds[1].first == 0);
    cr_expect(plan.olds[1].count == 2 && plan.olds[1].more == 3);
    cr_expect(plan.olds[2].now == 3 && plan.olds[2].first == 3);
    cr_expect(plan.olds[2].count == 1 && plan.olds[2].more == 2);
    cr_expect(plan.start.seq == 40 && plan.start.generation == 7);
    done();
}

Test(rekey_plan, as_many_as_before)
{
    good();
    parts[2].committed = parts[4].committed = 50;
    cr_expect(make() == EXIT_OK && plan.nothing);
    done();
}

Test(rekey_plan, refusals)
{
    good();
    for (size_t i = 0; i < NOW; i++)
        parts[i].committed = -1;
    refused(EXIT_STATE, "committed nothing");

    good();
    parts[3].committed = -1; /* all of b */
    refused(EXIT_PARTITIONS, "the input is new");

    good();
    parts[0].committed = -1;
    refused(EXIT_PARTITIONS, "created again");

    good();
    parts[1].committed = -1;
    parts[2].committed = 50;
    refused(EXIT_PARTITIONS, "something else commits");

    good();
    sources[1].topic = sources[0].topic = sources[2].topic = "other";
    refused(EXIT_PARTITIONS, "fewer partitions");

    good();
    metas[0].layout_hash++;
    refused(EXIT_PARTITIONS, "changed since");

    good();
    parts[1].high = 40; /* shorter than what was read */
    refused(EXIT_RESET, "a/1");

    good();
    state_parts[1].next = 49;
    refused(EXIT_STATE, "no snapshot stands at the committed offsets");

    good();
    header.group = "another";
    refused(EXIT_STATE, "of no use");

    good();
    snapshot_count = 0;
    refused(EXIT_STATE, "snapshot");
}

Test(rekey_plan, a_partitioner_must_explain_what_is_there)
{
    struct rekey_seen seen = {.records = 1000,
                              .of = {[PARTITIONER_MURMUR2] = 1000, [PARTITIONER_CRC32] = 1000},
                              .fits = {[PARTITIONER_MURMUR2] = 999, [PARTITIONER_CRC32] = 400}};

    cr_expect(rekey_fits(&seen, PARTITIONER_MURMUR2, why));
    cr_expect(!rekey_fits(&seen, PARTITIONER_CRC32, why));
    cr_expect(strstr(why, "only 40.0 %") && strstr(why, "--partitioner murmur2"), "%s", why);
    seen.fits[PARTITIONER_MURMUR2] = 998;
    cr_expect(!rekey_fits(&seen, PARTITIONER_MURMUR2, why));
    cr_expect(strstr(why, "--partitioner same") != NULL, "%s", why);
    seen = (struct rekey_seen){0};
    cr_expect(rekey_fits(&seen, PARTITIONER_CRC32, why));
}
