/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/publish.h"

#include <string.h>

#include "shell/kafka_error.h"
#include "shell/log.h"
#include "shell/outbox.h"

void publish_init(struct publish *p, const struct settings *settings)
{
    *p = (struct publish){.names = {[RECORD_ALERT] = settings->outputs.alerts,
                                    [RECORD_DEADLETTER] = settings->outputs.deadletter}};
}

void publish_attach(struct publish *p, rd_kafka_t *producer)
{
    for (int i = 0; i < PUBLISH_TARGETS; i++)
        p->topics[i] = rd_kafka_topic_new(producer, p->names[i], NULL);
}

void publish_detach(struct publish *p)
{
    for (int i = 0; i < PUBLISH_TARGETS; i++) {
        if (p->topics[i])
            rd_kafka_topic_destroy(p->topics[i]);
        p->topics[i] = NULL;
    }
}

bool publish_deadletters_off(const struct publish *p)
{
    return p->refused[RECORD_DEADLETTER] != RD_KAFKA_RESP_ERR_NO_ERROR;
}

void publish_refused(struct publish *p, int target, rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || p->refused[target] == code)
        return;
    p->refused[target] = code;
    p->refusals++;
    p->blames = 0;
    p->trial = p->suspect = false; /* it is known now */
    log_error(
        target == RECORD_DEADLETTER ? "dead letters are switched off: their topic refuses them"
                                    : "alerts cannot be published: their topic refuses them",
        LOG_TEXT("topic", p->names[target]), LOG_TEXT("code", rd_kafka_err2name(code)),
        LOG_TEXT("remedy", "repair the topic or its ACLs; for dead letters, restart funneld then"));
}

static void publish_acquit(struct publish *p)
{
    p->trial = p->suspect = false;
    p->blames = 0;
}

/* Whose fault it is, where no report says it; PUBLISH_TARGETS: not known yet. */
static int publish_guilty(const struct publish *p, const struct records *records)
{
    bool has[PUBLISH_TARGETS] = {false};

    for (size_t i = 0; i < records->count; i++)
        has[records->items[i].target] = true;
    if (p->trial || !has[RECORD_DEADLETTER] || publish_deadletters_off(p))
        return RECORD_ALERT;
    return p->suspect || !has[RECORD_ALERT] ? RECORD_DEADLETTER : PUBLISH_TARGETS;
}

void publish_blame(struct publish *p, const struct records *records, rd_kafka_resp_err_t code)
{
    int guilty = publish_guilty(p, records);

    if (p->blames++ == 0)
        return;
    if (guilty == PUBLISH_TARGETS) {
        p->trial = true;
        return;
    }
    publish_refused(p, guilty, code);
    publish_acquit(p);
}

void publish_rehearsed(struct publish *p)
{
    p->trial = false;
    p->suspect = true;
}

void publish_passed(struct publish *p)
{
    publish_acquit(p);
}

static rd_kafka_headers_t *publish_headers(const struct records *records, const struct record *r)
{
    rd_kafka_headers_t *headers = r->header_count ? rd_kafka_headers_new(r->header_count) : NULL;
    const char *name;
    struct span value;
    size_t at = 0;

    while (headers && record_header_next(records, r, &at, &name, &value))
        rd_kafka_header_add(headers, name, -1, value.p, value.p ? (ssize_t)value.len : -1);
    return headers;
}

static rd_kafka_resp_err_t publish_one(struct publish *p, rd_kafka_t *producer,
                                       const struct records *records, const struct record *r)
{
    struct span key = record_key_of(records, r), value = record_value_of(records, r);
    rd_kafka_headers_t *headers = publish_headers(records, r);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer, RD_KAFKA_V_RKT(p->topics[r->target]), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(key.p, key.len), RD_KAFKA_V_VALUE((void *)(uintptr_t)value.p, value.len),
        RD_KAFKA_V_TIMESTAMP(r->timestamp > 0 ? r->timestamp : 0), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_OPAQUE((void *)(intptr_t)r->target), RD_KAFKA_V_END);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && headers)
        rd_kafka_headers_destroy(headers); /* taken over only by success */
    return code;
}

static void publish_drop(struct publish *p, const struct record *r)
{
    p->dropping[r->target]++;
    if (r->target == RECORD_ALERT)
        log_error("an alert is too large to be published",
                  LOG_NUMBER("bytes", r->key_len + r->value_len + r->headers_len));
    else if (!p->trial && !publish_deadletters_off(p))
        log_warning("a dead letter is too large for message.max.bytes",
                    LOG_NUMBER("bytes", r->value_len));
}

size_t publish_records(struct publish *p, rd_kafka_t *producer, const struct records *records,
                       size_t from, rd_kafka_resp_err_t *ret_code)
{
    *ret_code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (from == 0) /* another attempt */
        memset(p->dropping, 0, sizeof(p->dropping));
    for (; from < records->count; from++) {
        const struct record *r = &records->items[from];
        rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
        bool off = r->target == RECORD_DEADLETTER && (p->trial || publish_deadletters_off(p));

        if (!off && outbox_record_fits(r))
            code = publish_one(p, producer, records, r);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return from;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            p->produced[r->target]++;
        } else if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
            publish_drop(p, r);
        } else {
            *ret_code = code;
            if (kafka_error_is_lasting(code))
                publish_refused(p, (int)r->target, code);
            return from;
        }
    }
    return from;
}

void publish_committed(struct publish *p)
{
    for (int i = 0; i < PUBLISH_TARGETS; i++) {
        p->dropped[i] += p->dropping[i];
        p->dropping[i] = 0;
    }
}

static void publish_delivered(struct publish *p, const rd_kafka_message_t *m)
{
    int target = (int)(intptr_t)m->_private;

    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (target == RECORD_ALERT && p->refused[target] != RD_KAFKA_RESP_ERR_NO_ERROR) {
            p->refused[target] = RD_KAFKA_RESP_ERR_NO_ERROR;
            log_notice("the alert topic takes records again", LOG_TEXT("topic", p->names[target]));
        }
    } else if (kafka_error_is_lasting(m->err)) {
        publish_refused(p, target, m->err);
    } else {
        log_debug("a record was not delivered", LOG_TEXT("topic", p->names[target]),
                  LOG_TEXT("code", rd_kafka_err2name(m->err)));
    }
}

void publish_serve(struct publish *p, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event;

    while (queue && (event = rd_kafka_queue_poll(queue, 0))) {
        const rd_kafka_message_t *m;

        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR) {
            while ((m = rd_kafka_event_message_next(event)))
                publish_delivered(p, m);
        }
        rd_kafka_event_destroy(event);
    }
}
