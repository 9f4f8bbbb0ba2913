/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/publish.h"

#include <criterion/criterion.h>

#define DENIED RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED

static struct publish p;
static struct records records;

static void setup(void)
{
    p = (struct publish){.names = {"alerts", "deadletters"}};
}

static void teardown(void)
{
    records_deinit(&records);
}

TestSuite(publish, .init = setup, .fini = teardown);

Test(publish, one_target_leaves_no_doubt)
{
    record_begin(&records, RECORD_DEADLETTER, -1);
    publish_blame(&p, &records, DENIED);
    cr_assert_not(publish_deadletters_off(&p), "once may be chance");
    publish_passed(&p, DENIED);
    publish_blame(&p, &records, DENIED);
    cr_assert_not(publish_deadletters_off(&p), "not twice in a row");
    publish_blame(&p, &records, DENIED);
    cr_assert(publish_deadletters_off(&p));
    cr_assert_eq(p.refused[RECORD_ALERT], RD_KAFKA_RESP_ERR_NO_ERROR);
}

Test(publish, a_trial_finds_the_dead_letters_guilty)
{
    record_begin(&records, RECORD_DEADLETTER, -1);
    record_begin(&records, RECORD_ALERT, -1);
    publish_blame(&p, &records, DENIED);
    cr_assert_not(p.trial);
    publish_blame(&p, &records, DENIED);
    cr_assert(p.trial);
    cr_assert_not(publish_deadletters_off(&p), "nobody is blamed yet");
    publish_passed(&p, DENIED);
    cr_assert_not(p.trial);
    cr_assert(publish_deadletters_off(&p));
}

Test(publish, a_trial_finds_the_alerts_guilty)
{
    record_begin(&records, RECORD_ALERT, -1);
    record_begin(&records, RECORD_DEADLETTER, -1);
    publish_blame(&p, &records, DENIED);
    publish_blame(&p, &records, DENIED);
    cr_assert(p.trial);
    publish_blame(&p, &records, DENIED);
    cr_assert_not(p.trial, "the next attempt carries everything again");
    cr_assert_not(publish_deadletters_off(&p));
    cr_assert_eq(p.refused[RECORD_ALERT], DENIED);
    publish_passed(&p, DENIED);
    cr_assert_not(publish_deadletters_off(&p));
}

Test(publish, an_alert_topic_repaired_during_a_trial_leaves_the_dead_letters_alone)
{
    record_begin(&records, RECORD_ALERT, -1);
    record_begin(&records, RECORD_DEADLETTER, -1);
    publish_refused(&p, RECORD_ALERT, DENIED);
    publish_blame(&p, &records, DENIED);
    publish_blame(&p, &records, DENIED);
    cr_assert(p.trial);
    p.refused[RECORD_ALERT] = RD_KAFKA_RESP_ERR_NO_ERROR; /* a report of a delivery */
    publish_passed(&p, DENIED);
    cr_assert_not(publish_deadletters_off(&p));
}

Test(publish, a_report_about_the_alerts_ends_the_trial)
{
    record_begin(&records, RECORD_ALERT, -1);
    record_begin(&records, RECORD_DEADLETTER, -1);
    publish_blame(&p, &records, DENIED);
    publish_blame(&p, &records, DENIED);
    publish_refused(&p, RECORD_ALERT, DENIED);
    cr_assert_not(p.trial, "the dead letters of the next attempt are not left out");
    publish_passed(&p, DENIED);
    cr_assert_not(publish_deadletters_off(&p));
}

Test(publish, no_error_refuses_nothing)
{
    publish_refused(&p, RECORD_DEADLETTER, RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert_eq(p.refusals, 0);
    publish_refused(&p, RECORD_DEADLETTER, DENIED);
    publish_refused(&p, RECORD_DEADLETTER, DENIED);
    cr_assert_eq(p.refusals, 1);
}
