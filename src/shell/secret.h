/* SPDX-License-Identifier: Apache-2.0 */
/* Values that do not stand in the configuration file: ${ENV} anywhere in a value, file:PATH as a whole. */
#ifndef SHELL_SECRET_H
#define SHELL_SECRET_H

#include "funnel/buf.h"

#define SECRET_FILE_MAX 65536

/* Appends the value to out. Returns NULL, or what is wrong, written into wrong[]; *ret_remedy static.
 * A file's last line break does not belong to its value. `$${` stands for a literal `${`. */
const char *secret_resolve(const char *value, struct buf *out, char wrong[256],
                           const char **ret_remedy);

#endif
