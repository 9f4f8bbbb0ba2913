/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shell/exit_codes.h"
#include "shell/log.h"

#define HTTP_RUN_MS 1000
#define HTTP_CONNECTIONS 128u
#define HTTP_PER_ADDRESS 64u
#define HTTP_TIMEOUT_S 15u
#define HTTP_MEMORY 16384 /* per connection: bounds the request's head */

/* --- addresses --- */

bool http_address(const char *address, char host[64], char port[8])
{
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : 0;
    char *end;
    long number;

    if (!colon || n == 0 || n >= 64 || strlen(colon + 1) == 0 || strlen(colon + 1) >= 8)
        return false;
    if (address[0] == '[' && (n < 3 || address[n - 1] != ']'))
        return false;
    if (address[0] != '[' && memchr(address, ':', n))
        return false; /* IPv6 wants brackets */
    number = strtol(colon + 1, &end, 10);
    if (*end || number < 0 || number > 65535)
        return false;
    snprintf(host, 64, "%.*s", (int)(address[0] == '[' ? n - 2 : n), address + (address[0] == '['));
    snprintf(port, 8, "%ld", number);
    return true;
}

bool http_host_is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

static int http_bind(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 128) == 0)
        return fd;
    one = errno;
    close(fd);
    errno = one;
    return -1;
}

/* Numeric addresses, and localhost: a name service must not hold up a start. */
static int http_listen(const char *address, bool guarded, int *ret_fd, char why[256])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST},
                    *found;
    char host[64], port[8];
    int failed;

    if (!http_address(address, host, port)) {
        snprintf(why, 256, "http: %s is no HOST:PORT", address);
        return EXIT_CONFIGURATION;
    }
    if (!guarded && !http_host_is_loopback(host)) {
        snprintf(why, 256, "http: %s is not a loopback address: set http_token", address);
        return EXIT_CONFIGURATION;
    }
    failed = getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port, &hints, &found);
    if (failed) {
        snprintf(why, 256, "http: %s: %s", address, gai_strerror(failed));
        return EXIT_CONFIGURATION;
    }
    *ret_fd = http_bind(found);
    failed = errno;
    freeaddrinfo(found);
    if (*ret_fd >= 0)
        return EXIT_OK;
    snprintf(why, 256, "http: cannot listen on %s: %s", address, strerror(failed));
    return EXIT_IO;
}

/* --- requests --- */

