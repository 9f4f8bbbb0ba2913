/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *secret_file(const char *path, struct buf *out, char wrong[256],
                               const char **ret_remedy)
{
    FILE *f = fopen(path, "re");
    size_t start = out->len;
    int failed;

    *ret_remedy = "check the path and that funneld's user may read it";
    if (!f) {
        snprintf(wrong, 256, "cannot open %s: %s", path, strerror(errno));
        return wrong;
    }
    buf_reserve(out, SECRET_FILE_MAX + 1);
    out->len += fread(out->data + start, 1, SECRET_FILE_MAX + 1, f);
    failed = ferror(f) ? errno : 0;
    fclose(f);
    if (failed || out->len - start > SECRET_FILE_MAX) {
        snprintf(wrong, 256, "cannot read %s: %s", path,
                 failed ? strerror(failed) : "larger than 64 KiB");
        return wrong;
    }
    if (out->len > start && out->data[out->len - 1] == '\n')
        out->len--;
    if (out->len > start && out->data[out->len - 1] == '\r')
        out->len--;
    if (out->len == start || memchr(out->data + start, '\0', out->len - start)) {
        snprintf(wrong, 256, "%s is empty or binary", path);
        return wrong;
    }
    return NULL;
}

static const char *secret_variable(const char **at, struct buf *out, char wrong[256],
                                   const char **ret_remedy)
{
    const char *name = *at + 2, *end = strchr(name, '}'), *value;
    char copy[128];

    if (!end || end == name || (size_t)(end - name) >= sizeof(copy)) {
        snprintf(wrong, 256, "${ without a name and a closing }");
        *ret_remedy = "write ${NAME}, or $${ for the characters themselves";
        return wrong;
    }
    memcpy(copy, name, (size_t)(end - name));
    copy[end - name] = '\0';
    value = getenv(copy);
    if (!value) {
        snprintf(wrong, 256, "environment variable %s is not set", copy);
        *ret_remedy = "set it (Environment= or EnvironmentFile= in the unit), or use file:PATH";
        return wrong;
    }
    buf_str(out, value);
    *at = end + 1;
    return NULL;
}

const char *secret_resolve(const char *value, struct buf *out, char wrong[256],
                           const char **ret_remedy)
{
    if (strncmp(value, "file:", 5) == 0)
        return secret_file(value + 5, out, wrong, ret_remedy);
    while (*value) {
        if (strncmp(value, "$${", 3) == 0) {
            buf_str(out, "${");
            value += 3;
        } else if (strncmp(value, "${", 2) == 0) {
            if (secret_variable(&value, out, wrong, ret_remedy))
                return wrong;
        } else {
            buf_char(out, *value++);
        }
    }
    return NULL;
}
