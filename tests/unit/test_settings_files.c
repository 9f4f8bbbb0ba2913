/* SPDX-License-Identifier: Apache-2.0 */
/* The files that are made from the tables or come with them. */
#include "lib/settings_kit.h"

#include <dirent.h>

static void check_equal(void (*write)(struct buf *), const char *path, const char *how)
{
    struct buf made = {0}, kept = {0};

    write(&made);
    kit_read(path, &kept);
    cr_assert(made.len == kept.len && memcmp(made.data, kept.data, made.len) == 0,
              "%s is not what the tables say; make it again: settings_gen %s > %s", path, how,
              path);
    buf_deinit(&made);
    buf_deinit(&kept);
}

Test(settings_files, sample_in_the_tree_is_the_generated_one)
{
    check_equal(settings_write_sample, "conf/funneld.yaml", "sample");
}

Test(settings_files, reference_in_the_tree_is_the_generated_one)
{
    check_equal(settings_write_markdown, "docs/settings.md", "markdown");
}

static struct settings *parse_file(const char *path)
{
    struct buf text = {0}, said = {0};
    struct settings_problems p = {0};
    struct settings *s;

    kit_read(path, &text);
    s = settings_parse(text.data, text.len, &p);
    kit_print(&p, &said);
    cr_assert(s != NULL && p.count == 0, "%s:\n%s", path, buf_cstr(&said));
    settings_problems_deinit(&p);
    buf_deinit(&text);
    buf_deinit(&said);
    return s;
}

Test(settings_files, sample_is_valid_and_holds_the_defaults)
{
    struct settings *s = parse_file("conf/funneld.yaml"), *d = kit_parse(KIT_SMALL);
    const struct settings_funnel *f = &s->funnels.items[0], *g = &d->funnels.items[0];

    cr_assert(eq(str, (char *)s->group, (char *)d->group));
    cr_assert(eq(str, (char *)s->http, (char *)d->http));
    cr_assert(eq(i64, s->shutdown_timeout, d->shutdown_timeout));
    cr_assert(eq(i64, s->time.pane, d->time.pane));
    cr_assert(eq(i64, s->time.idle_lateness, d->time.idle_lateness));
    cr_assert(eq(i64, s->time.max_skew, d->time.max_skew));
    cr_assert(eq(i64, s->limits.outbox, d->limits.outbox));
    cr_assert(zero(int, memcmp(&s->limits, &d->limits, sizeof(s->limits))));
    cr_assert(eq(str, (char *)s->outputs.alerts, (char *)d->outputs.alerts));
    cr_assert(eq(i64, f->window, g->window));
    cr_assert(eq(i64, f->overall, g->overall));
    cr_assert(eq(int, f->skip, g->skip));
    cr_assert(eq(sz, f->windows.count, g->windows.count));
    cr_assert(eq(sz, f->stages.count, 4));
    cr_assert(eq(sz, f->rules.count, 1));
    cr_assert(eq(i64, f->dims.items[0].top, 20));
    settings_free(s);
    settings_free(d);
}

/* Take the '#' from one key: it is a known key with a value of its type, and the file can still be read. What
 * it contradicts in the sample (values beside top, another kind's key) is another matter. */
Test(settings_files, what_the_sample_comments_out_is_right_too)
{
    struct buf sample = {0}, text = {0}, said = {0};
    size_t tried = 0;

    settings_write_sample(&sample);
    for (size_t at = 0; at < sample.len; at++) {
        struct settings_problems p = {0};

        if (sample.data[at] != '#' || at + 1 >= sample.len || sample.data[at + 1] == ' ')
            continue;
        buf_clear(&text);
        buf_clear(&said);
        buf_add(&text, sample.data, at);
        buf_add(&text, sample.data + at + 1, sample.len - at - 1);
        settings_free(settings_parse(text.data, text.len, &p));
        kit_print(&p, &said);
        for (size_t i = 0; i < p.count; i++) {
            cr_assert(zero(ptr, strstr(p.items[i].message, "unknown key")), "%s", buf_cstr(&said));
            cr_assert(zero(ptr, strstr(p.items[i].message, "is not a")), "%s", buf_cstr(&said));
            cr_assert(zero(ptr, strstr(p.items[i].message, "where a")), "%s", buf_cstr(&said));
            cr_assert(zero(ptr, strstr(p.items[i].message, "not YAML")), "%s", buf_cstr(&said));
        }
        settings_problems_deinit(&p);
        tried++;
    }
    cr_assert(gt(sz, tried, 40));
    cr_assert(zero(ptr, strstr(buf_cstr(&sample), ": ?\n")),
              "a key has neither default nor example");
    buf_deinit(&sample);
    buf_deinit(&text);
    buf_deinit(&said);
}

