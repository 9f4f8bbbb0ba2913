/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static void gives(const char *value, const char *expected)
{
    struct buf out = {0};
    const char *remedy = NULL;
    char wrong[256] = "";

    if (expected) {
        cr_assert_null(secret_resolve(value, &out, wrong, &remedy), "%s", wrong);
        cr_assert_str_eq(buf_cstr(&out), expected);
    } else {
        cr_assert_not_null(secret_resolve(value, &out, wrong, &remedy), "%s", value);
        cr_assert_not_null(remedy);
    }
    buf_deinit(&out);
}

Test(secret, variables)
{
    setenv("SECRET_A", "one", 1);
    setenv("SECRET_B", "", 1);
    unsetenv("SECRET_NONE");
    gives("plain", "plain");
    gives("", "");
    gives("x${SECRET_A}y${SECRET_B}${SECRET_A}", "xoneyone");
    gives("$${SECRET_A} $ {", "${SECRET_A} $ {");
    gives("${SECRET_NONE}", NULL);
    gives("${SECRET_A", NULL);
    gives("${}", NULL);
}

Test(secret, files)
{
    char path[] = "/tmp/funneld-secret-XXXXXX", value[64];
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");

    snprintf(value, sizeof(value), "file:%s", path);
    gives(value, NULL); /* empty */
    fputs("pass word\r\n", f);
    fflush(f);
    gives(value, "pass word");
    for (int i = 0; i < SECRET_FILE_MAX; i++)
        fputc('x', f);
    fclose(f);
    gives(value, NULL);
    unlink(path);
    gives(value, NULL);
}
