/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo.h"

#include <stdio.h>
#include <time.h>

#include "cli/demo_view.h"

#define TICK_MS 25
#define REPORT_EVERY_MS 400
#define DRAW_EVERY_MS 200
#define TICK_MAX_MS 200           /* after a pause (Ctrl-Z) time goes on where it was */
#define SLICE_MS (10 * MINUTE_MS) /* of history, so that partitions stay close together */
#define SLICE_BUDGET_MS 50
#define SLICE_FLUSH_MS 5000
#define BEHIND_MAX_S 4 /* how far, by the clock, the daemon may be behind the generator */
#define BEHIND_MIN_MS (30 * MINUTE_MS)
#define REPORT_WAIT_MS 10000

int64_t demo_monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int loop_send_until(struct demo *d, int64_t until_ms, char error[256])
{
    struct shop_event e;

    while (demo_generator_next(d->generator, until_ms, &e)) {
        if (demo_producer_send(d->producer, &e, error) != 0)
            return -1;
        d->events++;
    }
    d->now_ms = until_ms;
    return 0;
}

static int loop_history(struct demo *d, char error[256])
{
    int64_t live = scenario_live(d->start_ms), began = demo_monotonic_ms();

    while (d->now_ms < live && demo_monotonic_ms() < began + SLICE_BUDGET_MS) {
        if (loop_send_until(d, d->now_ms + SLICE_MS, error) != 0)
            return -1;
        if (demo_producer_flush(d->producer, SLICE_FLUSH_MS) != 0) {
            snprintf(error, 256, "the broker does not take the events");
            return -1;
        }
    }
    return 0;
}

/* The broker keeps only a few megabytes: events the daemon has not come to by then would be lost to it.
 * So a daemon that cannot keep up on a busy machine slows event time down. */
static bool loop_must_wait(const struct demo *d)
{
    int64_t behind = BEHIND_MAX_S * d->minutes_per_second * MINUTE_MS;

    if (!d->report.there)
        return demo_monotonic_ms() < d->begun_ms + REPORT_WAIT_MS;
    return d->now_ms - d->report.now.at_ms > (behind > BEHIND_MIN_MS ? behind : BEHIND_MIN_MS);
}

static int loop_generate(struct demo *d, char error[256])
{
    int64_t now = demo_monotonic_ms(), elapsed = now - d->tick_ms;

    d->tick_ms = now;
    if (d->now_ms < scenario_live(d->start_ms))
        return loop_history(d, error);
    if (elapsed <= 0 || loop_must_wait(d))
        return 0;
    if (elapsed > TICK_MAX_MS)
        elapsed = TICK_MAX_MS;
    return loop_send_until(d, d->now_ms + elapsed * d->minutes_per_second * 60, error);
}

static void loop_dead_letter(struct demo *d, const struct demo_message *m)
{
    d->deadletters++;
    snprintf(d->deadletter, sizeof(d->deadletter), "%.60s: %.*s", m->reason ? m->reason : "?",
             (int)(m->len < 180 ? m->len : 180), m->value ? m->value : "");
}

static void loop_read(struct demo *d)
{
    struct demo_message m;

    while (demo_consumer_next(d->consumer, &m)) {
        const struct demo_alert *x;

        if (m.dead_letter) {
            loop_dead_letter(d, &m);
            continue;
        }
        x = demo_alerts_take(&d->alerts, m.value, m.len);
        if (x)
            demo_story_alert(&d->story, x);
    }
}

static void loop_report(struct demo *d)
{
    int64_t now = demo_monotonic_ms();

    if (now < d->report_ms + REPORT_EVERY_MS)
        return;
    d->report_ms = now;
    demo_report_fetch(&d->report, d->http_port);
}

static void loop_draw(struct demo *d)
{
    struct demo_view v = {.language = d->language,
                          .speed = (double)d->minutes_per_second * 60,
                          .start_ms = d->start_ms,
                          .now_ms = d->now_ms,
                          .report = &d->report,
                          .alerts = &d->alerts};
    int64_t now = demo_monotonic_ms();
    struct buf frame = {0};

    if (!d->screen || now < d->draw_ms + DRAW_EVERY_MS)
        return;
    d->draw_ms = now;
    demo_view_size(&v.columns, &v.rows);
    demo_view_draw(&v, &frame);
    fwrite(frame.data, 1, frame.len, stdout);
    fflush(stdout);
    buf_deinit(&frame);
}

static enum demo_end loop_ended(struct demo *d)
{
    if (demo_child_over(&d->daemon) || demo_child_over(&d->broker))
        return DEMO_CHILD_ENDED;
    if (ferror(stdout))
        return DEMO_STOPPED;
    if (!d->once)
        return DEMO_GOES_ON;
    if (demo_story_done(&d->story))
        return DEMO_DONE;
    if (demo_monotonic_ms() > d->begun_ms + d->timeout_s * 1000)
        return DEMO_TIMEOUT;
    return demo_story_hopeless(&d->story, d->report.there ? d->report.now.at_ms : d->now_ms)
               ? DEMO_TIMEOUT
               : DEMO_GOES_ON;
}

enum demo_end demo_loop(struct demo *d, char error[256])
{
    const struct timespec tick = {0, TICK_MS * 1000000};
    enum demo_end end;

    do {
        if (loop_generate(d, error) != 0)
            return DEMO_ERROR;
        demo_story_advance(&d->story, d->now_ms);
        loop_read(d);
        loop_report(d);
        loop_draw(d);
        end = loop_ended(d);
    } while (end == DEMO_GOES_ON && sigtimedwait(&d->signals, NULL, &tick) < 0);
    return end == DEMO_GOES_ON ? DEMO_STOPPED : end;
}
