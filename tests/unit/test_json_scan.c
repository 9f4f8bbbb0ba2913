/* SPDX-License-Identifier: Apache-2.0 */
/* The texts are in the manner of JSONTestSuite: y_ must be taken, n_ must be refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/json_scan.h"
#include "funnel/json_tree.h"
#include "funnel/mem.h"

#define TEXT(literal) \
    { \
        literal, sizeof(literal) - 1 \
    }

struct accepted {
    const char *name;
    struct span text;
    size_t values;
};

static const struct accepted ACCEPTED[] = {
    {"y_structure_lonely_string", TEXT("\"asd\""), 1},
    {"y_structure_lonely_int", TEXT("42"), 1},
    {"y_structure_lonely_negative_real", TEXT("-0.1"), 1},
    {"y_structure_lonely_true", TEXT("true"), 1},
    {"y_structure_lonely_false", TEXT("false"), 1},
    {"y_structure_lonely_null", TEXT("null"), 1},
    {"y_structure_string_empty", TEXT("\"\""), 1},
    {"y_structure_trailing_newline", TEXT("[\"a\"]\n"), 2},
    {"y_structure_whitespace_array", TEXT(" [] "), 1},
    {"y_structure_all_blanks", TEXT("\t\r\n [ \t\r\n1 \t\r\n, \t\r\n2 ] \t\r\n"), 3},
    {"y_array_arrays_with_spaces", TEXT("[[]   ]"), 2},
    {"y_array_empty_string", TEXT("[\"\"]"), 2},
    {"y_array_empty", TEXT("[]"), 1},
    {"y_array_heterogeneous", TEXT("[null, 1, \"1\", {}]"), 5},
    {"y_array_with_several_null", TEXT("[1,null,null,null,2]"), 6},
    {"y_number", TEXT("[123e65]"), 2},
    {"y_number_0e_plus_1", TEXT("[0e+1]"), 2},
    {"y_number_0e1", TEXT("[0e1]"), 2},
    {"y_number_after_space", TEXT("[ 4]"), 2},
    {"y_number_double_close_to_zero", TEXT("[-0.000000000000000000000000000000000000000000001]"),
     2},
    {"y_number_int_with_exp", TEXT("[20e1]"), 2},
    {"y_number_minus_zero", TEXT("[-0]"), 2},
    {"y_number_negative_int", TEXT("[-123]"), 2},
    {"y_number_real_capital_e", TEXT("[1E22]"), 2},
    {"y_number_real_capital_e_neg_exp", TEXT("[1E-2]"), 2},
    {"y_number_real_exponent", TEXT("[123.456e78]"), 2},
    {"y_number_zero_fraction", TEXT("[0.0,10.00]"), 3},
    {"y_number_beyond_double", TEXT("[1e999, -1e-999]"), 3},
    {"y_number_longer_than_63",
     TEXT("[1234567890123456789012345678901234567890123456789012345678901234567890, 1.5]"), 3},
    {"y_object", TEXT("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"), 3},
    {"y_object_duplicated_key", TEXT("{\"a\":\"b\",\"a\":\"c\"}"), 3},
    {"y_object_empty", TEXT("{}"), 1},
    {"y_object_empty_key", TEXT("{\"\":0}"), 2},
    {"y_object_escaped_key", TEXT("{\"\\u0041\\n\":0}"), 2},
    {"y_object_nested", TEXT("{\"a\":{\"b\":{}},\"c\":[{}]}"), 5},
    {"y_string_all_escapes", TEXT("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"), 2},
    {"y_string_1_2_3_bytes_escaped", TEXT("[\"\\u0060\\u012a\\u12AB\"]"), 2},
    {"y_string_surrogate_pair", TEXT("[\"\\uD801\\udc37\"]"), 2},
    {"y_string_surrogate_pairs_edge", TEXT("[\"\\uD800\\uDC00\\uDBFF\\uDFFF\"]"), 2},
    {"y_string_backslash_then_u0000", TEXT("[\"\\\\u0000\"]"), 2},
    {"y_string_double_escape_a", TEXT("[\"\\\\a\"]"), 2},
    {"y_string_nonchar_escaped", TEXT("[\"\\uFFFF\"]"), 2},
    {"y_string_nonchar_utf8", TEXT("[\"\xEF\xBF\xBF\"]"), 2},
    {"y_string_utf8_edges",
     TEXT("[\"\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90"
          "\x80\x80\xF4\x8F\xBF\xBF\"]"),
     2},
    {"y_string_chinese", TEXT("{\"阶段\":\"方案\"}"), 2},
    {"y_string_line_separators", TEXT("\"\xE2\x80\xA8\xE2\x80\xA9\""), 1},
    {"y_string_comments_inside", TEXT("[\"a/*b*/c//d\"]"), 2},
    {"y_string_brackets_inside", TEXT("[\"]}{[,:\"]"), 2},
    {"y_string_long_then_special", TEXT("\"abcdefghijklmnopqrstuvwxyz\xC3\xA9wwwwwwwwwwwwww\\n\""),
     1},
};

