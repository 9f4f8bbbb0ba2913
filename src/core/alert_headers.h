/* SPDX-License-Identifier: Apache-2.0 */
/* An alert record's CloudEvents attributes, for whoever writes one. */
#ifndef CORE_ALERT_HEADERS_H
#define CORE_ALERT_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/alert.h"
#include "funnel/record.h"

/* Labels of our own, in the order of the record; dimensions follow. */
#define ALERT_LABELS_FIXED 4
extern const char *const alert_labels_fixed[ALERT_LABELS_FIXED];
bool alert_label_is_reserved(struct span name);

/* Everything borrowed. */
struct alert_headers {
    const char *group;
    const struct alert_label *labels; /* in the order of the record */
    size_t label_count;
    enum alert_status status;
    uint64_t rule_hash, fingerprint;
    int64_t to_ms; /* the window's end */
    uint32_t sequence;
    struct etime at;
};

/* Of the record begun last. */
void alert_headers_put(struct records *out, const struct alert_headers *h);

#endif
