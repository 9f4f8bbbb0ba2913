/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of settings_table.h as the binder reads them. */
#ifndef FUNNEL_SETTINGS_TABLES_H
#define FUNNEL_SETTINGS_TABLES_H

#include "core/schema.h"

extern const struct schema_object settings_root_object;

#endif
