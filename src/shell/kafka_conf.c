/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/kafka_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Measured for librdkafka 2.0.2: its own prefetch limits (100,000 messages, 64 MiB) stop a partition for
 * a second whenever funneld is the slower side, which costs four fifths of the rate; the library checks
 * again only then. retry.backoff.ms: at 100 every transaction that follows another one takes 105 ms. */
const struct kafka_default kafka_defaults[] = {
    {"client.id", "funneld", KAFKA_BOTH, false, false},
    {"socket.nagle.disable", "true", KAFKA_BOTH, false, false},
    {"socket.keepalive.enable", "true", KAFKA_BOTH, false, false},
    {"retry.backoff.ms", "10", KAFKA_PRODUCER, false, false},
    {"reconnect.backoff.max.ms", "1000", KAFKA_BOTH, false, false},
    {"log.connection.close", "false", KAFKA_BOTH, false, false},
    {"queued.min.messages", "1000000", KAFKA_CONSUMER, false, false},
    {"queued.max.messages.kbytes", "262144", KAFKA_CONSUMER, false, false},
    {"fetch.wait.max.ms", "50", KAFKA_CONSUMER, false, false},
    {"fetch.queue.backoff.ms", "10", KAFKA_CONSUMER, false, true},
    {"check.crcs", "true", KAFKA_CONSUMER, false, false},
    {"transaction.timeout.ms", "60000", KAFKA_PRODUCER, false, false},
    {"compression.type", "lz4", KAFKA_PRODUCER, false, false},
    {"partitioner", "murmur2_random", KAFKA_PRODUCER, false, false}, /* as Java clients do */
    {"enable.metrics.push", "false", KAFKA_BOTH, false, true},

    {"log.queue", "true", KAFKA_BOTH, true, false},
    {"group.id", NULL, KAFKA_CONSUMER, true, false},
    {"group.instance.id", "", KAFKA_CONSUMER, true, true},
    {"enable.auto.commit", "false", KAFKA_CONSUMER, true, false},
    {"enable.auto.offset.store", "false", KAFKA_CONSUMER, true, false},
    {"enable.partition.eof", "true", KAFKA_CONSUMER, true, false},
    {"isolation.level", "read_committed", KAFKA_CONSUMER, true, false},
    {"auto.offset.reset", "error", KAFKA_CONSUMER, true, false},
    {"transactional.id", NULL, KAFKA_PRODUCER, true, false},
    {"enable.idempotence", "true", KAFKA_PRODUCER, true, false},
    /* The outbox is bounded before it gets here; a full queue would only cut a transaction in half. */
    {"queue.buffering.max.messages", "10000000", KAFKA_PRODUCER, true, false},
    {"queue.buffering.max.kbytes", "2097151", KAFKA_PRODUCER, true, false},
    {NULL, NULL, KAFKA_BOTH, false, false},
};

static const struct kafka_default *kafka_owned(const char *key)
{
    for (const struct kafka_default *d = kafka_defaults; d->key; d++) {
        if (d->owned && strcmp(d->key, key) == 0)
            return d;
    }
    return NULL;
}

/* The list has lines "name | C/P | range | default | ..."; C/P is *, C or P. */
enum kafka_role kafka_conf_role(const char *key)
{
    enum kafka_role role = KAFKA_BOTH;
    size_t size = 0, n = strlen(key);
    char *text = NULL;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return KAFKA_BOTH;
    rd_kafka_conf_properties_show(f);
    fclose(f);
    for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        char *bar = line + n + strspn(line + n, " ");

        if (strncmp(line, key, n) != 0 || *bar != '|')
            continue;
        bar += 1 + strspn(bar + 1, " ");
        role = *bar == 'C' ? KAFKA_CONSUMER : *bar == 'P' ? KAFKA_PRODUCER : KAFKA_BOTH;
        break;
    }
    free(text);
    return role;
}

/* --- check --- */

/* The core knows some of these keys, and what to write instead. */
static bool kafka_is_refused(const struct settings_problems *problems, const char *path)
{
    for (size_t i = 0; i < problems->count; i++)
        if (strcmp(problems->items[i].path, path) == 0)
            return true;
    return false;
}

static void kafka_check_pair(rd_kafka_conf_t *conf, const struct settings_pair *pair,
                             struct settings_problems *problems)
{
    char path[160], error[512];

