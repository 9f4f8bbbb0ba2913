/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/notify.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void notify_status(const char *text)
{
    static char last[256]; /* one service manager per process */
    char now[sizeof(last)];

    snprintf(now, sizeof(now), "%s", text);
    if (strcmp(last, now) == 0)
        return;
    memcpy(last, now, sizeof(last));
    sd_notifyf(0, "STATUS=%s", now);
}

void notify_ready(void)
{
    sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
               (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void notify_watchdog(void)
{
    sd_notify(0, "WATCHDOG=1");
}

int64_t notify_watchdog_ms(void)
{
    uint64_t us = 0;

    return sd_watchdog_enabled(0, &us) > 0 && us >= 2000 ? (int64_t)(us / 2000) : 0;
}

bool notify_is_alive(const struct notify_pulse *before, const struct notify_pulse *now)
{
    if (now->idle)
        return true;
    if (now->drains == before->drains)
        return false;
    return now->messages != before->messages || now->queued == 0 || before->queued == 0;
}
