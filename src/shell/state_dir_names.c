/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/state_dir_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *before, *after;
    bool is_hash; /* 16 hex digits, else decimal */
} shapes[] = {
    [STATE_NAME_SNAPSHOT] = {"snapshot-", "", false},
    [STATE_NAME_TEMPORARY] = {"snapshot-", ".tmp", false},
    [STATE_NAME_BROKEN] = {"snapshot-", ".broken", false},
    [STATE_NAME_SETTINGS] = {"settings-", ".yaml", true},
    [STATE_NAME_SETTINGS_TEMPORARY] = {"settings-", ".yaml.tmp", true},
};
#define SHAPE_COUNT (sizeof(shapes) / sizeof(shapes[0]))

struct state_name state_name_of(enum state_name_kind kind, uint64_t number)
{
    struct state_name n = {.kind = kind, .number = number};

    if (kind != STATE_NAME_OTHER)
        snprintf(n.text, sizeof(n.text),
                 shapes[kind].is_hash ? "%s%016" PRIx64 "%s" : "%s%" PRIu64 "%s",
                 shapes[kind].before, number, shapes[kind].after);
    return n;
}

/* The number in it is read, written again, and must give the same name. */
struct state_name state_name_parse(const char *text)
{
    for (size_t kind = 1; kind < SHAPE_COUNT; kind++) {
        size_t begin = strlen(shapes[kind].before);
        struct state_name n;
        uint64_t number;

        if (strncmp(text, shapes[kind].before, begin) != 0)
            continue;
        errno = 0;
        number = strtoull(text + begin, NULL, shapes[kind].is_hash ? 16 : 10);
        n = state_name_of((enum state_name_kind)kind, number);
        if (errno == 0 && strcmp(n.text, text) == 0 &&
            (shapes[kind].is_hash || (number > 0 && number <= UINT32_MAX)))
            return n;
    }
    return (struct state_name){.kind = STATE_NAME_OTHER};
}

bool state_names_each(int fd, bool (*visit)(void *context, int fd, const struct state_name *name),
                      void *context)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again >= 0 ? fdopendir(again) : NULL;
    bool going = dir != NULL;
    int failed = errno;

    if (!dir && again >= 0)
        close(again);
    while (going) {
        struct dirent *entry = (errno = 0, readdir(dir));
        struct state_name name;

        if (!entry) {
            going = errno == 0;
            failed = errno;
            break;
        }
        name = state_name_parse(entry->d_name);
        going = visit(context, fd, &name);
        failed = errno;
    }
    if (dir)
        closedir(dir);
    errno = failed;
    return going;
}
