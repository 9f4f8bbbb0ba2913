/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/state_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/codec.h"
#include "funnel/mem.h"
#include "shell/state_file_layout.h"

#define BLOCK_BYTES (1u << 20)
#define SECTIONS_MAX 131072 /* partitions, inputs and funnels */
#define HEAD_MAX (STATE_SETTINGS_MAX + (32u << 20))

static bool wrong(char why[STATE_FILE_WHY], const char *what)
{
    snprintf(why, STATE_FILE_WHY, "%s", what);
    return false;
}

static uint32_t get_u32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get_u64(const unsigned char *at)
{
    return get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

static bool read_at(int fd, void *to, size_t n, uint64_t offset, char why[STATE_FILE_WHY])
{
    unsigned char *p = to;

    while (n > 0) {
        ssize_t got = pread(fd, p, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return wrong(why, strerror(errno));
        if (got == 0)
            return wrong(why, "it became shorter while it was read");
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

/* --- the directory --- */

/* Where the footer says that things are. */
struct footer {
    uint64_t directory, head_hash;
    size_t sections;
};

static bool read_begin(const struct state_file *f, size_t *ret_head, char why[STATE_FILE_WHY])
{
    unsigned char begin[STATE_BEGIN_BYTES];

    if (f->size < STATE_BEGIN_BYTES + STATE_TRAILER_BYTES)
        return wrong(why, f->size == 0 ? "it is empty" : "it is cut off");
    if (!read_at(f->fd, begin, sizeof(begin), 0, why))
        return false;
    if (memcmp(begin, STATE_FILE_MAGIC, 8) != 0)
        return wrong(why, "it is no snapshot of funneld");
    if (get_u32(begin + 8) != STATE_FILE_VERSION) {
        snprintf(why, STATE_FILE_WHY, "its format is version %" PRIu32 ", this funneld reads %d",
                 get_u32(begin + 8), STATE_FILE_VERSION);
        return false;
    }
    *ret_head = (size_t)get_u32(begin + 12) + STATE_BEGIN_BYTES;
    return true;
}

static bool read_trailer(const struct state_file *f, size_t head, struct footer *ret,
                         char why[STATE_FILE_WHY])
{
    unsigned char t[STATE_TRAILER_BYTES];
    uint64_t entries;

    if (!read_at(f->fd, t, sizeof(t), f->size - sizeof(t), why))
        return false;
    if (memcmp(t + STATE_TRAILER_MAGIC, STATE_FILE_END_MAGIC, 8) != 0)
        return wrong(why, "it is cut off, or its end was overwritten");
    ret->directory = get_u64(t + STATE_TRAILER_DIRECTORY);
    ret->sections = get_u32(t + STATE_TRAILER_SECTIONS);
    ret->head_hash = get_u64(t + STATE_TRAILER_HEAD_HASH);
    entries = (uint64_t)ret->sections * STATE_ENTRY_BYTES;
    if (ret->sections > SECTIONS_MAX || head > HEAD_MAX || head > f->size ||
        ret->directory < head || ret->directory > f->size ||
        f->size - ret->directory != entries + STATE_TRAILER_BYTES)
        return wrong(why, "its directory is damaged");
    return true;
}

/* Sections lie without gaps from the header to the directory. */
static bool read_entries(struct state_file *f, const struct footer *footer, size_t head,
                         const unsigned char *bytes, char why[STATE_FILE_WHY])
{
    uint64_t at = head;

    f->section_count = footer->sections;
    f->sections = mem_zero(footer->sections + 1, sizeof(*f->sections));
    for (size_t i = 0; i < footer->sections; i++) {
        const unsigned char *entry = bytes + i * STATE_ENTRY_BYTES;
        struct state_section *s = &f->sections[i];

        memcpy(s->name, entry, STATE_NAME_BYTES);
        s->offset = get_u64(entry + STATE_ENTRY_OFFSET);
        s->length = get_u64(entry + STATE_ENTRY_LENGTH);
        s->hash = get_u64(entry + STATE_ENTRY_HASH);
        if (s->offset != at || s->length > footer->directory - at)
            return wrong(why, "its directory is damaged");
        at += s->length;
    }
    return at == footer->directory || wrong(why, "its directory is damaged");
}

static bool read_directory(struct state_file *f, const struct footer *footer, size_t head,
                           char why[STATE_FILE_WHY])
{
    size_t n = (size_t)(f->size - footer->directory);
    unsigned char *bytes = mem_alloc(n);
    const unsigned char *trailer = bytes + n - STATE_TRAILER_BYTES;
    bool good = read_at(f->fd, bytes, n, footer->directory, why);

    if (good && XXH3_64bits(bytes, n - STATE_TRAILER_BYTES + STATE_TRAILER_HASH) !=
                    get_u64(trailer + STATE_TRAILER_HASH))
        good = wrong(why, "its directory is damaged");
    if (good)
        good = read_entries(f, footer, head, bytes, why);
    mem_free(bytes);
    return good;
}

/* --- the header --- */

static bool read_head(struct state_file *f, const struct footer *footer, size_t head,
                      char why[STATE_FILE_WHY])
{
    const char *error;

    f->head = mem_alloc(head);
    f->head_len = head;
    if (!read_at(f->fd, f->head, head, 0, why))
        return false;
    if (XXH3_64bits(f->head, head) != footer->head_hash)
        return wrong(why, "its header is damaged");
    f->memory = arena_new();
    error = state_header_decode(f->head + STATE_BEGIN_BYTES, head - STATE_BEGIN_BYTES, f->memory,
                                &f->header);
    if (error)
        snprintf(why, STATE_FILE_WHY, "its header: %s", error);
    return !error;
}

bool state_file_open(int fd, struct state_file *ret, char why[STATE_FILE_WHY])
{
    struct state_file f = {.fd = fd};
    struct footer footer = {0};
    struct stat st;
    size_t head = 0;
    bool good = fstat(fd, &st) == 0 || wrong(why, strerror(errno));

    if (good && !S_ISREG(st.st_mode))
        good = wrong(why, "it is no regular file");
    f.size = good ? (uint64_t)st.st_size : 0;
    good = good && read_begin(&f, &head, why) && read_trailer(&f, head, &footer, why) &&
           read_directory(&f, &footer, head, why) && read_head(&f, &footer, head, why);
    if (good)
        *ret = f;
    else
        state_file_close(&f);
    return good;
}

void state_file_close(struct state_file *f)
{
    mem_free(f->head);
    mem_free(f->sections);
    arena_free(f->memory);
    *f = (struct state_file){.fd = -1};
}

/* --- hashes --- */

/* 1: good, 0: damaged, -1: it could not be read (why), -2: cancelled. */
static int section_hash(const struct state_file *f, const struct state_section *s,
                        const _Atomic bool *cancel, char why[STATE_FILE_WHY])
{
    unsigned char *block = mem_alloc(BLOCK_BYTES);
    XXH3_state_t state;
    uint64_t at = 0;
    int result = 1;

    XXH3_64bits_reset(&state);
    while (at < s->length && result > 0) {
        uint64_t left = s->length - at;
        size_t n = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;

        if (cancel && *cancel)
            result = -2;
        else if (!read_at(f->fd, block, n, s->offset + at, why))
            result = -1;
        else
            XXH3_64bits_update(&state, block, n);
        at += n;
    }
    mem_free(block);
    return result < 0 ? result : XXH3_64bits_digest(&state) == s->hash;
}

static bool section_check(const struct state_file *f, size_t section, const _Atomic bool *cancel,
                          char why[STATE_FILE_WHY])
{
    const struct state_section *s = &f->sections[section];
    char text[STATE_FILE_WHY] = "its bytes are damaged";
    int good = section_hash(f, s, cancel, text);

    if (good == -2)
        return wrong(why, "cancelled");
    if (good != 1)
        snprintf(why, STATE_FILE_WHY, "section %s: %.400s", s->name, text);
    return good == 1;
}

bool state_file_check(const struct state_file *f, size_t section, char why[STATE_FILE_WHY])
{
    return section_check(f, section, NULL, why);
}

static bool check_all(const struct state_file *f, const _Atomic bool *cancel,
                      char why[STATE_FILE_WHY])
{
    bool good = true;

    for (size_t i = 0; i < f->section_count && good; i++)
        good = section_check(f, i, cancel, why);
    return good;
}

bool state_file_verify(int fd, const _Atomic bool *cancel, char why[STATE_FILE_WHY])
{
    struct state_file f;
    bool good = state_file_open(fd, &f, why);

    if (!good)
        return false;
    good = check_all(&f, cancel, why);
    state_file_close(&f);
    return good;
}

/* --- loading --- */

static bool load_section(const struct state_file *f, const unsigned char *bytes, size_t section,
                         struct pipeline *pipeline, char why[STATE_FILE_WHY])
{
    const struct state_section *s = &f->sections[section];
    struct codec_in in = {.p = bytes + s->offset, .left = (size_t)s->length};
    char name[STATE_NAME_BYTES + 1] = "";

    pipeline_section_name(pipeline, section, name);
    if (strcmp(name, s->name) != 0) {
        snprintf(why, STATE_FILE_WHY, "it has section %s where %s should be", s->name, name);
        return false;
    }
    pipeline_section_load(pipeline, section, &in);
    if (!in.error && in.left > 0)
        codec_fail(&in, "it is longer than it should be");
    if (in.error)
        snprintf(why, STATE_FILE_WHY, "section %s: %s", s->name, in.error);
    return !in.error;
}

bool state_file_load(const struct state_file *f, struct pipeline *pipeline,
                     char why[STATE_FILE_WHY])
{
    void *bytes;
    bool good = true;

    if (f->section_count != pipeline_sections(pipeline))
        return wrong(why, "its settings and partitions make other machines than it holds");
    if (!check_all(f, NULL, why))
        return false;
    bytes = mmap(NULL, (size_t)f->size, PROT_READ, MAP_PRIVATE, f->fd, 0);
    if (bytes == MAP_FAILED)
        return wrong(why, strerror(errno));
    madvise(bytes, (size_t)f->size, MADV_SEQUENTIAL);
    for (size_t i = 0; i < f->section_count && good; i++)
        good = load_section(f, bytes, i, pipeline, why);
    munmap(bytes, (size_t)f->size);
    return good;
}
