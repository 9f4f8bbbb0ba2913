/* SPDX-License-Identifier: Apache-2.0 */
/* funneld state: what is in the state folder, whether it is whole, and to begin anew without it. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/state_look.h"
#include "cli/state_rekey.h"
#include "shell/exit_codes.h"

struct state_line {
    const char *config;
    long long generation;
    bool yes, dry;
    int way; /* of rekey; -1: not said */
};

/* What the command line asks for, on a folder that is there; `reset` and `rekey` lock it. */
static int run_inspect(const struct state_dir *dir, const struct config *config,
                       const struct state_line *line)
{
    (void)line;
    return state_inspect(dir, config);
}

static int run_verify(const struct state_dir *dir, const struct config *config,
                      const struct state_line *line)
{
    (void)config, (void)line;
    return state_verify(dir);
}

static int run_export(const struct state_dir *dir, const struct config *config,
                      const struct state_line *line)
{
    (void)config;
    return state_export(dir, (uint32_t)line->generation);
}

static int run_reset(const struct state_dir *dir, const struct config *config,
                     const struct state_line *line)
{
    char why[STATE_DIR_WHY];
    int removed;

    (void)line;
    removed = state_dir_reset(dir, why);
    if (removed < 0) {
        fprintf(stderr, "funneld state reset: %s\n", why);
        return EXIT_IO;
    }
    printf(
        "%s: %d file%s removed\n"
        "The next start of group %s reads its inputs from the beginning of their logs and compares\n"
        "what comes of it with what was published. Where retention has taken that beginning, or the\n"
        "configuration was changed since, it refuses, and says how to go on.\n",
        dir->path, removed, removed == 1 ? "" : "s", config->settings->group);
    return EXIT_OK;
}

static int run_rekey(const struct state_dir *dir, const struct config *config,
                     const struct state_line *line)
{
    return state_rekey(dir, config, line->way, line->dry);
}

static const struct state_verb {
    const char *name;
    int (*run)(const struct state_dir *dir, const struct config *config,
               const struct state_line *line);
    bool locks;
} verbs[] = {
    {"inspect", run_inspect, false}, {"verify", run_verify, false}, {"export", run_export, false},
    {"rekey", run_rekey, true},      {"reset", run_reset, true},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static const struct state_verb *find_verb(const char *name)
{
    const char *names[VERB_COUNT + 1] = {NULL}, *nearest;

    for (size_t i = 0; i < VERB_COUNT; i++) {
        names[i] = verbs[i].name;
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    nearest = options_nearest(name, names);
    fprintf(stderr, "funneld state: there is no %s%s%s\nTry 'funneld state --help'.\n", name,
            nearest ? "; did you mean " : ": inspect, verify, export, rekey or reset",
            nearest ? nearest : "");
    return NULL;
}

static int run_verb(const struct state_verb *verb, const struct state_line *line)
{
    struct config config = {0};
    struct state_dir dir = {0};
    char why[STATE_DIR_WHY];
    int code = config_load(line->config, &config, stderr);

    if (code != EXIT_OK)
        return code;
    code = state_dir_look(&dir, config.settings->state.dir, why);
    if (code == EXIT_OK && verb->locks) { /* only a folder that is there is locked, never made */
        state_dir_close(&dir);
        code = state_dir_open(&dir, config.settings->state.dir, why);
    }
    if (code == EXIT_OK)
        code = verb->run(&dir, &config, line);
    else
        fprintf(stderr, "funneld state %s: %s\n", verb->name, why);
    state_dir_close(&dir);
    config_deinit(&config);
    return code;
}

static const char state_text[] =
    "inspect  the snapshots: where they stand in the logs, how old, how much is in them\n"
    "verify   reads all of them and recounts their entities; says what is damaged, or counted\n"
    "         wrong; 86 where none is good\n"
    "export   one of them as JSON, an object a line: the snapshot, the funnels' reports, the\n"
    "         alerts that fire; no ids of entities\n"
    "rekey    after the daemon has stopped because its topics got more partitions (exit code 84):\n"
    "         moves what is known of each entity to the partition its next events come on, found by\n"
    "         the keys in the logs; --partitioner must be said: murmur2 (Java clients, librdkafka's\n"
    "         murmur2 and murmur2_random), crc32 (librdkafka's own default), or same\n"
    "reset    removes all of them: the next start reads the logs from their beginning\n\n"
    "All but rekey and reset can be used while the daemon runs. They load what they look at: leave\n"
    "as much memory as the daemon's state takes.";

int state_main(int argc, char **argv)
{
    struct state_line line = {.config = CONFIG_DEFAULT, .way = -1};
    const struct option_spec specs[] = {
        {"config", 'c', OPTION_TEXT, &line.config, "FILE",
         "the configuration (" CONFIG_DEFAULT "); its state.dir is looked at", NULL},
        {"generation", 'g', OPTION_NUMBER, &line.generation, "N",
         "export: which snapshot (the newest that is good)", NULL},
        {"yes", 0, OPTION_FLAG, &line.yes, NULL, "reset: do it", NULL},
        {"partitioner", 0, OPTION_CHOICE, &line.way, "HOW",
         "rekey: how the producers choose partitions; same: their own way, which keeps old keys in "
         "place",
         state_rekey_ways},
        {"dry-run", 0, OPTION_FLAG, &line.dry, NULL, "rekey: only say what it would do", NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        "state", "inspect|verify|export|rekey|reset [-c FILE]", state_text, specs, 1, 1};
    const struct state_verb *verb;
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    verb = find_verb(argv[first]);
    if (!verb)
        return EXIT_USAGE;
    if (line.generation < 0 || line.generation > UINT32_MAX) {
        fputs("funneld state: --generation wants the number of a snapshot\n", stderr);
        return EXIT_USAGE;
    }
    if (verb->run == run_rekey && line.way < 0) {
        fputs("funneld state rekey: say how the producers choose partitions: --partitioner "
              "murmur2|crc32|same\n",
              stderr);
        return EXIT_USAGE;
    }
    if (verb->run == run_reset && !line.yes) {
        fputs("funneld state reset: the daemon's state will be removed: say --yes if you mean it\n",
              stderr);
        return EXIT_USAGE;
    }
    return run_verb(verb, &line);
}
