/* SPDX-License-Identifier: Apache-2.0 */
/* libc has a good reader of tzdata, rule strings for the far future included, but offers it only as the
 * process's local time. So the offset is probed once a day from 1970 to 2100 and each change bisected to the
 * second. The two closest changes of any zone since 1970 are seven days apart (America/Noronha, 2000). */
#include "shell/zone_load.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "funnel/buf.h"
#include "funnel/mem.h"

#define PROBE_FROM 0
#define PROBE_TO INT64_C(4102444800) /* 2100-01-01T00:00Z */
#define PROBE_STEP 86400
#define ZONEINFO "/usr/share/zoneinfo"

struct table {
    int64_t *at;
    int32_t *offset; /* one more than at */
    size_t count, at_cap, offset_cap;
};

static int32_t probe(int64_t s)
{
    time_t t = (time_t)s;
    struct tm tm = {0};

    localtime_r(&t, &tm);
    return (int32_t)tm.tm_gmtoff;
}

/* The second in (low, high] from which the offset of `high` holds; it does not hold at `low`. */
static int64_t bisect(int64_t low, int64_t high)
{
    int32_t after = probe(high);

    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (probe(middle) == after)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static void table_add_offset(struct table *t, int32_t offset)
{
    t->offset = mem_grow(t->offset, t->count, &t->offset_cap, sizeof(*t->offset));
    t->offset[t->count] = offset;
}

static void table_probe(struct table *t)
{
    int32_t before = probe(PROBE_FROM);

    table_add_offset(t, before);
    for (int64_t s = PROBE_FROM + PROBE_STEP; s <= PROBE_TO; s += PROBE_STEP) {
        int32_t now = probe(s);

        if (now == before)
            continue;
        t->at = mem_grow(t->at, t->count, &t->at_cap, sizeof(*t->at));
        t->at[t->count++] = bisect(s - PROBE_STEP, s);
        table_add_offset(t, now);
        before = now;
    }
}

/* TZ is the process's: what stood there is put back, or nothing, if nothing did. */
static struct zone *zone_probe(const char *name)
{
    const char *now = getenv("TZ");
    char *old = mem_strdup(now);
    struct table t = {0};
    struct buf value = {0};
    struct zone *z = NULL;

    buf_fmt(&value, ":%s", name);
    if (setenv("TZ", buf_cstr(&value), 1) == 0) {
        tzset();
        table_probe(&t);
        if (old)
            setenv("TZ", old, 1);
        else
            unsetenv("TZ");
        tzset();
        z = zone_new(name, t.at, t.offset, t.count);
    }
    buf_deinit(&value);
    mem_free(t.at);
    mem_free(t.offset);
    mem_free(old);
    return z;
}

/* "right/" zones count leap seconds, which neither Kafka's nor anybody's epoch milliseconds do. */
static bool name_is_plausible(const char *name)
{
    if (!*name || strlen(name) > 100 || *name == '/' || strstr(name, "..") ||
        strncmp(name, "right/", 6) == 0)
        return false;
    for (const char *c = name; *c; c++)
        if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9') &&
            !strchr("/_+-", *c))
            return false;
    return true;
}

static bool is_zone_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    char magic[4] = {0};
    bool is;

    if (!file)
        return false;
    is = fread(magic, 1, sizeof(magic), file) == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
    fclose(file);
    return is;
}

static bool is_utc(const char *name)
{
    return strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0;
}

struct zone *zone_load(const char *name, char wrong[ZONE_LOAD_WRONG])
{
    const char *folder = getenv("TZDIR");
    struct buf path = {0};
    struct zone *z = NULL;

    wrong[0] = '\0';
    if (is_utc(name))
        return zone_fixed(name, 0);
    if (!folder || !*folder)
        folder = ZONEINFO;
    buf_fmt(&path, "%s/%s", folder, name);
    if (!name_is_plausible(name))
        snprintf(wrong, ZONE_LOAD_WRONG, "\"%.100s\" is not the name of a time zone", name);
    else if (access(folder, R_OK | X_OK) != 0)
        snprintf(wrong, ZONE_LOAD_WRONG, "no time zone data in %.150s", folder);
    else if (!is_zone_file(buf_cstr(&path)))
        snprintf(wrong, ZONE_LOAD_WRONG, "there is no time zone \"%s\" in %.100s", name, folder);
    else if (!(z = zone_probe(name)))
        snprintf(wrong, ZONE_LOAD_WRONG, "the data of time zone \"%s\" make no sense", name);
    buf_deinit(&path);
    return z;
}
