/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/state_file.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "lib/state_kit.h"

static struct pipe full;

static void open_full(void)
{
    state_kit_open(&full);
}

static void close_full(void)
{
    pipe_close(&full);
}

TestSuite(state_file, .init = open_full, .fini = close_full);

static int written(void)
{
    int fd = state_kit_file();

    cr_assert_eq(state_kit_write(fd, &full, 7), 0);
    return fd;
}

static void read_whole(int fd, struct buf *out)
{
    struct stat st;

    cr_assert_eq(fstat(fd, &st), 0);
    buf_reserve(out, (size_t)st.st_size);
    cr_assert_eq(pread(fd, out->data, (size_t)st.st_size, 0), st.st_size);
    out->len = (size_t)st.st_size;
}

/* A file of these bytes: is it good? Checked in both ways: by hashes alone, and by loading it. */
static bool is_good(const void *bytes, size_t n, char why[STATE_FILE_WHY])
{
    int fd = state_kit_file();
    struct state_file f;
    struct pipe empty;
    bool good, loaded = false;

    cr_assert_eq(write(fd, bytes, n), (ssize_t)n);
    strcpy(why, "");
    good = state_file_verify(fd, NULL, why);
    cr_assert_eq(good, *why == '\0', "%s", why);
    if (state_file_open(fd, &f, why)) {
        state_kit_open_empty(&empty);
        loaded = state_file_load(&f, empty.p, why);
        pipe_close(&empty);
        state_file_close(&f);
    }
    cr_assert_eq(good, loaded, "%s", why);
    close(fd);
    return good;
}

Test(state_file, what_is_saved_is_loaded)
{
    char why[STATE_FILE_WHY] = "";
    int fd = written();
    struct state_file f;
    struct pipe empty;

    state_kit_open_empty(&empty);
    cr_assert(state_file_verify(fd, NULL, why), "%s", why);
    cr_assert(state_file_open(fd, &f, why), "%s", why);
    cr_assert_eq(f.section_count, pipeline_sections(full.p));
    cr_assert_eq(f.header.generation, 7);
    cr_assert_str_eq(f.header.parts[0].topic, "orders");
    cr_assert(span_is(f.header.settings, STATE_KIT_YAML));
    cr_assert(state_file_load(&f, empty.p, why), "%s", why);
    for (uint32_t i = 0; i < STATE_KIT_PARTS; i++)
        cr_assert_eq(pipeline_tally_digest(empty.p, i), pipeline_tally_digest(full.p, i));
    cr_assert_eq(pipeline_judge_digest(empty.p), pipeline_judge_digest(full.p));
    state_file_close(&f);
    close(fd);
    pipe_close(&empty);
}