struct refused {
    const char *name;
    struct span text;
    enum json_status status;
    uint32_t byte;
};

static const struct refused REFUSED[] = {
    {"n_structure_no_data", TEXT(""), JSON_MALFORMED, 0},
    {"n_structure_only_blanks", TEXT("  \n"), JSON_MALFORMED, 3},
    {"n_structure_bom", TEXT("\xEF\xBB\xBF{}"), JSON_MALFORMED, 0},
    {"n_structure_nul_byte", TEXT("\0"), JSON_MALFORMED, 0},
    {"n_structure_nul_after", TEXT("{}\0"), JSON_MALFORMED, 2},
    {"n_structure_nul_between", TEXT("[1\0,2]"), JSON_MALFORMED, 2},
    {"n_structure_trailing_bracket", TEXT("[1]]"), JSON_MALFORMED, 3},
    {"n_structure_trailing_word", TEXT("[] x"), JSON_MALFORMED, 3},
    {"n_structure_two_values", TEXT("1 2"), JSON_MALFORMED, 2},
    {"n_structure_two_objects", TEXT("{}{}"), JSON_MALFORMED, 2},
    {"n_structure_form_feed", TEXT("[\f]"), JSON_MALFORMED, 1},
    {"n_structure_vertical_tab", TEXT("\v1"), JSON_MALFORMED, 0},
    {"n_structure_no_break_space", TEXT("[1\xC2\xA0]"), JSON_MALFORMED, 2},
    {"n_structure_unicode_identifier", TEXT("\xC3\xA5"), JSON_MALFORMED, 0},
    {"n_structure_single_quote", TEXT("'a'"), JSON_MALFORMED, 0},
    {"n_structure_comment", TEXT("[1]/*x*/"), JSON_MALFORMED, 3},
    {"n_structure_line_comment", TEXT("//x\n1"), JSON_MALFORMED, 0},
    {"n_structure_angle", TEXT("<null>"), JSON_MALFORMED, 0},
    {"n_structure_close_first", TEXT("]"), JSON_MALFORMED, 0},
    {"n_structure_mixed_brackets", TEXT("[1}"), JSON_MALFORMED, 2},
    {"n_structure_mixed_braces", TEXT("{\"a\":1]"), JSON_MALFORMED, 6},
    {"n_array_1_true_without_comma", TEXT("[1 true]"), JSON_MALFORMED, 3},
    {"n_array_colon", TEXT("[\"\": 1]"), JSON_MALFORMED, 3},
    {"n_array_comma_after_close", TEXT("[\"\"],"), JSON_MALFORMED, 4},
    {"n_array_comma_and_number", TEXT("[,1]"), JSON_MALFORMED, 1},
    {"n_array_double_comma", TEXT("[1,,2]"), JSON_MALFORMED, 3},
    {"n_array_extra_comma", TEXT("[1,]"), JSON_MALFORMED, 3},
    {"n_array_just_comma", TEXT("[,]"), JSON_MALFORMED, 1},
    {"n_array_just_minus", TEXT("[-]"), JSON_MALFORMED, 2},
    {"n_array_unclosed", TEXT("[\"\""), JSON_MALFORMED, 3},
    {"n_array_unclosed_comma", TEXT("[1,"), JSON_MALFORMED, 3},
    {"n_array_unclosed_with_object", TEXT("[{}"), JSON_MALFORMED, 3},
    {"n_incomplete_true", TEXT("[tru]"), JSON_MALFORMED, 4},
    {"n_incomplete_false", TEXT("[fals"), JSON_MALFORMED, 5},
    {"n_incomplete_null", TEXT("nul"), JSON_MALFORMED, 3},
    {"n_word_capital", TEXT("[True]"), JSON_MALFORMED, 1},
    {"n_word_too_long", TEXT("[nulll]"), JSON_MALFORMED, 5},
    {"n_number_leading_zero", TEXT("[012]"), JSON_MALFORMED, 2},
    {"n_number_neg_leading_zero", TEXT("[-012]"), JSON_MALFORMED, 3},
    {"n_number_plus", TEXT("[+1]"), JSON_MALFORMED, 1},
    {"n_number_plus_plus", TEXT("[++1234]"), JSON_MALFORMED, 1},
    {"n_number_minus_space", TEXT("[- 1]"), JSON_MALFORMED, 2},
    {"n_number_double_minus", TEXT("[--2.]"), JSON_MALFORMED, 2},
    {"n_number_dot_first", TEXT("[.5]"), JSON_MALFORMED, 1},
    {"n_number_minus_dot", TEXT("[-.5]"), JSON_MALFORMED, 2},
    {"n_number_dot_last", TEXT("[1.]"), JSON_MALFORMED, 3},
    {"n_number_dot_exp", TEXT("[0.e1]"), JSON_MALFORMED, 3},
    {"n_number_two_dots", TEXT("[1.2.3]"), JSON_MALFORMED, 4},
    {"n_number_e", TEXT("[1e]"), JSON_MALFORMED, 3},
    {"n_number_e_plus", TEXT("[1E+]"), JSON_MALFORMED, 4},
    {"n_number_e_plus_minus", TEXT("[0e+-1]"), JSON_MALFORMED, 4},
    {"n_number_ee", TEXT("[1eE2]"), JSON_MALFORMED, 3},
    {"n_number_exp_fraction", TEXT("[1e2.3]"), JSON_MALFORMED, 4},
    {"n_number_hex", TEXT("[0x42]"), JSON_MALFORMED, 2},
    {"n_number_nan", TEXT("[NaN]"), JSON_MALFORMED, 1},
    {"n_number_minus_nan", TEXT("[-NaN]"), JSON_MALFORMED, 2},
    {"n_number_infinity", TEXT("[Infinity]"), JSON_MALFORMED, 1},
    {"n_number_space_in_it", TEXT("[1 000.0]"), JSON_MALFORMED, 3},
    {"n_number_trailing_letter", TEXT("[1a]"), JSON_MALFORMED, 2},
    {"n_number_fullwidth_digit", TEXT("[\xEF\xBC\x91]"), JSON_MALFORMED, 1},
    {"n_number_at_the_end", TEXT("-"), JSON_MALFORMED, 1},
    {"n_number_dot_at_the_end", TEXT("3."), JSON_MALFORMED, 2},
    {"n_object_bad_value", TEXT("{\"x\":truth}"), JSON_MALFORMED, 8},
    {"n_object_bracket_key", TEXT("{[: \"x\"}"), JSON_MALFORMED, 1},
    {"n_object_comma_instead_of_colon", TEXT("{\"x\", null}"), JSON_MALFORMED, 4},
    {"n_object_double_colon", TEXT("{\"x\"::\"b\"}"), JSON_MALFORMED, 5},
    {"n_object_missing_colon", TEXT("{\"a\" b}"), JSON_MALFORMED, 5},
    {"n_object_missing_key", TEXT("{:\"b\"}"), JSON_MALFORMED, 1},
    {"n_object_missing_value", TEXT("{\"a\":}"), JSON_MALFORMED, 5},
    {"n_object_non_string_key", TEXT("{1:1}"), JSON_MALFORMED, 1},
    {"n_object_null_key", TEXT("{null:1}"), JSON_MALFORMED, 1},
    {"n_object_single_quote", TEXT("{'a':0}"), JSON_MALFORMED, 1},
    {"n_object_trailing_comma", TEXT("{\"id\":0,}"), JSON_MALFORMED, 8},
    {"n_object_two_commas", TEXT("{\"a\":0,,\"b\":1}"), JSON_MALFORMED, 7},
    {"n_object_just_comma", TEXT("{,}"), JSON_MALFORMED, 1},
    {"n_object_unquoted_key", TEXT("{a: \"b\"}"), JSON_MALFORMED, 1},
    {"n_object_unclosed", TEXT("{\"a\":1"), JSON_MALFORMED, 6},
    {"n_object_only_key", TEXT("{\"a\""), JSON_MALFORMED, 4},
    {"n_string_unclosed", TEXT("\"abc"), JSON_MALFORMED, 4},
    {"n_string_lone_quote", TEXT("\""), JSON_MALFORMED, 1},
    {"n_string_newline", TEXT("[\"a\nb\"]"), JSON_MALFORMED, 3},
    {"n_string_tab", TEXT("\"\t\""), JSON_MALFORMED, 1},
    {"n_string_nul", TEXT("[\"a\0a\"]"), JSON_MALFORMED, 3},
    {"n_string_unit_separator_late", TEXT("\"0123456789abcdef\x1F\""), JSON_MALFORMED, 17},
    {"n_string_escape_x", TEXT("[\"\\x00\"]"), JSON_MALFORMED, 2},
    {"n_string_escape_quote", TEXT("[\"\\'\"]"), JSON_MALFORMED, 2},
    {"n_string_escape_capital_u", TEXT("[\"\\U0041\"]"), JSON_MALFORMED, 2},
    {"n_string_escape_nul", TEXT("[\"\\\0\"]"), JSON_MALFORMED, 2},
    {"n_string_escape_utf8", TEXT("[\"\\\xC3\xA5\"]"), JSON_MALFORMED, 2},
    {"n_string_escaped_tab", TEXT("[\"\\\t\"]"), JSON_MALFORMED, 2},
    {"n_string_escape_at_the_end", TEXT("\"\\"), JSON_MALFORMED, 1},
    {"n_string_escaped_quote_unclosed", TEXT("\"\\\""), JSON_MALFORMED, 3},
    {"n_string_u_no_hex", TEXT("[\"\\u00G0\"]"), JSON_MALFORMED, 2},
    {"n_string_u_short", TEXT("[\"\\u00A\"]"), JSON_MALFORMED, 2},
    {"n_string_u_sign", TEXT("[\"\\u+041\"]"), JSON_MALFORMED, 2},
    {"n_string_u_at_the_end", TEXT("\"\\u004"), JSON_MALFORMED, 1},
    {"n_string_bad_byte_outside", TEXT("[\xFF]"), JSON_MALFORMED, 1},

    {"n_utf8_u0000", TEXT("[\"a\\u0000b\"]"), JSON_UTF8, 3},
    {"n_utf8_u0000_in_key", TEXT("{\"\\u0000\":1}"), JSON_UTF8, 2},
    {"n_utf8_lone_high", TEXT("[\"\\uD800\"]"), JSON_UTF8, 2},
    {"n_utf8_lone_high_then_text", TEXT("[\"\\uDADAxxxxxx\"]"), JSON_UTF8, 2},
    {"n_utf8_lone_low", TEXT("[\"x\\uDC00\"]"), JSON_UTF8, 3},
    {"n_utf8_two_high", TEXT("[\"\\uD800\\uD800\\uDC00\"]"), JSON_UTF8, 2},
    {"n_utf8_reversed_pair", TEXT("[\"\\uDd1e\\uD834\"]"), JSON_UTF8, 2},
    {"n_utf8_high_then_escape", TEXT("[\"\\uD800\\n\"]"), JSON_UTF8, 2},
    {"n_utf8_high_then_short_u", TEXT("[\"\\uD800\\u1\"]"), JSON_UTF8, 2},
    {"n_utf8_high_at_the_end", TEXT("\"\\uD800"), JSON_UTF8, 1},
    {"n_utf8_lone_high_in_key", TEXT("{\"\\uD800\":1}"), JSON_UTF8, 2},
    {"n_utf8_ff", TEXT("[\"\xFF\"]"), JSON_UTF8, 2},
    {"n_utf8_continuation_alone", TEXT("[\"a\x81\"]"), JSON_UTF8, 3},
    {"n_utf8_latin1", TEXT("[\"caf\xE9\"]"), JSON_UTF8, 5},
    {"n_utf8_latin1_behind_a_word", TEXT("\"0123456789\xE9 abcdefgh\""), JSON_UTF8, 11},
    {"n_utf8_overlong_slash", TEXT("[\"\xC0\xAF\"]"), JSON_UTF8, 2},
    {"n_utf8_overlong_c1", TEXT("[\"\xC1\xBF\"]"), JSON_UTF8, 2},
    {"n_utf8_overlong_3", TEXT("[\"\xE0\x9F\xBF\"]"), JSON_UTF8, 2},
    {"n_utf8_overlong_4", TEXT("[\"\xF0\x8F\xBF\xBF\"]"), JSON_UTF8, 2},
    {"n_utf8_overlong_nul", TEXT("[\"\xC0\x80\"]"), JSON_UTF8, 2},
    {"n_utf8_surrogate", TEXT("[\"\xED\xA0\x80\"]"), JSON_UTF8, 2},
    {"n_utf8_surrogate_last", TEXT("[\"\xED\xBF\xBF\"]"), JSON_UTF8, 2},
    {"n_utf8_beyond_10ffff", TEXT("[\"\xF4\x90\x80\x80\"]"), JSON_UTF8, 2},
    {"n_utf8_f5", TEXT("[\"\xF5\x80\x80\x80\"]"), JSON_UTF8, 2},
    {"n_utf8_cut_2", TEXT("[\"\xC3\"]"), JSON_UTF8, 2},
    {"n_utf8_cut_3", TEXT("[\"\xE6\x96\"]"), JSON_UTF8, 2},
    {"n_utf8_cut_4", TEXT("[\"\xF0\x9F\x98\"]"), JSON_UTF8, 2},
    {"n_utf8_cut_by_the_end", TEXT("\"\xE6\x96"), JSON_UTF8, 1},
    {"n_utf8_in_key", TEXT("{\"\xE9\":1}"), JSON_UTF8, 2},
};

