/* SPDX-License-Identifier: Apache-2.0 */
#include "ktool.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, TEXT, NUMBER, SECONDS, FORMAT, PAIRS };

/* id: a letter by which the commands below name their options. */
#define OPTION(id, kind, member, ...) \
    { \
        id, kind, offsetof(struct options, member), __VA_ARGS__ \
    }
static const struct {
    char id;
    enum kind kind;
    size_t member;
    const char *name, *argument, *help;
} option_table[] = {
    OPTION('B', TEXT, brokers, "brokers", "HOST:PORT",
           "where the broker is (default: $BOOTSTRAP, or 127.0.0.1:9092)"),
    OPTION('X', PAIRS, properties, "property", "KEY=VALUE",
           "a librdkafka property; may be repeated"),
    OPTION('T', SECONDS, timeout_ms, "timeout", "SECONDS", "how long to try (default 30)"),
    OPTION('v', FLAG, verbose, "verbose", NULL, "librdkafka's log on stderr"),
    OPTION('t', TEXT, topic, "topic", "NAME", ""),
    OPTION('g', TEXT, group, "group", "NAME", "consumer group"),
    OPTION('p', NUMBER, partition, "partition", "N", "this partition only"),
    OPTION('P', NUMBER, partitions, "partitions", "N", "how many the topic shall have"),
    OPTION('C', PAIRS, configs, "config", "KEY=VALUE", "a topic property; may be repeated"),
    OPTION('i', FLAG, if_absent, "if-absent", NULL, "a topic that exists already is fine"),
    OPTION('o', NUMBER, offset, "offset", "N", ""),
    OPTION('m', TEXT, metadata, "metadata", "TEXT", "committed beside the offset"),
    OPTION('s', FLAG, unstable, "unstable", NULL,
           "do not wait for transactions that hold offsets pending"),
    OPTION('f', TEXT, from, "from", "PLACE", "beginning (default), end, or an offset"),
    OPTION('n', NUMBER, count, "count", "N",
           "until so many records, also ones still to come\n"
           "(default: to the end as it is now)"),
    OPTION('u', FLAG, uncommitted, "uncommitted", NULL,
           "read_uncommitted (default: read_committed,\n"
           "which ends before an open transaction)"),
    OPTION('V', FLAG, values, "values", NULL, "print the bare values, a line each"),
    OPTION('F', FORMAT, format, "format", "plain|tab|record",
           "plain (default): a line is a value\n"
           "tab: KEY<tab>VALUE; an empty value is null, a line\n"
           "without a tab has no key\n"
           "record: an object as consume prints it (partition, ts,\n"
           "key, headers, value; any may be missing; key_hex and\n"
           "value_hex for bytes)"),
    OPTION('k', TEXT, key, "key", "POINTER", "plain: JSON pointer to the key, a string or integer"),
    OPTION('c', TEXT, time, "time", "POINTER",
           "plain: JSON pointer to the record's timestamp in ms"),
    OPTION('S', NUMBER, timestamp, "timestamp", "MS", "of every record (default: now)"),
    OPTION('H', PAIRS, headers, "header", "NAME=VALUE", "of every record; may be repeated"),
    OPTION('r', FLAG, report, "report", NULL,
           "print partition and offset of each record delivered"),
    OPTION('R', NUMBER, rate, "rate", "N", "records a second (default: as fast as it goes)"),
    OPTION('U', TEXT, user, "user", "NAME", "principal User:NAME"),
    OPTION('a', TEXT, allow, "allow", "OPERATION", "All, Read, Write, Describe, ..."),
    OPTION('d', TEXT, deny, "deny", "OPERATION", ""),
};
#define OPTION_COUNT (sizeof(option_table) / sizeof(option_table[0]))

