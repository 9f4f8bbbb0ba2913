/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settings_kit.h"

#include "funnel/mem.h"
#include "funnel/yaml.h"

/* A tree and what was said of it; freed together. */
struct reading {
    struct arena *arena;
    struct settings_problems problems;
    struct yaml_node *root;
};

static struct reading read_bytes(const char *text, size_t len)
{
    struct reading r = {.arena = arena_new()};

    r.root = yaml_read(text, len, r.arena, &r.problems);
    return r;
}

static struct reading read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void done(struct reading *r)
{
    arena_free(r->arena);
    settings_problems_deinit(&r->problems);
}

static char *path_of(const struct yaml_node *node)
{
    static struct buf b;

    buf_clear(&b);
    yaml_path(node, &b);
    return buf_cstr(&b);
}

Test(yaml, a_tree_knows_where_everything_stands)
{
    struct reading r = read_text("# first\n"
                                 "a: 1\n"
                                 "列表:\n"
                                 "  - x\n"
                                 "  - {k: 'v', 键: 值, last: }\n"
                                 "\"b c\": []\n");
    struct yaml_node *list = yaml_get(r.root, "列表"), *map = list->last;

    cr_assert(zero(sz, r.problems.count));
    cr_assert(eq(sz, r.root->count, 3));
    cr_assert(eq(u32, r.root->mark.line, 2));
    cr_assert(eq(str, (char *)yaml_get(r.root, "a")->text, "1"));
    cr_assert(eq(u32, yaml_get(r.root, "a")->mark.column, 4));
    cr_assert(eq(int, list->kind, NODE_LIST));
    cr_assert(eq(u32, yaml_mark(list).line, 3));
    cr_assert(eq(u32, yaml_mark(list).column, 1));
    cr_assert(eq(u32, list->first->mark.line, 4));
    cr_assert(eq(u32, list->first->mark.column, 5));
    cr_assert(eq(str, path_of(list->first), "列表[0]"));
    cr_assert(eq(str, path_of(yaml_get(map, "k")), "列表[1].k"));
    cr_assert(eq(u32, yaml_get(map, "键")->mark.column, 17)); /* characters, not bytes */
    cr_assert(not(yaml_get(map, "k")->plain));
    cr_assert(yaml_get(map, "键")->plain);
    cr_assert(yaml_is_null(yaml_get(map, "last")));
    cr_assert(not(yaml_is_null(yaml_get(map, "k"))));
    cr_assert(zero(ptr, yaml_get(r.root, "b")));
    cr_assert(zero(ptr, yaml_get(list, "a")));
    cr_assert(zero(sz, yaml_get(r.root, "b c")->count));
    cr_assert(eq(str, path_of(r.root), ""));
    done(&r);
}

Test(yaml, quoted_null_is_text)
{
    struct reading r = read_text("[~, null, '', 'null', \"~\", ]");
    static const int nulls[] = {1, 1, 0, 0, 0};
    int i = 0;

    cr_assert(eq(sz, r.root->count, 5));
    for (struct yaml_node *n = r.root->first; n; n = n->next)
        cr_assert(eq(int, yaml_is_null(n), nulls[i++]));
    done(&r);
}

Test(yaml, byte_order_mark_and_crlf)
{
    struct reading r = read_text("\xef\xbb\xbf"
                                 "a: 1\r\nb: 2\r\n");

    cr_assert(zero(sz, r.problems.count));
    cr_assert(eq(str, (char *)yaml_get(r.root, "a")->text, "1"));
    cr_assert(eq(u32, yaml_get(r.root, "b")->mark.line, 2));
    done(&r);
}

Test(yaml, a_key_set_twice_is_reported_and_the_first_kept)
{
    struct reading r = read_text("a: 1\nb: {x: 1, y: 2, x: 3, x: 4}\na: 5\n");

    cr_assert(eq(sz, r.problems.count, 3));
    cr_assert(eq(str, (char *)r.problems.items[0].message, "'x' is set twice, first on line 2"));
    cr_assert(eq(str, (char *)r.problems.items[0].path, "b.x"));
    cr_assert(eq(u32, r.problems.items[0].mark.column, 17));
    cr_assert(eq(u32, r.problems.items[1].mark.column, 23));
    cr_assert(eq(str, (char *)r.problems.items[2].message, "'a' is set twice, first on line 1"));
    cr_assert(eq(u32, r.problems.items[2].mark.line, 3));
    cr_assert(eq(sz, r.root->count, 2));
    cr_assert(eq(str, (char *)yaml_get(r.root, "a")->text, "1"));
    cr_assert(eq(sz, yaml_get(r.root, "b")->count, 2));
    cr_assert(eq(str, (char *)yaml_get(yaml_get(r.root, "b"), "x")->text, "1"));
    cr_assert(eq(str, (char *)r.root->last->key, "b"));
    done(&r);
}

Test(yaml, aliases_are_copies_in_their_own_place)
{
    struct reading r = read_text("a: &x {k: [1, 2]}\nb: *x\nc: &x 3\nd: [*x]\n");
    struct yaml_node *copy = yaml_get(r.root, "b");

    cr_assert(zero(sz, r.problems.count));
    cr_assert(eq(str, path_of(yaml_get(copy, "k")->last), "b.k[1]"));
    cr_assert(eq(str, (char *)yaml_get(copy, "k")->last->text, "2"));
    cr_assert(eq(str, (char *)yaml_get(r.root, "d")->first->text, "3")); /* the latest anchor */
    yaml_spoil(yaml_get(copy, "k"));
    cr_assert(copy->spoiled);
    cr_assert(not(yaml_get(r.root, "a")->spoiled));
    done(&r);
}

