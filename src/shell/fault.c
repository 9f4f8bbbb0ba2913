/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/fault.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shell/exit_codes.h"

#define FAULT_NAME(name, where) name,
const char *const fault_names[] = {FAULT_POINTS(FAULT_NAME)};
#undef FAULT_NAME
const size_t fault_count = sizeof(fault_names) / sizeof(fault_names[0]);

#define FAULT_POINT_MAX 64
_Static_assert(sizeof(fault_names) / sizeof(fault_names[0]) <= FAULT_POINT_MAX, "fault_shared");

static const char *const action_names[] = {"kill", "stop", "exit", "delay", "fail"};

/* Seen by a forked child too, so that hits count over both. */
struct fault_shared {
    _Atomic uint32_t hits[FAULT_POINT_MAX];
};

static struct {
    struct fault_order orders[FAULT_ORDERS_MAX];
    size_t count;
    pid_t owner; /* the parent, for a child */
    struct fault_shared *shared;
} armed;

/* --- orders --- */

static size_t fault_find(const char *name, size_t len)
{
    for (size_t i = 0; i < fault_count; i++) {
        if (strlen(fault_names[i]) == len && memcmp(fault_names[i], name, len) == 0)
            return i;
    }
    return fault_count;
}

static bool fault_number(const char *text, int64_t max, int64_t *ret)
{
    char *end;
    long long n = strtoll(text, &end, 10);

    *ret = n;
    return end != text && *end == '\0' && n > 0 && n <= max;
}

static bool fault_parse_action(const char *text, struct fault_order *o)
{
    if (strncmp(text, "delay=", 6) == 0) {
        o->action = FAULT_DELAY;
        return fault_number(text + 6, 600000, &o->delay_ms);
    }
    for (int i = 0; i < (int)(sizeof(action_names) / sizeof(action_names[0])); i++) {
        if (i != FAULT_DELAY && strcmp(text, action_names[i]) == 0) {
            o->action = (enum fault_action)i;
            return true;
        }
    }
    return false;
}

/* One order, in a copy that may be cut. */
static bool fault_parse_one(char *text, struct fault_order *o, char why[128])
{
    char *nth = strchr(text, ':'), *action = nth ? strchr(nth + 1, ':') : NULL, *both;
    int64_t n = 1;

    if (nth)
        *nth++ = '\0';
    if (action)
        *action++ = '\0';
    both = strchr(text, '@');
    if (both)
        *both++ = '\0';
    *o = (struct fault_order){.point = fault_find(text, strlen(text)), .both = both != NULL};
    why[0] = '\0';
    if (o->point == fault_count)
        snprintf(why, 128, "no fault point '%s'", text);
    else if (both && strcmp(both, "both") != 0)
        snprintf(why, 128, "'@%s' is not @both", both);
    else if (nth && strcmp(nth, "*") == 0)
        n = FAULT_EACH;
    else if (nth && !fault_number(nth, INT32_MAX, &n))
        snprintf(why, 128, "'%s' is no number of a hit", nth);
    if (!*why && action && !fault_parse_action(action, o))
        snprintf(why, 128, "no action '%s'", action);
    o->nth = (uint32_t)n;
    return why[0] == '\0';
}

int fault_parse(const char *text, struct fault_order ret[FAULT_ORDERS_MAX], char why[128])
{
    int count = 0;

    while (*text) {
        size_t len = strcspn(text, ",");
        char copy[128];

        if (count == FAULT_ORDERS_MAX || len >= sizeof(copy)) {
            snprintf(why, 128, "too many orders, or too long a one");
            return -1;
        }
        memcpy(copy, text, len);
        copy[len] = '\0';
        if (!fault_parse_one(copy, &ret[count++], why))
            return -1;
        text += len + (text[len] == ',');
    }
    return count;
}

/* No stdio: a forked child may be the one that speaks. */
__attribute__((format(printf, 1, 2))) static void fault_say(const char *format, ...)
{
    char line[256];
    va_list ap;
    int len;

    va_start(ap, format);
    len = vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    if (write(STDERR_FILENO, line, (size_t)len) < 0) {
        /* nobody listens */
    }
}

void fault_arm(const char *text)
{
    char why[128];
    int count = text ? fault_parse(text, armed.orders, why) : 0;

    if (count < 0) {
        fault_say("fault: FUNNELD_FAULT: %s\n", why);
        _exit(EXIT_USAGE);
    }
    armed.count = (size_t)count;
    armed.owner = getpid();
    if (!armed.shared)
        armed.shared = mmap(NULL, sizeof(*armed.shared), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (armed.shared == MAP_FAILED)
        abort();
    for (size_t i = 0; i < fault_count; i++)
        atomic_store(&armed.shared->hits[i], 0);
}

#ifdef FUNNELD_FAULTS
__attribute__((constructor)) static void fault_begin(void)
{
    fault_arm(getenv("FUNNELD_FAULT"));
}
#endif

/* --- hits --- */

static void fault_signal(const struct fault_order *o, int number)
{
    if (o->both && getpid() != armed.owner)
        kill(armed.owner, number);
    kill(getpid(), number);
}

static bool fault_act(const struct fault_order *o, uint32_t hit)
{
    fault_say("fault: %s, hit %" PRIu32 ": %s\n", fault_names[o->point], hit,
              action_names[o->action]);
    switch (o->action) {
    case FAULT_KILL:
        fault_signal(o, SIGKILL);
        pause(); /* it is on its way */
        break;
    case FAULT_STOP:
        fault_signal(o, SIGSTOP);
        break;
    case FAULT_LEAVE:
        _exit(FAULT_EXIT);
    case FAULT_DELAY:
        usleep((useconds_t)o->delay_ms * 1000);
        break;
    case FAULT_FAIL:
        return true;
    }
    return false;
}

static size_t fault_point(const char *name)
{
    size_t point = fault_find(name, strlen(name));

    if (point == fault_count)
        abort(); /* of the source, not of a test: tests/script/fault_points.py finds it before */
    return point;
}

bool fault_hit(const char *name)
{
    size_t point = fault_point(name);
    bool fails = false;
    uint32_t hit;

    if (!armed.shared)
        return false;
    hit = atomic_fetch_add(&armed.shared->hits[point], 1) + 1;
    for (size_t i = 0; i < armed.count; i++) {
        const struct fault_order *o = &armed.orders[i];

        if (o->point == point && (o->nth == hit || o->nth == FAULT_EACH))
            fails |= fault_act(o, hit);
    }
    return fails;
}

bool fault_awaited(const char *name)
{
    size_t point = fault_point(name);

    for (size_t i = 0; i < armed.count; i++) {
        if (armed.orders[i].point == point)
            return true;
    }
    return false;
}