/* needs, takes: ids of options that must and may be given, besides B X T v. */
static const struct command {
    const char *name, *needs, *takes;
    int (*run)(const struct options *);
    const char *help;
} commands[] = {
    {"wait", "", "", ktool_wait, "until the broker answers"},
    {"topics", "", "", ktool_topics, "names and partition counts"},
    {"create", "tP", "Ci", ktool_create, "a topic, and wait until it can be used"},
    {"delete", "t", "", ktool_delete, "a topic"},
    {"grow", "tP", "", ktool_grow, "a topic to more partitions"},
    {"trim", "tpo", "", ktool_trim, "delete the records of a partition before an offset"},
    {"acl", "U", "tgad", ktool_acl, "allow or deny a user an operation on a topic or a group"},
    {"produce", "t", "FkcpSHrR", ktool_produce, "lines of stdin, in order and each once"},
    {"consume", "t", "pfnuV", ktool_consume,
     "print {partition, offset, ts, key, headers, value} as JSON;\n"
     "             key_hex, value_hex where the bytes are not UTF-8"},
    {"ends", "t", "p", ktool_ends, "print {topic, partition, low, high} as JSON"},
    {"offsets", "tg", "s", ktool_offsets,
     "print what a group committed, {topic, partition, offset,\n"
     "             metadata} as JSON; null where it did nothing"},
    {"commit", "tgpo", "m", ktool_commit, "an offset for a group without members"},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void help_option(size_t i, bool needed)
{
    char left[64];

    snprintf(left, sizeof(left), "--%s %s", option_table[i].name,
             option_table[i].argument ? option_table[i].argument : "");
    printf("  %-26s ", left);
    for (const char *c = option_table[i].help; *c; c++)
        printf(*c == '\n' ? "%c%29s" : "%c", *c, "");
    puts(needed ? "(needed)" : "");
}

static int help(const struct command *command)
{
    if (command) {
        printf("ktool %s: %s\n", command->name, command->help);
    } else {
        printf("usage: ktool COMMAND [OPTION]...\n\n");
        for (size_t i = 0; i < COMMAND_COUNT; i++)
            printf("  %-10s %s\n", commands[i].name, commands[i].help);
        printf("\nktool COMMAND --help names the options of one. Those of all:\n");
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char id = option_table[i].id;

        if (strchr("BXTv", id) || (command && strchr(command->takes, id)))
            help_option(i, false);
        else if (command && strchr(command->needs, id))
            help_option(i, true);
    }
    printf("\nExit status: 0 done, 1 failed, 2 wrong usage, 3 out of time (wait, consume).\n");
    return KTOOL_OK;
}

static bool pairs_add(struct pairs *pairs, char *text)
{
    char *equals = strchr(text, '=');

    if (!equals || pairs->count == PAIRS_MAX)
        return false;
    *equals = '\0';
    pairs->items[pairs->count++] = (struct pair){text, equals + 1};
    return true;
}

static bool number(const char *text, int64_t *ret)
{
    char *end;
    long long n = strtoll(text, &end, 10);

    if (end == text || *end)
        return false;
    *ret = n;
    return true;
}

static bool format_named(const char *text, int *ret)
{
    static const char *const names[] = {"plain", "tab", "record"};

    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

/* False: a value that cannot be. */
static bool option_take(struct options *o, size_t i, char *text)
{
    void *member = (char *)o + option_table[i].member;

    switch (option_table[i].kind) {
    case FLAG:
        return *(bool *)member = true;
    case TEXT:
        *(const char **)member = text;
        return true;
    case NUMBER:
        return number(text, member);
    case SECONDS:
        *(int64_t *)member = (int64_t)(strtod(text, NULL) * 1000);
        return *(int64_t *)member > 0;
    case FORMAT:
        return format_named(text, member);
    case PAIRS:
        return pairs_add(member, text);
    }
    return false;
}

static int usage(const struct command *command, const char *what, const char *which)
{
    fail("%s%s; see ktool %s --help", what, which, command ? command->name : "");
    return KTOOL_USAGE;
}

/* True: the option, by its place in the table, is one of this command. */
static bool option_fits(const struct command *command, size_t i)
{
    char id = option_table[i].id;

    return strchr("BXTv", id) || strchr(command->needs, id) || strchr(command->takes, id);
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *brokers = getenv("BOOTSTRAP");
    struct options o = {.brokers = brokers ? brokers : "127.0.0.1:9092",
                        .timeout_ms = 30000,
                        .partition = NOT_GIVEN,
                        .partitions = NOT_GIVEN,
                        .offset = NOT_GIVEN,
                        .count = NOT_GIVEN,
                        .timestamp = NOT_GIVEN,
                        .rate = NOT_GIVEN};
    struct option long_options[OPTION_COUNT + 2] = {0};
    bool given[OPTION_COUNT] = {false};
    int c, at = 0;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        long_options[i] = (struct option){option_table[i].name, option_table[i].argument != NULL,
                                          NULL, 'o'};
    long_options[OPTION_COUNT] = (struct option){"help", 0, NULL, 'h'};
    while ((c = getopt_long(argc, argv, "", long_options, &at)) != -1) {
        if (c == 'h')
            return help(command);
        if (c == '?')
            return usage(command, "wrong option", "");
        if (!option_fits(command, (size_t)at))
            return usage(command, "an option of another command: --", option_table[at].name);
        if (!option_take(&o, (size_t)at, optarg))
            return usage(command, "wrong value: ", optarg);
        given[at] = true;
    }
    if (optind < argc)
        return usage(command, "what is this: ", argv[optind]);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strchr(command->needs, option_table[i].id) && !given[i])
            return usage(command, "missing: --", option_table[i].name);
    if (command->run == ktool_acl && (!o.topic == !o.group || !o.allow == !o.deny))
        return usage(command, "it takes --topic or --group, and --allow or --deny", "");
    return command->run(&o);
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(NULL);
        return argc < 2 ? KTOOL_USAGE : KTOOL_OK;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(&commands[i], argc - 1, argv + 1);
    return usage(NULL, "no such command: ", argv[1]);
}