    snprintf(path, sizeof(path), "kafka.%s", pair->key);
    if (kafka_owned(pair->key)) {
        if (kafka_is_refused(problems, path))
            return;
        settings_problem_add(
            problems, pair->mark, false, path, "funneld sets this property itself",
            "remove it; `group` names the consumer group and the transactional.id");
        return;
    }
    switch (rd_kafka_conf_set(conf, pair->key, pair->value, error, sizeof(error))) {
    case RD_KAFKA_CONF_OK:
        break;
    case RD_KAFKA_CONF_UNKNOWN:
        settings_problem_add(problems, pair->mark, false, path,
                             "this librdkafka knows no such property",
                             "correct its name: librdkafka's CONFIGURATION.md lists them");
        break;
    default:
        /* The library's text repeats the value. It may be a secret: passwords are kept out. */
        settings_problem_add(problems, pair->mark, false, path,
                             strstr(pair->key, "pass") || strstr(pair->key, "ssl.key")
                                 ? "librdkafka refuses the value"
                                 : error,
                             "see the property's range in librdkafka's CONFIGURATION.md");
    }
}

/* Some values are only looked at when a client is made of them: a client needs no broker for that. */
static void kafka_check_client(const struct settings *settings, enum kafka_role role,
                               struct settings_problems *problems)
{
    char error[512];
    rd_kafka_conf_t *conf = kafka_conf_new(settings, role, error);
    rd_kafka_t *client = NULL;
    struct settings_mark mark = {0};

    if (settings->kafka.count)
        mark = settings->kafka.items[0].mark;
    if (conf) {
        rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
        client = rd_kafka_new(role == KAFKA_CONSUMER ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf,
                              error, sizeof(error));
        if (client)
            rd_kafka_destroy(client);
        else
            rd_kafka_conf_destroy(conf);
    }
    if (!client)
        settings_problem_add(
            problems, mark, false, "kafka", error,
            "the properties do not fit together; see librdkafka's CONFIGURATION.md");
}

void kafka_conf_check(const struct settings *settings, struct settings_problems *problems)
{
    const struct settings_pairs *pairs = &settings->kafka;
    size_t errors = problems->errors;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool brokers = false;

    for (size_t i = 0; i < pairs->count; i++) {
        kafka_check_pair(conf, &pairs->items[i], problems);
        brokers = brokers || strcmp(pairs->items[i].key, "bootstrap.servers") == 0 ||
                  strcmp(pairs->items[i].key, "metadata.broker.list") == 0;
    }
    rd_kafka_conf_destroy(conf);
    if (!brokers)
        settings_problem_add(
            problems, pairs->count ? pairs->items[0].mark : (struct settings_mark){0}, false,
            "kafka.bootstrap.servers", "it is not set", "add bootstrap.servers: HOST:9092");
    if (problems->errors > errors)
        return;
    kafka_check_client(settings, KAFKA_CONSUMER, problems);
    kafka_check_client(settings, KAFKA_PRODUCER, problems);
}

/* --- building --- */

static bool kafka_conf_put(rd_kafka_conf_t *conf, const char *key, const char *value, bool optional,
                           char error[512])
{
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, key, value, error, 512);

    return result == RD_KAFKA_CONF_OK || (optional && result == RD_KAFKA_CONF_UNKNOWN);
}

static bool kafka_fits(enum kafka_role property, enum kafka_role role)
{
    return property == KAFKA_BOTH || property == (role == KAFKA_WRITER ? KAFKA_PRODUCER : role);
}

static bool kafka_conf_ours(rd_kafka_conf_t *conf, const struct settings *settings,
                            enum kafka_role role, bool owned, char error[512])
{
    char transactional_id[300];

    snprintf(transactional_id, sizeof(transactional_id), "funneld-%s", settings->group);
    for (const struct kafka_default *d = kafka_defaults; d->key; d++) {
        const char *value = d->value                    ? d->value
                            : d->role == KAFKA_CONSUMER ? settings->group
                                                        : transactional_id;

        if (!d->value && role == KAFKA_WRITER)
            continue;
        if (d->owned == owned && kafka_fits(d->role, role) && *value &&
            !kafka_conf_put(conf, d->key, value, d->optional, error))
            return false;
    }
    return true;
}

rd_kafka_conf_t *kafka_conf_new(const struct settings *settings, enum kafka_role role,
                                char error[512])
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool ok = kafka_conf_ours(conf, settings, role, false, error);

    for (size_t i = 0; ok && i < settings->kafka.count; i++) {
        const struct settings_pair *pair = &settings->kafka.items[i];

        if (!kafka_owned(pair->key) && kafka_fits(kafka_conf_role(pair->key), role))
            ok = kafka_conf_put(conf, pair->key, pair->value, false, error);
    }
    if (ok && kafka_conf_ours(conf, settings, role, true, error))
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}