/* In memory of its own size, so that the sanitizer sees a read beyond it. */
static struct span exact(struct span text)
{
    char *copy = malloc(text.len ? text.len : 1);

    memcpy(copy, text.p, text.len);
    return (struct span){copy, text.len};
}

Test(json_scan, takes_what_the_grammar_allows)
{
    struct json_scan scan = {0};

    for (size_t i = 0; i < sizeof(ACCEPTED) / sizeof(ACCEPTED[0]); i++) {
        struct span text = exact(ACCEPTED[i].text);
        uint32_t byte = 12345;

        cr_expect(eq(int, json_scan_text(&scan, text, 32, &byte), JSON_OK), "%s at %u",
                  ACCEPTED[i].name, byte);
        cr_expect(eq(sz, scan.count, ACCEPTED[i].values), "%s", ACCEPTED[i].name);
        cr_expect(eq(u32, byte, 12345), "%s", ACCEPTED[i].name);
        free((char *)text.p);
    }
    json_scan_deinit(&scan);
}

Test(json_scan, refuses_everything_else_and_says_where)
{
    struct json_scan scan = {0};

    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
        struct span text = exact(REFUSED[i].text);
        uint32_t byte = 12345;

        cr_expect(eq(int, json_scan_text(&scan, text, 32, &byte), REFUSED[i].status), "%s",
                  REFUSED[i].name);
        cr_expect(eq(u32, byte, REFUSED[i].byte), "%s", REFUSED[i].name);
        free((char *)text.p);
    }
    json_scan_deinit(&scan);
}