/* Saving again what was loaded gives the same bytes, and saving changes nothing. */
Test(state_file, the_same_state_is_the_same_bytes)
{
    char why[STATE_FILE_WHY] = "";
    int first = written(), again = written(), other = state_kit_file();
    struct buf a = {0}, b = {0}, c = {0};
    struct state_file f;
    struct pipe loaded;

    state_kit_open_empty(&loaded);
    cr_assert(state_file_open(first, &f, why) && state_file_load(&f, loaded.p, why), "%s", why);
    cr_assert_eq(state_kit_write(other, &loaded, 7), 0);
    read_whole(first, &a);
    read_whole(again, &b);
    read_whole(other, &c);
    cr_assert(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
    cr_assert(a.len == c.len && memcmp(a.data, c.data, a.len) == 0);
    state_file_close(&f);
    pipe_close(&loaded);
    buf_deinit(&a);
    buf_deinit(&b);
    buf_deinit(&c);
}

Test(state_file, cut_off_at_every_boundary_and_inside)
{
    char why[STATE_FILE_WHY];
    int fd = written();
    struct buf b = {0};
    struct state_file f;

    read_whole(fd, &b);
    cr_assert(is_good(b.data, b.len, why), "%s", why);
    cr_assert(state_file_open(fd, &f, why));
    for (size_t i = 0; i < f.section_count; i++) {
        const struct state_section *s = &f.sections[i];
        uint64_t cuts[] = {s->offset, s->offset + 1, s->offset + s->length / 2,
                           s->offset + s->length - 1, s->offset + s->length};

        for (size_t k = 0; k < sizeof(cuts) / sizeof(cuts[0]); k++)
            cr_assert_not(is_good(b.data, cuts[k], why), "section %zu cut at %lu", i, cuts[k]);
    }
    for (size_t n = 0; n < f.head_len; n += 7)
        cr_assert_not(is_good(b.data, n, why), "cut at %zu", n);
    for (size_t n = 1; n < 200; n++)
        cr_assert_not(is_good(b.data, b.len - n, why), "%zu cut off", n);
    buf_char(&b, '\n');
    cr_assert_not(is_good(b.data, b.len, why), "with one byte more");
    state_file_close(&f);
    buf_deinit(&b);
    close(fd);
}

static void flip(struct buf *b, uint64_t at, const char *what)
{
    char why[STATE_FILE_WHY];

    b->data[at] = (char)(b->data[at] ^ 0x10);
    cr_assert_not(is_good(b->data, b->len, why), "byte %lu", at);
    cr_assert(!what || strstr(why, what), "byte %lu: %s", at, why);
    b->data[at] = (char)(b->data[at] ^ 0x10);
}

Test(state_file, a_flipped_byte_is_found_and_named)
{
    char why[STATE_FILE_WHY];
    int fd = written();
    struct buf b = {0};
    struct state_file f;

    read_whole(fd, &b);
    cr_assert(state_file_open(fd, &f, why));
    for (size_t i = 0; i < f.section_count; i++) {
        const struct state_section *s = &f.sections[i];

        flip(&b, s->offset, s->name);
        flip(&b, s->offset + s->length / 2, s->name);
        flip(&b, s->offset + s->length - 1, s->name);
    }
    flip(&b, 0, "no snapshot");
    flip(&b, 8, "version");
    for (uint64_t at = 12; at < f.head_len; at += 13)
        flip(&b, at, NULL);
    for (uint64_t at = f.size - 1;
         at >= f.sections[f.section_count - 1].offset + f.sections[f.section_count - 1].length;
         at -= 3)
        flip(&b, at, NULL);
    state_file_close(&f);
    buf_deinit(&b);
    close(fd);
}

/* Whatever stands in it: bounded, and never a crash. Nothing random gets past the hashes. */
Test(state_file, any_bytes)
{
    char why[STATE_FILE_WHY];
    int fd = written();
    struct buf b = {0}, n = {0};

    read_whole(fd, &b);
    srandom(1);
    for (int round = 0; round < 300; round++) {
        size_t from = (size_t)random() % b.len, len = (size_t)random() % 64;

        buf_clear(&n);
        buf_add(&n, b.data, b.len);
        if (round % 3 == 0) /* the footer's numbers, where they mean lengths */
            from = b.len - 40 + (size_t)random() % 32;
        for (size_t i = from; i < from + len && i < n.len; i++)
            n.data[i] = (char)random();
        if (memcmp(n.data, b.data, b.len) != 0)
            cr_assert_not(is_good(n.data, n.len, why));
    }
    cr_assert_not(is_good("", 0, why));
    cr_assert_str_eq(why, "it is empty");
    buf_deinit(&b);
    buf_deinit(&n);
    close(fd);
}

Test(state_file, other_machines_do_not_take_it)
{
    char why[STATE_FILE_WHY];
    int fd = written();
    struct state_file f;
    struct pipe one;

    pipe_open(&one, STATE_KIT_YAML, 1);
    cr_assert(state_file_open(fd, &f, why));
    cr_assert_not(state_file_load(&f, one.p, why));
    cr_assert(strstr(why, "other machines"), "%s", why);
    state_file_close(&f);
    pipe_close(&one);
    close(fd);
}

Test(state_file, no_file)
{
    char why[STATE_FILE_WHY];
    struct state_file f;
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY);

    cr_assert_not(state_file_open(fd, &f, why));
    cr_assert_str_eq(why, "it is no regular file");
    close(fd);
}

Test(state_file, cancelled)
{
    char why[STATE_FILE_WHY];
    _Atomic bool cancel = true;
    int fd = written();

    cr_assert_not(state_file_verify(fd, &cancel, why));
    cr_assert_str_eq(why, "cancelled");
    close(fd);
}

Test(state_file, a_full_disk_is_an_error)
{
    struct rlimit limit = {3000, 3000};
    int fd = state_kit_file(), full_device = open("/dev/full", O_RDWR);

    cr_assert_eq(state_kit_write(full_device, &full, 7), ENOSPC);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(state_kit_write(fd, &full, 7), EFBIG);
    close(fd);
    close(full_device);
}
