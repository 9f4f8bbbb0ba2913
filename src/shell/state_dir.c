/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/state_dir_names.h"

#define READ_ONLY (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

/* --- errors --- */

static void dir_say(const struct state_dir *d, const char *name, const char *what, int error,
                    char why[STATE_DIR_WHY])
{
    snprintf(why, STATE_DIR_WHY, "%.300s%s%.64s: %s%s%s", d->path, *name ? "/" : "", name, what,
             *what && error ? ": " : "", error ? strerror(error) : "");
}

/* --- opening --- */

static int dir_fail(struct state_dir *d, int code)
{
    state_dir_close(d);
    return code;
}

static int dir_open_folder(struct state_dir *d, const char *path, char why[STATE_DIR_WHY])
{
    struct stat st;

    *d = (struct state_dir){.path = mem_strdup(path), .fd = -1, .lock = -1, .open = true};
    d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd < 0 || fstat(d->fd, &st) != 0) {
        dir_say(d, "", "cannot open it", errno, why);
        return EXIT_IO;
    }
    if (st.st_mode & S_IWOTH) {
        dir_say(d, "", "anyone may write to it: make it a folder of its own, with mode 0700", 0,
                why);
        return EXIT_IO;
    }
    return EXIT_OK;
}

static int dir_lock(struct state_dir *d, char why[STATE_DIR_WHY])
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat st;
    pid_t holder;

    d->lock = openat(d->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (d->lock < 0 || fstat(d->lock, &st) != 0 || !S_ISREG(st.st_mode)) {
        dir_say(d, "lock", "cannot use it", d->lock < 0 ? errno : 0, why);
        return EXIT_IO;
    }
    if (fcntl(d->lock, F_SETLK, &lock) == 0)
        return EXIT_OK;
    if (errno != EACCES && errno != EAGAIN) {
        dir_say(d, "lock", "cannot lock it", errno, why);
        return EXIT_IO;
    }
    holder = state_dir_holder(d);
    if (holder > 0)
        snprintf(why, STATE_DIR_WHY, "%.300s is in use by process %ld", d->path, (long)holder);
    else
        snprintf(why, STATE_DIR_WHY, "%.300s is in use by another process", d->path);
    return EXIT_LOCKED;
}

static bool visit_temporary(void *context, int fd, const struct state_name *name)
{
    (void)context;
    if (name->kind == STATE_NAME_TEMPORARY || name->kind == STATE_NAME_SETTINGS_TEMPORARY)
        unlinkat(fd, name->text, 0);
    return true;
}

int state_dir_open(struct state_dir *d, const char *path, char why[STATE_DIR_WHY])
{
    bool made = mkdir(path, 0700) == 0;
    int failed = made || errno == EEXIST ? 0 : errno, code;

    code = dir_open_folder(d, path, why);
    if (code != EXIT_OK && failed)
        dir_say(d, "", "cannot create it", failed, why);
    if (code == EXIT_OK)
        code = dir_lock(d, why);
    if (code != EXIT_OK)
        return dir_fail(d, code);
    state_names_each(d->fd, visit_temporary, NULL);
    return EXIT_OK;
}

int state_dir_look(struct state_dir *d, const char *path, char why[STATE_DIR_WHY])
{
    int code = dir_open_folder(d, path, why);

    return code == EXIT_OK ? EXIT_OK : dir_fail(d, code);
}

void state_dir_close(struct state_dir *d)
{
    if (d->open && d->lock >= 0)
        close(d->lock);
    if (d->open && d->fd >= 0)
        close(d->fd);
    mem_free(d->path);
    *d = (struct state_dir){0};
}

pid_t state_dir_holder(const struct state_dir *d)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = d->lock >= 0 ? d->lock : openat(d->fd, "lock", READ_ONLY);
    pid_t holder = 0;

    if (fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        holder = lock.l_pid > 0 ? lock.l_pid : -1;
    if (fd >= 0 && fd != d->lock)
        close(fd);
    return holder;
}

/* --- snapshots --- */

struct listing {
    uint32_t *generations; /* newest first */
    size_t count, cap;
    enum state_name_kind kind;
};