/* Every proper beginning of a text whose last byte is needed is no text, and never read past. */
Test(json_scan, refuses_every_beginning_of_a_text)
{
    static const char whole[] =
        "{\"a\":[1,-2.5e+10,\"x\\u00e9\\ud83d\\ude00方\",true,false,null,{}]}";
    struct json_scan scan = {0};

    for (uint32_t len = 0; len < sizeof(whole) - 1; len++) {
        struct span text = exact((struct span){whole, len});
        uint32_t byte = 0;

        cr_expect(ne(int, json_scan_text(&scan, text, 32, &byte), JSON_OK), "%u bytes", len);
        cr_expect(le(u32, byte, len));
        free((char *)text.p);
    }
    json_scan_deinit(&scan);
}

static struct span nested(char open, char close, uint32_t depth)
{
    char *text = malloc(2 * (size_t)depth + 1);

    memset(text, open, depth);
    memset(text + depth, close, depth);
    return (struct span){text, 2 * depth};
}

Test(json_scan, bounds_the_depth)
{
    struct json_scan scan = {0};
    struct span text = nested('[', ']', 32);
    uint32_t byte = 0;

    cr_assert(eq(int, json_scan_text(&scan, text, 32, &byte), JSON_OK));
    cr_assert(eq(sz, scan.count, 32));
    cr_assert(eq(int, json_scan_text(&scan, text, 31, &byte), JSON_DEPTH));
    cr_assert(eq(u32, byte, 31));
    cr_assert(eq(int, json_scan_text(&scan, text, 0, &byte), JSON_DEPTH));
    cr_assert(eq(u32, byte, 0));
    cr_assert(eq(int, json_scan_text(&scan, text, -5, &byte), JSON_DEPTH));
    cr_assert(eq(int, json_scan_text(&scan, span_of("1"), 0, &byte), JSON_OK));
    /* Width is no depth, and a closed container gives its level back. */
    cr_assert(eq(int, json_scan_text(&scan, span_of("[[],[],{\"a\":[]}]"), 3, &byte), JSON_OK));
    cr_assert(eq(int, json_scan_text(&scan, span_of("[[],[],{\"a\":[]}]"), 2, &byte), JSON_DEPTH));
    cr_assert(eq(u32, byte, 12));
    /* What comes first in the text is reported. */
    cr_assert(eq(int, json_scan_text(&scan, span_of("[,[["), 1, &byte), JSON_MALFORMED));
    free((char *)text.p);
    json_scan_deinit(&scan);
}

