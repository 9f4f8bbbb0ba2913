/* SPDX-License-Identifier: Apache-2.0 */
/* The child's half of a snapshot: everything it needs was made before the fork. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/codec.h"
#include "funnel/mem.h"
#include "shell/fault.h"
#include "shell/state_file.h"
#include "shell/state_file_layout.h"

#define BUFFER_BYTES (256u << 10)

struct state_writer {
    const struct pipeline *pipeline;
    struct buf head;
    unsigned char *tail; /* directory and trailer */
    size_t sections;
    unsigned char *buffer;
    XXH3_state_t *hash; /* of the section being written */
    int fd, error;
    uint64_t offset; /* bytes written so far */
};

static void put_u32(unsigned char *at, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(x >> (8 * i));
}

static void put_u64(unsigned char *at, uint64_t x)
{
    put_u32(at, (uint32_t)x);
    put_u32(at + 4, (uint32_t)(x >> 32));
}

struct state_writer *state_writer_new(const struct state_header *header,
                                      const struct pipeline *pipeline)
{
    struct state_writer *w = mem_zero(1, sizeof(*w));
    unsigned char begin[STATE_BEGIN_BYTES] = STATE_FILE_MAGIC;

    w->pipeline = pipeline;
    w->sections = pipeline_sections(pipeline);
    w->tail = mem_zero(1, w->sections * STATE_ENTRY_BYTES + STATE_TRAILER_BYTES);
    w->buffer = mem_alloc(BUFFER_BYTES);
    w->hash = XXH3_createState();
    if (!w->hash)
        abort();
    buf_add(&w->head, begin, sizeof(begin));
    state_header_encode(header, &w->head);
    put_u32((unsigned char *)w->head.data + 8, STATE_FILE_VERSION);
    put_u32((unsigned char *)w->head.data + 12, (uint32_t)(w->head.len - STATE_BEGIN_BYTES));
    return w;
}

void state_writer_free(struct state_writer *w)
{
    if (!w)
        return;
    buf_deinit(&w->head);
    XXH3_freeState(w->hash);
    mem_free(w->tail);
    mem_free(w->buffer);
    mem_free(w);
}

/* --- in the child --- */

static bool write_all(struct state_writer *w, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    while (n > 0 && w->error == 0) {
        ssize_t done = write(w->fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            w->error = done < 0 ? errno : EIO;
            break;
        }
        p += done;
        n -= (size_t)done;
        w->offset += (uint64_t)done;
    }
    return w->error == 0;
}

static bool on_flush(struct codec_out *out)
{
    struct state_writer *w = out->context;
    size_t n = out->len;

    out->len = 0;
    XXH3_64bits_update(w->hash, out->data, n);
    return write_all(w, out->data, n);
}

static bool write_section(struct state_writer *w, size_t section)
{
    struct codec_out out = {
        .data = w->buffer, .cap = BUFFER_BYTES, .flush = on_flush, .context = w};
    unsigned char *entry = w->tail + section * STATE_ENTRY_BYTES;
    uint64_t begin = w->offset;

    XXH3_64bits_reset(w->hash);
    pipeline_section_save(w->pipeline, section, &out);
    if (!out.failed)
        on_flush(&out);
    pipeline_section_name(w->pipeline, section, (char *)entry);
    put_u64(entry + STATE_ENTRY_OFFSET, begin);
    put_u64(entry + STATE_ENTRY_LENGTH, w->offset - begin);
    put_u64(entry + STATE_ENTRY_HASH, XXH3_64bits_digest(w->hash));
    return w->error == 0;
}

static bool write_tail(struct state_writer *w)
{
    size_t entries = w->sections * STATE_ENTRY_BYTES;
    unsigned char *trailer = w->tail + entries;

    put_u64(trailer + STATE_TRAILER_DIRECTORY, w->offset);
    put_u32(trailer + STATE_TRAILER_SECTIONS, (uint32_t)w->sections);
    put_u64(trailer + STATE_TRAILER_HEAD_HASH, XXH3_64bits(w->head.data, w->head.len));
    put_u64(trailer + STATE_TRAILER_HASH, XXH3_64bits(w->tail, entries + STATE_TRAILER_HASH));
    memcpy(trailer + STATE_TRAILER_MAGIC, STATE_FILE_END_MAGIC, 8);
    return write_all(w, w->tail, entries + STATE_TRAILER_BYTES);
}

int state_writer_run(struct state_writer *w, int fd)
{
    w->fd = fd;
    w->error = 0;
    w->offset = 0;
    write_all(w, w->head.data, w->head.len);
    for (size_t i = 0; i < w->sections && w->error == 0; i++) {
        if (i == w->sections / 2)
            FAULT("snapshot.child");
        write_section(w, i);
    }
    if (w->error == 0)
        write_tail(w);
    if (w->error == 0 && fsync(fd) != 0)
        w->error = errno;
    return w->error;
}