bool http_is_authorized(const char *header, const char *token)
{
    static const char scheme[] = "Bearer ";
    size_t have, want = strlen(token);
    volatile unsigned char differ = 0;

    if (!header || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
        return false;
    header += sizeof(scheme) - 1;
    have = strlen(header);
    for (size_t i = 0; i < want; i++)
        differ |= (unsigned char)(token[i] ^ header[i < have ? i : 0]);
    return differ == 0 && have == want;
}

const char *http_argument(const struct http_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *http_head(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result http_respond(struct MHD_Connection *connection, unsigned status,
                                    const char *type, const struct buf *body, bool close_after)
{
    static const char *const headers[][2] = {
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    };
    struct MHD_Response *response = MHD_create_response_from_buffer(body->len, body->data,
                                                                    MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET");
    if (status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"funneld\"");
    if (close_after)
        MHD_add_response_header(response, "Connection", "close");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result http_refuse(struct MHD_Connection *connection, unsigned status,
                                   const char *text)
{
    struct buf body = {0};
    enum MHD_Result result;

    buf_fmt(&body, "%s\n", text);
    result = http_respond(connection, status, "text/plain; charset=utf-8", &body, true);
    buf_deinit(&body);
    return result;
}

/* libmicrohttpd takes contradicting lengths; a request that announces any body is not answered at all. */
static bool http_has_body(struct MHD_Connection *connection)
{
    const char *length = http_head(connection, "Content-Length");

    return http_head(connection, "Transfer-Encoding") || (length && strcmp(length, "0") != 0);
}

static const struct http_route *http_route(const struct http *h, const char *path)
{
    for (const struct http_route *r = h->routes; r->path; r++) {
        if (strcmp(r->path, path) == 0)
            return r;
    }
    return NULL;
}

static enum MHD_Result http_answer(struct http *h, struct MHD_Connection *connection,
                                   const char *url)
{
    const struct http_route *route = http_route(h, url);
    struct http_request request = {connection, url};
    struct buf body = {0};
    enum MHD_Result result;
    unsigned status;

    if (h->token && !http_is_authorized(http_head(connection, "Authorization"), h->token))
        return http_refuse(connection, MHD_HTTP_UNAUTHORIZED, "bearer token required");
    if (!route)
        return http_refuse(connection, MHD_HTTP_NOT_FOUND, "no such page");
    status = route->answer(h->context, &request, &body);
    result = http_respond(connection, status, route->type, &body, false);
    buf_deinit(&body);
    return result;
}

/* Called when the head has arrived, and again when a body, here none, has. An answer to the first call
 * would close the connection: right for what is refused, wasteful for a scraper. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **con_cls)
{
    static char seen;

    (void)version;
    (void)upload;
    (void)upload_size;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return http_refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET");
    if (http_has_body(connection))
        return http_refuse(connection, MHD_HTTP_BAD_REQUEST, "a request must not have a body");
    if (!*con_cls) {
        *con_cls = &seen;
        return MHD_YES;
    }
    return http_answer(cls, connection, url);
}

/* --- the loop --- */

static void on_timer(uv_timer_t *timer);

/* After every run the library is asked when it wants the next one; but it is run at least once a second. At its
 * limit of connections it takes the listening socket out of its epoll set, and looks whether it may put it back
 * only when a run begins: nothing else would ever wake it again. */
static void http_serve(struct http *h)
{
    MHD_UNSIGNED_LONG_LONG ms;

    MHD_run(h->daemon);
    if (MHD_get_timeout(h->daemon, &ms) != MHD_YES || ms > HTTP_RUN_MS)
        ms = HTTP_RUN_MS;
    uv_timer_start(&h->timer, on_timer, ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    http_serve(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    http_serve(poll->data);
}

static void on_mhd_log(void *cls, const char *format, va_list ap)
{
    char text[256];

    (void)cls;
    vsnprintf(text, sizeof(text), format, ap);
    log_debug("http", LOG_TEXT("text", text));
}

int http_open(struct http *h, uv_loop_t *loop, const char *address, const char *token,
              const struct http_route *routes, void *context, char why[256])
{
    int fd = -1, code = http_listen(address, token && *token, &fd, why);
    const union MHD_DaemonInfo *info;

    *h = (struct http){
        .routes = routes, .token = token && *token ? token : NULL, .context = context};
    if (code != EXIT_OK)
        return code;
    h->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER,
        on_mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        HTTP_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT, HTTP_PER_ADDRESS,
        MHD_OPTION_CONNECTION_TIMEOUT, HTTP_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!h->daemon) {
        close(fd);
        snprintf(why, 256, "http: libmicrohttpd does not start on %s", address);
        return EXIT_IO;
    }
    info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    uv_poll_init(loop, &h->poll, info->epoll_fd);
    uv_timer_init(loop, &h->timer);
    h->poll.data = h->timer.data = h;
    uv_poll_start(&h->poll, UV_READABLE, on_poll);
    h->open = true;
    return EXIT_OK;
}

int http_port(const struct http *h)
{
    return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void http_close(struct http *h)
{
    if (!h->open)
        return;
    h->open = false;
    uv_poll_stop(&h->poll);
    uv_close((uv_handle_t *)&h->poll, NULL);
    uv_close((uv_handle_t *)&h->timer, NULL);
    MHD_stop_daemon(h->daemon);
}
