/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that go through librdkafka's admin interface: one request, one answer. */
#include "ktool.h"

#include <string.h>
#include <strings.h>

struct admin {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
};

static void admin_open(struct admin *a, const struct options *o)
{
    int timeout = (int)o->timeout_ms;

    a->rk = client_new(o, RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL);
    a->queue = rd_kafka_queue_new(a->rk);
    a->options = rd_kafka_AdminOptions_new(a->rk, RD_KAFKA_ADMIN_OP_ANY);
    rd_kafka_AdminOptions_set_request_timeout(a->options, timeout, NULL, 0);
    /* Without it the broker answers before the change is done. Not above the request's own. */
    rd_kafka_AdminOptions_set_operation_timeout(a->options, timeout < 10000 ? timeout : 10000, NULL,
                                                0);
}

static void admin_close(struct admin *a)
{
    rd_kafka_AdminOptions_destroy(a->options);
    rd_kafka_queue_destroy(a->queue);
    rd_kafka_destroy(a->rk);
}

/* The one answer, to be destroyed; NULL and a message when the request as a whole failed. */
static rd_kafka_event_t *admin_answer(struct admin *a, const struct options *o)
{
    rd_kafka_event_t *e = rd_kafka_queue_poll(a->queue, (int)o->timeout_ms + 1000);

    rd_kafka_poll(a->rk, 0); /* client_trouble() */
    if (!e) {
        fail("no answer; %s", client_trouble());
    } else if (rd_kafka_event_error(e)) {
        fail("%s; %s", rd_kafka_event_error_string(e), client_trouble());
        rd_kafka_event_destroy(e);
        e = NULL;
    }
    return e;
}

/* What became of the one topic of a create, delete or grow request. */
static rd_kafka_resp_err_t topic_error(const rd_kafka_topic_result_t **topics, size_t count)
{
    rd_kafka_resp_err_t err = count ? rd_kafka_topic_result_error(topics[0])
                                    : RD_KAFKA_RESP_ERR_UNKNOWN;

    if (err && err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        fail("%s: %s", count ? rd_kafka_topic_result_name(topics[0]) : "topic",
             count && rd_kafka_topic_result_error_string(topics[0])
                 ? rd_kafka_topic_result_error_string(topics[0])
                 : rd_kafka_err2str(err));
    return err;
}

int ktool_create(const struct options *o)
{
    char error[512];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(o->topic, (int)o->partitions, 1, error,
                                                       sizeof(error));
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    int64_t deadline = now_ms() + o->timeout_ms;
    const rd_kafka_topic_result_t **topics;
    rd_kafka_event_t *e;
    struct admin a;
    bool ready = false;
    size_t n;

    if (!topic)
        return fail("%s", error);
    for (int i = 0; i < o->configs.count; i++)
        rd_kafka_NewTopic_set_config(topic, o->configs.items[i].key, o->configs.items[i].value);
    admin_open(&a, o);
    rd_kafka_CreateTopics(a.rk, &topic, 1, a.options, a.queue);
    if ((e = admin_answer(&a, o))) {
        topics = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(e), &n);
        err = topic_error(topics, n);
        rd_kafka_event_destroy(e);
    }
    if (err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS && o->if_absent)
        err = RD_KAFKA_RESP_ERR_NO_ERROR;
    else if (err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        fail("%s: exists already", o->topic);
    /* Created is not yet known to every client: whoever subscribes at once would have to wait. */
    if (!err)
        ready = client_partitions(a.rk, o->topic, deadline) > 0;
    rd_kafka_NewTopic_destroy(topic);
    admin_close(&a);
    return ready ? KTOOL_OK : KTOOL_ERROR;
}

int ktool_delete(const struct options *o)
{
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(o->topic);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    const rd_kafka_topic_result_t **topics;
    rd_kafka_event_t *e;
    struct admin a;
    size_t n;

    admin_open(&a, o);
    rd_kafka_DeleteTopics(a.rk, &topic, 1, a.options, a.queue);
    if ((e = admin_answer(&a, o))) {
        topics = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(e), &n);
        err = topic_error(topics, n);
        rd_kafka_event_destroy(e);
    }
    rd_kafka_DeleteTopic_destroy(topic);
    admin_close(&a);
    return err ? KTOOL_ERROR : KTOOL_OK;
}

