/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/control_in.h"

#include "funnel/clock.h"
#include "funnel/control.h"

bool control_in_decision(const struct settings *settings, const struct message *m, int64_t pane,
                         struct decision *ret, const char **ret_why)
{
    struct buf scratch = {0};
    struct control c;

    *ret_why = control_parse(m->value, &scratch, &c);
    if (!*ret_why)
        *ret_why = control_check(&c, settings);
    buf_deinit(&scratch);
    if (*ret_why)
        return false;
    *ret = (struct decision){.source = DECISION_JUDGES,
                             .kind = DECISION_CONTROL,
                             .at = pane == INT64_MIN ? ETIME_MIN_MS : pane,
                             .text = m->value};
    return true;
}
