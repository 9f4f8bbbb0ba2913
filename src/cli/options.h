/* SPDX-License-Identifier: Apache-2.0 */
/* One table of options per command: parsing, --help and the error texts come from it. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

enum option_kind {
    OPTION_FLAG,   /* to: bool * */
    OPTION_TEXT,   /* to: const char ** */
    OPTION_NUMBER, /* to: long long * */
    OPTION_CHOICE, /* to: int *, index into words */
};

struct option_spec {
    const char *name;
    char letter; /* 0: none */
    enum option_kind kind;
    void *to;             /* left alone where the option is not given */
    const char *argument; /* how the help calls it: FILE */
    const char *help;
    const char *const *words; /* CHOICE: NULL-terminated */
};

struct options {
    const char *command;             /* "check" */
    const char *synopsis;            /* "-c FILE" */
    const char *text;                /* a paragraph for --help */
    const struct option_spec *specs; /* ends with name NULL; --help need not be in it */
    int operands_min, operands_max;  /* max -1: any number */
};

/* Returns -1 to go on, with *ret_first the index of the first operand; else the code to exit with
 * (--help was printed, or the line is wrong and was said so). */
int options_parse(const struct options *o, int argc, char **argv, int *ret_first);
void options_help(const struct options *o, FILE *out);

/* The word of a NULL-terminated list nearest to `word`, or NULL where none is near. */
const char *options_nearest(const char *word, const char *const *words);

#endif
