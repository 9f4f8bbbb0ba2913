/* SPDX-License-Identifier: Apache-2.0 */
/* For tests against detection-golden.json (see shared_file.h): its lists as numbers, and how near is
 * near. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "lib/shared_file.h"

/* Nine digits are kept there. */
#define GOLDEN_TOLERANCE 1e-6

__attribute__((unused)) static int golden_near(double got, double wanted)
{
    return fabs(got - wanted) <= GOLDEN_TOLERANCE * fabs(wanted) + 1e-12;
}

#define golden_equal(got, wanted, ...) \
    do { \
        double golden_got = (got), golden_wanted = (wanted); \
        cr_assert(golden_near(golden_got, golden_wanted), "%s: %.10g, golden %.10g", \
                  golden_name(__VA_ARGS__), golden_got, golden_wanted); \
    } while (0)

__attribute__((unused, format(printf, 1, 2))) static const char *golden_name(const char *format,
                                                                             ...)
{
    static char name[128];
    va_list list;

    va_start(list, format);
    vsnprintf(name, sizeof(name), format, list);
    va_end(list);
    return name;
}

/* The file, or the test is skipped. */
__attribute__((unused)) static cJSON *golden_open(void)
{
    cJSON *golden = shared_json("detection-golden.json");

    if (!golden)
        cr_skip("no detection-golden.json: set SHARED_DIR");
    return golden;
}

/* The list's numbers; how many. The test fails where there are more than `most`. */
__attribute__((unused)) static int golden_numbers(const cJSON *list, double *ret, int most)
{
    int n = 0;
    const cJSON *item;

    cJSON_ArrayForEach (item, list) {
        cr_assert(n < most && cJSON_IsNumber(item));
        ret[n++] = item->valuedouble;
    }
    return n;
}

__attribute__((unused)) static const char *golden_text(const cJSON *object, const char *name)
{
    return shared_member(object, name)->valuestring;
}

#endif
