/* SPDX-License-Identifier: Apache-2.0 */
/* Stories in virtual time: tests/scenario/NAME.scn. A file holds settings, events and, after each line, what comes of it
 * ("=> ..."). The program tells the story again and compares the texts; SCENARIO_UPDATE=1 writes them instead.
 *
 *   settings:                          up to an empty line: YAML, indented; `kafka` and `inputs` may be left out
 *   partitions 2                       default 1
 *   day 2024-03-18                     of the times that follow, which are UTC
 *   09:00:05 p0 deal=7 lead amount=10 channel=ads      an event of entity 7. Known: amount, owner, reason, id, op,
 *                                      funnel, entered (a time of the day); anything else is a dim; rec=09:00:05 is the
 *                                      record's timestamp (none by default)
 *   09:00:00 every 10s for 1h p0 deal=x lead then contact 8 of 10      entities x1, x2, ...; the first 8 of each 10
 *                                      enter `contact` in the same second; deal=x#: numbers from 1 in each such line
 *   09:00:00 p0 tick                   an event that no funnel wants: only the time passes
 *   09:00:00 p0 json {"id":1,"ts":$ms} the value as it stands, $ms: the time; null is a tombstone
 *   09:00:00 p0 key {"id":1}           a tombstone with this key
 *   09:00:00 p0 advance                decisions, at the partition's place in its log: it follows the others up to this
 *   09:00:00 p0 dark                   time; its whole source is silent; what waits as a jump up to this time is let in
 *   09:00:00 p0 release
 *   p0 lost 40                         so many records before its place are gone
 *   p0 bootstrap 40                    its first so many records are read, but nothing is published before their end
 *   report, stages, counters, end      show; end of the log */
#include <criterion/criterion.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pipe_kit.h"

struct story {
    struct buf told, yaml;
    struct pipe pipe;
    size_t partitions, shown; /* records in `told` */
    int64_t day_ms;
    int made;
    bool open;
};

/* --- what comes of a line --- */

static void tell_time(struct buf *out, int64_t ms)
{
    int64_t day = floor_div(ms, ZONE_DAY_MS), s = (ms - day * ZONE_DAY_MS) / 1000;
    struct civil c = civil_from_days(day);

    buf_fmt(out, "%04d-%02d-%02d %02d:%02d:%02d", (int)c.year, c.month, c.day, (int)(s / 3600),
            (int)(s / 60 % 60), (int)(s % 60));
}

/* Of a funnel's events, or of its entries' mix. */
static void tell_events(const struct records *r, size_t i, struct buf *out)
{
    bool quality = strcmp(pipe_field(r, i, "effect", "lost_records"), "null") != 0;

    if (quality)
        buf_fmt(out, " %s bad of", pipe_field(r, i, "effect", "lost_records"));
    buf_fmt(out, " %s %s", pipe_field(r, i, "observed", "events"), quality ? "events" : "entries");
    if (quality)
        buf_fmt(out, ", expected %s", pipe_field(r, i, "expected", "rate"));
    if (!quality && pipe_field(r, i, "attribution", "segment"))
        buf_fmt(out, ", %s", pipe_field(r, i, "attribution", "segment"));
    if (!quality && pipe_field(r, i, "attribution", "mix_effect"))
        buf_fmt(out, " %s more", pipe_field(r, i, "attribution", "mix_effect"));
    buf_fmt(out, " (%s)", pipe_field(r, i, "expected", "source"));
}

/* What was seen and expected; of a source's alerts, events, or how many records are lost. */
static void tell_numbers(const struct records *r, size_t i, struct buf *out)
{
    bool source = strncmp(pipe_header(r, i, "ce_subject"), "source=", 7) == 0;

    if (source && strcmp(pipe_field(r, i, "effect", "lost_records"), "null") != 0) {
        buf_fmt(out, " %s records lost", pipe_field(r, i, "effect", "lost_records"));
    } else if (source) {
        buf_fmt(out, " %s events,", pipe_field(r, i, "observed", "events"));
        buf_fmt(out, " expected %s", pipe_field(r, i, "expected", "events"));
    } else if (strcmp(pipe_field(r, i, NULL, "measure"), "events") == 0) {
        tell_events(r, i, out);
    } else {
        buf_fmt(out, " %s of", pipe_field(r, i, "observed", "conversions"));
        buf_fmt(out, " %s,", pipe_field(r, i, "observed", "entries"));
        buf_fmt(out, " expected %s", pipe_field(r, i, "expected", "rate"));
        buf_fmt(out, " (%s)", pipe_field(r, i, "expected", "source"));
    }
}