/* "key:" at a line's begin, after '#' or "- ": each row of the tables stands in all three texts. */
#define ROW_KEY(type, member, key, def, flags, help) key,
static const char *const keys[] = {
    SETTINGS_ROOT(ROW_KEY) SETTINGS_INPUT(ROW_KEY) SETTINGS_MAP(ROW_KEY) SETTINGS_OUTPUTS(ROW_KEY)
        SETTINGS_TIME(ROW_KEY) SETTINGS_FUNNEL(ROW_KEY) SETTINGS_STAGE(ROW_KEY)
            SETTINGS_DIM(ROW_KEY) SETTINGS_RULE(ROW_KEY) SETTINGS_STATE(ROW_KEY)
                SETTINGS_LIMITS(ROW_KEY) SETTINGS_LOG(ROW_KEY)};

Test(settings_files, every_key_is_in_every_text)
{
    struct buf sample = {0}, markdown = {0}, help = {0}, word = {0};

    settings_write_sample(&sample);
    settings_write_markdown(&markdown);
    settings_write_help(&help);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        int found = 0;

        for (const char *before = " #\n"; *before; before++) {
            buf_clear(&word);
            buf_fmt(&word, "%c%s:", *before, keys[i]);
            found += strstr(buf_cstr(&sample), buf_cstr(&word)) != NULL;
        }
        cr_assert(found > 0, "the sample has no %s", keys[i]);
        buf_clear(&word);
        buf_fmt(&word, "| `%s` |", keys[i]);
        cr_assert(strstr(buf_cstr(&markdown), buf_cstr(&word)) != NULL, "%s", keys[i]);
        buf_clear(&word);
        buf_fmt(&word, "\n  %s: ", keys[i]);
        cr_assert(strstr(buf_cstr(&help), buf_cstr(&word)) != NULL, "%s", keys[i]);
    }
    buf_deinit(&sample);
    buf_deinit(&markdown);
    buf_deinit(&help);
    buf_deinit(&word);
}

Test(settings_files, lines_of_the_sample_are_short_enough_to_read)
{
    struct buf sample = {0};
    size_t columns = 0;

    settings_write_sample(&sample);
    for (size_t i = 0; i < sample.len; i++) {
        if (sample.data[i] == '\n')
            columns = 0;
        else
            columns += (sample.data[i] & 0xc0) != 0x80;
        cr_assert(columns <= 100);
    }
    buf_deinit(&sample);
}

/* --- examples --- */

Test(settings_files, each_example_is_valid)
{
    struct buf dir = {0};
    struct dirent *entry;
    size_t count = 0;
    DIR *d;

    buf_fmt(&dir, "%s/conf/examples", getenv("SOURCE_DIR") ? getenv("SOURCE_DIR") : ".");
    d = opendir(buf_cstr(&dir));
    cr_assert(d != NULL);
    while (d && (entry = readdir(d))) {
        struct buf path = {0};

        if (!strstr(entry->d_name, ".yaml"))
            continue;
        buf_fmt(&path, "conf/examples/%s", entry->d_name);
        settings_free(parse_file(buf_cstr(&path)));
        buf_deinit(&path);
        count++;
    }
    closedir(d);
    cr_assert(ge(sz, count, 4));
    buf_deinit(&dir);
}

static const struct settings_stage *stage_named(const struct settings_funnel *f, const char *name)
{
    for (size_t i = 0; i < f->stages.count; i++)
        if (f->stages.items[i].name && strcmp(f->stages.items[i].name, name) == 0)
            return &f->stages.items[i];
    return NULL;
}

