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

static void both_targets(void)
{
    record_begin(&records, RECORD_ALERT, -1);
    record_begin(&records, RECORD_DEADLETTER, -1);
}

static void blame(int times)
{
    for (int i = 0; i < times; i++)
        publish_blame(&p, &records, DENIED);
}

Test(publish, one_target_leaves_no_doubt)
{
    record_begin(&records, RECORD_DEADLETTER, -1);
    blame(1);
    cr_assert_not(publish_deadletters_off(&p), "once may be chance");
    publish_passed(&p);
    blame(1);
    cr_assert_not(publish_deadletters_off(&p), "not twice in a row");
    blame(1);
    cr_assert(publish_deadletters_off(&p));
    cr_assert_eq(p.refused[RECORD_ALERT], RD_KAFKA_RESP_ERR_NO_ERROR);
}

Test(publish, a_rehearsal_finds_the_dead_letters_guilty)
{
    both_targets();
    blame(1);
    cr_assert_not(p.trial);
    blame(1);
    cr_assert(p.trial);
    publish_rehearsed(&p);
    cr_assert_not(p.trial, "the next attempt carries everything");
    cr_assert_not(publish_deadletters_off(&p), "the alert topic may just have been repaired");
    blame(1);
    cr_assert(publish_deadletters_off(&p));
    cr_assert_eq(p.refused[RECORD_ALERT], RD_KAFKA_RESP_ERR_NO_ERROR);
}

Test(publish, a_rehearsal_finds_the_alerts_guilty)
{
    both_targets();
    blame(2);
    cr_assert(p.trial);
    blame(1);
    cr_assert_not(p.trial, "the next attempt carries everything again");
    cr_assert_not(publish_deadletters_off(&p));
    cr_assert_eq(p.refused[RECORD_ALERT], DENIED);
    blame(2);
    cr_assert(p.trial, "the dead letters may be refused as well: it is looked into again");
    blame(1);
    cr_assert_not(p.trial);
    publish_passed(&p);
    cr_assert_not(publish_deadletters_off(&p));
}

Test(publish, an_alert_topic_repaired_meanwhile_leaves_the_dead_letters_alone)
{
    both_targets();
    publish_refused(&p, RECORD_ALERT, DENIED);
    blame(2);
    p.refused[RECORD_ALERT] = RD_KAFKA_RESP_ERR_NO_ERROR; /* a report of a delivery */
    publish_rehearsed(&p);
    publish_passed(&p);
    cr_assert_not(publish_deadletters_off(&p));
    blame(1);
    cr_assert_not(publish_deadletters_off(&p), "what was suspected then is forgotten");
}

Test(publish, a_report_about_the_alerts_ends_the_trial)
{
    both_targets();
    blame(2);
    publish_refused(&p, RECORD_ALERT, DENIED);
    cr_assert_not(p.trial, "the dead letters of the next attempt are not left out");
    publish_passed(&p);
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
