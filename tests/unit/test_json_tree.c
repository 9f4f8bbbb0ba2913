/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/json_tree.h"
#include "funnel/mem.h"

Test(json_tree, the_deepest_text_of_the_scan_is_a_tree)
{
    struct json_tree tree = {0};
    struct arena *arena = arena_new();
    char arrays[2 * JSON_DEPTH_MAX];
    uint32_t byte;

    memset(arrays, '[', JSON_DEPTH_MAX);
    memset(arrays + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    cr_assert(eq(
        int, json_tree_parse(&tree, (struct span){arrays, sizeof(arrays)}, INT64_MAX, arena, &byte),
        JSON_OK));
    json_tree_deinit(&tree);
    arena_free(arena);
}

Test(json_tree, knows_the_bytes_of_each_node)
{
    struct span text = span_of("{\"a\":[10,{\"b\":1.0}],\"a\":2,\"c\":\"\\u00e9\",\"~/\":3}");
    const char *const path[] = {"a", "1", "b"}, *const escaped[] = {"~/"};
    struct json_tree tree = {0};
    struct arena *arena = arena_new();
    const cJSON *node;
    uint32_t byte;

    cr_assert(eq(int, json_tree_parse(&tree, text, 32, arena, &byte), JSON_OK));
    node = json_tree_walk(&tree, tree.root, path, 3);
    cr_assert(span_is(json_tree_text(&tree, node, arena), "1.0"));
    cr_assert(eq(u32, json_tree_value(&tree, node).begin, 14));
    node = json_tree_walk(&tree, tree.root, path, 2);
    cr_assert(eq(int, json_tree_value(&tree, node).type, JSON_OBJECT));
    cr_assert(span_is(json_tree_text(&tree, json_tree_member(&tree, tree.root, "c"), arena), "é"));
    cr_assert(
        span_is(json_tree_text(&tree, json_tree_walk(&tree, tree.root, escaped, 1), arena), "3"));
    /* The first of two. */
    cr_assert(
        eq(int, json_tree_value(&tree, json_tree_member(&tree, tree.root, "a")).type, JSON_ARRAY));
    json_tree_deinit(&tree);
    arena_free(arena);
}

Test(json_tree, a_pointer_that_leads_nowhere_finds_nothing)
{
    static const char *const nowhere[][2] = {
        {"a", "2"},  {"a", "-"}, {"a", "01"}, {"a", ""},  {"a", "1x"},
        {"a", "+1"}, {"b", "0"}, {"c", "c"},  {"A", "0"}, {"a", "99999999999999999999999999"}};
    struct json_tree tree = {0};
    struct arena *arena = arena_new();
    uint32_t byte;

    cr_assert(
        eq(int, json_tree_parse(&tree, span_of("{\"a\":[1,2],\"b\":{},\"c\":5}"), 32, arena, &byte),
           JSON_OK));
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
        cr_expect(eq(ptr, (void *)json_tree_walk(&tree, tree.root, nowhere[i], 2), NULL), "%s %s",
                  nowhere[i][0], nowhere[i][1]);
    cr_assert(eq(ptr, (void *)json_tree_walk(&tree, NULL, nowhere[0], 2), NULL));
    cr_assert(eq(ptr, (void *)json_tree_walk(&tree, tree.root, NULL, 0), tree.root));
    json_tree_deinit(&tree);
    arena_free(arena);
}

Test(json_tree, long_numbers_keep_their_bytes)
{
    struct span text = span_of(
        "{\"n\":-1234567890123456789012345678901234567890123456789012345678901234"
        "5678901234567890.25e-3,\"m\":7}");
    struct json_tree tree = {0};
    struct arena *arena = arena_new();
    uint32_t byte;

    cr_assert(eq(int, json_tree_parse(&tree, text, 32, arena, &byte), JSON_OK));
    cr_assert(eq(sz, tree.scan.long_numbers, 1));
    cr_assert(
        span_is(json_tree_text(&tree, json_tree_member(&tree, tree.root, "n"), arena),
                "-12345678901234567890123456789012345678901234567890123456789012345678901234567890"
                ".25e-3"));
    cr_assert(span_is(json_tree_text(&tree, json_tree_member(&tree, tree.root, "m"), arena), "7"));
    json_tree_deinit(&tree);
    arena_free(arena);
}

Test(json_tree, an_error_leaves_no_tree)
{
    struct json_tree tree = {0};
    struct arena *arena = arena_new();
    uint32_t byte = 0;

    cr_assert(eq(int, json_tree_parse(&tree, span_of("[1]"), 32, arena, &byte), JSON_OK));
    cr_assert(eq(int, json_tree_parse(&tree, span_of("[1"), 32, arena, &byte), JSON_MALFORMED));
    cr_assert(eq(u32, byte, 2));
    cr_assert(eq(ptr, tree.root, NULL));
    json_tree_deinit(&tree);
    arena_free(arena);
}
