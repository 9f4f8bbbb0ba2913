/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a snapshot without a daemon, for tests of what reads one: the events of standard input, one a line, go
 * through the machines of CONFIG as partition 0 of its first input.
 *
 *   state_make CONFIG GENERATION [wrong] < EVENTS
 *
 * wrong: a stay that is no entity's is added. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "funnel/pipeline_parts.h"
#include "shell/config_load.h"
#include "shell/exit_codes.h"
#include "shell/state_dir.h"
#include "shell/state_file.h"

static int64_t feed(struct pipeline *p)
{
    struct records out = {0};
    char line[4096];
    int64_t offset = 0;

    while (fgets(line, sizeof(line), stdin)) {
        const struct message m = {
            .value = {line, (uint32_t)strcspn(line, "\n")}, .timestamp = -1, .offset = offset++};

        pipeline_step(p, &m, 1, &out);
    }
    records_deinit(&out);
    return offset;
}

static int save(const struct config *c, const struct state_dir *dir, struct pipeline *p,
                int64_t next, uint32_t generation)
{
    const struct state_part part = {.topic = c->settings->inputs.items[0].topic,
                                    .next = next,
                                    .watermark = pipeline_watermark(p, 0).ms,
                                    .last = {next - 1, -1, 0}};
    const struct state_header h = {.generation = generation,
                                   .instance = 0xfeedu,
                                   .txn_seq = 41,
                                   .machine = COMMIT_META_MACHINE,
                                   .zone_hash = c->zone->hash,
                                   .settings_hash = c->hash,
                                   .settings = {c->text.data, (uint32_t)c->text.len},
                                   .group = c->settings->group,
                                   .cluster_id = "",
                                   .parts = &part,
                                   .part_count = 1,
                                   .taken_at = 1700000000000};
    struct state_writer *w = state_writer_new(&h, p);
    char why[STATE_DIR_WHY] = "";
    int fd = state_dir_temporary(dir, generation, why);
    bool good = fd >= 0 && state_writer_run(w, fd) == 0 && state_dir_commit(dir, generation, why);

    state_writer_free(w);
    if (fd >= 0)
        close(fd);
    if (!good)
        fprintf(stderr, "state_make: %s\n", why);
    return good ? EXIT_OK : EXIT_IO;
}

static void make_wrong(struct pipeline *p)
{
    const struct judge *j = &p->judges[0];
    size_t leaf = 0;

    while (leaf + 1 < j->leaf_count && j->leaves[leaf].steps[0].risk.open == 0)
        leaf++;
    riskset_seed(&j->leaves[leaf].steps[0].risk, 0, j->leaves[leaf].steps[0].risk_pane, 1);
}

int main(int argc, char **argv)
{
    struct pipeline_source source = {0};
    struct config c = {0};
    struct state_dir dir = {0};
    char why[STATE_DIR_WHY];
    struct pipeline *p;
    int64_t next;
    int code;

    if (argc != 3 && !(argc == 4 && strcmp(argv[3], "wrong") == 0))
        return EXIT_USAGE;
    code = config_load(argv[1], &c, stderr);
    if (code != EXIT_OK)
        return code;
    code = state_dir_open(&dir, c.settings->state.dir, why);
    if (code != EXIT_OK) {
        fprintf(stderr, "state_make: %s\n", why);
        return code;
    }
    source.topic = c.settings->inputs.items[0].topic;
    p = pipeline_new(c.settings, c.zone, &source, 1);
    next = feed(p);
    if (argc == 4)
        make_wrong(p);
    code = save(&c, &dir, p, next, (uint32_t)strtoul(argv[2], NULL, 10));
    pipeline_free(p);
    state_dir_close(&dir);
    config_deinit(&c);
    return code;
}
