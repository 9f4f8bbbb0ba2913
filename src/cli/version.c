/* SPDX-License-Identifier: Apache-2.0 */
/* funneld version: what runs here. */
#include <librdkafka/rdkafka.h>
#include <microhttpd.h>
#include <stdio.h>
#include <uv.h>

#include "cli/commands.h"
#include "shell/version.h"
#include "shell/exit_codes.h"
#include "cli/options.h"

int version_main(int argc, char **argv)
{
    static const struct option_spec specs[] = {{NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL}};
    const struct options options = {
        "version", "", "Prints versions, those of the libraries as loaded.", specs, 0, 0};
    int first, code = options_parse(&options, argc, argv, &first);

    if (code >= 0)
        return code;
    printf("funneld %s\nlibrdkafka %s\nlibuv %s\nlibmicrohttpd %s\n", FUNNELD_VERSION,
           rd_kafka_version_str(), uv_version_string(), MHD_get_version());
    return EXIT_OK;
}
