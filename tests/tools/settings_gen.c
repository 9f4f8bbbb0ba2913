/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what is generated from the table of settings:
 *
 *   settings_gen sample   > conf/funneld.yaml
 *   settings_gen markdown > docs/settings.md
 *   settings_gen help */
#include <stdio.h>
#include <string.h>

#include "funnel/settings.h"

int main(int argc, char **argv)
{
    struct buf out = {0};
    size_t written;

    if (argc == 2 && strcmp(argv[1], "sample") == 0)
        settings_write_sample(&out);
    else if (argc == 2 && strcmp(argv[1], "markdown") == 0)
        settings_write_markdown(&out);
    else if (argc == 2 && strcmp(argv[1], "help") == 0)
        settings_write_help(&out);
    else
        return fprintf(stderr, "usage: settings_gen sample|markdown|help\n"), 2;
    written = fwrite(out.data, 1, out.len, stdout);
    written = written == out.len && fflush(stdout) == 0;
    buf_deinit(&out);
    return written ? 0 : 1;
}
