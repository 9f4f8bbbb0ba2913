/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/http.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "shell/exit_codes.h"

static unsigned answer(void *context, const struct http_request *request, struct buf *body)
{
    const char *name = http_argument(request, "name");

    (void)context;
    buf_fmt(body, "hello %s\n", name ? name : "you");
    return 200;
}

static const struct http_route routes[] = {{"/hello", "text/plain", answer}, {NULL, NULL, NULL}};
static uv_loop_t loop;
static struct http server;

static void open_server(const char *token)
{
    char why[256] = "";

    uv_loop_init(&loop);
    cr_assert_eq(http_open(&server, &loop, "127.0.0.1:0", token, routes, NULL, why), EXIT_OK, "%s",
                 why);
}

static void close_server(void)
{
    http_close(&server);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
}

static int connect_server(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_port(&server))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Turns the loop until the peer has closed or a whole answer with a short body has come. */
static void receive(int fd, struct buf *out)
{
    for (int i = 0; i < 200; i++) {
        struct pollfd p = {fd, POLLIN, 0};
        char some[4096];
        ssize_t n;

        uv_run(&loop, UV_RUN_NOWAIT);
        if (poll(&p, 1, 10) <= 0)
            continue;
        n = recv(fd, some, sizeof(some), 0);
        if (n <= 0)
            break;
        buf_add(out, some, (size_t)n);
        if (strstr(buf_cstr(out), "\r\n\r\n") && out->data[out->len - 1] == '\n' &&
            !strstr(out->data, "Connection: close"))
            break;
    }
    buf_cstr(out);
}

static void ask(const char *request, const char *status, const char *holds)
{
    struct buf out = {0};
    int fd = connect_server();

    cr_assert_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    receive(fd, &out);
    cr_assert_eq(strncmp(out.data, status, strlen(status)), 0, "%s -> %s", request, out.data);
    if (holds)
        cr_assert_not_null(strstr(out.data, holds), "%s -> %s", request, out.data);
    close(fd);
    buf_deinit(&out);
}

#define HOST "Host: localhost\r\n"

Test(http, answers)
{
    open_server(NULL);
    ask("GET /hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200", "hello you\n");
    ask("GET /hello?name=%22x%22 HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200", "hello \"x\"\n");
    ask("GET /hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200", "X-Content-Type-Options: nosniff");
    ask("GET /none HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404", NULL);
    ask("GET /hello/ HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 404", NULL);
    close_server();
}

Test(http, refuses)
{
    open_server(NULL);
    ask("POST /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "HTTP/1.1 405", "Allow: GET");
    ask("DELETE /hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 405", NULL);
    ask("GET /hello HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "HTTP/1.1 400", NULL);
    ask("GET /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 400", NULL);
    ask("GET /hello HTTP/1.1\r\n\r\n", "HTTP/1.1 400", NULL); /* no Host */
    close_server();
}

Test(http, token)
{
    open_server("s3cret");
    ask("GET /hello HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 401", "WWW-Authenticate: Bearer");
    ask("GET /none HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 401", NULL);
    ask("GET /hello HTTP/1.1\r\n" HOST "Authorization: Bearer s3creT\r\n\r\n", "HTTP/1.1 401",
        NULL);
    ask("GET /hello HTTP/1.1\r\n" HOST "Authorization: Bearer s3cret\r\n\r\n", "HTTP/1.1 200",
        NULL);
    close_server();
}

Test(http, authorization)
{
    cr_assert(http_is_authorized("Bearer abc", "abc"));
    cr_assert(http_is_authorized("bearer abc", "abc"));
    cr_assert_not(http_is_authorized(NULL, "abc"));
    cr_assert_not(http_is_authorized("Bearer ", "abc"));
    cr_assert_not(http_is_authorized("Bearer ab", "abc"));
    cr_assert_not(http_is_authorized("Bearer abcd", "abc"));
    cr_assert_not(http_is_authorized("Basic abc", "abc"));
    cr_assert_not(http_is_authorized("Bearer aaa", "aaaa"));
}

Test(http, a_port_in_use_and_open_addresses)
{
    struct http second = {0};
    char address[32], why[256] = "";

    open_server(NULL);
    snprintf(address, sizeof(address), "127.0.0.1:%d", http_port(&server));
    cr_assert_eq(http_open(&second, &loop, address, NULL, routes, NULL, why), EXIT_IO);
    cr_assert_not_null(strstr(why, "in use"), "%s", why);
    cr_assert_eq(http_open(&second, &loop, "0.0.0.0:0", NULL, routes, NULL, why),
                 EXIT_CONFIGURATION);
    cr_assert_not_null(strstr(why, "http_token"), "%s", why);
    cr_assert_eq(http_open(&second, &loop, "nonsense", NULL, routes, NULL, why),
                 EXIT_CONFIGURATION);
    close_server();
}

Test(http, addresses)
{
    char host[64], port[8];

    cr_assert(http_address("[::1]:80", host, port));
    cr_assert_str_eq(host, "::1");
    cr_assert_str_eq(port, "80");
    cr_assert(http_address("0.0.0.0:9464", host, port));
    cr_assert_str_eq(host, "0.0.0.0");
    cr_assert_not(http_address("::1:80", host, port));
    cr_assert_not(http_address(":80", host, port));
    cr_assert_not(http_address("a:", host, port));
    cr_assert_not(http_address("a:65536", host, port));
    cr_assert_not(http_address("a:8x", host, port));
    cr_assert_not(http_address("[]:80", host, port));
    cr_assert(http_host_is_loopback("127.8.8.8"));
    cr_assert_not(http_host_is_loopback("10.0.0.1"));
}
