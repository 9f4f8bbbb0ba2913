/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shell/exit_codes.h"
#include "funnel/mem.h"

#define BLOCK_BYTES (256u << 10)
#define BATCH_LINES 1000
#define BATCH_BYTES (4u << 20) /* and the rest of the line that goes beyond */
#define BAR_EVERY_MS 100
#define BAR_COLUMNS 30

static int64_t monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- opening --- */

static int feed_choose_input(struct feed *f, const char *topic)
{
    const struct settings_inputs *inputs = &f->config.settings->inputs;

    if (!topic)
        return EXIT_OK;
    for (size_t i = 0; i < inputs->count; i++)
        if (strcmp(inputs->items[i].topic, topic) == 0) {
            f->input = (uint16_t)i;
            return EXIT_OK;
        }
    fprintf(stderr, "funneld %s: no input has the topic %s; there is", f->command, topic);
    for (size_t i = 0; i < inputs->count; i++)
        fprintf(stderr, "%s %s", i ? "," : "", inputs->items[i].topic);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static int feed_open_file(struct feed *f)
{
    struct stat st;

    f->fd = strcmp(f->path, "-") == 0 ? STDIN_FILENO : open(f->path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0 || fstat(f->fd, &st) != 0) {
        fprintf(stderr, "funneld %s: %s: %s\n", f->command, f->path, strerror(errno));
        return EXIT_IO;
    }
    f->size = S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
    return EXIT_OK;
}

int feed_open(struct feed *f, const char *command, const char *config, const char *topic,
              const char *path)
{
    struct pipeline_source source = {0};
    int code;

    *f = (struct feed){.command = command, .path = path, .fd = -1, .bar = isatty(STDERR_FILENO)};
    code = config_load(config, &f->config, stderr);
    if (code == EXIT_OK)
        code = feed_choose_input(f, topic);
    if (code == EXIT_OK)
        code = feed_open_file(f);
    if (code != EXIT_OK)
        return code;
    source.topic = f->config.settings->inputs.items[f->input].topic;
    source.input = f->input;
    f->pipeline = pipeline_new(f->config.settings, f->config.zone, &source, 1);
    f->block = mem_alloc(BLOCK_BYTES);
    f->batch = mem_zero(BATCH_LINES, sizeof(*f->batch));
    f->messages = mem_zero(BATCH_LINES, sizeof(*f->messages));
    return EXIT_OK;
}

void feed_close(struct feed *f)
{
    pipeline_free(f->pipeline);
    config_deinit(&f->config);
    records_deinit(&f->out);
    buf_deinit(&f->bytes);
    mem_free(f->block);
    mem_free(f->batch);
    mem_free(f->messages);
    if (f->fd > STDIN_FILENO)
        close(f->fd);
    *f = (struct feed){.fd = -1};
}

/* --- lines --- */

/* 1 when there are bytes in the block, 0 at the end, -1 with errno. */
static int feed_fill(struct feed *f)
{
    ssize_t n;

    if (f->block_at < f->block_len)
        return 1;
    do
        n = f->over ? 0 : read(f->fd, f->block, BLOCK_BYTES);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        f->over = true;
        return (int)n;
    }
    f->block_at = 0;
    f->block_len = (size_t)n;
    f->taken += n;
    return 1;
}

/* One more line at the end of bytes[], no more of it than max. 1, 0 at the end, -1 with errno. */
static int feed_line(struct feed *f, size_t max, size_t *ret_len)
{
    size_t len = 0;
    bool any = false;
    int rc;

    while ((rc = feed_fill(f)) == 1) {
        const char *at = f->block + f->block_at;
        size_t left = f->block_len - f->block_at;
        const char *stop = memchr(at, '\n', left);
        size_t n = stop ? (size_t)(stop - at) : left;
        size_t keep = n < max - len ? n : max - len;

        any = true;
        buf_add(&f->bytes, at, keep);
        len += keep;
        f->block_at += n + (stop ? 1 : 0);
        if (stop)
            break;
    }
    *ret_len = len;
    return rc < 0 ? -1 : any;
}