Test(json_scan, has_a_depth_no_setting_can_pass)
{
    struct json_scan scan = {0};
    struct span deepest = nested('[', ']', JSON_DEPTH_MAX);
    struct span deeper = nested('[', ']', JSON_DEPTH_MAX + 1);
    struct span hostile = nested('[', '[', 1000000);
    uint32_t byte = 0;

    cr_assert(eq(int, json_scan_text(&scan, deepest, INT64_MAX, &byte), JSON_OK));
    cr_assert(eq(int, json_scan_text(&scan, deeper, INT64_MAX, &byte), JSON_DEPTH));
    cr_assert(eq(u32, byte, JSON_DEPTH_MAX));
    cr_assert(eq(int, json_scan_text(&scan, hostile, INT64_MAX, &byte), JSON_DEPTH));
    free((char *)deepest.p);
    free((char *)deeper.p);
    free((char *)hostile.p);
    json_scan_deinit(&scan);
}

static void expect_value(const struct json_scan *scan, struct span text, size_t i,
                         enum json_type type, const char *bytes)
{
    struct json_value v = scan->values[i];
    struct span got = {text.p + v.begin, v.end - v.begin};

    cr_expect(eq(int, v.type, (int)type), "value %zu", i);
    cr_expect(span_is(got, bytes), "value %zu is %.*s", i, (int)got.len, got.p);
}

