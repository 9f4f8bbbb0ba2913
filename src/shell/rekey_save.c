/* SPDX-License-Identifier: Apache-2.0 */
/* First the snapshot, under a name of its own, then the transaction that says it is durable. A crash in between
 * leaves a snapshot that never came to be, and the state of before. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/fault.h"
#include "shell/publish.h"
#include "shell/rekey.h"
#include "shell/state_file.h"
#include "shell/txn_job.h"
#include "shell/txn_offsets.h"

#define SAVE_TRIES 5
#define SAVE_DELIVER_MS 60000

struct saving {
    const struct rekey_saving *s;
    struct outbox box; /* for its point alone */
    struct txn_identity identity;
    uint32_t generation;
    char *why;
};

static int fail(const struct saving *g, int code, const char *what, const char *text)
{
    snprintf(g->why, REKEY_WHY, "%s: %s", what, text);
    return code;
}

/* --- the point --- */

/* A partition of before stands where it stood; a new one at its log's beginning. */
static void point_parts(struct saving *g)
{
    const struct rekey_plan *plan = g->s->plan;
    const struct start *start = g->s->start;
    struct outbox_point *point = &g->box.point;

    for (size_t i = 0; i < start->count; i++)
        point->parts[i] = (struct outbox_part){
            .next = start->parts[i].low, .origin = start->parts[i].low, .last = {.offset = -1}};
    for (size_t i = 0; i < plan->count; i++) {
        struct outbox_part *part = &point->parts[plan->olds[i].now];

        part->next = plan->parts[i].committed;
        part->origin = plan->start.metas[i].origin;
        part->last = plan->start.metas[i].last;
    }
    for (size_t i = 0; i < start->count; i++) {
        point->parts[i].watermark = pipeline_watermark(g->s->pipeline, (uint32_t)i).ms;
        point->parts[i].tally_digest = pipeline_tally_digest(g->s->pipeline, (uint32_t)i);
    }
}

static void point_controls(struct saving *g)
{
    const struct start *start = g->s->start;
    struct outbox_point *point = &g->box.point;
    size_t count = 0;

    for (size_t i = 0; i < start->control_count; i++)
        count += start->controls[i].committed >= 0;
    outbox_controls(&g->box, count);
    for (size_t i = 0, k = 0; i < start->control_count; i++)
        if (start->controls[i].committed >= 0)
            point->controls[k++] = (struct outbox_control){start->controls[i].partition,
                                                           start->controls[i].committed};
}

static void point_make(struct saving *g)
{
    const struct rekey_plan *plan = g->s->plan;
    const struct start *start = g->s->start;
    struct outbox_point *point = &g->box.point;

    outbox_init(&g->box, start->count);
    point_parts(g);
    point_controls(g);
    point->judge_digest = pipeline_judge_digest(g->s->pipeline);
    point->settings_hash = g->s->from->settings_hash;
    point->zone_hash = g->s->from->zone_hash;
    point->decision_seq = plan->start.decision_seq;
    point->seq = plan->start.seq + 1;
    if (getrandom(&g->identity.instance, sizeof(g->identity.instance), 0) !=
        sizeof(g->identity.instance))
        abort();
    g->identity.layout_hash = start_layout_hash(start->sources, start->count);
    g->identity.cluster_hash = commit_meta_cluster(start->cluster_id);
    g->generation = state_dir_next(g->s->dir, plan->start.generation);
    point->snapshots[0] = (struct commit_snapshot){g->generation, g->identity.instance, point->seq};
    point->snapshot_count = 1;
}

/* --- the snapshot --- */

static int snapshot_write(struct saving *g, const struct state_header *h)
{
    struct state_writer *w = state_writer_new(h, g->s->pipeline);
    int fd = state_dir_temporary(g->s->dir, g->generation, g->why), wrong = 0;
    bool good = fd >= 0;

    if (good)
        wrong = state_writer_run(w, fd);
    if (wrong)
        snprintf(g->why, REKEY_WHY, "snapshot-%u: %s", g->generation, strerror(wrong));
    good = good && !wrong && state_file_verify(fd, NULL, g->why) &&
           state_dir_commit(g->s->dir, g->generation, g->why);
    if (fd >= 0) {
        close(fd);
        if (!good)
            state_dir_discard(g->s->dir, g->generation);
    }
    state_writer_free(w);
    return good ? EXIT_OK : EXIT_IO;
}

