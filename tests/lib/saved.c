/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/saved.h"

#include <stdio.h>
#include <string.h>

#include "funnel/mem.h"

void saved_take(struct saved *s, const struct pipeline *p)
{
    unsigned char window[256];

    s->count = pipeline_sections(p);
    s->sections = mem_zero(s->count, sizeof(*s->sections));
    for (size_t i = 0; i < s->count; i++) {
        struct codec_out out = {.data = window,
                                .cap = sizeof(window),
                                .flush = codec_flush_buf,
                                .context = &s->sections[i]};

        pipeline_section_save(p, i, &out);
        codec_flush_buf(&out);
    }
}

void saved_deinit(struct saved *s)
{
    for (size_t i = 0; i < s->count; i++)
        buf_deinit(&s->sections[i]);
    mem_free(s->sections);
    *s = (struct saved){0};
}

const char *saved_load(const struct saved *s, struct pipeline *p)
{
    static char said[200];

    for (size_t i = 0; i < s->count; i++) {
        struct codec_in in = {.p = (const unsigned char *)s->sections[i].data,
                              .left = s->sections[i].len};
        char name[32];

        pipeline_section_load(p, i, &in);
        if (!in.error)
            continue;
        pipeline_section_name(p, i, name);
        snprintf(said, sizeof(said), "%s: %s", name, in.error);
        return said;
    }
    return NULL;
}

const char *saved_differs(const struct saved *a, const struct saved *b, const struct pipeline *p)
{
    static char name[32];

    for (size_t i = 0; i < a->count; i++) {
        if (a->sections[i].len == b->sections[i].len &&
            memcmp(a->sections[i].data, b->sections[i].data, a->sections[i].len) == 0)
            continue;
        pipeline_section_name(p, i, name);
        return name;
    }
    return NULL;
}

struct pipeline *saved_fresh(const struct pipe *k)
{
    return pipeline_new(k->settings, k->zone, k->p->sources, k->p->source_count);
}

static bool reports_equal(struct pipe *k, struct pipeline *other)
{
    struct buf a = {0}, b = {0};
    struct pipe also = *k;
    bool equal;

    also.p = other;
    pipe_report(k, CALENDAR_WEEK, &a);
    pipe_report(&also, CALENDAR_WEEK, &b);
    equal = a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
    buf_deinit(&a);
    buf_deinit(&b);
    return equal;
}

const char *saved_restart(struct pipe *k)
{
    struct saved before, after;
    struct pipeline *p = saved_fresh(k);
    const char *wrong;

    saved_take(&before, k->p);
    wrong = saved_load(&before, p);
    if (!wrong) {
        saved_take(&after, p);
        if (saved_differs(&before, &after, p))
            wrong = "what was loaded is saved as other bytes";
        else if (!reports_equal(k, p))
            wrong = "the reports differ";
        saved_deinit(&after);
    }
    saved_deinit(&before);
    pipeline_free(wrong ? p : k->p);
    k->p = wrong ? k->p : p;
    return wrong;
}
