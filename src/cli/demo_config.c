/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_config.h"

#include <string.h>

#include "cli/demo_broker.h"
#include "cli/demo_scenario.h"

/* @NAME@ stands for something the demo fills in. */
static const char template[] =
    "# funneld's demo: the funnel of a shop. A good start for a configuration of your own:\n"
    "# change kafka, inputs and the stages. Every other setting is explained in conf/funneld.yaml.\n"
    "group: demo\n"
    "kafka:                                  # any property of librdkafka\n"
    "  bootstrap.servers: @BOOTSTRAP@\n"
    "  fetch.wait.max.ms: 50                 # the demo's broker never answers sooner; leave it out\n"
    "inputs:\n"
    "  - topic: @EVENTS@\n"
    "    preset: plain                       # {\"entity_id\", \"stage\", \"ts\", \"amount\", \"owner\", \"dims\", …}\n"
    "outputs: {alerts: @ALERTS@, deadletter: @DEADLETTER@}\n"
    "time: {zone: UTC, pane: 1m, lateness: 2s}\n"
    "language: @LANGUAGE@                            # of the sentences in alerts: en or zh\n"
    "http: @HTTP@\n"
    "state: {dir: @STATE@}\n"
    "first_start: publish                    # what is in the topic already counts, too\n"
    "funnels:\n"
    "  @FUNNEL@:\n"
    "    stages:                             # in order; target, dwell: what is usual\n"
    "      - {id: visit, name: @VISIT@, target: 0.44, dwell: 2m30s}\n"
    "      - {id: cart, name: @CART@, target: 0.62, dwell: 3m30s}\n"
    "      - {id: checkout, name: @CHECKOUT@, target: 0.70, dwell: 4m}\n"
    "      - {id: paid, name: @PAID@}\n"
    "    lost: [@EXIT@]                   # the ways out\n"
    "    window: 2h                          # a visitor who needs longer for a step has not advanced\n"
    "    dims:                               # what conversion is broken down by\n"
    "      channel: {values: [ads, search, mail]}\n"
    "      device: {values: [mobile, desktop]}\n"
    "    breakdowns: [owner]                 # in reports only\n"
    "    windows: [1h, 1d]\n"
    "    rules:\n"
    "      # Alerts when a step converts worse than it has learned to expect, names the segment, and says\n"
    "      # since when and what was lost. It may be wrong once in ten weeks: there is nothing to tune.\n"
    "      # Before a week is learned it goes by each stage's target and dwell (median time to the next).\n"
    "      - {id: drop, kind: drop, budget: 0.1/week, severity: critical}\n";

struct filling {
    const char *name, *text;
};

static const char *filling_of(const struct filling *fillings, const char *name, size_t len)
{
    while (fillings->name &&
           (strlen(fillings->name) != len || memcmp(fillings->name, name, len) != 0))
        fillings++;
    return fillings->text;
}

static void fill(struct buf *out, const char *at, const struct filling *fillings)
{
    for (const char *mark; (mark = strchr(at, '@')) != NULL;) {
        const char *end = strchr(mark + 1, '@');

        buf_add(out, at, (size_t)(mark - at));
        buf_str(out, filling_of(fillings, mark + 1, (size_t)(end - mark - 1)));
        at = end + 1;
    }
    buf_str(out, at);
}

void demo_config_write(struct buf *out, const char *bootstrap, const char *http, const char *state,
                       enum demo_language language)
{
    const struct filling fillings[] = {
        {"BOOTSTRAP", bootstrap},
        {"HTTP", http},
        {"STATE", state},
        {"LANGUAGE", language == DEMO_ZH ? "zh" : "en"},
        {"EVENTS", DEMO_TOPIC_EVENTS},
        {"ALERTS", DEMO_TOPIC_ALERTS},
        {"DEADLETTER", DEMO_TOPIC_DEADLETTER},
        {"FUNNEL", DEMO_FUNNEL},
        {"EXIT", DEMO_EXIT},
        {"VISIT", demo_word(language, WORD_STAGE_VISIT)},
        {"CART", demo_word(language, WORD_STAGE_CART)},
        {"CHECKOUT", demo_word(language, WORD_STAGE_CHECKOUT)},
        {"PAID", demo_word(language, WORD_STAGE_PAID)},
        {NULL, ""},
    };

    fill(out, template, fillings);
}