static void tell_alert(struct story *t, size_t i)
{
    const struct records *r = &t->pipe.out;
    struct buf *out = &t->told;
    const char *subject = pipe_header(r, i, "ce_subject");

    buf_fmt(out, "=> ");
    tell_time(out, r->items[i].timestamp);
    buf_fmt(out, " %s", subject ? subject : "");
    buf_fmt(out, " %s", pipe_field(r, i, "labels", "alertname"));
    buf_fmt(out, " %s:", pipe_field(r, i, NULL, "status"));
    tell_numbers(r, i, out);
    buf_fmt(out, ", window %.16s", pipe_field(r, i, "window", "from"));
    buf_fmt(out, " to %.16s", pipe_field(r, i, "window", "to"));
    if (strcmp(pipe_field(r, i, NULL, "endsReason"), "null") != 0)
        buf_fmt(out, ", %s", pipe_field(r, i, NULL, "endsReason"));
    buf_char(out, '\n');
}

static void tell_records(struct story *t)
{
    for (; t->shown < t->pipe.out.count; t->shown++) {
        const struct records *r = &t->pipe.out;

        if (r->items[t->shown].target == RECORD_ALERT) {
            tell_alert(t, t->shown);
            continue;
        }
        buf_fmt(&t->told, "=> deadletter %s", pipe_header(r, t->shown, "funneld_reason"));
        buf_fmt(&t->told, " p%s", pipe_header(r, t->shown, "funneld_partition"));
        buf_fmt(&t->told, "@%s\n", pipe_header(r, t->shown, "funneld_offset"));
    }
}

static void tell_number(struct buf *out, const char *name, int64_t n)
{
    if (n != 0)
        buf_fmt(out, " %s=%" PRId64, name, n);
}

static void tell_step(struct story *t, struct judge *j, size_t series, int step)
{
    static const char *const causes[] = {"advanced", "lost", "deleted", "superseded", "skipped"};
    struct judge_step sum = {0};
    struct buf *out = &t->told;

    for (size_t i = 0; i < j->leaf_count; i++) {
        const struct judge_step *s = &j->leaves[i].steps[step];
        struct judge_stays stays = judge_step_stays(j, s);

        if (j->leaves[i].series[j->series[series].spec] != series)
            continue;
        sum.entered += s->entered, sum.credited += s->credited, sum.seeded += s->seeded;
        sum.late_advance += s->late_advance, sum.expired_unheard += stays.expired;
        sum.risk.open += stays.open;
        for (int c = 0; c < EXIT_CAUSES; c++)
            sum.exits[c] += s->exits[c];
    }
    buf_str(out, "=> report ");
    for (int d = 0; d < j->specs[j->series[series].spec].count; d++) {
        struct span value = series_value(j, &j->series[series],
                                         j->specs[j->series[series].spec].dims[d]);

        buf_fmt(out, "%.*s ", (int)value.len, value.p);
    }
    funnel_step_name(j->funnel, step, out);
    tell_number(out, "entered", sum.entered);
    tell_number(out, "credited", sum.credited);
    tell_number(out, "seeded", sum.seeded);
    for (int c = 0; c < EXIT_LATE; c++)
        tell_number(out, causes[c], sum.exits[c]);
    tell_number(out, "expired", sum.exits[EXIT_LATE] + sum.expired_unheard);
    tell_number(out, "open", sum.risk.open);
    tell_number(out, "late_advance", sum.late_advance);
    buf_char(out, '\n');
}

static void tell_report(struct story *t)
{
    for (size_t f = 0; f < t->pipe.p->funnel_count; f++) {
        struct judge *j = &t->pipe.p->judges[f];

        for (size_t s = 0; s < j->series_count; s++)
            for (int step = 0; step <= j->funnel->overall; step++)
                if (funnel_has_step(j->funnel, step))
                    tell_step(t, j, s, step);
    }
}

