/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/state_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"

bool state_look_open(struct state_look *l, const struct state_dir *dir, uint32_t generation)
{
    *l = (struct state_look){.generation = generation};
    buf_fmt(&l->name, "snapshot-%u", (unsigned)generation);
    l->fd = state_dir_snapshot(dir, generation, l->why);
    l->opened = l->fd >= 0 && state_file_open(l->fd, &l->file, l->why);
    return l->opened;
}

void state_look_close(struct state_look *l)
{
    pipeline_free(l->pipeline);
    config_deinit(&l->config);
    if (l->opened)
        state_file_close(&l->file);
    if (l->fd >= 0)
        close(l->fd);
    buf_deinit(&l->name);
    *l = (struct state_look){.fd = -1};
}

/* Its settings had no errors when they were saved; what they refer to (secrets, tzdata) may be gone. */
static bool look_settings(struct state_look *l)
{
    char *said = NULL;
    size_t n = 0;
    FILE *diagnostics = open_memstream(&said, &n);
    bool good = diagnostics && config_parse(buf_cstr(&l->name), l->file.header.settings,
                                            CONFIG_MACHINES, &l->config, diagnostics) == EXIT_OK;

    if (diagnostics)
        fclose(diagnostics);
    if (!good) {
        if (n > 0 && said[n - 1] == '\n')
            n--;
        snprintf(l->why, sizeof(l->why), "its settings cannot be used here: %.*s", (int)n,
                 said ? said : "");
    }
    free(said);
    return good;
}

static bool look_source(const struct state_look *l, const struct state_part *part,
                        struct pipeline_source *ret)
{
    const struct settings_inputs *inputs = &l->config.settings->inputs;

    for (size_t i = 0; i < inputs->count; i++) {
        if (strcmp(inputs->items[i].topic, part->topic) != 0)
            continue;
        *ret = (struct pipeline_source){inputs->items[i].topic, part->partition, (uint16_t)i};
        return true;
    }
    return false;
}

bool state_look_load(struct state_look *l)
{
    const struct state_header *h = &l->file.header;
    struct pipeline_source *sources;
    bool good = true;

    if (!look_settings(l))
        return false;
    sources = mem_zero(h->part_count, sizeof(*sources));
    for (size_t i = 0; i < h->part_count && good; i++)
        good = look_source(l, &h->parts[i], &sources[i]);
    if (good) {
        l->pipeline = pipeline_new(l->config.settings, l->config.zone, sources, h->part_count);
        good = state_file_load(&l->file, l->pipeline, l->why);
    } else {
        snprintf(l->why, sizeof(l->why), "its partitions are not those of its settings");
    }
    mem_free(sources);
    if (!good) {
        pipeline_free(l->pipeline);
        l->pipeline = NULL;
    }
    return good;
}

void state_look_text(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        buf_char(out, c < 0x20 || c >= 0x7f ? '?' : *text);
    }
}
