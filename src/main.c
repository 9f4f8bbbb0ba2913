/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command and hands over. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "shell/exit_codes.h"
#include "cli/options.h"

static const struct command {
    const char *name;
    int (*main)(int argc, char **argv);
} commands[] = {
#define COMMAND_ENTRY(name, text) {#name, name##_main},
    COMMANDS(COMMAND_ENTRY)
#undef COMMAND_ENTRY
        {"--help", help_main},
    {"-h", help_main},
    {"--version", version_main},
    {"-V", version_main},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT + 1] = {NULL}, *nearest;

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    nearest = options_nearest(name, names);
    fprintf(stderr, "funneld: unknown command %s", name);
    if (nearest)
        fprintf(stderr, "; did you mean %s?", nearest);
    fputs("\nTry 'funneld help'.\n", stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help_main(1, argv);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, argv[1]) == 0)
            return commands[i].main(argc - 1, argv + 1);
    }
    return unknown_command(argv[1]);
}
