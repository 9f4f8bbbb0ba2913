/* SPDX-License-Identifier: Apache-2.0 */
/* A whole pipeline for tests: settings from YAML, messages from text, records as text. No zone files: the
 * zones it knows are made by hand. */
#ifndef TESTS_PIPE_KIT_H
#define TESTS_PIPE_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/pipeline_parts.h"
#include "funnel/report.h"

#define PIPE_SOURCES_MAX 8
#define PIPE_KAFKA "kafka: {bootstrap.servers: 'b:1'}\n"

/* Messages that own their text. Offsets count up per partition as they are added. */
struct pipe_log {
    struct buf text;
    struct pipe_line {
        size_t at, len, key_at, key_len;
        bool has_value, has_key;
        int64_t offset, timestamp;
        uint32_t partition;
    } * lines;
    size_t count, cap;
    int64_t next[PIPE_SOURCES_MAX];
    struct message
        *messages; /* made by pipe_log_messages: the first `made` lines, of text that stood there */
    size_t made, message_cap;
    const char *made_of;
};

void pipe_log_add(struct pipe_log *l, uint32_t partition, int64_t timestamp, const char *value);
/* value NULL: a tombstone. */
void pipe_log_add_keyed(struct pipe_log *l, uint32_t partition, int64_t timestamp, const char *key,
                        const char *value);
const struct message *pipe_log_messages(struct pipe_log *l); /* valid until the next add */
void pipe_log_deinit(struct pipe_log *l);

struct pipe {
    struct settings *settings;
    struct zone *zone;
    struct pipeline *p;
    struct records out; /* all of them, from the start */
    struct pipe_log log;
    size_t fed; /* lines of log already in the pipeline */
    uint64_t decided;
};

/* Ends the program with a message when the settings have an error. Every input has `partitions` of its own. */
void pipe_open(struct pipe *k, const char *yaml, size_t partitions);
void pipe_close(struct pipe *k);
/* Goes on under other settings, of the same inputs. */
void pipe_switch(struct pipe *k, const char *yaml);
/* One event, as JSON, on partition 0 or on another, without a record timestamp. */
void pipe_say(struct pipe *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pipe_say_on(struct pipe *k, uint32_t partition, int64_t timestamp, const char *value);
/* What was added to the log and is not in the pipeline yet, as one batch. */
void pipe_feed(struct pipe *k);
void pipe_end(struct pipe *k);
/* A decision at an offset, queued; or at the end of the partition's log so far, reached. */
void pipe_decide_at(struct pipe *k, uint32_t partition, enum decision_kind kind, int64_t at,
                    int64_t value);
void pipe_decide(struct pipe *k, uint32_t partition, enum decision_kind kind, int64_t value);

struct judge *pipe_judge(struct pipe *k); /* of the first funnel */
struct judge_step *pipe_step_of(struct pipe *k, size_t leaf, int step);
void pipe_count(const struct pipe *k, struct counters *ret);
/* JSON of all funnels. The result belongs to the caller. */
void pipe_report(struct pipe *k, int cohort, struct buf *out);
/* A part of the report is there? Prints the report when not. */
bool pipe_reports(struct pipe *k, const char *part);
/* Exact bytes of record i: target, timestamp, key, headers, value. */
void pipe_record_text(const struct records *r, size_t i, struct buf *out);
/* A header's text, or NULL; borrowed until the next call. */
const char *pipe_header(const struct records *r, size_t i, const char *name);
/* "key":"value" or "key":number of a JSON text, as text without quotes; the first place where the key stands
 * after `after` (NULL: the start). Borrowed until the next call. */
const char *pipe_field(const struct records *r, size_t i, const char *after, const char *key);

/* "UTC", "Europe/Berlin" (1996 to 2037, by the rule), "Asia/Shanghai" (fixed). */
struct zone *pipe_zone(const char *name);

/* Fixed, portable random numbers: splitmix64. */
struct dice {
    uint64_t state;
};
uint64_t dice_next(struct dice *d);
int64_t dice_below(struct dice *d, int64_t n); /* 0 to n - 1 */
bool dice_chance(struct dice *d, double p);

#endif
