/* SPDX-License-Identifier: Apache-2.0 */
/* A small GET-only server on the loop: libmicrohttpd behind its epoll descriptor. */
#ifndef SHELL_HTTP_H
#define SHELL_HTTP_H

#include <stdbool.h>
#include <uv.h>

#include "funnel/buf.h"

struct MHD_Daemon;
struct MHD_Connection;

/* Borrowed during one answer. */
struct http_request {
    struct MHD_Connection *connection;
    const char *path;
};
/* NULL where it is absent. */
const char *http_argument(const struct http_request *r, const char *name);

struct http_route {
    const char *path;
    const char *type; /* Content-Type */
    unsigned (*answer)(void *context, const struct http_request *request,
                       struct buf *body); /* status */
};

struct http {
    uv_poll_t poll;
    uv_timer_t timer;
    struct MHD_Daemon *daemon;
    const struct http_route *routes; /* ends with path NULL */
    const char *token;               /* NULL: none is asked for */
    void *context;
    bool open;
};

/* address: "127.0.0.1:9464", "[::1]:0", "localhost:9464". Routes, token and context are borrowed. Returns
 * EXIT_OK, or a code with the reason in why[256]. */
int http_open(struct http *h, uv_loop_t *loop, const char *address, const char *token,
              const struct http_route *routes, void *context, char why[256]);
int http_port(const struct http *h); /* the one it listens on */
void http_close(struct http *h);     /* accepts one that was never opened */

/* --- pure parts --- */

/* Splits an address; brackets are taken off. False where it is none. */
bool http_address(const char *address, char host[64], char port[8]);
bool http_host_is_loopback(const char *host);
/* "Bearer TOKEN" against the token, in a time that does not depend on where they differ. */
bool http_is_authorized(const char *header, const char *token);

#endif