/* The next lines as messages. 0, or -1 with errno. */
static int feed_batch(struct feed *f)
{
    /* One byte over the limit is enough to be refused for it. */
    size_t max = (size_t)f->config.settings->limits.message + 1, len;
    int rc = 1;

    f->count = 0;
    buf_clear(&f->bytes);
    while (f->count < (f->one_by_one ? 1 : BATCH_LINES) && f->bytes.len < BATCH_BYTES) {
        size_t at = f->bytes.len;

        rc = feed_line(f, max, &len);
        if (rc <= 0)
            break;
        if (len > 0)
            f->batch[f->count++] = (struct feed_line){at, len, f->lines};
        f->lines++;
    }
    for (size_t i = 0; i < f->count; i++) /* bytes[] has moved while it grew */
        f->messages[i] = (struct message){
            .value = {f->bytes.data + f->batch[i].at, (uint32_t)f->batch[i].len},
            .offset = f->batch[i].number,
            .timestamp = -1,
            .input = f->input,
        };
    return rc < 0 ? -1 : 0;
}

/* --- running --- */

static void feed_bar(struct feed *f)
{
    int64_t now = monotonic_ms();
    double seconds = (double)(now - f->begun_ms) / 1000.0;
    int full = f->size > 0 ? (int)(f->taken * BAR_COLUMNS / f->size) : 0;

    if (!f->bar || now < f->bar_ms + BAR_EVERY_MS)
        return;
    f->bar_ms = now;
    full = full < BAR_COLUMNS ? full : BAR_COLUMNS; /* the file may grow meanwhile */
    fputc('\r', stderr);
    if (f->size > 0)
        fprintf(stderr, "[%.*s%*s] %3d %%  ", full, "##############################",
                BAR_COLUMNS - full, "", full * 100 / BAR_COLUMNS);
    fprintf(stderr, "%" PRId64 " lines, %.0f a second\033[K", f->lines,
            seconds > 0 ? (double)f->lines / seconds : 0.0);
}

static void feed_bar_end(const struct feed *f)
{
    if (f->bar && f->bar_ms > 0)
        fputs("\r\033[K", stderr);
}

static void feed_count(struct feed *f)
{
    for (size_t i = 0; i < f->out.count; i++)
        if (f->out.items[i].target == RECORD_ALERT)
            f->alerts++;
        else
            f->deadletters++;
}

static int feed_deliver(struct feed *f, feed_sink *sink, void *context)
{
    feed_count(f);
    if (sink(f, context) == 0) {
        records_clear(&f->out);
        return EXIT_OK;
    }
    feed_bar_end(f);
    fprintf(stderr, "funneld %s: output: %s\n", f->command, strerror(errno));
    return EXIT_IO;
}

int feed_run(struct feed *f, feed_sink *sink, void *context)
{
    int code = EXIT_OK;

    f->begun_ms = monotonic_ms();
    while (code == EXIT_OK && !f->over && !f->enough) {
        if (feed_batch(f) != 0) {
            feed_bar_end(f);
            fprintf(stderr, "funneld %s: %s: %s\n", f->command, f->path, strerror(errno));
            return EXIT_IO;
        }
        if (f->count > 0)
            pipeline_step(f->pipeline, f->messages, f->count, &f->out);
        code = feed_deliver(f, sink, context);
        feed_bar(f);
    }
    if (code == EXIT_OK && !f->enough) {
        pipeline_end(f->pipeline, &f->out);
        code = feed_deliver(f, sink, context);
    }
    feed_bar_end(f);
    return code;
}

void feed_summary(const struct feed *f)
{
    double seconds = (double)(monotonic_ms() - f->begun_ms) / 1000.0;
    struct counters c = {0};

    pipeline_counters(f->pipeline, &c);
    fprintf(stderr, "%" PRId64 " lines, %" PRIu64 " events", f->lines, c.n[COUNTER_EVENTS]);
    if (seconds >= 0.1) /* of less, a rate says nothing */
        fprintf(stderr, " in %.1f s (%.0f a second)", seconds,
                (double)c.n[COUNTER_EVENTS] / seconds);
    fprintf(stderr, ": %" PRIu64 " alert records, %" PRIu64 " dead letters\n", f->alerts,
            f->deadletters);
    if (c.n[COUNTER_UNWANTED] > 0)
        fprintf(stderr,
                "%" PRIu64 " of the events are no funnel's: check the funnels' where and the"
                " events' funnel field\n",
                c.n[COUNTER_UNWANTED]);
}

/* --- output --- */

int feed_write(const struct buf *text)
{
    /* An empty one has no memory, and fwrite() takes no null pointer. */
    return text->len == 0 || fwrite(text->data, 1, text->len, stdout) == text->len ? 0 : -1;
}
