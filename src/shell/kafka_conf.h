/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka's configurations: funneld's defaults, over them the user's, over them what funneld must own. */
#ifndef SHELL_KAFKA_CONF_H
#define SHELL_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "funnel/buf.h"
#include "funnel/settings.h"

/* WRITER: a producer outside the daemon's transactions; properties are never of that role. */
enum kafka_role { KAFKA_BOTH, KAFKA_CONSUMER, KAFKA_PRODUCER, KAFKA_WRITER };

struct kafka_default {
    const char *key;
    const char *value; /* NULL: from the settings (group.id, transactional.id) */
    enum kafka_role role;
    bool owned;    /* the user may not set it */
    bool optional; /* newer librdkafka only; an unknown property is no error */
};
extern const struct kafka_default kafka_defaults[]; /* ends with key NULL */

/* Adds a problem for each property of kafka: that librdkafka, or funneld, refuses. Secrets are resolved
 * already; values never get into a message. */
void kafka_conf_check(const struct settings *settings, struct settings_problems *problems);

/* NULL when librdkafka refuses a value, with the reason in error[512]. The caller owns it until
 * rd_kafka_new() took it. */
rd_kafka_conf_t *kafka_conf_new(const struct settings *settings, enum kafka_role role,
                                char error[512]);

/* "Consumer", "producer" or both, by the running library's own list; KAFKA_BOTH for unknown ones. */
enum kafka_role kafka_conf_role(const char *key);

#endif