static bool visit_list(void *context, int fd, const struct state_name *name)
{
    struct listing *l = context;
    uint32_t generation = (uint32_t)name->number;
    size_t at = 0;

    (void)fd;
    if (name->kind != l->kind)
        return true;
    while (at < l->count && l->generations[at] > generation)
        at++;
    if (at == l->cap)
        return true;
    if (l->count < l->cap)
        l->count++;
    memmove(l->generations + at + 1, l->generations + at,
            (l->count - at - 1) * sizeof(*l->generations));
    l->generations[at] = generation;
    return true;
}

size_t state_dir_list(const struct state_dir *d, uint32_t ret_generations[STATE_DIR_LIST])
{
    struct listing l = {ret_generations, 0, STATE_DIR_LIST, STATE_NAME_SNAPSHOT};

    state_names_each(d->fd, visit_list, &l);
    return l.count;
}

static bool visit_highest(void *context, int fd, const struct state_name *name)
{
    uint32_t *highest = context;

    (void)fd;
    if ((name->kind == STATE_NAME_SNAPSHOT || name->kind == STATE_NAME_BROKEN ||
         name->kind == STATE_NAME_TEMPORARY) &&
        name->number > *highest)
        *highest = (uint32_t)name->number;
    return true;
}

uint32_t state_dir_next(const struct state_dir *d, uint32_t least)
{
    uint32_t highest = least;

    state_names_each(d->fd, visit_highest, &highest);
    return highest < UINT32_MAX ? highest + 1 : UINT32_MAX;
}

int state_dir_snapshot(const struct state_dir *d, uint32_t generation, char why[STATE_DIR_WHY])
{
    struct state_name name = state_name_of(STATE_NAME_SNAPSHOT, generation);
    int fd = openat(d->fd, name.text, READ_ONLY);
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    dir_say(d, name.text, "cannot read it", fd < 0 ? errno : 0, why);
    if (fd >= 0)
        close(fd);
    return -1;
}

