/* SPDX-License-Identifier: Apache-2.0 */
/* The one door for what the log does not say. Nothing else of the daemon lets a clock, an operator or a broker's
 * answer reach the machines; what comes through here is in the metadata of the transaction that carries what came
 * of it. */
#include <stdio.h>
#include <time.h>

#include "funnel/heartbeat.h"
#include "funnel/mem.h"
#include "shell/daemon.h"
#include "shell/exit_codes.h"
#include "shell/fault.h"
#include "shell/log.h"
#include "shell/version.h"

#define DOUBT_MS 2000 /* between two probes about something that seems wrong */

int64_t daemon_wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* False: there is no room until a snapshot is durable. */
bool daemon_decide(struct daemon *d, struct decision *x)
{
    int64_t from = x->source == DECISION_JUDGES ? INT64_MIN
                                                : pipeline_watermark(d->pipeline, x->source).ms;

    if (!decision_log_fits(&d->decisions, x))
        return false;
    decision_log_add(&d->decisions, x, from);
    pipeline_decide(d->pipeline, x);
    if (x->source != DECISION_JUDGES)
        pipeline_reach(d->pipeline, x->source, d->intake.parts[x->source].next, &d->outbox.open);
    outbox_note(&d->outbox, d->now);
    d->counts.decisions++;
    return true;
}

/* --- quiet input --- */

static void quiet_look(const struct daemon *d, struct quiet_part *parts)
{
    for (size_t i = 0; i < d->source_count; i++) {
        const struct intake_part *p = &d->intake.parts[i];
        const struct probe_part *probed = &d->probe.result.parts[i];

        parts[i] = (struct quiet_part){
            .input = d->sources[i].input,
            .next = p->next,
            .high = intake_high(&d->intake, i),
            .at_end = p->at_end,
            .paused = p->paused != 0,
            .probed_high = probed->high,
            .probed_at = probed->at,
            .heard_at = p->heard_at,
            .watermark = pipeline_watermark(d->pipeline, (uint32_t)i),
            .waits_for = pipeline_waits_for(d->pipeline, (uint32_t)i),
        };
    }
}

static void quiet_apply(struct daemon *d, const struct quiet_decision *q)
{
    struct decision x = {.source = (uint32_t)q->part,
                         .kind = q->kind,
                         .at = d->intake.parts[q->part].next,
                         .value = q->value};

    if (daemon_decide(d, &x))
        FAULT("decide.idle");
}

static void probe_now(struct daemon *d)
{
    int64_t *next = mem_zero(d->source_count, sizeof(*next));

    for (size_t i = 0; i < d->source_count; i++)
        next[i] = d->intake.parts[i].next;
    probe_begin(&d->probe, d->consumer, next);
    mem_free(next);
}

static bool lost_any(const struct daemon *d)
{
    for (size_t i = 0; i < d->source_count; i++)
        if (d->lost[i].offset >= 0)
            return true;
    return false;
}

/* Something about the inputs is not as it should be. A topic that was deleted makes the library complain again and
 * again; a single complaint is looked into as well. */
static bool in_doubt(struct daemon *d)
{
    bool doubt = lost_any(d) || atomic_exchange(&d->health.unknown, false);

    for (size_t i = 0; i < d->config->settings->inputs.count; i++)
        doubt |= d->probe.result.topics[i].misses > 0;
    return doubt;
}

static void quiet_tick(struct daemon *d)
{
    struct quiet_part *parts = mem_zero(d->source_count, sizeof(*parts));
    struct quiet_decision *out = mem_zero(d->source_count, sizeof(*out));
    struct settings_time time = d->machine.settings->time;
    struct quiet_view view = {parts, d->source_count, d->now, daemon_wall_ms(), &time};
    bool jumped = false, doubt = in_doubt(d), candidate = doubt;
    size_t n;

    time.idle_after = d->keys.idle_after;
    time.idle_lateness = d->keys.idle_lateness;
    quiet_look(d, parts);
    n = quiet_decide(&d->quiet, &view, out, &jumped);
    if (jumped)
        log_warning("the wall clock jumped ahead: it is not believed for a minute");
    for (size_t i = 0; i < n; i++)
        quiet_apply(d, &out[i]);
    for (size_t i = 0; i < d->source_count && !candidate; i++)
        candidate = quiet_is_candidate(&view, i);
    mem_free(parts);
    mem_free(out);
    if (d->now >= probe_due(d->probe.begun, candidate, view.time) ||
        (doubt && d->now - d->probe.begun >= DOUBT_MS))
        probe_now(d);
}

/* --- what the brokers say --- */

void daemon_lost(void *daemon, size_t part, int64_t offset)
{
    struct daemon *d = daemon;
    char why[512];

    if (part < d->source_count && d->life == LIFE_RUNNING) {
        d->lost[part] = (struct daemon_lost){offset, (int64_t)uv_now(&d->loop)};
        probe_now(d);
        return;
    }
    snprintf(why, sizeof(why), "%s/%d: offset %lld is not in the log any more",
             d->sources[part].topic, d->sources[part].partition, (long long)offset);
    daemon_die(d,
               part >= d->source_count      ? EXIT_KAFKA /* a restart reads it anew */
               : d->life == LIFE_REBUILDING ? EXIT_REPLAY
                                            : EXIT_GAP,
               why);
}

static bool probed_lost(struct daemon *d)
{
    bool again = false;
    char why[512];

    for (size_t i = 0; i < d->source_count; i++) {
        const struct daemon_lost *lost = &d->lost[i];
        int code = lost->offset < 0
                       ? EXIT_OK
                       : probe_lost_offset(&d->probe.result.parts[i], lost->offset, lost->at);

        again |= lost->offset >= 0;
        if (code == EXIT_OK)
            continue;
        snprintf(why, sizeof(why), "%s/%d: offset %lld is not in the log any more",
                 d->sources[i].topic, d->sources[i].partition, (long long)lost->offset);
        daemon_die(d, code, why);
        return true;
    }
    return again;
}

void daemon_probed(void *daemon)
{
    struct daemon *d = daemon;
    int code = EXIT_OK;
    char why[512];

    if (d->life == LIFE_STOPPED) {
        daemon_close_soon(d);
        return;
    }
    if (d->life != LIFE_RUNNING || probed_lost(d))
        return;
    switch (probe_judge(&d->probe.result, d->config->settings, d->sources, d->source_count, &code,
                        why)) {
    case PROBE_FINE:
        break;
    case PROBE_PARTITIONS: /* what was read is good: it is committed, and saved */
        log_error("stopping", LOG_TEXT("reason", why), LOG_NUMBER("exit", code));
        d->code = code;
        daemon_event(d, LIFE_TERM, EXIT_OK, NULL);
        break;
    default:
        daemon_die(d, code, why);
    }
}

/* --- each second --- */

static void heartbeat_tick(struct daemon *d)
{
    int64_t every = d->keys.heartbeat;

    if (every <= 0 || d->now < d->heartbeat_at)
        return;
    d->heartbeat_at = d->now + every;
    heartbeat_put(&d->outbox.open, d->config->settings->group, daemon_wall_ms(), every,
                  FUNNELD_VERSION);
    outbox_note(&d->outbox, d->now);
}

void daemon_decide_tick(struct daemon *d)
{
    if (d->life != LIFE_RUNNING)
        return;
    if (!d->still)
        quiet_tick(d);
    heartbeat_tick(d);
}
