/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_report.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#define FETCH_TIMEOUT_MS 500
#define ANSWER_MAX (8 << 20)

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int http_open(int port, int timeout_ms)
{
    struct sockaddr_in to = loopback(port);
    struct timeval limit = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int http_exchange(int fd, const char *path, struct buf *answer)
{
    struct buf ask = {0};
    ssize_t n;

    /* 1.0: the answer ends with the connection and is never chunked. */
    buf_fmt(&ask, "GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", path);
    n = send(fd, ask.data, ask.len, MSG_NOSIGNAL);
    buf_deinit(&ask);
    if (n <= 0)
        return -1;
    do {
        buf_reserve(answer, 16384);
        n = recv(fd, answer->data + answer->len, 16384, 0);
        answer->len += n > 0 ? (size_t)n : 0;
    } while (n > 0 && answer->len < ANSWER_MAX);
    return n == 0 ? 0 : -1;
}

int demo_http_get(int port, const char *path, int timeout_ms, struct buf *body)
{
    struct buf answer = {0};
    int fd = http_open(port, timeout_ms), status = -1;
    const char *text, *rest;

    if (fd < 0)
        return -1;
    if (http_exchange(fd, path, &answer) == 0) {
        text = buf_cstr(&answer);
        rest = strstr(text, "\r\n\r\n");
        if (rest && sscanf(text, "HTTP/1.%*1d %3d", &status) == 1)
            buf_add(body, rest + 4, answer.len - (size_t)(rest + 4 - text));
        else
            status = -1;
    }
    close(fd);
    buf_deinit(&answer);
    return status;
}

static int64_t integer_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

static bool read_sums(struct demo_sums *s, const cJSON *root)
{
    const cJSON *steps = cJSON_GetObjectItemCaseSensitive(root, "steps");
    const cJSON *stages = cJSON_GetObjectItemCaseSensitive(root, "stages");

    if (cJSON_GetArraySize(steps) < SHOP_STEPS || cJSON_GetArraySize(stages) < SHOP_STAGES)
        return false;
    s->at_ms = integer_of(root, "to");
    for (int i = 0; i < SHOP_STEPS; i++) {
        const cJSON *step = cJSON_GetArrayItem(steps, i);
        int64_t credited = integer_of(step, "credited");

        s->entries[i] = integer_of(step, "entered") + credited;
        s->conversions[i] = integer_of(step, "advanced") + credited;
    }
    for (int i = 0; i < SHOP_STAGES; i++)
        s->reached[i] = integer_of(cJSON_GetArrayItem(stages, i), "reached");
    return true;
}

static void report_keep(struct demo_report *r)
{
    if (r->count > 0) {
        const struct demo_sums *last = &r->past[(r->first + r->count - 1) % DEMO_SUMS_MAX];

        if (r->now.at_ms < last->at_ms + MINUTE_MS / 2)
            return;
    }
    if (r->count == DEMO_SUMS_MAX) {
        r->first = (r->first + 1) % DEMO_SUMS_MAX;
        r->count--;
    }
    r->past[(r->first + r->count++) % DEMO_SUMS_MAX] = r->now;
}

static bool report_read(struct demo_report *r, const char *text, size_t len)
{
    /* One object a funnel and line: the demo has one funnel. */
    const char *end = memchr(text, '\n', len);
    cJSON *root = cJSON_ParseWithLength(text, end ? (size_t)(end - text) : len);
    bool good = root && read_sums(&r->now, root);

    if (good) {
        r->there = true;
        r->begin_ms = integer_of(root, "from");
        r->events = integer_of(root, "events");
        r->entities = integer_of(root, "entities");
        r->deadletters = integer_of(root, "deadletters");
        report_keep(r);
    }
    cJSON_Delete(root);
    return good;
}

void demo_report_fetch(struct demo_report *r, int port)
{
    struct buf body = {0};
    int status = demo_http_get(port, "/api/v1/report", FETCH_TIMEOUT_MS, &body);

    if (status != 200)
        snprintf(r->wrong, sizeof(r->wrong), "GET /api/v1/report: %s %d",
                 status < 0 ? "no answer," : "status", status);
    else if (!report_read(r, body.data, body.len))
        snprintf(r->wrong, sizeof(r->wrong), "GET /api/v1/report: not a report");
    buf_deinit(&body);
}

struct demo_sums demo_report_hour(const struct demo_report *r, int64_t *ret_minutes)
{
    struct demo_sums then = {.at_ms = r->begin_ms}, d = r->now;

    for (size_t i = 0; i < r->count; i++) {
        const struct demo_sums *s = &r->past[(r->first + i) % DEMO_SUMS_MAX];

        if (s->at_ms > r->now.at_ms - HOUR_MS)
            break;
        then = *s;
    }
    *ret_minutes = (r->now.at_ms - then.at_ms + MINUTE_MS / 2) / MINUTE_MS;
    for (int i = 0; i < SHOP_STEPS; i++) {
        d.entries[i] -= then.entries[i];
        d.conversions[i] -= then.conversions[i];
    }
    for (int i = 0; i < SHOP_STAGES; i++)
        d.reached[i] -= then.reached[i];
    return d;
}

int demo_port_free(void)
{
    struct sockaddr_in at = loopback(0);
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = 0;

    if (fd < 0)
        return 0;
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
        getsockname(fd, (struct sockaddr *)&at, &len) == 0)
        port = ntohs(at.sin_port);
    close(fd);
    return port;
}
