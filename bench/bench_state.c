/* SPDX-License-Identifier: Apache-2.0 */
/* Saved state at size: a real pipeline is filled with entities, saved by a forked child as the daemon does it,
 * verified, and loaded into new machines. Machine-readable key=value lines.
 *
 *   bench_state [entities] [folder]        (1000000, /tmp; the folder's disk is what is measured) */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "funnel/audit.h"
#include "funnel/mem.h"
#include "funnel/pipeline.h"
#include "shell/state_file.h"

#define BATCH 1000
#define EVENT_MAX 400
#define BASE_MS INT64_C(1700000000000)

static const char config[] =
    "group: bench\n"
    "kafka: {bootstrap.servers: 127.0.0.1:1}\n"
    "inputs: [{topic: t}]\n"
    "limits: {entities: 100000000}\n"
    "funnels:\n"
    "  sales:\n"
    "    stages: [visit, cart, checkout, paid]\n"
    "    lost: [left]\n"
    "    dims: {channel: {top: 20}, region: {top: 20}, device: {top: 20}}\n"
    "    rules:\n"
    "      - {id: t, kind: target, step: cart>checkout, target: 0.2}\n"
    "      - {id: c, kind: change, window: 1d, against: 7d}\n";

struct bench {
    struct settings *settings;
    struct zone *zone;
    struct pipeline *pipeline;
    uint64_t next; /* offset */
};

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Bytes of a line of /proc/self/status, such as "VmRSS:". */
static double status_bytes(const char *key)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    double bytes = 0;

    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0)
            bytes = strtod(line + strlen(key), NULL) * 1024;
    }
    if (f)
        fclose(f);
    return bytes;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_state: %s: %s\n", what, why);
    exit(1);
}

static struct pipeline *new_pipeline(const struct bench *b)
{
    static const struct pipeline_source source = {"t", 0, 0};

    return pipeline_new(b->settings, b->zone, &source, 1);
}

/* --- filling --- */

static int make_event(char *out, uint64_t i, uint64_t entities)
{
    static const char *const stages[] = {"visit", "cart", "checkout", "paid"};
    static const char *const channels[] = {"ads", "search", "mail", "direct", "social"};
    static const char *const regions[] = {"east", "west", "north", "south"};
    static const char *const devices[] = {"mobile", "desktop", "tablet"};
    uint64_t entity = i < entities ? i : i * 2654435761u % entities;

    return snprintf(out, EVENT_MAX,
                    "{\"entity_id\":\"deal-%010" PRIu64 "\",\"funnel\":\"sales\",\"stage\":\"%s\","
                    "\"ts\":%" PRId64 ",\"amount\":%" PRIu64 ".50,\"dims\":{\"channel\":\"%s\","
                    "\"region\":\"%s\",\"device\":\"%s\"}}",
                    entity, stages[i < entities ? 0 : 1 + i % 3], BASE_MS + (int64_t)(i / 10),
                    i % 9000, channels[entity % 5], regions[entity % 4], devices[entity % 3]);
}

/* Each entity once, and a third of them one stage further. */
static void fill(struct bench *b, uint64_t entities)
{
    struct message *messages = mem_zero(BATCH, sizeof(*messages));
    char *text = mem_alloc(BATCH * EVENT_MAX);
    uint64_t total = entities + entities / 3;
    struct records out = {0};

    while (b->next < total) {
        size_t n = 0;

        for (; n < BATCH && b->next < total; n++, b->next++) {
            char *at = text + n * EVENT_MAX;
            int len = make_event(at, b->next, entities);

            messages[n] = (struct message){
                .value = {at, (uint32_t)len}, .timestamp = -1, .offset = (int64_t)b->next};
        }
        pipeline_step(b->pipeline, messages, n, &out);
        records_clear(&out);
    }
    records_deinit(&out);
    mem_free(messages);
    mem_free(text);
}

/* --- saving and loading --- */

