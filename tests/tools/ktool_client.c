/* SPDX-License-Identifier: Apache-2.0 */
#include "ktool.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char trouble[512]; /* written on the thread that polls, which is ours */

int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("ktool: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return KTOOL_ERROR;
}

const char *client_trouble(void)
{
    return trouble;
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    (void)rk, (void)opaque;
    snprintf(trouble, sizeof(trouble), "%s: %s", rd_kafka_err2name(code), reason);
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char error[512];

    if (rd_kafka_conf_set(conf, key, value, error, sizeof(error)) != RD_KAFKA_CONF_OK) {
        fail("%s", error);
        exit(KTOOL_USAGE);
    }
}

rd_kafka_t *client_new(const struct options *o, rd_kafka_type_t type, rd_kafka_conf_t *conf, ...)
{
    char error[512];
    const char *key;
    rd_kafka_t *rk;
    va_list extra;

    set(conf, "bootstrap.servers", o->brokers);
    set(conf, "client.id", "ktool");
    set(conf, "socket.nagle.disable", "true");
    set(conf, "reconnect.backoff.max.ms", "1000");
    va_start(extra, conf);
    while ((key = va_arg(extra, const char *)))
        set(conf, key, va_arg(extra, const char *));
    va_end(extra);
    for (int i = 0; i < o->properties.count; i++) /* last, so that -X wins */
        set(conf, o->properties.items[i].key, o->properties.items[i].value);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (!o->verbose)
        rd_kafka_conf_set_log_cb(conf, NULL); /* what matters comes by on_error */
    rk = rd_kafka_new(type, conf, error, sizeof(error));
    if (!rk) {
        fail("%s", error);
        exit(KTOOL_USAGE);
    }
    return rk;
}

/* Partitions in an answer when all is well; 0: ask again; -1: never. */
static int partitions_in(const rd_kafka_metadata_t *m, const char **why)
{
    const rd_kafka_metadata_topic_t *t = &m->topics[0];

    if (m->topic_cnt != 1)
        return 0;
    *why = rd_kafka_err2str(t->err);
    if (t->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
        t->err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)
        return -1;
    if (t->err || t->partition_cnt == 0)
        return 0;
    for (int i = 0; i < t->partition_cnt; i++)
        if (t->partitions[i].leader < 0) {
            *why = "a partition has no leader";
            return 0;
        }
    return t->partition_cnt;
}

int client_partitions(rd_kafka_t *rk, const char *topic, int64_t deadline)
{
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    const rd_kafka_metadata_t *m;
    const char *why = "";
    int count = 0;

    while (rkt && count == 0) {
        rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, rkt, &m, 1000);

        if (!err) {
            count = partitions_in(m, &why);
            rd_kafka_metadata_destroy(m);
        } else {
            why = rd_kafka_err2str(err);
        }
        /* Poll for errors too: they say why nobody answers. A topic just created takes a moment to
         * be known, hence the repetition. */
        rd_kafka_poll(rk, count ? 0 : 50);
        if (count == 0 && now_ms() >= deadline)
            break;
    }
    if (count <= 0)
        fail("topic %s: %s%s%s", topic, why, *trouble ? "; " : "", trouble);
    if (rkt)
        rd_kafka_topic_destroy(rkt);
    return count < 0 ? 0 : count;
}
