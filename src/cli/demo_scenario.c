/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_scenario.h"

#include <stdio.h>

#define DAY_MS (24 * HOUR_MS)
#define HISTORY_MS (6 * HOUR_MS) /* in which the detector learns how long each step takes */
#define FIRST_MS (HISTORY_MS + 25 * MINUTE_MS)
#define EVERY_MS (5 * HOUR_MS)
#define LASTS_MS (75 * MINUTE_MS)
#define VISITS_MAX 5200.0 /* an hour, in the afternoon */

const char *const shop_stage_ids[SHOP_STAGES + 1] = {"visit", "cart", "checkout", "paid",
                                                     DEMO_EXIT};
const char *const shop_channels[SHOP_CHANNELS] = {"ads", "search", "mail"};
const char *const shop_devices[SHOP_DEVICES] = {"mobile", "desktop"};
const char *const shop_owners[SHOP_OWNERS] = {"li", "meyer", "okafor", "silva"};
const char *const shop_reasons[SHOP_REASONS] = {"price", "delivery", "payment"};

static const double rates[SHOP_STEPS][SHOP_CHANNELS] = {
    {0.42, 0.46, 0.50},
    {0.61, 0.62, 0.64},
    {0.69, 0.71, 0.72},
};

/* Taken in turns. */
static const struct incident_kind kinds[] = {
    {2, 0, -1, 0.20, WORD_STORY_COUPON, "drop", "channel", "ads"},
    {1, -1, 0, 0.22, WORD_STORY_BUTTON, "drop", "device", "mobile"},
};

int64_t scenario_start(int64_t now_ms)
{
    return (now_ms / DAY_MS - 28) * DAY_MS;
}

int64_t scenario_live(int64_t start_ms)
{
    return start_ms + HISTORY_MS;
}

struct incident scenario_incident(int64_t start_ms, int64_t number)
{
    int64_t from = start_ms + FIRST_MS + number * EVERY_MS;

    return (struct incident){number, from, from + LASTS_MS,
                             &kinds[number % (int64_t)(sizeof(kinds) / sizeof(kinds[0]))]};
}

bool scenario_current(int64_t start_ms, int64_t at_ms, struct incident *ret)
{
    int64_t since = at_ms - start_ms - FIRST_MS;

    if (since < 0)
        return false;
    *ret = scenario_incident(start_ms, since / EVERY_MS);
    return at_ms < ret->to_ms;
}

void scenario_step(int step, char *ret, size_t size)
{
    snprintf(ret, size, "%s>%s", shop_stage_ids[step], shop_stage_ids[step + 1]);
}

double scenario_usual(int step, int channel)
{
    return rates[step][channel];
}

double scenario_rate(int64_t start_ms, int64_t at_ms, int step, int channel, int device)
{
    struct incident now;

    if (scenario_current(start_ms, at_ms, &now) && now.kind->step == step &&
        (now.kind->channel < 0 || now.kind->channel == channel) &&
        (now.kind->device < 0 || now.kind->device == device))
        return now.kind->rate;
    return scenario_usual(step, channel);
}

/* Each hour's visits as a share of the busiest one's. */
static const double season[25] = {0.68, 0.62, 0.57, 0.55, 0.56, 0.60, 0.66, 0.73, 0.80,
                                  0.86, 0.91, 0.94, 0.96, 0.98, 1.00, 1.00, 0.99, 0.98,
                                  0.97, 0.96, 0.94, 0.90, 0.83, 0.75, 0.68};

double scenario_arrivals(int64_t at_ms)
{
    int64_t hour = at_ms % DAY_MS / HOUR_MS;
    double part = (double)(at_ms % HOUR_MS) / (double)HOUR_MS;

    return scenario_arrivals_max() * (season[hour] * (1 - part) + season[hour + 1] * part);
}

double scenario_arrivals_max(void)
{
    return VISITS_MAX / (double)HOUR_MS;
}
