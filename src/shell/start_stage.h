/* SPDX-License-Identifier: Apache-2.0 */
/* Between start.c, which runs the stages on its worker, and start_facts.c, which holds those that only ask. */
#ifndef SHELL_START_STAGE_H
#define SHELL_START_STAGE_H

#include "shell/start.h"

#define START_CALL_MS 2000 /* a SIGTERM waits for no longer than one call */

enum stage_result {
    STAGE_DONE,
    STAGE_AGAIN, /* after a while */
    STAGE_FAILED /* code and why are set */
};

__attribute__((format(printf, 2, 3))) void stage_note(struct start *s, const char *fmt, ...);
enum stage_result stage_fail(struct start *s, int code, const char *what, const char *text);

enum stage_result stage_cluster(struct start *s);
enum stage_result stage_control(struct start *s);
enum stage_result stage_last_records(struct start *s);
enum stage_result stage_retention(struct start *s);

#endif
