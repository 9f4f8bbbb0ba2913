/* SPDX-License-Identifier: Apache-2.0 */
/* funneld settings: the settings table, as people read it. */
#include <stdio.h>

#include "cli/commands.h"
#include "shell/exit_codes.h"
#include "cli/options.h"
#include "funnel/settings.h"

int settings_main(int argc, char **argv)
{
    static const char *const formats[] = {"text", "sample", "markdown", NULL};
    static void (*const writers[])(struct buf *) = {settings_write_help, settings_write_sample,
                                                    settings_write_markdown};
    int format = 0, first, code;
    const struct option_spec specs[] = {
        {"format", 'f', OPTION_CHOICE, &format, "FORMAT", "how", formats},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {"settings",
                                    "[--format FORMAT]",
                                    "Prints every setting with its default and what it does.\n"
                                    "The sample is a configuration file to start from.",
                                    specs,
                                    0,
                                    0};
    struct buf out = {0};

    code = options_parse(&options, argc, argv, &first);
    if (code >= 0)
        return code;
    writers[format](&out);
    code = fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? EXIT_OK
                                                                                  : EXIT_IO;
    buf_deinit(&out);
    return code;
}