static struct state_writer *new_writer(const struct bench *b)
{
    const struct state_part part = {
        .topic = "t", .next = (int64_t)b->next, .last = {(int64_t)b->next - 1, -1, 0}};
    const struct state_header header = {.generation = 1,
                                        .machine = COMMIT_META_MACHINE,
                                        .settings = {config, sizeof(config) - 1},
                                        .group = "bench",
                                        .cluster_id = "",
                                        .parts = &part,
                                        .part_count = 1};

    return state_writer_new(&header, b->pipeline);
}

static uint64_t save(const struct bench *b, int fd)
{
    struct state_writer *w = new_writer(b);
    double begun = seconds(), forked, took;
    struct stat st;
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(state_writer_run(w, fd));
    forked = seconds() - begun;
    waitpid(child, &status, 0);
    took = seconds() - begun;
    state_writer_free(w);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("save", WIFEXITED(status) ? strerror(WEXITSTATUS(status)) : "killed");
    if (fstat(fd, &st) != 0)
        die("save", "fstat");
    printf("save fork_ms=%.2f seconds=%.2f file_bytes=%lld mb_per_s=%.0f\n", forked * 1e3, took,
           (long long)st.st_size, (double)st.st_size / 1e6 / took);
    return (uint64_t)st.st_size;
}

/* What `state verify` does besides. */
static void audit(const struct pipeline *p)
{
    double begun = seconds();
    uint64_t places = audit_pipeline(p, NULL);

    printf("audit seconds=%.2f places=%" PRIu64 "\n", seconds() - begun, places);
}

static void load(const struct bench *b, int fd, uint64_t bytes)
{
    double begun = seconds(), before = status_bytes("VmRSS:"), verified, took;
    struct pipeline *p = new_pipeline(b);
    char why[STATE_FILE_WHY];
    struct state_file f;

    if (!state_file_verify(fd, NULL, why))
        die("verify", why);
    verified = seconds() - begun;
    begun = seconds();
    if (!state_file_open(fd, &f, why) || !state_file_load(&f, p, why))
        die("load", why);
    took = seconds() - begun;
    printf("load verify_seconds=%.2f seconds=%.2f mb_per_s=%.0f rss_bytes=%.0f equal_digests=%s\n",
           verified, took, (double)bytes / 1e6 / took, status_bytes("VmRSS:") - before,
           pipeline_tally_digest(p, 0) == pipeline_tally_digest(b->pipeline, 0) &&
                   pipeline_judge_digest(p) == pipeline_judge_digest(b->pipeline)
               ? "yes"
               : "no");
    state_file_close(&f);
    audit(p);
    pipeline_free(p);
}

static int open_file(const char *folder)
{
    char path[512];
    int fd;

    snprintf(path, sizeof(path), "%s/bench-state-XXXXXX", folder);
    fd = mkstemp(path);
    if (fd < 0)
        die(folder, "no file can be made in it");
    unlink(path);
    return fd;
}

int main(int argc, char **argv)
{
    uint64_t entities = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    int fd = open_file(argc > 2 ? argv[2] : "/tmp");
    double before = status_bytes("VmRSS:"), begun = seconds(), rss;
    struct settings_problems problems = {0};
    struct pipeline_gauges g;
    struct bench b = {.settings = settings_parse(config, sizeof(config) - 1, &problems),
                      .zone = zone_fixed("UTC", 0)};

    settings_problems_deinit(&problems);
    if (!b.settings)
        die("settings", "they have errors");
    b.pipeline = new_pipeline(&b);
    fill(&b, entities);
    rss = status_bytes("VmRSS:") - before;
    pipeline_gauges(b.pipeline, &g);
    printf("fill entities=%" PRIu64 " seconds=%.2f rss_bytes=%.0f rss_per_entity=%.1f "
           "peak_bytes=%.0f table_bytes=%" PRIu64 " table_per_entity=%.1f\n",
           g.entities, seconds() - begun, rss, rss / (double)g.entities, status_bytes("VmHWM:"),
           g.entity_bytes, (double)g.entity_bytes / (double)g.entities);
    load(&b, fd, save(&b, fd));
    pipeline_free(b.pipeline);
    zone_free(b.zone);
    settings_free(b.settings);
    close(fd);
    return 0;
}
