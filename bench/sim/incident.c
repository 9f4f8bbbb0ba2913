/* SPDX-License-Identifier: Apache-2.0 */
#include "incident.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 256

static const char *const kind_names[INCIDENT_KINDS] = {"loss",   "cohort", "slow",      "mix",
                                                       "volume", "outage", "late_batch"};

int64_t incident_duration(const char *text)
{
    static const char units[] = "smhd";
    static const int64_t ms[] = {1000, 60000, 3600000, 86400000};
    int64_t sum = 0;

    if (strcmp(text, "0") == 0)
        return 0;
    do {
        char *end;
        double n = strtod(text, &end);
        const char *unit = *end ? strchr(units, *end) : NULL;

        if (end == text || !unit || !(n >= 0 && n < 1e6))
            return -1;
        sum += (int64_t)(n * (double)ms[unit - units]);
        text = end + 1;
    } while (*text);
    return sum;
}

static bool parse_number(const char *text, double least, double most, double *ret)
{
    char *end;
    double x = strtod(text, &end);

    if (end == text || *end || !(x >= least && x <= most))
        return false;
    *ret = x;
    return true;
}

static bool parse_duration(const char *text, int64_t *ret)
{
    int64_t ms = incident_duration(text);

    if (ms < 0)
        return false;
    *ret = ms;
    return true;
}

static bool parse_kind(const char *text, enum incident_kind *ret)
{
    for (int k = 0; k < INCIDENT_KINDS; k++) {
        if (strcmp(kind_names[k], text) == 0) {
            *ret = (enum incident_kind)k;
            return true;
        }
    }
    return false;
}

static bool parse_value(struct incident *in, const char *key, const char *text)
{
    for (int d = 0; d < DIMS; d++) {
        if (strcmp(dims_names[d], key) == 0) {
            in->values[d] = dims_find(d, text);
            return in->values[d] >= 0;
        }
    }
    return false;
}

/* to_ms holds the duration until all is read. */
static bool parse_key(struct incident *in, const char *key, const char *text)
{
    double step;

    if (strcmp(key, "kind") == 0)
        return parse_kind(text, &in->kind);
    if (strcmp(key, "at") == 0)
        return parse_duration(text, &in->from_ms);
    if (strcmp(key, "for") == 0)
        return parse_duration(text, &in->to_ms);
    if (strcmp(key, "over") == 0)
        return parse_duration(text, &in->over_ms);
    if (strcmp(key, "loss") == 0)
        return parse_number(text, 0, 1, &in->loss);
    if (strcmp(key, "factor") == 0)
        return parse_number(text, 0.01, 100, &in->factor);
    if (strcmp(key, "step") == 0) {
        if (!parse_number(text, 1, STEPS, &step) || step != (int)step)
            return false;
        in->step = (int)step - 1;
        return true;
    }
    return parse_value(in, key, text);
}

static bool incident_is_whole(const struct incident *in)
{
    int named = 0;

    for (int d = 0; d < DIMS; d++)
        named += in->values[d] >= 0;
    if (in->from_ms < 0 || in->to_ms <= 0)
        fprintf(stderr, "an incident needs at= and for=\n");
    else if (in->kind == INCIDENT_MIX && named != 1)
        fprintf(stderr, "an incident of kind mix needs one value, such as channel=ads\n");
    else if ((in->kind == INCIDENT_VOLUME || in->kind == INCIDENT_MIX) && in->step >= 0)
        fprintf(stderr, "an incident of kind %s has no step\n", kind_names[in->kind]);
    else
        return true;
    return false;
}

static void incidents_insert(struct incidents *all, const struct incident *in)
{
    size_t at = all->first[in->kind + 1], n = all->first[INCIDENT_KINDS];

    memmove(&all->items[at + 1], &all->items[at], (n - at) * sizeof(*in));
    all->items[at] = *in;
    for (int k = (int)in->kind + 1; k <= INCIDENT_KINDS; k++)
        all->first[k]++;
}

