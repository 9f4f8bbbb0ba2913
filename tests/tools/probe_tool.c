/* SPDX-License-Identifier: Apache-2.0 */
/* probe_tool CONFIG PARTITIONS: the probe of src/shell/probe.h against a broker, for tests/integration/probe.py.
 * Each line of input is the next offsets of the first input's partitions; "cancel" begins a probe and gives it up.
 * Each answer is a line of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "shell/config_load.h"
#include "shell/exit_codes.h"
#include "shell/log.h"
#include "shell/probe.h"

struct tool {
    uv_loop_t loop;
    struct kafka_health health;
    struct config config;
    rd_kafka_t *consumer;
    struct pipeline_source *sources;
    size_t count;
    struct probe probe;
    int64_t *next;
};

static void on_done(void *context)
{
    (void)context; /* the loop has nothing else to do, and ends */
}

static void tool_print(const struct tool *t)
{
    const struct probe_result *r = &t->probe.result;
    char why[512] = "";
    int code;
    enum probe_verdict verdict = probe_judge(r, t->config.settings, t->sources, t->count, &code,
                                             why);

    printf("{\"answered\":%s,\"verdict\":%d,\"code\":%d,\"why\":\"%s\",",
           t->probe.answered ? "true" : "false", (int)verdict, code, why);
    printf("\"partitions\":%d,\"misses\":%u,\"parts\":[", r->topics[0].partitions,
           r->topics[0].misses);
    for (size_t i = 0; i < t->count; i++)
        printf("%s{\"low\":%lld,\"high\":%lld,\"fresh\":%s}", i ? "," : "",
               (long long)r->parts[i].low, (long long)r->parts[i].high,
               r->parts[i].at == t->probe.begun ? "true" : "false");
    printf("]}\n");
    fflush(stdout);
}

/* Reads as funneld does, so that there are fetches to wait behind. */
static void tool_open(struct tool *t, int partitions)
{
    char error[512];
    rd_kafka_topic_partition_list_t *list;

    t->consumer = kafka_client_new(t->config.settings, KAFKA_CONSUMER, &t->health, error);
    if (!t->consumer) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    t->count = (size_t)partitions;
    t->sources = mem_zero(t->count, sizeof(*t->sources));
    t->next = mem_zero(t->count, sizeof(*t->next));
    for (int p = 0; p < partitions; p++)
        t->sources[p] = (struct pipeline_source){t->config.settings->inputs.items[0].topic, p, 0};
    list = kafka_list_new(t->sources, t->count);
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_assign(t->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    probe_init(&t->probe, &t->loop, t->config.settings, &t->health, t->sources, t->count, on_done,
               t);
}

static void tool_line(struct tool *t, char *line)
{
    bool cancel = strncmp(line, "cancel", 6) == 0;
    char *at = line;

    for (size_t i = 0; !cancel && i < t->count; i++)
        t->next[i] = strtoll(at, &at, 10);
    uv_update_time(&t->loop);
    probe_begin(&t->probe, t->consumer, t->next);
    if (cancel)
        probe_cancel(&t->probe);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    rd_kafka_poll(t->consumer, 0);
    tool_print(t);
}

int main(int argc, char **argv)
{
    static struct tool t;
    char line[1024];

    if (argc != 3 || config_load(argv[1], &t.config, stderr) != EXIT_OK || uv_loop_init(&t.loop))
        return 2;
    tool_open(&t, atoi(argv[2]));
    while (fgets(line, sizeof(line), stdin))
        tool_line(&t, line);
    probe_deinit(&t.probe);
    uv_loop_close(&t.loop);
    /* The consumer is left to the end of the process: once a topic was deleted, destroying it may not return. */
    _Exit(0);
}