Test(json_scan, records_type_and_bytes_in_document_order)
{
    struct span text = span_of(
        " {\"a\" : [ 1.50 , \"x\\n\" ] , \"k\":{ } ,\"b\":true,\"c\":null }");
    struct json_scan scan = {0};
    uint32_t byte;

    cr_assert(eq(int, json_scan_text(&scan, text, 32, &byte), JSON_OK));
    cr_assert(eq(sz, scan.count, 7));
    expect_value(&scan, text, 0, JSON_OBJECT,
                 "{\"a\" : [ 1.50 , \"x\\n\" ] , \"k\":{ } ,\"b\":true,\"c\":null }");
    expect_value(&scan, text, 1, JSON_ARRAY, "[ 1.50 , \"x\\n\" ]");
    expect_value(&scan, text, 2, JSON_NUMBER, "1.50");
    expect_value(&scan, text, 3, JSON_STRING, "\"x\\n\"");
    expect_value(&scan, text, 4, JSON_OBJECT, "{ }");
    expect_value(&scan, text, 5, JSON_TRUE, "true");
    expect_value(&scan, text, 6, JSON_NULL, "null");
    cr_assert(eq(int, scan.values[3].escaped, 1));
    cr_assert(eq(int, scan.values[2].escaped, 0));
    json_scan_deinit(&scan);
}

