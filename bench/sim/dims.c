/* SPDX-License-Identifier: Apache-2.0 */
#include "dims.h"

#include <stddef.h>
#include <string.h>

const char *const dims_stages[STAGES] = {"visit", "cart", "checkout", "paid", "repeat"};
const char *const dims_names[DIMS] = {"channel", "device", "region"};
const char *const dims_values[DIMS][VALUES_MAX] = {
    {"ads", "search", "mail", "direct"},
    {"mobile", "desktop", "tablet"},
    {"north", "south", "east", "west"},
};
const int dims_count[DIMS] = {4, 3, 4};

int dims_value(int leaf, int dim)
{
    static const int span[DIMS] = {12, 4, 1};

    return leaf / span[dim] % dims_count[dim];
}

int dims_find(int dim, const char *value)
{
    for (int v = 0; v < dims_count[dim]; v++) {
        if (strcmp(dims_values[dim][v], value) == 0)
            return v;
    }
    return -1;
}
