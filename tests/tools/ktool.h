/* SPDX-License-Identifier: Apache-2.0 */
/* ktool: what the tests ask of a Kafka broker. The parts that its commands share. */
#ifndef KTOOL_H
#define KTOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <librdkafka/rdkafka.h>

enum { KTOOL_OK, KTOOL_ERROR, KTOOL_USAGE, KTOOL_TIMEOUT };
enum { FORMAT_PLAIN, FORMAT_TAB, FORMAT_RECORD };

#define PAIRS_MAX 64
#define NOT_GIVEN INT64_MIN

struct pair {
    char *key, *value;
};
struct pairs {
    struct pair items[PAIRS_MAX];
    int count;
};

/* The command line. Strings are borrowed from argv; NULL or NOT_GIVEN where an option was not given. */
struct options {
    const char *brokers, *topic, *group, *from, *key, *time, *metadata, *user, *allow, *deny;
    struct pairs properties, configs, headers;
    int64_t partition, partitions, offset, count, timestamp, rate, timeout_ms;
    int format;
    bool uncommitted, unstable, values, report, verbose, if_absent;
};

/* --- ktool_client.c: one client per run --- */

int64_t now_ms(void); /* monotonic */
/* Says it on stderr and returns KTOOL_ERROR. */
__attribute__((format(printf, 1, 2))) int fail(const char *format, ...);
/* A client of the options, with extra properties (key, value, ..., NULL). It owns conf, in which the
 * caller may have set callbacks. Exits on a wrong property. */
rd_kafka_t *client_new(const struct options *o, rd_kafka_type_t type, rd_kafka_conf_t *conf, ...);
/* The last thing that went wrong with the connection, or "". */
const char *client_trouble(void);
/* How many partitions the topic has, once each has a leader; 0 and a message when that is not so by
 * the deadline. */
int client_partitions(rd_kafka_t *rk, const char *topic, int64_t deadline);

/* --- ktool_json.c --- */

/* `"name":"text"`, or `"name_hex":"..."` where the bytes are not UTF-8, or `"name":null`. */
void json_bytes(FILE *out, const char *name, const void *data, size_t len);
void json_string(FILE *out, const char *text);

/* --- the commands; each returns an exit status --- */

int ktool_wait(const struct options *o);
int ktool_topics(const struct options *o);
int ktool_create(const struct options *o);
int ktool_delete(const struct options *o);
int ktool_grow(const struct options *o);
int ktool_trim(const struct options *o);
int ktool_acl(const struct options *o);
int ktool_ends(const struct options *o);
int ktool_offsets(const struct options *o);
int ktool_commit(const struct options *o);
int ktool_produce(const struct options *o);
int ktool_consume(const struct options *o);

#endif