static void tell_stages(struct story *t)
{
    const struct judge *j = pipe_judge(&t->pipe);

    for (int k = 0; k < j->funnel->stage_count; k++) {
        struct judge_stage sum = {0};

        for (size_t i = 0; i < j->leaf_count; i++) {
            sum.reached += j->leaves[i].stages[k].reached;
            sum.stock += j->leaves[i].stages[k].stock;
            sum.stock_amount += j->leaves[i].stages[k].stock_amount;
            sum.regressed += j->leaves[i].stages[k].regressed;
        }
        buf_fmt(&t->told, "=> stage %s", funnel_stage_id(j->funnel, k));
        tell_number(&t->told, "reached", sum.reached);
        tell_number(&t->told, "stock", sum.stock);
        tell_number(&t->told, "amount", sum.stock_amount);
        tell_number(&t->told, "regressed", sum.regressed);
        buf_char(&t->told, '\n');
    }
}

static void tell_counters(struct story *t)
{
    static const char *const names[] = {
#define NAME(id, name, help, advice) name,
        COUNTERS_TABLE(NAME)
#undef NAME
    };
    struct counters sum;

    pipe_count(&t->pipe, &sum);
    buf_str(&t->told, "=> counters");
    for (int i = 0; i < COUNTER_COUNT; i++)
        if (i != COUNTER_PANES_CLOSED)
            tell_number(&t->told, names[i], (int64_t)sum.n[i]);
    buf_char(&t->told, '\n');
}

/* --- lines --- */

static int64_t clock_ms(const struct story *t, const char *text)
{
    int h = 0, m = 0, s = 0;

    sscanf(text, "%d:%d:%d", &h, &m, &s);
    return t->day_ms + ((h * 60 + m) * 60 + s) * INT64_C(1000);
}

/* "amount=10 channel=ads ..." to JSON members; a record timestamp to *ret_rec. Words that are no pair end it. */
static void event_members(struct story *t, char *words, struct buf *out, int64_t *ret_rec)
{
    struct buf dims = {0};

    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        char *value = strchr(word, '=');

        if (!value)
            break;
        *value++ = '\0';
        if (strcmp(word, "rec") == 0)
            *ret_rec = clock_ms(t, value);
        else if (strcmp(word, "entered") == 0)
            buf_fmt(out, ",\"entered_at\":%" PRId64, clock_ms(t, value));
        else if (strcmp(word, "id") == 0)
            buf_fmt(out, ",\"event_id\":\"%s\"", value);
        else if (strstr(" amount owner reason op funnel ", word))
            buf_fmt(out, ",\"%s\":\"%s\"", word, value);
        else
            buf_fmt(&dims, "%s\"%s\":\"%s\"", dims.len ? "," : "", word, value);
    }
    buf_fmt(out, ",\"dims\":{%s}", buf_cstr(&dims));
    buf_deinit(&dims);
}

static void tell_event(struct story *t, int64_t at, uint32_t partition, const char *deal,
                       const char *stage, const char *rest)
{
    struct buf json = {0};
    char *words = strdup(rest);
    int64_t rec = -1;

    buf_fmt(&json, "{\"entity_id\":\"%s\",\"stage\":\"%s\",\"ts\":%" PRId64, deal, stage, at);
    event_members(t, words, &json, &rec);
    buf_char(&json, '}');
    pipe_say_on(&t->pipe, partition, rec, buf_cstr(&json));
    buf_deinit(&json);
    free(words);
    tell_records(t);
}

static void tell_raw(struct story *t, int64_t at, uint32_t partition, const char *json)
{
    struct buf text = {0};

    for (const char *p = json; *p; p++) {
        if (strncmp(p, "$ms", 3) != 0) {
            buf_char(&text, *p);
            continue;
        }
        buf_fmt(&text, "%" PRId64, at);
        p += 2;
    }
    pipe_say_on(&t->pipe, partition, at, buf_cstr(&text));
    buf_deinit(&text);
    tell_records(t);
}

