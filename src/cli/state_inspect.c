/* SPDX-License-Identifier: Apache-2.0 */
/* funneld state inspect and verify. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include "cli/state_look.h"
#include "funnel/audit.h"
#include "funnel/canon.h"
#include "shell/exit_codes.h"

/* --- inspect --- */

static void put_size(struct buf *out, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double n = (double)bytes;
    size_t unit = 0;

    for (; n >= 1024 && unit < 4; unit++)
        n /= 1024;
    buf_fmt(out, unit ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

static void put_when(struct buf *out, int64_t ms)
{
    char text[CANON_RFC3339_SIZE];

    if (ms == INT64_MIN) {
        buf_str(out, "-");
        return;
    }
    canon_rfc3339(ms, text);
    buf_str(out, text);
}

static void put_age(struct buf *out, int64_t ms)
{
    int64_t s = ((int64_t)time(NULL) * 1000 - ms) / 1000;

    if (s < 0)
        buf_str(out, "in the future, by this machine's clock");
    else if (s < 120)
        buf_fmt(out, "%" PRId64 " s ago", s);
    else if (s < 7200)
        buf_fmt(out, "%" PRId64 " min ago", s / 60);
    else if (s < 172800)
        buf_fmt(out, "%" PRId64 " h ago", s / 3600);
    else
        buf_fmt(out, "%" PRId64 " days ago", s / 86400);
}

static void put_identity(struct buf *out, const struct state_header *h, const struct config *config)
{
    bool same = h->settings_hash == config->hash;

    buf_str(out, "\n  group        ");
    state_look_text(out, h->group);
    buf_str(out, "\n  cluster      ");
    state_look_text(out, *h->cluster_id ? h->cluster_id : "not known");
    buf_fmt(out,
            "\n  transaction  %" PRIu64 " of instance %016" PRIx64
            "\n  decisions    up to %" PRIu64,
            h->txn_seq, h->instance, h->decision_seq);
    buf_fmt(out, "\n  settings     %016" PRIx64 "%s", h->settings_hash,
            same ? ", as the configuration"
                 : "; the configuration means something else, and is switched to at the start");
    if (h->machine != COMMIT_META_MACHINE)
        buf_fmt(out, "\n  machines     version %" PRIu32 "; this funneld has %d and cannot use it",
                h->machine, COMMIT_META_MACHINE);
    if (h->zone_hash != config->zone->hash && same)
        buf_str(out, "\n  time zone    has other rules here: it cannot be used");
}

static void put_figures(struct buf *out, struct state_look *l)
{
    struct pipeline_gauges g;

    if (!state_look_load(l)) {
        buf_str(out, "\n  UNUSABLE     ");
        state_look_text(out, l->why);
        return;
    }
    pipeline_gauges(l->pipeline, &g);
    buf_fmt(out, "\n  entities     %" PRIu64 " (", g.entities);
    put_size(out, g.entity_bytes);
    buf_fmt(out, " of memory)\n  alerts       %" PRIu64 " firing, %" PRIu64 " pending",
            g.alerts_firing, g.alerts_pending);
}

static void put_parts(struct buf *out, const struct state_header *h)
{
    buf_str(out, "\n  PARTITION                    FROM OFFSET   UP TO OFFSET  EVENT TIME");
    for (size_t i = 0; i < h->part_count; i++) {
        const struct state_part *p = &h->parts[i];
        struct buf name = {0};

        state_look_text(&name, p->topic);
        buf_fmt(&name, "/%" PRId32, p->partition);
        buf_fmt(out, "\n  %-26s %13" PRId64 "  %13" PRId64 "  ", buf_cstr(&name), p->origin,
                p->next);
        put_when(out, p->watermark);
        buf_deinit(&name);
    }
    for (size_t i = 0; i < h->control_count; i++)
        buf_fmt(out, "\n  the control topic's partition %" PRId32 " up to offset %" PRId64,
                h->controls[i].partition, h->controls[i].next);
}

static void inspect_one(struct buf *out, struct state_look *l, const struct config *config)
{
    const struct state_header *h = &l->file.header;

    buf_fmt(out, "\n%s", buf_cstr(&l->name));
    if (!l->opened) {
        buf_str(out, "\n  UNUSABLE     ");
        state_look_text(out, l->why);
        return;
    }
    buf_str(out, ": ");
    put_size(out, l->file.size);
    buf_str(out, ", taken ");
    put_when(out, h->taken_at);
    buf_str(out, ", ");
    put_age(out, h->taken_at);
    put_identity(out, h, config);
    put_figures(out, l);
    put_parts(out, h);
}

static void put_folder(struct buf *out, const struct state_dir *dir, size_t count)
{
    pid_t holder = state_dir_holder(dir);

    buf_fmt(out, "%s: %zu snapshot%s, ", dir->path, count, count == 1 ? "" : "s");
    if (holder > 0)
        buf_fmt(out, "in use by process %ld", (long)holder);
    else
        buf_str(out, holder ? "in use by another process" : "in use by nobody");
}

static int print(const struct buf *out, int code)
{
    bool good = fwrite(out->data, 1, out->len, stdout) == out->len && fflush(stdout) == 0;

    if (!good)
        perror("funneld state: output");
    return good ? code : EXIT_IO;
}

int state_inspect(const struct state_dir *dir, const struct config *config)
{
    uint32_t list[STATE_DIR_LIST];
    size_t count = state_dir_list(dir, list);
    struct buf out = {0};
    int code;

    put_folder(&out, dir, count);
    for (size_t i = 0; i < count; i++) {
        struct state_look l;

        state_look_open(&l, dir, list[i]);
        inspect_one(&out, &l, config);
        state_look_close(&l);
    }
    buf_char(&out, '\n');
    code = print(&out, EXIT_OK);
    buf_deinit(&out);
    return code;
}

/* --- verify --- */

enum verdict { VERDICT_BROKEN, VERDICT_WRONG, VERDICT_GOOD, VERDICTS };

/* Every section is looked at, also after one that is damaged. */
static bool verify_sections(struct state_look *l)
{
    bool good = true;

    for (size_t i = 0; i < l->file.section_count; i++) {
        if (state_file_check(&l->file, i, l->why))
            continue;
        printf("%s: BROKEN: %s\n", buf_cstr(&l->name), l->why);
        good = false;
    }
    return good;
}

/* A snapshot that is whole, of machines that had counted wrong. */
static bool verify_sums(struct state_look *l)
{
    struct buf why = {0}, text = {0};
    uint64_t places = audit_pipeline(l->pipeline, &why);

    if (places > 0) {
        state_look_text(&text, buf_cstr(&why));
        printf("%s: WRONG: its sums are not what its entities say, in %" PRIu64
               " place%s, first: %s: a bug in funneld: please report it\n",
               buf_cstr(&l->name), places, places == 1 ? "" : "s", buf_cstr(&text));
    }
    buf_deinit(&why);
    buf_deinit(&text);
    return places == 0;
}

static enum verdict verify_one(struct state_look *l)
{
    struct buf text = {0};

    if (l->opened && !verify_sections(l))
        return VERDICT_BROKEN;
    if (l->opened && state_look_load(l)) {
        if (!verify_sums(l))
            return VERDICT_WRONG;
        printf("%s: good, %zu sections, %" PRIu64 " bytes\n", buf_cstr(&l->name),
               l->file.section_count, l->file.size);
        return VERDICT_GOOD;
    }
    state_look_text(&text, l->why);
    printf("%s: BROKEN: %s\n", buf_cstr(&l->name), buf_cstr(&text));
    buf_deinit(&text);
    return VERDICT_BROKEN;
}

int state_verify(const struct state_dir *dir)
{
    uint32_t list[STATE_DIR_LIST];
    size_t count = state_dir_list(dir, list), found[VERDICTS] = {0};

    for (size_t i = 0; i < count; i++) {
        struct state_look l;

        state_look_open(&l, dir, list[i]);
        found[verify_one(&l)]++;
        state_look_close(&l);
    }
    if (count == 0)
        printf("%s: no snapshots\n", dir->path);
    else if (found[VERDICT_BROKEN] == count)
        printf("%s: none is good; the next start reads the logs from their beginning\n", dir->path);
    if (fflush(stdout) != 0)
        return EXIT_IO;
    return found[VERDICT_GOOD] > 0 ? EXIT_OK : EXIT_STATE;
}