Test(json_scan, can_be_used_again_after_an_error)
{
    struct json_scan scan = {0};
    uint32_t byte;

    cr_assert(eq(int, json_scan_text(&scan, span_of("[[[1,2,3"), 32, &byte), JSON_MALFORMED));
    cr_assert(eq(int, json_scan_text(&scan, span_of("[7]"), 32, &byte), JSON_OK));
    cr_assert(eq(sz, scan.count, 2));
    json_scan_deinit(&scan);
}

/* Every byte, alone and after a lead byte, against a definition by decoding: a sequence is valid
 * when it is the shortest form of a scalar value. */
static int utf8_by_decoding(const unsigned char *p, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80             ? 1
                 : (p[0] & 0xe0) == 0xc0 ? 2
                 : (p[0] & 0xf0) == 0xe0 ? 3
                 : (p[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    uint32_t code = len == 1 ? p[0] : len == 2 ? p[0] & 0x1f : len == 3 ? p[0] & 0x0f : p[0] & 0x07;

    if (len == 0 || len != n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    return code >= least[len] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && code != 0;
}

Test(json_scan, agrees_with_a_definition_of_utf8)
{
    static const unsigned char tails[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90,
                                          0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    unsigned char s[4];

    for (int lead = 0; lead < 256; lead++)
        for (int second = 0; second < 256; second++)
            for (size_t i = 0; i < sizeof(tails); i++)
                for (size_t n = 1; n <= 4; n++) {
                    int expected;

                    s[0] = (unsigned char)lead;
                    s[1] = (unsigned char)second;
                    s[2] = s[3] = tails[i];
                    /* Two short sequences side by side are valid, too. */
                    expected = utf8_by_decoding(s, n) ||
                               (n == 2 && utf8_by_decoding(s, 1) && utf8_by_decoding(s + 1, 1)) ||
                               n > 2;
                    if (n > 2 && (lead & 0xe0) != 0xe0)
                        continue;
                    if (n > 2)
                        expected = utf8_by_decoding(s, n) ||
                                   (n == 4 && utf8_by_decoding(s, 3) && utf8_by_decoding(s + 3, 1));
                    cr_assert(
                        eq(int, json_utf8_valid((struct span){(char *)s, (uint32_t)n}), expected),
                        "%02x %02x %02x %02x, %zu", s[0], s[1], s[2], s[3], n);
                }
}

Test(json_scan, an_empty_text_is_valid_utf8)
{
    cr_assert(json_utf8_valid(span_of("")));
    cr_assert(json_utf8_valid(span_of("潜在客户 → 成交")));
    cr_assert(not(json_utf8_valid((struct span){"a\0b", 3})));
}

Test(json_scan, every_accepted_text_becomes_an_aligned_tree)
{
    struct json_tree tree = {0};
    struct arena *arena = arena_new();

    for (size_t i = 0; i < sizeof(ACCEPTED) / sizeof(ACCEPTED[0]); i++) {
        struct span text = exact(ACCEPTED[i].text);
        uint32_t byte = 0;

        cr_expect(eq(int, json_tree_parse(&tree, text, 32, arena, &byte), JSON_OK), "%s",
                  ACCEPTED[i].name);
        cr_expect(ne(ptr, tree.root, NULL), "%s", ACCEPTED[i].name);
        free((char *)text.p);
    }
    json_tree_deinit(&tree);
    arena_free(arena);
}
