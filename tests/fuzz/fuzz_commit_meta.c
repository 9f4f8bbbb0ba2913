/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the metadata of a committed offset: nothing crashes, and what is taken comes back the same when it is
 * written and read again.
 *
 * An input is one byte and the rest: 0: the rest is the text as committed; else it is the bytes before coding, without
 * their checksum, so that noise gets past it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/codec.h"
#include "funnel/decision.h"
#include "shell/base64url.h"
#include "shell/commit_meta.h"

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

static void text_of(const uint8_t *data, size_t size, struct buf *text)
{
    struct buf bytes = {0};
    uint32_t sum;

    if (data[0] == 0) {
        buf_add(text, data + 1, size - 1);
        return;
    }
    buf_add(&bytes, data + 1, size - 1);
    sum = (uint32_t)XXH3_64bits(bytes.data, bytes.len);
    for (int i = 0; i < 4; i++)
        buf_char(&bytes, (char)(sum >> (8 * i)));
    base64url_encode(bytes.data, bytes.len, text);
    buf_deinit(&bytes);
}

static void check_decisions(const struct commit_meta *m)
{
    struct codec_in in = {.p = (const unsigned char *)m->decisions.p, .left = m->decisions.len};
    uint64_t seq = 0;

    while (in.left > 0) {
        struct decision d;

        decision_get(&in, &d);
        CHECK(!in.error && d.seq > seq);
        CHECK(d.source != DECISION_JUDGES || m->has_base);
        seq = d.seq;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = {0}, again = {0}, scratch = {0}, scratch_again = {0};
    struct commit_meta m, n;

    if (size > 0) {
        text_of(data, size, &text);
        if (!commit_meta_decode(text.data, text.len, &scratch, &m)) {
            CHECK(m.snapshot_count <= COMMIT_META_SNAPSHOTS);
            check_decisions(&m);
            commit_meta_encode(&m, &again);
            CHECK(!commit_meta_decode(again.data, again.len, &scratch_again, &n));
            CHECK(n.seq == m.seq && n.has_base == m.has_base);
            CHECK(n.decision_seq == m.decision_seq && n.snapshot_count == m.snapshot_count);
            CHECK(n.decisions.len == m.decisions.len &&
                  (n.decisions.len == 0 ||
                   memcmp(n.decisions.p, m.decisions.p, n.decisions.len) == 0));
        }
    }
    buf_deinit(&text);
    buf_deinit(&again);
    buf_deinit(&scratch);
    buf_deinit(&scratch_again);
    return 0;
}
