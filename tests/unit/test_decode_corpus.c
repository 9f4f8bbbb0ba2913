/* SPDX-License-Identifier: Apache-2.0 */
/* The seeds and finds of the fuzzer, each through its target, and what they cover together. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <stdlib.h>

#include "fuzz/fuzz_decode.c"

#ifndef SOURCE_DIR
#define SOURCE_DIR getenv("SOURCE_DIR")
#endif

struct covered {
    unsigned files, kinds[3], reasons[REJECT_COUNT];
};

/* An exact allocation, so that the sanitizer sees a read beyond the end. */
static uint8_t *read_file(const char *path, size_t *ret_size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;
    long size;

    cr_assert(f && fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) > 0, "%s", path);
    rewind(f);
    data = malloc((size_t)size);
    cr_assert(eq(sz, fread(data, 1, (size_t)size, f), (size_t)size));
    fclose(f);
    *ret_size = (size_t)size;
    return data;
}

static void run_file(const char *path, struct covered *covered)
{
    size_t size;
    uint8_t *data = read_file(path, &size);
    struct kit_settings k;
    struct message m = message_of(data, size);
    struct decoder *d;
    const struct decoded *out;

    LLVMFuzzerTestOneInput(data, size);
    settings_of(&k, data[0]);
    d = decoder_new(&k.settings);
    out = decode_batch(d, &m, 1);
    if (out->event_count > 0)
        covered->kinds[out->events[0].kind]++;
    else
        covered->reasons[out->failures[0].reason]++;
    covered->files++;
    decoder_free(d);
    free(data);
}

Test(decode_corpus, each_file_keeps_to_the_invariants_and_together_they_cover_every_outcome)
{
    struct covered covered = {0};
    struct dirent *entry;
    char path[4096];
    DIR *dir;

    cr_assert(ne(ptr, (void *)SOURCE_DIR, NULL), "SOURCE_DIR is not set");
    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/decode", SOURCE_DIR);
    dir = opendir(path);
    cr_assert(ne(ptr, dir, NULL), "%s", path);
    while ((entry = readdir(dir))) {
        snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/decode/%s", SOURCE_DIR, entry->d_name);
        if (entry->d_name[0] != '.')
            run_file(path, &covered);
    }
    closedir(dir);
    cr_assert(ge(uint, covered.files, 20));
    for (int i = 0; i <= REJECT_AMOUNT; i++)
        cr_expect(gt(uint, covered.reasons[i], 0), "no file is refused as %s",
                  reject_word((enum reject)i));
    for (int i = 0; i < 3; i++)
        cr_expect(gt(uint, covered.kinds[i], 0), "no file gives an event of kind %d", i);
}