static int snapshot_save(struct saving *g)
{
    const struct start *start = g->s->start;
    const struct outbox_point *point = &g->box.point;
    struct state_header h = *g->s->from;
    struct state_part *parts = mem_zero(start->count, sizeof(*parts));
    struct state_control *controls = mem_zero(point->control_count + 1, sizeof(*controls));
    int code;

    for (size_t i = 0; i < start->count; i++) {
        const struct outbox_part *p = &point->parts[i];

        parts[i] = (struct state_part){start->sources[i].topic,
                                       start->sources[i].partition,
                                       p->next,
                                       p->origin,
                                       p->watermark,
                                       p->last};
    }
    for (size_t i = 0; i < point->control_count; i++)
        controls[i] = (struct state_control){point->controls[i].partition, point->controls[i].next};
    h.generation = g->generation;
    h.instance = g->identity.instance;
    h.txn_seq = point->seq;
    h.decision_seq = point->decision_seq;
    h.cluster_id = start->cluster_id;
    h.parts = parts;
    h.part_count = start->count;
    h.controls = controls;
    h.control_count = point->control_count;
    h.taken_at = (int64_t)time(NULL) * 1000;
    code = snapshot_write(g, &h);
    mem_free(parts);
    mem_free(controls);
    return code;
}

/* --- the transaction --- */

/* Dead letters of events that were applied on the way: hardly ever one. All must be delivered before the commit,
 * which nobody would serve. */
static rd_kafka_resp_err_t produce(struct saving *g)
{
    rd_kafka_t *producer = g->s->start->producer;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(producer);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    struct publish publish;
    size_t done = 0;

    publish_init(&publish, g->s->config->settings);
    publish_attach(&publish, producer);
    for (int ms = 0; ms < SAVE_DELIVER_MS; ms += 10) {
        done = publish_records(&publish, producer, g->s->out, done, &code);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR ||
            (done == g->s->out->count && rd_kafka_outq_len(producer) == 0))
            break;
        rd_kafka_flush(producer, 10);
        publish_serve(&publish, queue);
    }
    publish_detach(&publish);
    rd_kafka_queue_destroy(queue);
    return code;
}

static int commit_once(struct saving *g, struct txn_job *job)
{
    rd_kafka_resp_err_t code = g->s->out->count ? produce(g) : RD_KAFKA_RESP_ERR_NO_ERROR;

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(g, EXIT_KAFKA, "produce", rd_kafka_err2str(code));
    job->step = TXN_STEP_COMMIT;
    job->offsets = txn_offsets(&g->identity, &g->box.point, g->s->start->sources,
                               g->s->start->count, g->s->config->settings->control);
    txn_job_run(job);
    rd_kafka_topic_partition_list_destroy(job->offsets);
    g->s->start->producer = job->producer;
    return EXIT_OK;
}

static int commit(struct saving *g)
{
    const struct start_plan *plan = &g->s->plan->start;
    struct start *start = g->s->start;
    struct txn_job job = {
        .settings = g->s->config->settings,
        .health = g->s->health,
        .consumer = start->consumer,
        .producer = start->producer,
        .sources = start->sources,
        .source_count = start->count,
        .known = {true, plan->instance, plan->seq},
        .pending = {true, g->identity.instance, g->box.point.seq},
        .topics = {g->s->config->settings->outputs.alerts,
                   g->s->config->settings->outputs.deadletter},
    };
    rd_kafka_error_t *error = rd_kafka_begin_transaction(start->producer);
    int code = EXIT_OK;

    if (error) {
        code = fail(g, EXIT_KAFKA, "begin_transaction", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        return code;
    }
    job.outcome = TXN_REPEAT;
    for (int i = 0; i < SAVE_TRIES && code == EXIT_OK && job.outcome == TXN_REPEAT; i++)
        code = commit_once(g, &job);
    if (code != EXIT_OK || job.outcome == TXN_COMMITTED)
        return code;
    if (job.outcome == TXN_FENCED)
        return fail(g, EXIT_FENCED, "another funneld commits to this group", "stop it first");
    return fail(g, EXIT_KAFKA, job.text, "run it again: the state is as it was, or all is done");
}

int rekey_save(const struct rekey_saving *s, uint32_t *ret_generation, char why[REKEY_WHY])
{
    struct saving g = {.s = s, .why = why};
    int code;

    point_make(&g);
    code = snapshot_save(&g);
    FAULT("rekey.saved");
    if (code == EXIT_OK)
        code = commit(&g);
    if (code == EXIT_OK)
        *ret_generation = g.generation;
    outbox_deinit(&g.box);
    return code;
}