int state_dir_temporary(const struct state_dir *d, uint32_t generation, char why[STATE_DIR_WHY])
{
    struct state_name name = state_name_of(STATE_NAME_TEMPORARY, generation);
    int fd;

    unlinkat(d->fd, name.text, 0);
    fd = openat(d->fd, name.text, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        dir_say(d, name.text, "cannot create it", errno, why);
    return fd;
}

void state_dir_discard(const struct state_dir *d, uint32_t generation)
{
    unlinkat(d->fd, state_name_of(STATE_NAME_TEMPORARY, generation).text, 0);
}

static bool dir_rename(const struct state_dir *d, const struct state_name *from,
                       const struct state_name *to, char why[STATE_DIR_WHY])
{
    if (renameat(d->fd, from->text, d->fd, to->text) == 0 && fsync(d->fd) == 0)
        return true;
    dir_say(d, to->text, "cannot rename to it", errno, why);
    return false;
}

bool state_dir_commit(const struct state_dir *d, uint32_t generation, char why[STATE_DIR_WHY])
{
    struct state_name from = state_name_of(STATE_NAME_TEMPORARY, generation),
                      to = state_name_of(STATE_NAME_SNAPSHOT, generation);

    return dir_rename(d, &from, &to, why);
}

/* What is to stay of one kind; the rest is removed. */
struct keeping {
    enum state_name_kind kind;
    const uint32_t *generations;
    const uint64_t *hashes;
    size_t count, removed;
};

static bool visit_keep(void *context, int fd, const struct state_name *name)
{
    struct keeping *k = context;

    if (name->kind != k->kind)
        return true;
    for (size_t i = 0; i < k->count; i++) {
        if (name->number == (k->hashes ? k->hashes[i] : k->generations[i]))
            return true;
    }
    k->removed += unlinkat(fd, name->text, 0) == 0;
    return true;
}

bool state_dir_set_aside(const struct state_dir *d, uint32_t generation, char why[STATE_DIR_WHY])
{
    struct state_name from = state_name_of(STATE_NAME_SNAPSHOT, generation),
                      to = state_name_of(STATE_NAME_BROKEN, generation);
    uint32_t latest[STATE_DIR_BROKEN];
    struct listing l = {latest, 0, STATE_DIR_BROKEN, STATE_NAME_BROKEN};
    struct keeping k = {.kind = STATE_NAME_BROKEN, .generations = latest};

    if (!dir_rename(d, &from, &to, why))
        return false;
    state_names_each(d->fd, visit_list, &l);
    k.count = l.count;
    state_names_each(d->fd, visit_keep, &k);
    return true;
}

size_t state_dir_keep(const struct state_dir *d, const uint32_t *generations, size_t count)
{
    struct keeping k = {.kind = STATE_NAME_SNAPSHOT, .generations = generations, .count = count};

    state_names_each(d->fd, visit_keep, &k);
    return k.removed;
}

/* --- settings --- */

static bool dir_write_file(const struct state_dir *d, const char *name, struct span text,
                           char why[STATE_DIR_WHY])
{
    int fd, failed = 0;

    unlinkat(d->fd, name, 0);
    fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    for (size_t at = 0; fd >= 0 && at < text.len && !failed;) {
        ssize_t n = write(fd, text.p + at, text.len - at);

        if (n > 0)
            at += (size_t)n;
        else if (n == 0 || errno != EINTR)
            failed = n == 0 ? EIO : errno;
    }
    if (fd >= 0 && !failed && fsync(fd) != 0)
        failed = errno;
    if (fd < 0 || failed)
        dir_say(d, name, "cannot write it", fd < 0 ? errno : failed, why);
    if (fd >= 0)
        close(fd);
    return fd >= 0 && !failed;
}

bool state_dir_put_settings(const struct state_dir *d, uint64_t hash, struct span text,
                            char why[STATE_DIR_WHY])
{
    struct state_name name = state_name_of(STATE_NAME_SETTINGS, hash),
                      temporary = state_name_of(STATE_NAME_SETTINGS_TEMPORARY, hash);
    struct stat st;

    /* It got its name when it was whole. */
    if (fstatat(d->fd, name.text, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
        return true;
    if (dir_write_file(d, temporary.text, text, why) && dir_rename(d, &temporary, &name, why))
        return true;
    unlinkat(d->fd, temporary.text, 0);
    return false;
}

bool state_dir_get_settings(const struct state_dir *d, uint64_t hash, struct buf *out,
                            char why[STATE_DIR_WHY])
{
    struct state_name name = state_name_of(STATE_NAME_SETTINGS, hash);
    int fd = openat(d->fd, name.text, READ_ONLY), failed = fd < 0 ? errno : 0;
    size_t start = out->len;
    struct stat st;

    if (!failed && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > STATE_DIR_TEXT_MAX))
        failed = EINVAL;
    for (ssize_t n = 1; !failed && n != 0 && out->len - start <= STATE_DIR_TEXT_MAX;) {
        buf_reserve(out, 65536);
        n = read(fd, out->data + out->len, 65536);
        if (n > 0)
            out->len += (size_t)n;
        else if (n < 0 && errno != EINTR)
            failed = errno;
    }
    if (fd >= 0)
        close(fd);
    if (failed) {
        out->len = start;
        dir_say(d, name.text, "cannot read it", failed, why);
    }
    return !failed;
}

void state_dir_keep_settings(const struct state_dir *d, const uint64_t *hashes, size_t count)
{
    static const uint64_t none[1];
    struct keeping k = {
        .kind = STATE_NAME_SETTINGS, .hashes = count ? hashes : none, .count = count};

    state_names_each(d->fd, visit_keep, &k);
}

struct hashes {
    uint64_t *items;
    size_t count;
};

static bool visit_settings(void *context, int fd, const struct state_name *name)
{
    struct hashes *h = context;

    (void)fd;
    if (name->kind == STATE_NAME_SETTINGS && h->count < STATE_DIR_LIST)
        h->items[h->count++] = name->number;
    return true;
}

size_t state_dir_list_settings(const struct state_dir *d, uint64_t ret_hashes[STATE_DIR_LIST])
{
    struct hashes h = {.items = ret_hashes};

    state_names_each(d->fd, visit_settings, &h);
    return h.count;
}

/* --- all of it --- */

static bool visit_reset(void *context, int fd, const struct state_name *name)
{
    int *removed = context;

    if (name->kind == STATE_NAME_OTHER)
        return true;
    if (unlinkat(fd, name->text, 0) != 0)
        return false;
    ++*removed;
    return true;
}

int state_dir_reset(const struct state_dir *d, char why[STATE_DIR_WHY])
{
    int removed = 0;

    if (state_names_each(d->fd, visit_reset, &removed) && fsync(d->fd) == 0)
        return removed;
    dir_say(d, "", "cannot remove what is in it", errno, why);
    return -1;
}