Test(settings_files, business_sales_goes_on_after_it_is_won)
{
    static const char *const names[] = {"潜在客户获取", "销售接触", "需求确认", "方案",
                                        "谈判",         "成交",     "复购"};
    struct settings *s = parse_file("conf/examples/b2b-sales.yaml");
    const struct settings_funnel *f = &s->funnels.items[0];

    cr_assert(eq(sz, f->stages.count, 7));
    for (int i = 0; i < 7; i++)
        cr_assert(eq(str, (char *)f->stages.items[i].name, (char *)names[i]));
    cr_assert(eq(str, (char *)f->won, (char *)stage_named(f, "成交")->id));
    cr_assert(stage_named(f, "复购")->loop);
    cr_assert(eq(int, s->language, LANGUAGE_ZH));
    settings_free(s);
}

/* --- mutations --- */

static uint64_t rng_state;

static size_t rng(size_t below)
{
    uint64_t z = rng_state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (size_t)((z ^ (z >> 31)) % below);
}

static void replace(struct buf *text, size_t at, size_t len, const char *with)
{
    struct buf out = {0};

    if (at > text->len)
        at = text->len;
    if (len > text->len - at)
        len = text->len - at;
    buf_add(&out, text->data, at);
    buf_str(&out, with);
    buf_add(&out, text->data + at + len, text->len - at - len);
    buf_deinit(text);
    *text = out;
}

static void mutate(struct buf *text)
{
    static const char *const pieces[] = {
        ":",          ": ",
        "- ",         "\n",
        "  ",         "{",
        "}",          "[",
        "]",          "#",
        "'",          "\"",
        "&a ",        "*a",
        "~",          "null",
        "x",          "-1",
        "0",          "1e3",
        "%",          "方案",
        "\xff",       "\x80",
        "!t ",        "|\n",
        ">",          "? ",
        "<<: ",       "99999999999999999999d",
        "off",        "\t",
        "---\n",      "calendar",
        "top",        "values",
        "stages: []", "{a: {b: [c]}}",
        "@",          "\\",
    };
    size_t at = rng(text->len);

    switch (rng(5)) {
    case 0:
        text->data[at] = (char)rng(256);
        break;
    case 1:
        replace(text, at, rng(40), "");
        break;
    case 2: { /* a whole line goes */
        size_t end = at;

        while (end < text->len && text->data[end] != '\n')
            end++;
        while (at > 0 && text->data[at - 1] != '\n')
            at--;
        replace(text, at, end - at + 1, "");
        break;
    }
    default:
        replace(text, at, rng(6), pieces[rng(sizeof(pieces) / sizeof(pieces[0]))]);
    }
    if (text->len == 0)
        buf_char(text, 'x');
}

static void check_sane(const struct settings *s, const struct settings_problems *p)
{
    size_t errors = 0;

    for (size_t i = 0; i < p->count; i++) {
        const struct settings_problem *x = &p->items[i];

        errors += !x->warning;
        cr_assert(x->mark.line > 0 && x->mark.column > 0);
        cr_assert(x->message[0] != '\0' && x->remedy[0] != '\0');
        if (i > 0)
            cr_assert(x->mark.line > x[-1].mark.line ||
                      (x->mark.line == x[-1].mark.line && x->mark.column >= x[-1].mark.column));
    }
    cr_assert(eq(sz, errors, p->errors));
    cr_assert(errors > 0 ? s == NULL : s != NULL);
}

static void check_mutations(const struct buf *original, uint64_t seed, int rounds)
{
    rng_state = seed;
    for (int i = 0; i < rounds; i++) {
        struct settings_problems p = {0};
        struct settings *s;
        struct buf text = {0};

        buf_add(&text, original->data, original->len);
        for (size_t k = rng(6) + 1; k > 0; k--)
            mutate(&text);
        s = settings_parse(text.data, text.len, &p);
        check_sane(s, &p);
        settings_free(s);
        settings_problems_deinit(&p);
        buf_deinit(&text);
    }
}

Test(settings_files, no_mutation_of_the_sample_does_harm)
{
    struct buf sample = {0};

    settings_write_sample(&sample);
    check_mutations(&sample, 1, 200);
    buf_deinit(&sample);
}

/* Denser than the sample: more keys in fewer bytes. */
Test(settings_files, no_mutation_of_an_example_does_harm)
{
    static const char *const paths[] = {"conf/examples/b2b-sales.yaml", "conf/examples/shop.yaml"};

    for (size_t i = 0; i < 2; i++) {
        struct buf text = {0};

        kit_read(paths[i], &text);
        check_mutations(&text, 2 + i, 200);
        buf_deinit(&text);
    }
}
