/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shell/exit_codes.h"

#define OPTIONS_MAX 24

/* --- nearest word --- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein; words longer than the row are never near. */
static size_t options_distance(const char *a, const char *b)
{
    size_t n = strlen(b), row[33];

    if (n > 32)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t up = row[j];

            row[j] = least(least(up, row[j - 1]) + 1, corner + (a[i - 1] != b[j - 1]));
            corner = up;
        }
    }
    return row[n];
}

const char *options_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    size_t best = strlen(word) / 2 + 1;

    for (; *words; words++) {
        size_t d = strncmp(word, *words, strlen(word)) == 0 ? 0 : options_distance(word, *words);

        if (d < best) {
            best = d;
            nearest = *words;
        }
    }
    return nearest;
}

/* --- help --- */

static void options_words(const struct option_spec *s, FILE *out)
{
    for (const char *const *w = s->words; *w; w++)
        fprintf(out, "%s%s", w == s->words ? "" : "|", *w);
}

void options_help(const struct options *o, FILE *out)
{
    static const struct option_spec help = {"help", 'h',         OPTION_FLAG, NULL,
                                            NULL,   "show this", NULL};

    fprintf(out, "Usage: funneld %s%s%s\n\n%s\n\nOptions:\n", o->command, *o->synopsis ? " " : "",
            o->synopsis, o->text);
    for (const struct option_spec *s = o->specs; s; s = s->name ? s + 1 : NULL) {
        const struct option_spec *x = s->name ? s : &help;
        char left[64], argument[24] = "";

        if (x->argument)
            snprintf(argument, sizeof(argument), " %s", x->argument);
        if (x->letter)
            snprintf(left, sizeof(left), "-%c, --%s%s", x->letter, x->name, argument);
        else
            snprintf(left, sizeof(left), "    --%s%s", x->name, argument);
        fprintf(out, "  %-26s %s", left, x->help);
        if (x->kind == OPTION_CHOICE) {
            fputs(": ", out);
            options_words(x, out);
        }
        fputc('\n', out);
    }
}

/* --- parsing --- */

static int options_wrong(const struct options *o, const char *what, const char *value)
{
    fprintf(stderr, "funneld %s: %s%s%s\nTry 'funneld %s --help'.\n", o->command, what,
            value ? ": " : "", value ? value : "", o->command);
    return EXIT_USAGE;
}

static int options_store(const struct options *o, const struct option_spec *s, const char *value)
{
    char *end, what[96];

    switch (s->kind) {
    case OPTION_FLAG:
        *(bool *)s->to = true;
        return -1;
    case OPTION_TEXT:
        *(const char **)s->to = value;
        return -1;
    case OPTION_NUMBER:
        errno = 0;
        *(long long *)s->to = strtoll(value, &end, 10);
        if (errno == 0 && end != value && *end == '\0')
            return -1;
        snprintf(what, sizeof(what), "--%s wants a whole number, not", s->name);
        return options_wrong(o, what, value);
    case OPTION_CHOICE:
        for (int i = 0; s->words[i]; i++) {
            if (strcmp(s->words[i], value) == 0) {
                *(int *)s->to = i;
                return -1;
            }
        }
        fprintf(stderr, "funneld %s: --%s is one of ", o->command, s->name);
        options_words(s, stderr);
        fprintf(stderr, ", not %s\n", value);
        return EXIT_USAGE;
    }
    return EXIT_USAGE;
}

/* getopt's tables from ours. Values: index + 256, so that they are no letter. */
static size_t options_tables(const struct options *o, struct option *longs, char *letters)
{
    size_t n = 0;

    *letters++ = ':';
    for (const struct option_spec *s = o->specs; s->name && n < OPTIONS_MAX; s++, n++) {
        int argument = s->kind == OPTION_FLAG ? no_argument : required_argument;

        longs[n] = (struct option){s->name, argument, NULL, (int)n + 256};
        if (s->letter)
            *letters++ = s->letter;
        if (s->letter && argument)
            *letters++ = ':';
    }
    longs[n] = (struct option){"help", no_argument, NULL, 'h'};
    *letters++ = 'h';
    *letters = '\0';
    return n;
}

static const struct option_spec *options_find(const struct options *o, int value)
{
    if (value >= 256)
        return &o->specs[value - 256];
    for (const struct option_spec *s = o->specs; s->name; s++) {
        if (s->letter == value)
            return s;
    }
    return NULL;
}

static int options_unknown(const struct options *o, char **argv, int value)
{
    const char *names[OPTIONS_MAX + 2] = {"help"}, *given = argv[optind - 1], *nearest = NULL;
    char short_name[2] = {(char)optopt, '\0'}, what[128];
    size_t n = 1;

    if (value == ':')
        return options_wrong(o, "this option wants a value", given);
    if (optopt > 0 && optopt < 256)
        return options_wrong(o, "unknown option", short_name);
    for (const struct option_spec *s = o->specs; s->name && n <= OPTIONS_MAX; s++)
        names[n++] = s->name;
    if (strncmp(given, "--", 2) == 0)
        nearest = options_nearest(given + 2, names);
    if (!nearest)
        return options_wrong(o, "unknown option", given);
    snprintf(what, sizeof(what), "unknown option (did you mean --%s?)", nearest);
    return options_wrong(o, what, given);
}

int options_parse(const struct options *o, int argc, char **argv, int *ret_first)
{
    struct option longs[OPTIONS_MAX + 2] = {{0}};
    char letters[2 * OPTIONS_MAX + 4];
    int value, operands;

    options_tables(o, longs, letters);
    optind = 1;
    while ((value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const struct option_spec *s = options_find(o, value);
        int code;

        if (!s && value == 'h') {
            options_help(o, stdout);
            return EXIT_OK;
        }
        code = s ? options_store(o, s, optarg) : options_unknown(o, argv, value);
        if (code >= 0)
            return code;
    }
    operands = argc - optind;
    if (operands < o->operands_min)
        return options_wrong(o, "an operand is missing", NULL);
    if (o->operands_max >= 0 && operands > o->operands_max)
        return options_wrong(o, "unexpected operand", argv[optind + o->operands_max]);
    *ret_first = optind;
    return -1;
}
