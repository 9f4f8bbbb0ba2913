/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of stdin to a topic, in order, each once. */
#include "ktool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

/* One record on its way to librdkafka, which copies it. */
struct outgoing {
    const void *key, *value; /* NULL: null */
    size_t key_len, value_len;
    int32_t partition;
    int64_t timestamp; /* ms; 0: now */
    rd_kafka_headers_t *headers;
    void *owned[2]; /* decoded from _hex */
    char number[32];
};

struct tally {
    int64_t delivered, failed;
    bool report;
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct tally *t = opaque;

    (void)rk;
    if (m->err) {
        if (t->failed++ == 0)
            fail("not delivered: %s", rd_kafka_err2str(m->err));
        return;
    }
    t->delivered++;
    if (t->report)
        printf("{\"partition\":%d,\"offset\":%lld}\n", m->partition, (long long)m->offset);
}

/* What a JSON pointer (without ~ escapes) leads to, or NULL. */
static const cJSON *pointer_get(const cJSON *node, const char *pointer)
{
    char name[256];

    while (node && *pointer == '/') {
        size_t len = strcspn(++pointer, "/");

        if (len >= sizeof(name))
            return NULL;
        memcpy(name, pointer, len);
        name[len] = '\0';
        pointer += len;
        node = cJSON_IsArray(node) ? cJSON_GetArrayItem(node, atoi(name))
                                   : cJSON_GetObjectItemCaseSensitive(node, name);
    }
    return node;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void *hex_bytes(const char *hex, size_t *ret_len)
{
    size_t len = strlen(hex);
    unsigned char *bytes = malloc(len / 2 + 1);

    for (size_t i = 0; bytes && i + 1 < len; i += 2) {
        int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);

        if (high < 0 || low < 0)
            break;
        bytes[i / 2] = (unsigned char)(high << 4 | low);
    }
    *ret_len = len / 2;
    return bytes;
}

/* Field name of a record, or name_hex: a string, or null. */
static bool record_bytes(const cJSON *record, const char *name, const void **ret, size_t *ret_len,
                         void **owned)
{
    char hex_name[300];
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(record, name), *hex;

    snprintf(hex_name, sizeof(hex_name), "%s_hex", name);
    hex = cJSON_GetObjectItemCaseSensitive(record, hex_name);
    if (cJSON_IsString(hex)) {
        *ret = *owned = hex_bytes(hex->valuestring, ret_len);
    } else if (cJSON_IsString(text)) {
        *ret = text->valuestring;
        *ret_len = strlen(text->valuestring);
    } else if (text && !cJSON_IsNull(text)) {
        return false;
    }
    return true;
}

static void headers_add(struct outgoing *r, const char *name, const char *value)
{
    if (!r->headers)
        r->headers = rd_kafka_headers_new(8);
    rd_kafka_header_add(r->headers, name, -1, value, value ? (ssize_t)strlen(value) : 0);
}

static bool fill_record(struct outgoing *r, const cJSON *line)
{
    const cJSON *partition = cJSON_GetObjectItemCaseSensitive(line, "partition");
    const cJSON *ts = cJSON_GetObjectItemCaseSensitive(line, "ts"), *header;

    if (!cJSON_IsObject(line) || !record_bytes(line, "key", &r->key, &r->key_len, &r->owned[0]) ||
        !record_bytes(line, "value", &r->value, &r->value_len, &r->owned[1]))
        return false;
    if (cJSON_IsNumber(partition))
        r->partition = (int32_t)partition->valuedouble;
    if (cJSON_IsNumber(ts))
        r->timestamp = (int64_t)ts->valuedouble;
    cJSON_ArrayForEach (header, cJSON_GetObjectItemCaseSensitive(line, "headers"))
        headers_add(r, header->string, cJSON_IsString(header) ? header->valuestring : NULL);
    return true;
}

/* Key and time out of a JSON value that is sent as it stands. */
static bool fill_pointers(struct outgoing *r, const struct options *o, const cJSON *line)
{
    const cJSON *key = o->key ? pointer_get(line, o->key) : NULL;
    const cJSON *time = o->time ? pointer_get(line, o->time) : NULL;

    if (cJSON_IsNumber(key))
        snprintf(r->number, sizeof(r->number), "%.0f", key->valuedouble);
    r->key = cJSON_IsString(key) ? key->valuestring : cJSON_IsNumber(key) ? r->number : NULL;
    r->key_len = r->key ? strlen(r->key) : 0;
    if (cJSON_IsNumber(time))
        r->timestamp = (int64_t)time->valuedouble;
    return (!o->key || r->key) && (!o->time || cJSON_IsNumber(time));
}

