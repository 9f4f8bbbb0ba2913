/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that knows rdkafka_mock.h, which its authors call experimental. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2 */
#endif
#include "cli/demo_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#define START_TIMEOUT_MS 10000
#define LOG_NAME "broker.log"
/* Of its own, because getppid() does not tell: it changes only when the parent's last thread is gone. */
#define PARENT_DIED SIGUSR1

struct broker {
    rd_kafka_t *client; /* the mock cluster lives in a client */
    rd_kafka_mock_cluster_t *cluster;
};

static int broker_open(struct broker *b)
{
    char error[512];

    b->client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), error, sizeof(error));
    if (!b->client) {
        fprintf(stderr, "%s\n", error);
        return -1;
    }
    b->cluster = rd_kafka_mock_cluster_new(b->client, 1);
    if (!b->cluster) {
        fprintf(stderr, "the mock cluster did not start\n");
        return -1;
    }
    if (rd_kafka_mock_topic_create(b->cluster, DEMO_TOPIC_EVENTS, DEMO_PARTITIONS, 1) ||
        rd_kafka_mock_topic_create(b->cluster, DEMO_TOPIC_ALERTS, 1, 1) ||
        rd_kafka_mock_topic_create(b->cluster, DEMO_TOPIC_DEADLETTER, 1, 1)) {
        fprintf(stderr, "a topic could not be created\n");
        return -1;
    }
    return 0;
}

static int broker_publish(const struct broker *b, int out)
{
    const char *address = rd_kafka_mock_cluster_bootstraps(b->cluster);
    size_t len = strlen(address);
    bool written = write(out, address, len) == (ssize_t)len;

    close(out);
    return written ? 0 : -1;
}

static _Noreturn void broker_main(int out, const char *folder)
{
    struct broker b = {0};
    sigset_t end;
    int got = 0, status = 0;

    /* Before librdkafka makes threads, which inherit the mask. */
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, PARENT_DIED);
    sigprocmask(SIG_BLOCK, &end, NULL);
    signal(SIGPIPE, SIG_IGN); /* clients may go away at any time */
    if (broker_open(&b) != 0 || broker_publish(&b, out) != 0)
        status = 1;
    else
        sigwait(&end, &got);
    if (got == PARENT_DIED)
        demo_folder_remove(folder);
    alarm(2); /* should librdkafka not let go, the signal's default ends the process */
    if (b.cluster)
        rd_kafka_mock_cluster_destroy(b.cluster);
    if (b.client)
        rd_kafka_destroy(b.client);
    _exit(status);
}

/* Reads until the child closes its end. */
static int broker_await(int in, char *ret, size_t size)
{
    size_t len = 0;
    ssize_t n = 1;

    while (n > 0 && len + 1 < size) {
        struct pollfd p = {.fd = in, .events = POLLIN};

        if (poll(&p, 1, START_TIMEOUT_MS) <= 0)
            return -1;
        n = read(in, ret + len, size - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    ret[len] = '\0';
    return len > 0 ? 0 : -1;
}

int demo_broker_start(struct demo_child *child, const char *folder, char *ret_bootstrap,
                      size_t size, char error[256])
{
    char log[512];
    int ends[2], rc;

    snprintf(log, sizeof(log), "%s/" LOG_NAME, folder);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        snprintf(error, 256, "pipe: %s", strerror(errno));
        return -1;
    }
    if (demo_child_fork(child, log, PARENT_DIED)) {
        close(ends[0]);
        broker_main(ends[1], folder);
    }
    close(ends[1]);
    rc = child->pid > 0 ? broker_await(ends[0], ret_bootstrap, size) : -1;
    close(ends[0]);
    if (rc != 0)
        snprintf(error, 256, child->pid > 0 ? "the demo's broker did not start" : "fork: %s",
                 strerror(errno));
    return rc;
}
