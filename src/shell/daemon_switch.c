/* SPDX-License-Identifier: Apache-2.0 */
/* Another configuration: read, checked and kept on disk by its hash; then, where there is no durable snapshot
 * yet, one is taken, so that a replay knows the settings it begins with; then the switch is a decision at one cut
 * of all partitions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "funnel/settings_meaning.h"
#include "shell/daemon.h"
#include "shell/exit_codes.h"
#include "shell/fault.h"
#include "shell/log.h"

void daemon_keys_take(struct daemon *d, const struct settings *s)
{
    d->keys = (struct daemon_keys){
        .idle_after = s->time.idle_after,
        .idle_lateness = s->time.idle_lateness,
        .heartbeat = s->heartbeat,
        .snapshot = s->state.snapshot,
        .shutdown_timeout = s->shutdown_timeout,
        .outbox = s->limits.outbox,
    };
    d->snapshot_at = d->now; /* it was of the interval before */
}

void daemon_switch_machines(struct daemon *d, struct config *next, struct records *out)
{
    struct config old = d->machine;

    d->machine = *next;
    *next = (struct config){0};
    d->pipeline = pipeline_switch(d->pipeline, d->machine.settings, d->machine.zone, out);
    config_deinit(&old);
}

static void reload_over(struct daemon *d)
{
    if (!d->other.reloading)
        return;
    d->other.reloading = false;
    notify_ready();
}

static void switch_now(struct daemon *d)
{
    uint64_t hash = d->other.next.hash;

    for (size_t i = 0; i < d->source_count; i++) {
        struct decision x = {.source = (uint32_t)i,
                             .kind = DECISION_SWITCH,
                             .at = d->intake.parts[i].next,
                             .value = (int64_t)hash};

        decision_log_add(&d->decisions, &x, INT64_MIN);
        d->counts.decisions++;
    }
    daemon_switch_machines(d, &d->other.next, &d->outbox.open);
    d->other.waits = false;
    d->other.uncommitted = d->decisions.last;
    outbox_note(&d->outbox, d->now);
    log_setup(d->machine.settings->log.format, d->machine.settings->log.level);
    log_notice("the new configuration is in force");
    reload_over(d);
    FAULT("switch.before");
}

void daemon_switch_committed(struct daemon *d)
{
    if (d->other.uncommitted == 0 || d->outbox.point.decision_seq < d->other.uncommitted)
        return;
    d->other.uncommitted = 0;
    log_notice("the new configuration is committed");
    FAULT("switch.after");
}

/* Each partition's metadata takes its own half of it. */
static bool switch_fits(const struct daemon *d)
{
    struct decision x = {.kind = DECISION_SWITCH, .at = INT64_MAX, .value = INT64_MIN};

    for (x.source = 0; x.source < d->source_count; x.source++)
        if (!decision_log_fits(&d->decisions, &x))
            return false;
    return true;
}

/* Between steps. */
void daemon_switch_pump(struct daemon *d)
{
    if (!d->other.waits || d->still || d->life != LIFE_RUNNING || d->book.durable_count == 0 ||
        !switch_fits(d))
        return;
    switch_now(d);
}

void daemon_switch_begin(struct daemon *d, struct config *next)
{
    char why[STATE_DIR_WHY];

    if (next->hash == d->machine.hash) {
        log_setup(next->settings->log.format, next->settings->log.level);
        daemon_keys_take(d, next->settings);
        log_notice("the configuration means what it meant before: the machines go on");
        config_deinit(next);
        config_deinit(&d->other.next);
        d->other.waits = false;
        return;
    }
    if (!state_dir_put_settings(&d->dir, next->hash,
                                (struct span){next->text.data, (uint32_t)next->text.len}, why)) {
        log_error("the new configuration cannot be kept and is not used", LOG_TEXT("reason", why));
        d->counts.reloads_refused++;
        config_deinit(next);
        return;
    }
    config_deinit(&d->other.next); /* an earlier one that has not come to be */
    daemon_keys_take(d, next->settings);
    d->other.next = *next;
    *next = (struct config){0};
    d->other.waits = true;
    daemon_switch_pump(d);
    if (d->other.waits)
        log_notice("another configuration: a snapshot comes first");
    daemon_pump(d);
}

void daemon_switch_file(struct daemon *d)
{
    struct config next = {0};
    char why[512];

    if (restore_settings(d->config, &d->dir, d->config->hash, &next, why) == EXIT_OK)
        daemon_switch_begin(d, &next);
    else
        daemon_die(d, EXIT_CONFIGURATION, why);
}

/* --- SIGHUP --- */

static void say_lines(const char *text)
{
    for (const char *line = text; *line; line += strspn(line, "\n")) {
        char copy[512];
        size_t len = strcspn(line, "\n");

        snprintf(copy, sizeof(copy), "%.*s", (int)len, line);
        log_error("reload", LOG_TEXT("problem", copy));
        line += len;
    }
}

static bool reload_read(struct daemon *d, struct config *next)
{
    char *said = NULL;
    const char *fixed;
    size_t len = 0;
    FILE *diagnostics = open_memstream(&said, &len);
    int code;

    if (!diagnostics)
        abort();
    code = config_load(d->options.path, next, diagnostics);
    fclose(diagnostics);
    if (code != EXIT_OK)
        say_lines(said);
    free(said);
    if (code != EXIT_OK)
        return false;
    fixed = settings_switchable(d->config->settings, next->settings);
    if (!fixed)
        return true;
    log_error("this key cannot change while funneld runs: restart it", LOG_TEXT("key", fixed));
    config_deinit(next);
    return false;
}

void daemon_reload(struct daemon *d)
{
    struct config next = {0};

    if (d->life == LIFE_DRAINING || d->life == LIFE_STOPPED)
        return;
    if (d->life != LIFE_RUNNING) {
        log_notice("SIGHUP: the configuration is read again when the start is over");
        d->reload_later = true;
        return;
    }
    d->reload_later = false;
    notify_reloading();
    d->other.reloading = true;
    d->now = (int64_t)uv_now(&d->loop);
    if (reload_read(d, &next)) {
        d->counts.reloads++;
        daemon_switch_begin(d, &next);
    } else {
        d->counts.reloads_refused++;
        log_error("reload refused: nothing has changed");
    }
    if (!d->other.waits)
        reload_over(d);
}