bool incidents_add(struct incidents *all, const char *text)
{
    struct incident in = {.from_ms = -1, .step = -1, .values = {-1, -1, -1}, .over_ms = 3600000};
    char copy[TEXT_MAX], *save = NULL;

    if (strlen(text) >= sizeof(copy) || all->first[INCIDENT_KINDS] == INCIDENTS_MAX) {
        fprintf(stderr, "an incident is too long, or there are more than %d\n", INCIDENTS_MAX);
        return false;
    }
    memcpy(copy, text, strlen(text) + 1);
    for (char *p = strtok_r(copy, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
        char *equals = strchr(p, '=');

        if (equals)
            *equals = '\0';
        if (!equals || !parse_key(&in, p, equals + 1)) {
            fprintf(stderr, "incident %s: what is %s?\n", text, p);
            return false;
        }
    }
    if (in.factor == 0)
        in.factor = in.kind == INCIDENT_MIX ? 4 : in.kind == INCIDENT_SLOW ? 2 : 1;
    if (!incident_is_whole(&in))
        return false;
    in.to_ms += in.from_ms;
    incidents_insert(all, &in);
    return true;
}

static bool incident_is_of(const struct incident *in, int step, int leaf)
{
    if (in->step >= 0 && step >= 0 && in->step != step)
        return false;
    for (int d = 0; d < DIMS && leaf >= 0; d++) {
        if (in->values[d] >= 0 && in->values[d] != dims_value(leaf, d))
            return false;
    }
    return true;
}

double incidents_keep(const struct incidents *all, enum incident_kind kind, int step, int leaf,
                      int64_t t)
{
    double keep = 1;

    for (size_t i = all->first[kind]; i < all->first[kind + 1]; i++) {
        const struct incident *in = &all->items[i];

        if (t >= in->from_ms && t < in->to_ms && incident_is_of(in, step, leaf))
            keep *= 1 - in->loss;
    }
    return keep;
}

double incidents_factor(const struct incidents *all, enum incident_kind kind, int step, int leaf,
                        int64_t t, int64_t *ret_until)
{
    double factor = 1;

    for (size_t i = all->first[kind]; i < all->first[kind + 1]; i++) {
        const struct incident *in = &all->items[i];
        int64_t edge = t < in->from_ms ? in->from_ms : in->to_ms;

        if (t >= in->to_ms || !incident_is_of(in, step, leaf))
            continue;
        if (edge < *ret_until)
            *ret_until = edge;
        if (t >= in->from_ms)
            factor *= in->factor;
    }
    return factor;
}

const struct incident *incidents_find(const struct incidents *all, enum incident_kind kind,
                                      int leaf, int64_t t)
{
    for (size_t i = all->first[kind]; i < all->first[kind + 1]; i++) {
        const struct incident *in = &all->items[i];

        if (t >= in->from_ms && t < in->to_ms && incident_is_of(in, -1, leaf))
            return in;
    }
    return NULL;
}

void incidents_print(const struct incidents *all, FILE *out)
{
    fputc('[', out);
    for (size_t i = 0; i < all->first[INCIDENT_KINDS]; i++) {
        const struct incident *in = &all->items[i];

        fprintf(out, "%s{\"kind\":\"%s\",\"from_ms\":%" PRId64 ",\"to_ms\":%" PRId64, i ? "," : "",
                kind_names[in->kind], in->from_ms, in->to_ms);
        if (in->step >= 0)
            fprintf(out, ",\"step\":\"%s>%s\"", dims_stages[in->step], dims_stages[in->step + 1]);
        for (int d = 0; d < DIMS; d++) {
            if (in->values[d] >= 0)
                fprintf(out, ",\"%s\":\"%s\"", dims_names[d], dims_values[d][in->values[d]]);
        }
        fprintf(out, ",\"loss\":%.6g,\"factor\":%.6g}", in->loss, in->factor);
    }
    fputc(']', out);
}
