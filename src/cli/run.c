/* SPDX-License-Identifier: Apache-2.0 */
/* funneld run: the daemon. */
#include <stddef.h>

#include "cli/commands.h"
#include "shell/version.h"
#include "shell/exit_codes.h"
#include "cli/options.h"
#include "shell/config_load.h"
#include "shell/daemon.h"
#include "shell/log.h"

int run_main(int argc, char **argv)
{
    const char *file = CONFIG_DEFAULT;
    struct daemon_options daemon = {0};
    const struct option_spec specs[] = {
        {"config", 'c', OPTION_TEXT, &file, "FILE", "the configuration (" CONFIG_DEFAULT ")", NULL},
        {"accept-reset", 0, OPTION_FLAG, &daemon.flags.accept_reset, NULL,
         "an input was recreated, truncated or moved to another cluster: read its log from the "
         "beginning (exit 83)",
         NULL},
        {"rebuild", 0, OPTION_FLAG, &daemon.flags.rebuild, NULL,
         "the state, or records it is replayed from, are gone: go on without (exits 86 and 89)",
         NULL},
        {"reconcile", 0, OPTION_FLAG, &daemon.flags.reconcile, NULL,
         "resolve every alert that the alert topic has firing and the state has not", NULL},
        {"new-epoch", 0, OPTION_FLAG, &daemon.flags.new_epoch, NULL,
         "inputs or partitions changed: drop the state, read the logs anew, publish from the committed "
         "offsets on (exit 84)",
         NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };
    const struct options options = {
        "run",
        "[-c FILE] [OPTIONS]",
        "Consumes the inputs and publishes alerts until SIGTERM or SIGINT, which commit what is done\n"
        "and exit with 0; a second one exits at once. SIGHUP reads the configuration again. Nothing is\n"
        "lost or published twice, whenever it is stopped or killed. funneld help exit-codes: how it may\n"
        "end.",
        specs,
        0,
        0};
    struct config config = {0};
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    code = config_load(file, &config, stderr);
    if (code != EXIT_OK)
        return code;
    log_setup(config.settings->log.format, config.settings->log.level);
    log_notice("starting", LOG_TEXT("version", FUNNELD_VERSION), LOG_TEXT("config", file),
               LOG_TEXT("group", config.settings->group),
               LOG_TEXT("librdkafka", rd_kafka_version_str()));
    daemon.path = file;
    code = daemon_run(&config, &daemon);
    config_deinit(&config);
    return code;
}
