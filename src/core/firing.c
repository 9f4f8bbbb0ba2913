/* SPDX-License-Identifier: Apache-2.0 */
/* Which alerts fire, by the key of their records. */
#include <string.h>

#include "funnel/pipeline_parts.h"
#include "funnel/pulse_parts.h"
#include "funnel/rules.h"

static bool watch_fires(const struct watch *w)
{
    return w->published && (w->life.state == ALERT_FIRING || w->life.state == ALERT_RESOLVING);
}

static bool judge_fires(const struct judge *j, uint64_t fingerprint)
{
    for (size_t i = 0; i < j->rules->count; i++) {
        const struct rule *r = &j->rules->items[i];

        for (size_t k = 0; k < r->count; k++)
            if (watch_fires(&r->watches[k]) &&
                rules_fingerprint(j, r, &r->watches[k]) == fingerprint)
                return true;
    }
    return false;
}

static bool pulse_fires(const struct pulse *p, uint64_t fingerprint)
{
    static const char *const names[] = {"no_data", "data_gap"};
    const struct pulse_alert *alerts[] = {&p->no_data, &p->data_gap};

    for (size_t i = 0; i < 2; i++) {
        struct alert a = {
            .source = p->input->topic, .rule_id = names[i], .severity = p->input->no_data_severity};

        if (alerts[i]->firing && alerts[i]->published && alert_fingerprint(&a) == fingerprint)
            return true;
    }
    return false;
}

/* Lower-case hex, as the records have it. */
static bool fingerprint_of(struct span key, uint64_t *ret)
{
    static const char digits[] = "0123456789abcdef";

    *ret = 0;
    for (uint32_t i = 0; i < key.len; i++) {
        const char *at = key.p[i] ? strchr(digits, key.p[i]) : NULL;

        if (!at)
            return false;
        *ret = *ret << 4 | (uint64_t)(at - digits);
    }
    return key.len == 16;
}

static bool is_told(int64_t unmuted_from, int64_t closed)
{
    return unmuted_from == INT64_MIN || (unmuted_from != INT64_MAX && closed >= unmuted_from);
}

bool pipeline_is_told(const struct pipeline *p)
{
    bool told = true;

    for (size_t i = 0; i < p->settings->inputs.count; i++)
        told &= is_told(pulse_unmuted_from(p->pulses[i]), p->pulses[i]->closed);
    for (size_t f = 0; f < p->funnel_count; f++)
        told &= is_told(judge_unmuted_from(&p->judges[f]), p->judges[f].closed);
    return told;
}

bool pipeline_fires(const struct pipeline *p, struct span key)
{
    uint64_t fingerprint;

    if (!fingerprint_of(key, &fingerprint))
        return false;
    for (size_t i = 0; i < p->settings->inputs.count; i++)
        if (pulse_fires(p->pulses[i], fingerprint))
            return true;
    for (size_t f = 0; f < p->funnel_count; f++)
        if (judge_fires(&p->judges[f], fingerprint))
            return true;
    return false;
}