static void tell_tombstone(struct story *t, int64_t at, uint32_t partition, const char *key)
{
    struct pipe_log *l = &t->pipe.log;

    pipe_log_add_keyed(l, partition, at, key, NULL);
    pipeline_step(t->pipe.p, pipe_log_messages(l) + t->pipe.fed, 1, &t->pipe.out);
    t->pipe.fed = l->count;
    tell_records(t);
}

static void tell_many(struct story *t, int64_t at, const char *line)
{
    char every[16], length[16], deal[64], id[80], stage[64], next[64];
    int64_t step_ms = 0, for_ms = 0;
    int of = 1, taken = 0, used = 0, n = 0;
    uint32_t partition;
    const char *then, *rest;
    bool again;

    cr_assert(sscanf(line, "every %15s for %15s p%u deal=%63s %63s%n", every, length, &partition,
                     deal, stage, &used) == 5,
              "%s", line);
    again = deal[strlen(deal) - 1] == '#';
    settings_duration(every, &step_ms);
    settings_duration(length, &for_ms);
    rest = line + used;
    then = strstr(rest, "then ");
    if (then)
        cr_assert(sscanf(then, "then %63s %d of %d", next, &taken, &of) == 3, "%s", line);
    for (int64_t end = at + for_ms; at < end; at += step_ms, n++) {
        snprintf(id, sizeof(id), "%s%d", deal, again ? n + 1 : ++t->made);
        tell_event(t, at, partition, id, stage, rest);
        if (then && n % of < taken)
            tell_event(t, at, partition, id, next, "");
    }
}

static bool tell_decision(struct story *t, int64_t at, uint32_t partition, const char *word)
{
    static const struct {
        const char *word;
        enum decision_kind kind;
    } kinds[] = {
        {"advance", DECISION_ADVANCE}, {"dark", DECISION_DARK}, {"release", DECISION_RELEASE}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(word, kinds[i].word) != 0)
            continue;
        pipe_decide(&t->pipe, partition, kinds[i].kind, at);
        tell_records(t);
        return true;
    }
    return false;
}

static bool tell_untimed(struct story *t, const char *line)
{
    uint32_t partition;
    int64_t n;

    if (sscanf(line, "p%u lost %" SCNd64, &partition, &n) == 2) {
        pipe_decide(&t->pipe, partition, DECISION_GAP, n);
        tell_records(t);
    } else if (sscanf(line, "p%u bootstrap %" SCNd64, &partition, &n) == 2) {
        pipe_decide_at(&t->pipe, partition, DECISION_BOOTSTRAP_END, n, 0);
    } else {
        return false;
    }
    return true;
}

static void tell_timed(struct story *t, const char *line)
{
    int64_t at = clock_ms(t, line);
    char deal[64], stage[64];
    uint32_t partition;
    int used = 0;

    line = strchr(line, ' ') + 1;
    if (strncmp(line, "every ", 6) == 0) {
        tell_many(t, at, line);
        return;
    }
    cr_assert(sscanf(line, "p%u %n", &partition, &used) == 1, "%s", line);
    line += used;
    if (strncmp(line, "tick", 4) == 0)
        tell_event(t, at, partition, "tick", "tick", "funnel=nobody");
    else if (strncmp(line, "json ", 5) == 0)
        tell_raw(t, at, partition, line + 5);
    else if (strncmp(line, "key ", 4) == 0)
        tell_tombstone(t, at, partition, line + 4);
    else if (tell_decision(t, at, partition, line))
        return;
    else if (sscanf(line, "deal=%63s %63s%n", deal, stage, &used) == 2)
        tell_event(t, at, partition, deal, stage, line + used);
    else
        cr_assert_fail("what is this? %s", line);
}

static void story_open(struct story *t)
{
    struct buf y = {0};

    if (t->open)
        return;
    buf_str(&y, PIPE_KAFKA);
    if (!strstr(buf_cstr(&t->yaml), "inputs:"))
        buf_str(&y, "inputs: [{topic: deals}]\n");
    buf_add(&y, t->yaml.data, t->yaml.len);
    pipe_open(&t->pipe, buf_cstr(&y), t->partitions);
    buf_deinit(&y);
    t->open = true;
}

