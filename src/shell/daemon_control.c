/* SPDX-License-Identifier: Apache-2.0 */
/* The control topic: each record a decision for the judges. Where the commit metadata have no room for one, it and
 * what comes after it wait for a snapshot, and the topic is not read on: no operator's word is lost. */
#include "shell/control_in.h"
#include "shell/daemon.h"
#include "shell/log.h"

static void control_pause(struct daemon *d, bool on)
{
    for (size_t i = d->source_count; i < d->part_count; i++)
        intake_pause(&d->intake, i, FLOW_CONTROL, on);
}

/* True: it has become a decision, or never will. */
static bool control_take(struct daemon *d, const struct message *m)
{
    struct decision x;
    const char *why;

    if (!control_in_decision(d->machine.settings, m, pipeline_next_pane(d->pipeline), &x, &why)) {
        d->counts.controls_refused++;
        log_warning("a control record is refused", LOG_NUMBER("offset", m->offset),
                    LOG_TEXT("reason", why));
        return true;
    }
    if (!daemon_decide(d, &x))
        return false;
    d->counts.controls++;
    log_notice("control record", LOG_NUMBER("offset", m->offset));
    return true;
}

void daemon_control(struct daemon *d, const struct message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (d->controls.count == 0 && control_take(d, &messages[i]))
            continue;
        if (d->controls.count == 0) {
            log_notice("control records wait until a snapshot makes room for them",
                       LOG_NUMBER("offset", messages[i].offset));
            control_pause(d, true);
        }
        control_hold_push(&d->controls, &messages[i]);
    }
}

void daemon_control_pump(struct daemon *d)
{
    struct message m;

    if (d->controls.count == 0 || d->life != LIFE_RUNNING)
        return;
    while (control_hold_first(&d->controls, &m) && control_take(d, &m))
        control_hold_pop(&d->controls);
    if (d->controls.count == 0)
        control_pause(d, false);
}
