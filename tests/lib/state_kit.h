/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline with something in it, a header that goes with it, and a temporary folder, for tests of saved state. */
#ifndef TESTS_STATE_KIT_H
#define TESTS_STATE_KIT_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "lib/pipe_kit.h"
#include "shell/state_file.h"

#define STATE_KIT_YAML \
    PIPE_KAFKA \
    "group: sales\n" \
    "inputs: [{topic: orders}]\n" \
    "time: {lateness: 0s}\n" \
    "funnels:\n" \
    "  shop:\n" \
    "    stages: [{id: visit, target: 90%, dwell: 5m}, cart, paid]\n" \
    "    window: 1h\n" \
    "    dims: {channel: {top: 5}}\n" \
    "    rules:\n" \
    "      - {id: low, kind: target, step: visit>cart, target: 0.9, window: 10m}\n" \
    "      - {id: drop, kind: drop, step: visit>cart, budget: 10/week}\n" \
    "      - {id: volume, kind: volume, budget: 10/week}\n"
#define STATE_KIT_PARTS 2

static const struct state_part state_kit_parts[STATE_KIT_PARTS] = {
    {"orders", 0, 40, 3, 1700000000000, {39, 1700000000000, 7}},
    {"orders", 1, 0, 0, INT64_MIN, {-1, -1, 0}},
};
static const struct state_control state_kit_controls[1] = {{0, 12}};

static inline struct state_header state_kit_header(uint32_t generation)
{
    return (struct state_header){
        .generation = generation,
        .instance = 0xfeedfacecafebeefu,
        .txn_seq = 41,
        .decision_seq = 17,
        .machine = COMMIT_META_MACHINE,
        .zone_hash = 99,
        .settings_hash = 98,
        .settings = {STATE_KIT_YAML, sizeof(STATE_KIT_YAML) - 1},
        .group = "sales",
        .cluster_id = "cluster-1",
        .parts = state_kit_parts,
        .part_count = STATE_KIT_PARTS,
        .controls = state_kit_controls,
        .control_count = 1,
        .taken_at = 1700000001000,
    };
}

/* Forty visitors on two partitions, half of whom go on. */
static inline void state_kit_open(struct pipe *k)
{
    pipe_open(k, STATE_KIT_YAML, STATE_KIT_PARTS);
    for (int i = 0; i < 60; i++) {
        char text[256];

        snprintf(text, sizeof(text),
                 "{\"entity_id\":\"v-%d\",\"funnel\":\"shop\",\"stage\":\"%s\",\"ts\":%lld,"
                 "\"dims\":{\"channel\":\"%s\"}}",
                 i % 40, i < 40 ? "visit" : "cart", 1700000000000LL + 20000 * i,
                 i % 3 ? "ads" : "mail");
        pipe_say_on(k, (uint32_t)i % 2, -1, text);
    }
}

/* The same machines with nothing in them. */
static inline void state_kit_open_empty(struct pipe *k)
{
    pipe_open(k, STATE_KIT_YAML, STATE_KIT_PARTS);
}

/* A temporary folder, removed with what is in it. */
static inline char *state_kit_folder(void)
{
    char path[] = "/tmp/funneld-test-XXXXXX";

    return mkdtemp(path) ? strdup(path) : NULL;
}

static inline void state_kit_remove(char *folder)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0)
        abort();
    free(folder);
}

/* A file without a name. */
static inline int state_kit_file(void)
{
    char path[] = "/tmp/funneld-test-XXXXXX";
    int fd = mkstemp(path);

    unlink(path);
    return fd;
}

/* A whole snapshot in it. Returns what the writer returned. */
static inline int state_kit_write(int fd, const struct pipe *k, uint32_t generation)
{
    struct state_header header = state_kit_header(generation);
    struct state_writer *w = state_writer_new(&header, k->p);
    int error = state_writer_run(w, fd);

    state_writer_free(w);
    return error;
}

#endif
