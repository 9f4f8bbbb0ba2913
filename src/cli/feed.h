/* SPDX-License-Identifier: Apache-2.0 */
/* Events from a file through the machines: what replay, report and trace have in common. Each line is one
 * message of partition 0, its number from 0 the offset. Lines longer than limits.message become dead
 * letters without being read into memory; empty lines are none; the last one needs no line break. */
#ifndef CLI_FEED_H
#define CLI_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/pipeline.h"
#include "funnel/record.h"
#include "shell/config_load.h"

struct feed_line {
    size_t at, len; /* in bytes[] */
    int64_t number;
};

struct feed {
    struct config config;
    struct pipeline *pipeline;
    struct records out; /* what the last step put out */

    const char *command; /* for messages */
    const char *path;
    int fd;
    uint16_t input;
    int64_t size;  /* of the file; -1: unknown */
    int64_t taken; /* bytes read from it */
    int64_t lines;
    char *block; /* as read */
    size_t block_at, block_len;
    bool over;
    struct buf bytes; /* of the batch's lines */
    struct feed_line *batch;
    struct message *messages;
    size_t count;
    bool one_by_one; /* each line is a step of its own: the sink sees the state after each */
    bool enough;     /* set by a sink: the rest of the log is not wanted, nor its end */

    bool bar; /* progress on a terminal */
    int64_t begun_ms, bar_ms;
    uint64_t alerts, deadletters; /* records put out */
};

/* Called after each step, with its records in feed->out. 0 to go on, -1 when the output cannot be written
 * (errno). */
typedef int feed_sink(struct feed *f, void *context);

/* topic: which of the inputs the lines are of; NULL: the first. path "-": stdin. Returns EXIT_OK, or the
 * code to exit with after it has said why; feed_close() in any case. */
int feed_open(struct feed *f, const char *command, const char *config, const char *topic,
              const char *path);
/* Everything, to the end of the log. */
int feed_run(struct feed *f, feed_sink *sink, void *context);
/* One line on stderr: how much, how fast, with what result. */
void feed_summary(const struct feed *f);
void feed_close(struct feed *f);

/* Writes it to stdout. 0, or -1 with errno. */
int feed_write(const struct buf *text);

#endif
