/* SPDX-License-Identifier: Apache-2.0 */
/* funneld help: the commands, one command, or the exit codes. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "shell/exit_codes.h"

static void help_commands(void)
{
    puts(
        "funneld watches conversion funnels: stage events in from Kafka, alerts out, exactly once.\n\n"
        "Usage: funneld COMMAND [OPTIONS]\n\nCommands:");
#define HELP_COMMAND(name, text) printf("  %-10s %s\n", #name, text);
    COMMANDS(HELP_COMMAND)
#undef HELP_COMMAND
    puts(
        "\nfunneld COMMAND --help tells a command's options; funneld help exit-codes, how they end.");
}

static void help_exit_codes(void)
{
#define HELP_CODE(name, code, text, remedy) \
    printf("%3d  %s%s%s\n", code, text, *(remedy) ? ": " : "", remedy);
    EXIT_CODES(HELP_CODE)
#undef HELP_CODE
}

int help_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*main)(int, char **);
    } commands[] = {
#define HELP_ENTRY(name, text) {#name, name##_main},
        COMMANDS(HELP_ENTRY)
#undef HELP_ENTRY
    };
    char *help[] = {argc > 1 ? argv[1] : NULL, (char[]){"--help"}, NULL};

    if (argc < 2 || strncmp(argv[1], "-", 1) == 0 || strcmp(argv[1], "help") == 0) {
        help_commands();
        return EXIT_OK;
    }
    if (strcmp(argv[1], "exit-codes") == 0) {
        help_exit_codes();
        return EXIT_OK;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, argv[1]) == 0)
            return commands[i].main(2, help);
    }
    fprintf(stderr, "funneld help: unknown topic %s\nTry 'funneld help'.\n", argv[1]);
    return EXIT_USAGE;
}