/* False: the line is not what the format says. ret_json is to be deleted after the record was sent. */
static bool outgoing_fill(struct outgoing *r, const struct options *o, char *line, size_t len,
                          cJSON **ret_json)
{
    r->value = line;
    r->value_len = len;
    if (o->format == FORMAT_TAB) {
        char *tab = memchr(line, '\t', len);

        if (!tab)
            return true; /* a value without a key */
        r->key = line;
        r->key_len = (size_t)(tab - line);
        r->value_len = len - r->key_len - 1;
        r->value = r->value_len ? tab + 1 : NULL;
        return true;
    }
    if (o->format == FORMAT_PLAIN && !o->key && !o->time)
        return true;
    *ret_json = cJSON_ParseWithLength(line, len);
    if (o->format == FORMAT_PLAIN)
        return fill_pointers(r, o, *ret_json);
    r->value = NULL;
    r->value_len = 0;
    return fill_record(r, *ret_json);
}

static int outgoing_send(rd_kafka_t *rk, rd_kafka_topic_t *topic, struct outgoing *r)
{
    rd_kafka_resp_err_t err;

    do {
        err = rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(r->partition),
                                RD_KAFKA_V_KEY(r->key, r->key_len),
                                RD_KAFKA_V_VALUE((void *)(uintptr_t)r->value, r->value_len),
                                RD_KAFKA_V_TIMESTAMP(r->timestamp), RD_KAFKA_V_HEADERS(r->headers),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        rd_kafka_poll(rk, err == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
    } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    if (err && r->headers) /* else they are librdkafka's */
        rd_kafka_headers_destroy(r->headers);
    return err ? fail("%s", rd_kafka_err2str(err)) : KTOOL_OK;
}

static int produce_line(rd_kafka_t *rk, rd_kafka_topic_t *topic, const struct options *o,
                        char *line, size_t len)
{
    struct outgoing r = {
        .partition = o->partition == NOT_GIVEN ? RD_KAFKA_PARTITION_UA : (int32_t)o->partition,
        .timestamp = o->timestamp == NOT_GIVEN ? 0 : o->timestamp,
    };
    cJSON *json = NULL;
    int status = KTOOL_ERROR;

    for (int i = 0; i < o->headers.count; i++)
        headers_add(&r, o->headers.items[i].key, o->headers.items[i].value);
    if (outgoing_fill(&r, o, line, len, &json)) {
        status = outgoing_send(rk, topic, &r);
    } else {
        fail("no key, no time or no record in: %.*s", (int)(len < 200 ? len : 200), line);
        if (r.headers)
            rd_kafka_headers_destroy(r.headers);
    }
    cJSON_Delete(json);
    free(r.owned[0]);
    free(r.owned[1]);
    return status;
}

/* Lines per second: sleeps until line number n is due. */
static void pace(const struct options *o, int64_t start, int64_t n)
{
    int64_t wait = o->rate > 0 ? start + n * 1000 / o->rate - now_ms() : 0;

    if (wait > 0)
        nanosleep(&(struct timespec){wait / 1000, wait % 1000 * 1000000}, NULL);
}

int ktool_produce(const struct options *o)
{
    struct tally tally = {.report = o->report};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char timeout[24], *line = NULL;
    int64_t sent = 0, start = now_ms();
    size_t cap = 0;
    ssize_t len;
    int status = KTOOL_ERROR;
    rd_kafka_topic_t *topic;
    rd_kafka_t *rk;

    snprintf(timeout, sizeof(timeout), "%lld", (long long)o->timeout_ms);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, &tally);
    rk = client_new(o, RD_KAFKA_PRODUCER, conf, "enable.idempotence", "true", "linger.ms", "5",
                    "queue.buffering.max.messages", "1000000", "message.timeout.ms", timeout,
                    "partitioner", "murmur2_random", NULL);
    topic = rd_kafka_topic_new(rk, o->topic, NULL);
    /* Asked first: a record to a topic not known yet waits for a second, and one to a topic that does
     * not exist for the whole timeout. */
    if (client_partitions(rk, o->topic, start + o->timeout_ms) > 0)
        status = KTOOL_OK;
    while (!status && (len = getline(&line, &cap, stdin)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        if (len == 0)
            continue;
        pace(o, start, sent++);
        status = produce_line(rk, topic, o, line, (size_t)len);
    }
    while (rd_kafka_outq_len(rk) > 0) /* bounded by message.timeout.ms */
        rd_kafka_poll(rk, 100);
    fprintf(stderr, "%lld delivered, %lld failed\n", (long long)tally.delivered,
            (long long)tally.failed);
    free(line);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    return status || tally.failed ? KTOOL_ERROR : KTOOL_OK;
}