static void tell_line(struct story *t, const char *line)
{
    int year, month, day;

    if (line[0] == '#' || line[0] == '\0')
        return;
    if (sscanf(line, "partitions %zu", &t->partitions) == 1)
        return;
    if (sscanf(line, "day %d-%d-%d", &year, &month, &day) == 3) {
        t->day_ms = days_from_civil(year, month, day) * ZONE_DAY_MS;
        return;
    }
    story_open(t);
    if (strcmp(line, "report") == 0)
        tell_report(t);
    else if (strcmp(line, "stages") == 0)
        tell_stages(t);
    else if (strcmp(line, "counters") == 0)
        tell_counters(t);
    else if (strcmp(line, "end") == 0)
        pipe_end(&t->pipe), tell_records(t);
    else if (!tell_untimed(t, line))
        tell_timed(t, line);
}

static void story_tell(struct story *t, char *text)
{
    bool settings = false;

    t->partitions = 1;
    for (char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        cr_assert(end != NULL, "the last line has no end");
        *end = '\0';
        if (strncmp(line, "=> ", 3) == 0)
            continue;
        buf_fmt(&t->told, "%s\n", line);
        settings = settings ? line[0] != '\0' : strcmp(line, "settings:") == 0;
        if (!settings)
            tell_line(t, line);
        else if (strcmp(line, "settings:") != 0)
            buf_fmt(&t->yaml, "%s\n", strlen(line) > 2 ? line + 2 : "");
    }
}

/* --- files --- */

static void print_difference(const char *path, const char *want, const char *got)
{
    int line = 1;

    while (*want && *got) {
        size_t a = strcspn(want, "\n"), b = strcspn(got, "\n");

        if (a != b || memcmp(want, got, a) != 0)
            break;
        want += a + (want[a] != '\0');
        got += b + (got[b] != '\0');
        line++;
    }
    fprintf(stderr, "%s:%d: (SCENARIO_UPDATE=1 writes it anew)\n", path, line);
    for (int i = 0; i < 4; i++) {
        fprintf(stderr, "- %.*s\n", (int)strcspn(want, "\n"), want);
        want += strcspn(want, "\n");
        want += *want != '\0';
    }
    for (int i = 0; i < 4; i++) {
        fprintf(stderr, "+ %.*s\n", (int)strcspn(got, "\n"), got);
        got += strcspn(got, "\n");
        got += *got != '\0';
    }
}

static void read_whole(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    char block[4096];
    size_t n;

    cr_assert(f != NULL, "%s", path);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(out, block, n);
    fclose(f);
}

static bool scenario_holds(const char *path)
{
    struct story t = {0};
    struct buf text = {0};
    char *copy;
    bool same;

    read_whole(path, &text);
    copy = strdup(buf_cstr(&text));
    story_tell(&t, copy);
    cr_expect(judge_audit(pipe_judge(&t.pipe)) == 0, "%s: a step does not balance", path);
    same = strcmp(buf_cstr(&text), buf_cstr(&t.told)) == 0;
    if (!same && getenv("SCENARIO_UPDATE")) {
        FILE *f = fopen(path, "wb");

        same = f && fwrite(t.told.data, 1, t.told.len, f) == t.told.len;
        if (f)
            fclose(f);
    } else if (!same) {
        print_difference(path, buf_cstr(&text), buf_cstr(&t.told));
    }
    free(copy);
    buf_deinit(&text);
    buf_deinit(&t.told);
    buf_deinit(&t.yaml);
    pipe_close(&t.pipe);
    return same;
}

Test(scenarios, are_told_the_same)
{
    const char *dir = getenv("SOURCE_DIR");
    char pattern[4096];
    glob_t files;

    snprintf(pattern, sizeof(pattern), "%s/tests/scenario/*.scn", dir ? dir : SOURCE_DIR);
    cr_assert(glob(pattern, 0, NULL, &files) == 0 && files.gl_pathc > 0, "%s", pattern);
    for (size_t i = 0; i < files.gl_pathc; i++)
        cr_expect(scenario_holds(files.gl_pathv[i]), "%s", files.gl_pathv[i]);
    globfree(&files);
}
