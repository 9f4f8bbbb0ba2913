/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/intake.h"

#include <criterion/criterion.h>

/* What comes below the position 100: a rewind of the library, or a log that was made anew. */
Test(intake, rewound_or_recreated)
{
    static const struct {
        const char *what;
        bool at_end, rewindable, is_record;
        int64_t high;
        bool recreated;
    } table[] = {
        {"in the middle of the log, as after a resume", false, true, true, 500, false},
        {"in the middle of the log", false, false, true, 500, false},
        {"nothing is known of the log's end", false, true, true, -1, false},
        {"all of the log was read, then a resume", true, true, true, 100, false},
        {"all of the log was read, and nothing was resumed", true, false, true, 100, true},
        {"the same, in a new log that is longer", true, false, true, 500, true},
        {"the log is shorter than what was read", false, false, true, 30, true},
        {"the same, after a resume", true, true, true, 99, true},
        {"an old end of partition", true, false, false, 100, false},
        {"an end before what was read", true, false, false, 30, true},
        {"an empty log", true, true, false, 0, true},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct intake_part p = {
            .next = 100, .at_end = table[i].at_end, .rewindable = table[i].rewindable};

        cr_assert_eq(intake_is_recreated(&p, table[i].is_record, table[i].high), table[i].recreated,
                     "%s", table[i].what);
    }
}
