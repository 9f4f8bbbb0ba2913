/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/life.h"

#include <criterion/criterion.h>

Test(life, every_state_can_stop)
{
    for (int from = LIFE_STARTING; from < LIFE_STOPPED; from++) {
        enum life to = LIFE_STARTING;

        cr_assert(life_next((enum life)from, LIFE_FAILED, &to));
        cr_assert_eq(to, LIFE_STOPPED);
        cr_assert_not_null(life_name((enum life)from));
    }
}

Test(life, stopped_is_final_and_running_drains)
{
    enum life to = LIFE_STARTING;

    for (int event = LIFE_CONNECTED; event <= LIFE_FAILED; event++)
        cr_assert_not(life_next(LIFE_STOPPED, (enum life_event)event, &to));
    cr_assert(life_next(LIFE_RUNNING, LIFE_TERM, &to));
    cr_assert_eq(to, LIFE_DRAINING);
    cr_assert(life_next(LIFE_REBUILDING, LIFE_TERM, &to));
    cr_assert_eq(to, LIFE_STOPPED, "it has published nothing");
}
