/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "funnel/canon.h"
#include "shell/control_topic.h"
#include "shell/exit_codes.h"
#include "shell/log.h"

int control_wrong(const char *command, const char *what, const char *value)
{
    fprintf(stderr, "funneld %s: %s%s%s\nTry 'funneld %s --help'.\n", command, what,
            value ? ": " : "", value ? value : "", command);
    return EXIT_USAGE;
}

int control_open(const char *command, const char *file, struct config *ret)
{
    int code = config_load(file, ret, stderr);

    if (code != EXIT_OK)
        return code;
    /* What matters comes back from the calls; where no broker answers, the library says why. */
    log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_WARNING);
    if (control_topic_is_on(ret->settings))
        return EXIT_OK;
    fprintf(stderr, "funneld %s: the configuration has control: off; name a topic there\n",
            command);
    return EXIT_CONFIGURATION;
}

/* What the daemon would say of it, it says here and now. */
static const char *check_record(const struct config *config, const struct buf *text)
{
    struct buf scratch = {0};
    struct control c;
    const char *wrong = control_parse((struct span){text->data, (uint32_t)text->len}, &scratch, &c);

    if (!wrong)
        wrong = control_check(&c, config->settings);
    buf_deinit(&scratch);
    return wrong;
}

int control_send(const char *command, const struct config *config, const struct control *c)
{
    struct buf text = {0};
    char error[512];
    const char *wrong;
    int code;

    control_write(c, &text);
    wrong = check_record(config, &text);
    if (wrong) {
        buf_deinit(&text);
        return control_wrong(command, wrong, NULL);
    }
    code = control_topic_write(config->settings, c->id,
                               (struct span){text.data, (uint32_t)text.len}, error);
    if (code == EXIT_OK)
        printf("%.*s\n", (int)c->id.len, c->id.p);
    else
        fprintf(stderr, "funneld %s: %s\n", command, error);
    buf_deinit(&text);
    return code;
}

struct etime control_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (struct etime){(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000};
}

int control_time(const char *command, const char *option, const char *text, struct etime *ret)
{
    char what[96];

    if (strcmp(text, "now") == 0) {
        *ret = control_now();
        return EXIT_OK;
    }
    if (canon_time_rfc3339(span_of(text), &ret->ms) == 0)
        return EXIT_OK;
    snprintf(what, sizeof(what), "--%s wants a time like 2026-03-02T01:00:00Z, not", option);
    return control_wrong(command, what, text);
}

void control_new_id(char letter, char id[32])
{
    char now[CANON_RFC3339_SIZE];
    uint32_t dice;

    if (getrandom(&dice, sizeof(dice), 0) != sizeof(dice))
        dice = (uint32_t)getpid();
    canon_rfc3339(control_now().ms, now);
    /* 2026-03-02T01:00:00.000Z without its marks. */
    snprintf(id, 32, "%c-%.4s%.2s%.5s%.2s%.2sZ-%08" PRIx32, letter, now, now + 5, now + 8, now + 14,
             now + 17, dice);
}

struct span control_author(const char *given)
{
    return span_of(given ? given : getenv("USER"));
}
