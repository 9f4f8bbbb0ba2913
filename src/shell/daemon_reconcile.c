/* SPDX-License-Identifier: Apache-2.0 */
/* --reconcile: what fires on the alert topic and nowhere else is resolved there, once, outside the machines. After a
 * bootstrap the machines first tell what they hold; and while the topic is read they stand still, with all that they
 * put out committed, so that both sides are of one moment. */
#include <stdio.h>

#include "funnel/alert.h"
#include "shell/daemon.h"
#include "shell/exit_codes.h"
#include "shell/log.h"

/* The event time of the resolved records: what the machines have surely reached. */
static struct etime reconcile_at(const struct daemon *d)
{
    struct pipeline_gauges gauges;

    pipeline_gauges(d->pipeline, &gauges);
    return gauges.closed;
}

static void reconcile_close(struct daemon *d, const struct reconcile_alert *a)
{
    struct span key = {a->key, a->key_len}, value = {a->value, a->value_len};
    char text[RECONCILE_KEY_MAX + 1];

    if (pipeline_fires(d->pipeline, key))
        return;
    if (alert_close_put(&d->outbox.open, key, value, "state_lost", reconcile_at(d),
                        d->config->settings->group, d->machine.settings->language)) {
        d->counts.reconciled++;
        return;
    }
    snprintf(text, sizeof(text), "%.*s", (int)key.len, key.p);
    log_warning("an alert that fires on its topic could not be resolved", LOG_TEXT("key", text));
}

static void on_reconciled(struct reconcile *r)
{
    struct daemon *d = r->context;

    d->reconciling = d->still = false;
    d->now = (int64_t)uv_now(&d->loop);
    if (d->life == LIFE_RUNNING && r->code == EXIT_OK) {
        for (size_t i = 0; i < r->count; i++)
            reconcile_close(d, &r->alerts[i]);
        outbox_note(&d->outbox, d->now);
        log_notice("reconciled with the alert topic", LOG_NUMBER("records", r->records),
                   LOG_NUMBER("firing", r->count), LOG_NUMBER("resolved", d->counts.reconciled));
    } else if (d->life == LIFE_RUNNING) {
        log_error("not reconciled", LOG_TEXT("reason", r->why));
    }
    reconcile_deinit(r);
    if (d->life == LIFE_STOPPED) {
        daemon_close_soon(d);
        return;
    }
    if (d->life == LIFE_RUNNING) {
        intake_pause_all(&d->intake, FLOW_STILL, false);
        daemon_switch_pump(d);
    }
    daemon_pump(d);
}

void daemon_reconcile_pump(struct daemon *d)
{
    if (!d->reconcile_due || d->life != LIFE_RUNNING || !pipeline_is_told(d->pipeline))
        return;
    if (!d->still)
        intake_pause_all(&d->intake, FLOW_STILL, true);
    d->still = true;
    if (d->outbox.is_frozen || d->outbox.open.count > 0)
        return;
    d->reconcile_due = false;
    d->reconciling = reconcile_begin(&d->reconcile, &d->loop, d->config->settings, &d->health,
                                     on_reconciled, d) == 0;
}
