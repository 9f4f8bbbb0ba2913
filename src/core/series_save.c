/* SPDX-License-Identifier: Apache-2.0 */
/* Series as bytes: the values shown, and each series with those of its windows that exist. */
#include "funnel/judge.h"
#include "funnel/mem.h"

static size_t windows_of(const struct judge *j)
{
    return ((size_t)j->funnel->overall + 1) * j->window_count;
}

/* --- saving --- */

static void shown_save(const struct judge *j, int dim, struct codec_out *out)
{
    codec_put_varint(out, j->shown_count[dim]);
    for (uint32_t v = 0; v < j->values[dim].count; v++) {
        bool kept = v < j->shown_cap[dim];

        codec_put_u8(out, kept && j->shown[dim][v]);
        codec_put_varint(out, kept ? j->score[dim][v] : 0);
    }
}

static void windows_save(const struct judge *j, const struct series *s, struct codec_out *out)
{
    size_t used = 0, next = 0;

    for (size_t i = 0; i < windows_of(j); i++)
        used += s->windows[i] != NULL;
    codec_put_varint(out, used);
    for (size_t i = 0; i < windows_of(j); i++) {
        if (!s->windows[i])
            continue;
        codec_put_varint(out, i - next);
        window_save(s->windows[i], &j->windows[i % j->window_count], out);
        next = i + 1;
    }
}

void series_save(const struct judge *j, struct codec_out *out)
{
    for (int d = 0; d < j->funnel->dim_count; d++)
        shown_save(j, d, out);
    for (size_t w = 0; w < j->window_count; w++) {
        codec_put_zigzag(out, j->windows[w].busy);
        codec_put_zigzag(out, j->windows[w].since);
    }
    codec_put_varint(out, j->series_count);
    for (size_t i = 0; i < j->series_count; i++) {
        const struct series *s = &j->series[i];

        codec_put_u8(out, s->spec);
        for (int k = 0; k < j->specs[s->spec].count; k++)
            codec_put_varint(out, s->value[j->specs[s->spec].dims[k]]);
        codec_put_zigzag(out, s->since);
        windows_save(j, s, out);
    }
}

/* --- loading --- */

static void shown_load(struct judge *j, int dim, struct codec_in *in)
{
    series_reserve(j, dim, j->values[dim].count - 1);
    j->shown_count[dim] = (uint32_t)codec_get_max(in, j->values[dim].count);
    for (uint32_t v = 0; v < j->values[dim].count && !in->error; v++) {
        j->shown[dim][v] = codec_get_bool(in);
        j->score[dim][v] = codec_get_max(in, UINT64_C(1) << 62);
    }
}

static void windows_load(struct judge *j, struct series *s, struct codec_in *in)
{
    size_t used = (size_t)codec_get_max(in, windows_of(j)), at = 0;

    for (size_t i = 0; i < used; i++, at++) {
        at += (size_t)codec_get_max(in, windows_of(j));
        if (!in->error && at >= windows_of(j))
            codec_fail(in, "a series has a window that is not there");
        if (in->error)
            return;
        s->windows[at] = window_load(&j->windows[at % j->window_count], in);
    }
}

static void series_load_key(const struct judge *j, struct series *s, struct codec_in *in)
{
    s->spec = codec_get_u8(in);
    if (s->spec >= j->spec_count) {
        codec_fail(in, "a series is of no segment");
        s->spec = 0;
    }
    for (int k = 0; k < j->specs[s->spec].count; k++) {
        int d = j->specs[s->spec].dims[k];

        s->value[d] = (uint32_t)codec_get_max(in, j->values[d].count - 1);
    }
}

void series_load(struct judge *j, struct codec_in *in)
{
    size_t count;

    for (int d = 0; d < j->funnel->dim_count; d++)
        shown_load(j, d, in);
    for (size_t w = 0; w < j->window_count; w++) {
        j->windows[w].busy = codec_get_pane(in);
        j->windows[w].since = codec_get_pane(in);
    }
    series_free(j); /* those of leaf 0: a reload may have put others before them */
    j->series = NULL;
    j->series_count = j->series_cap = 0;
    count = (size_t)codec_get_max(in, j->spec_count * SERIES_PER_SPEC_MAX);
    for (size_t i = 0; i < count && !in->error; i++) {
        struct series key = {.spec = 0}, *s;

        series_load_key(j, &key, in);
        s = series_add(j, &key);
        s->since = codec_get_pane(in);
        windows_load(j, s, in);
    }
}