int ktool_grow(const struct options *o)
{
    char error[512];
    rd_kafka_NewPartitions_t *topic = rd_kafka_NewPartitions_new(o->topic, (size_t)o->partitions,
                                                                 error, sizeof(error));
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    const rd_kafka_topic_result_t **topics;
    rd_kafka_event_t *e;
    struct admin a;
    size_t n;

    if (!topic)
        return fail("%s", error);
    admin_open(&a, o);
    rd_kafka_CreatePartitions(a.rk, &topic, 1, a.options, a.queue);
    if ((e = admin_answer(&a, o))) {
        topics = rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(e),
                                                         &n);
        err = topic_error(topics, n);
        rd_kafka_event_destroy(e);
    }
    rd_kafka_NewPartitions_destroy(topic);
    admin_close(&a);
    return err ? KTOOL_ERROR : KTOOL_OK;
}

int ktool_trim(const struct options *o)
{
    rd_kafka_topic_partition_list_t *before = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    rd_kafka_DeleteRecords_t *request;
    rd_kafka_event_t *e;
    struct admin a;

    rd_kafka_topic_partition_list_add(before, o->topic, (int32_t)o->partition)->offset = o->offset;
    request = rd_kafka_DeleteRecords_new(before);
    rd_kafka_topic_partition_list_destroy(before);
    admin_open(&a, o);
    rd_kafka_DeleteRecords(a.rk, &request, 1, a.options, a.queue);
    if ((e = admin_answer(&a, o))) {
        err = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(e))
                  ->elems[0]
                  .err;
        if (err)
            fail("%s [%d]: %s", o->topic, (int)o->partition, rd_kafka_err2str(err));
        rd_kafka_event_destroy(e);
    }
    rd_kafka_DeleteRecords_destroy(request);
    admin_close(&a);
    return err ? KTOOL_ERROR : KTOOL_OK;
}

static rd_kafka_AclOperation_t acl_operation(const char *name)
{
    for (int op = RD_KAFKA_ACL_OPERATION_ALL; op < RD_KAFKA_ACL_OPERATION__CNT; op++)
        if (strcasecmp(rd_kafka_AclOperation_name((rd_kafka_AclOperation_t)op), name) == 0)
            return (rd_kafka_AclOperation_t)op;
    return RD_KAFKA_ACL_OPERATION_UNKNOWN;
}

int ktool_acl(const struct options *o)
{
    rd_kafka_ResourceType_t type = o->topic ? RD_KAFKA_RESOURCE_TOPIC : RD_KAFKA_RESOURCE_GROUP;
    rd_kafka_AclPermissionType_t permission = o->allow ? RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW
                                                       : RD_KAFKA_ACL_PERMISSION_TYPE_DENY;
    const rd_kafka_error_t *error = NULL;
    const rd_kafka_acl_result_t **results;
    char principal[256], why[512];
    rd_kafka_AclBinding_t *acl;
    rd_kafka_event_t *e;
    struct admin a;
    bool done = false;
    size_t n;

    snprintf(principal, sizeof(principal), "User:%s", o->user);
    acl = rd_kafka_AclBinding_new(
        type, o->topic ? o->topic : o->group, RD_KAFKA_RESOURCE_PATTERN_LITERAL, principal, "*",
        acl_operation(o->allow ? o->allow : o->deny), permission, why, sizeof(why));
    if (!acl)
        return fail("%s", why);
    admin_open(&a, o);
    rd_kafka_CreateAcls(a.rk, &acl, 1, a.options, a.queue);
    if ((e = admin_answer(&a, o))) {
        results = rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(e), &n);
        error = n ? rd_kafka_acl_result_error(results[0]) : NULL;
        if (error)
            fail("%s", rd_kafka_error_string(error));
        done = !error;
        rd_kafka_event_destroy(e);
    }
    rd_kafka_AclBinding_destroy(acl);
    admin_close(&a);
    return done ? KTOOL_OK : KTOOL_ERROR;
}
