/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/kafka_conf.h"

#include <string.h>

#include <criterion/criterion.h>

static struct settings_problems check(struct settings_pair *pairs, size_t count)
{
    struct settings settings = {.group = "g", .kafka = {pairs, count}};
    struct settings_problems problems = {0};

    kafka_conf_check(&settings, &problems);
    return problems;
}

static const struct settings_problem *find(const struct settings_problems *problems,
                                           const char *path)
{
    for (size_t i = 0; i < problems->count; i++) {
        if (strcmp(problems->items[i].path, path) == 0)
            return &problems->items[i];
    }
    return NULL;
}

Test(kafka_conf, good)
{
    struct settings_pair pairs[] = {
        {"bootstrap.servers", "127.0.0.1:1", {2, 3}},
        {"queued.min.messages", "5", {3, 3}},
        {"linger.ms", "7", {4, 3}},
        {"security.protocol", "plaintext", {5, 3}},
    };
    struct settings_problems problems = check(pairs, 4);

    cr_assert_eq(problems.count, 0, "%s", problems.count ? problems.items[0].message : "");
    settings_problems_deinit(&problems);
}

Test(kafka_conf, every_problem_with_its_line)
{
    struct settings_pair pairs[] = {
        {"bootsrap.servers", "127.0.0.1:1", {2, 3}},
        {"queued.min.messages", "many", {3, 3}},
        {"isolation.level", "read_uncommitted", {4, 3}},
        {"ssl.key.password", "hunter2", {5, 3}},
    };
    struct settings_problems problems = check(pairs, 4);

    cr_assert_not_null(find(&problems, "kafka.bootsrap.servers"));
    cr_assert_eq(find(&problems, "kafka.bootsrap.servers")->mark.line, 2);
    cr_assert_not_null(find(&problems, "kafka.queued.min.messages"));
    cr_assert_not_null(find(&problems, "kafka.isolation.level"), "funneld owns it");
    cr_assert_not_null(find(&problems, "kafka.bootstrap.servers"), "it is missing");
    for (size_t i = 0; i < problems.count; i++) {
        cr_assert(*problems.items[i].remedy);
        cr_assert_null(strstr(problems.items[i].message, "hunter2"));
    }
    settings_problems_deinit(&problems);
}

Test(kafka_conf, what_only_a_client_finds)
{
    struct settings_pair pairs[] = {
        {"bootstrap.servers", "127.0.0.1:1", {2, 3}},
        {"transaction.timeout.ms", "5000", {3, 3}},
        {"message.timeout.ms", "60000", {4, 3}},
    };
    struct settings_problems problems = check(pairs, 3);

    cr_assert_eq(problems.errors, 1);
    settings_problems_deinit(&problems);
}

static void expect(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char got[256] = "";
    size_t size = sizeof(got);

    rd_kafka_conf_get(conf, key, got, &size);
    cr_assert_str_eq(got, value, "%s is %s", key, got);
}

Test(kafka_conf, roles_and_layers)
{
    struct settings_pair pairs[] = {
        {"bootstrap.servers", "h:1", {2, 3}},
        {"fetch.wait.max.ms", "17", {3, 3}},
        {"transaction.timeout.ms", "12345", {4, 3}},
    };
    struct settings settings = {.group = "g", .kafka = {pairs, 3}};
    char error[512];
    rd_kafka_conf_t *conf = kafka_conf_new(&settings, KAFKA_CONSUMER, error);

    cr_assert_not_null(conf, "%s", error);
    expect(conf, "group.id", "g");
    expect(conf, "isolation.level", "read_committed");
    expect(conf, "fetch.wait.max.ms", "17");
    expect(conf, "queued.min.messages", "1000000");
    expect(conf, "transaction.timeout.ms", "60000"); /* the library's own: not set on a consumer */
    rd_kafka_conf_destroy(conf);
    conf = kafka_conf_new(&settings, KAFKA_PRODUCER, error);
    cr_assert_not_null(conf, "%s", error);
    expect(conf, "transactional.id", "funneld-g");
    expect(conf, "transaction.timeout.ms", "12345");
    expect(conf, "retry.backoff.ms", "10");
    rd_kafka_conf_destroy(conf);
    conf = kafka_conf_new(&settings, KAFKA_WRITER, error);
    cr_assert_not_null(conf, "%s", error);
    expect(conf, "transactional.id", "");
    expect(conf, "enable.idempotence", "true");
    expect(conf, "compression.type", "lz4");
    expect(conf, "bootstrap.servers", "h:1");
    rd_kafka_conf_destroy(conf);
    cr_assert_eq(kafka_conf_role("fetch.wait.max.ms"), KAFKA_CONSUMER);
    cr_assert_eq(kafka_conf_role("linger.ms"), KAFKA_PRODUCER);
    cr_assert_eq(kafka_conf_role("bootstrap.servers"), KAFKA_BOTH);
}