/* Each is refused whole, with one problem. */
Test(yaml, what_cannot_be_read)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *message;
    } cases[] = {
        {"", 1, 1, "empty"},
        {"# only a comment\n", 1, 1, "empty"},
        {"a: [1, 2\n", 2, 1, "expected ',' or ']'"},
        {"a: b: c\n", 1, 5, "mapping values are not allowed"},
        {"a:\n\t- b\n", 2, 1, "cannot start any token"},
        {"a: 1\n b: 2\n", 2, 3, "mapping values"},
        {"a: 'x\n", 2, 1, "end of stream"},
        {"a: }\n", 1, 4, "not YAML"},
        {"a: 1\n---\nb: 2\n", 2, 1, "second document"},
        {"a: *nowhere\n", 1, 4, "alias"},
        {"a: &x [*x]\n", 1, 8, "alias"},
        {"a: !!str b\n", 1, 4, "tags"},
        {"a: !own [b]\n", 1, 4, "tags"},
        {"a: !own {b: c}\n", 1, 4, "tags"},
        {"!t a: 1\n", 1, 1, "tags"},
        {"a: &x {b: c}\nd:\n  <<: *x\n", 3, 3, "merge keys"},
        {"? [a]\n: b\n", 1, 3, "no plain text"},
        {"{a: 1}: b\n", 1, 1, "no plain text"},
        {"*x : 1\n", 1, 1, "no plain text"},
        {"a: \"x\\0y\"\n", 1, 4, "U+0000"},
        {"\"x\\0y\": 1\n", 1, 1, "U+0000"},
        {"a: x\x01y\n", 1, 5, "control characters"},
        {"ab: \xff\n", 1, 5, "UTF-8"},
        {"方: 案\nb: \xe6\x96\n", 2, 5, "UTF-8"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading r = read_text(cases[i].text);
        struct buf said = {0};

        kit_print(&r.problems, &said);
        cr_assert(zero(ptr, r.root), "%s", cases[i].text);
        cr_assert(r.problems.count == 1 && r.problems.errors == 1, "%s\n%s", cases[i].text,
                  buf_cstr(&said));
        cr_assert(r.problems.items[0].mark.line == cases[i].line &&
                      r.problems.items[0].mark.column == cases[i].column,
                  "%s\n%s", cases[i].text, buf_cstr(&said));
        cr_assert(strstr(r.problems.items[0].message, cases[i].message) != NULL, "%s\n%s",
                  cases[i].text, buf_cstr(&said));
        cr_assert(r.problems.items[0].remedy[0] != '\0');
        buf_deinit(&said);
        done(&r);
    }
}

static void check_refused(const char *text, size_t len, const char *message)
{
    struct reading r = read_bytes(text, len);

    cr_assert(zero(ptr, r.root));
    cr_assert(eq(sz, r.problems.count, 1));
    cr_assert(strstr(r.problems.items[0].message, message) != NULL, "%s",
              r.problems.items[0].message);
    done(&r);
}

Test(yaml, depth_is_bounded)
{
    struct buf b = {0};

    for (int i = 0; i < 32; i++)
        buf_char(&b, '[');
    buf_str(&b, "x");
    for (int i = 0; i < 32; i++)
        buf_char(&b, ']');
    struct reading r = read_bytes(b.data, b.len);
    cr_assert(r.root != NULL);
    done(&r);
    buf_clear(&b);
    for (int i = 0; i < 100000; i++)
        buf_char(&b, '[');
    check_refused(b.data, b.len, "nested too deeply");
    buf_deinit(&b);
}

/* Each line nests the one before a level deeper. */
Test(yaml, depth_is_bounded_through_aliases)
{
    struct buf b = {0};

    buf_str(&b, "a0: &a0 x\n");
    for (int i = 1; i < 40; i++)
        buf_fmt(&b, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    check_refused(b.data, b.len, "nested too deeply");
    buf_deinit(&b);
}

/* "Billion laughs": nine lines that stand for ten to the ninth values. */
Test(yaml, values_are_bounded_through_aliases)
{
    struct buf b = {0};

    buf_str(&b, "a0: &a0 x\n");
    for (int i = 1; i < 10; i++) {
        buf_fmt(&b, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_fmt(&b, "*a%d%s", i - 1, k < 9 ? ", " : "]\n");
    }
    check_refused(b.data, b.len, "too many values");
    buf_deinit(&b);
}

Test(yaml, values_and_bytes_are_bounded)
{
    struct buf b = {0};

    for (int i = 0; i < YAML_NODES_MAX; i++)
        buf_str(&b, "- x\n");
    check_refused(b.data, b.len, "too many values");
    while (b.len <= YAML_BYTES_MAX)
        buf_str(&b, "# and more\n");
    check_refused(b.data, b.len, "larger than 1 MiB");
    buf_deinit(&b);
}

Test(yaml, a_map_of_thousands_of_keys_costs_no_square)
{
    struct buf b = {0};

    for (int i = 0; i < 40000; i++)
        buf_fmt(&b, "key%d: x\n", i);
    buf_str(&b, "key7: y\n");
    struct reading r = read_bytes(b.data, b.len);
    cr_assert(eq(sz, r.problems.count, 1));
    cr_assert(eq(sz, r.root->count, 40000));
    done(&r);
    buf_deinit(&b);
}

Test(yaml, no_text_at_all)
{
    check_refused(NULL, 0, "empty");
}
