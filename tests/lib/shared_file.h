/* SPDX-License-Identifier: Apache-2.0 */
/* For tests against numbers that are kept beside the project, not in it: the folder SHARED_DIR of the
 * environment, else ../shared of the source tree. Where it is absent such a test is skipped. */
#ifndef TESTS_SHARED_FILE_H
#define TESTS_SHARED_FILE_H

#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "funnel/buf.h"

/* The file parsed as JSON, for the caller to cJSON_Delete(); NULL when it is not there. */
__attribute__((unused)) static cJSON *shared_json(const char *name)
{
    const char *shared = getenv("SHARED_DIR"), *source = getenv("SOURCE_DIR");
    struct buf path = {0}, text = {0};
    cJSON *json = NULL;
    FILE *file;

    if (shared)
        buf_fmt(&path, "%s/%s", shared, name);
    else
        buf_fmt(&path, "%s/../shared/%s", source ? source : ".", name);
    file = fopen(buf_cstr(&path), "rb");
    if (file) {
        size_t n;

        do {
            buf_reserve(&text, 65536);
            n = fread(text.data + text.len, 1, 65536, file);
            text.len += n;
        } while (n > 0);
        fclose(file);
        json = cJSON_ParseWithLength(text.data, text.len);
    }
    buf_deinit(&path);
    buf_deinit(&text);
    return json;
}

/* Its number of that name; NaN-free: the test crashes on a wrong name, which is what it is for. */
__attribute__((unused)) static double shared_number(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name)->valuedouble;
}

__attribute__((unused)) static const cJSON *shared_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

#endif
