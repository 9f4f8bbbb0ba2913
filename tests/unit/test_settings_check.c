/* SPDX-License-Identifier: Apache-2.0 */
/* Every mistake by itself: where it stands, what is said, what to do. What a rule or a funnel says is in
 * test_settings_check_funnel.c. */
#include "lib/settings_kit.h"

/* Line 1 to 3 are SMALL; what is tested begins at line 4. */
#define CASE(text, ...) \
    { \
        KIT_SMALL text, __VA_ARGS__ \
    }

Test(check, types)
{
    static const struct kit_case cases[] = {
        {"kafka: b\n" KIT_INPUTS KIT_FUNNELS, 1, 8, "kafka", "'b' is not a map of librdkafka",
         "bootstrap.servers: HOST:PORT"},
        {"kafka: [b]\n" KIT_INPUTS KIT_FUNNELS, 1, 1, "kafka", "a list, where a map of librdkafka",
         "bootstrap.servers"},
        {KIT_KAFKA "inputs: {topic: in}\n" KIT_FUNNELS, 2, 1, "inputs",
         "a map (key: value), where a list of inputs", "- topic: NAME"},
        {KIT_KAFKA "inputs: [in]\n" KIT_FUNNELS, 2, 10, "inputs[0]", "'in' is not",
         "{topic: NAME}"},
        {KIT_KAFKA "inputs: [~]\n" KIT_FUNNELS, 2, 10, "inputs[0]", "no value", "{topic: NAME}"},
        {KIT_HEAD "funnels: [{stages: [a, b]}]\n", 3, 1, "funnels",
         "a list, where a map of funnels", "'NAME:'"},
        CASE("group: [x]\n", 4, 1, "group", "a list, where a text belongs", "write a text"),
        CASE("group:\n", 4, 7, "group", "no value, where a text belongs", "or remove the line"),
        CASE("group: ''\n", 4, 8, "group", "an empty text", "remove the line"),
        CASE("group: \"a\\tb\"\n", 4, 8, "group", "control character", "on one line"),
        CASE("http_token: [topsecret]\n", 4, 1, "http_token", "a list, where a text",
             "write a text"),
        CASE("time: 5\n", 4, 7, "time", "'5' is not a map of settings", "{zone: UTC}"),
        CASE("time: {lateness: soon}\n", 4, 18, "time.lateness", "'soon' is not a duration",
             "1h30m"),
        CASE("time: {lateness: 30}\n", 4, 18, "time.lateness", "'30' has no unit", "30s, 30m, 30h"),
        CASE("time: {lateness: -5s}\n", 4, 18, "time.lateness", "'-5s' is not a duration",
             "ms, s, m"),
        CASE("time: {lateness: }\n", 4, 18, "time.lateness", "no value, where a duration", "1h30m"),
        CASE("time: {late: drop}\n", 4, 14, "time.late", "'drop' is not known here",
             "one of: apply, deadletter"),
        CASE("time: {late: Apply}\n", 4, 14, "time.late", "'Apply'", "did you mean 'apply'?"),
        CASE("time: {late: {a: b}}\n", 4, 8, "time.late", "a map (key: value), where a word",
             "word"),
        CASE("time: {max_skew: 6x}\n", 4, 18, "time.max_skew", "'6x' is not a whole number",
             "digits"),
        CASE("time: {max_skew: 1.5}\n", 4, 18, "time.max_skew", "'1.5' is not a whole number",
             "digits"),
        CASE("limits: {message: 1 MiB}\n", 4, 19, "limits.message", "'1 MiB' is not a size", "KiB"),
        CASE("language: cn\n", 4, 11, "language", "'cn' is not known here", "one of: en, zh"),
        CASE("log: {level: warn}\n", 4, 14, "log.level", "'warn'",
             "one of: error, warning, notice"),
        CASE("mode: group\n", 4, 7, "mode", "'group' comes in a later version", "single"),
        CASE("state: []\n", 4, 1, "state", "a list, where a map of settings", "{dir:"),
        {KIT_KAFKA "inputs: [{topic: in, preset: segment}]\n" KIT_FUNNELS, 2, 30,
         "inputs[0].preset", "'segment' comes in a later version", "plain, cloudevents, debezium"},
        {KIT_HEAD "funnels: {f: {stages: [a, {id: b, loop: maybe}]}}\n", 3, 41,
         "funnels.f.stages[1].loop", "'maybe' is not a boolean", "true or false"},
        {KIT_HEAD "funnels: {f: {stages: [a, b], lost: {a: b}}}\n", 3, 31, "funnels.f.lost",
         "where a list of texts", "[a, b]"},
        {KIT_HEAD "funnels: {f: {stages: [a, [b], c]}}\n", 3, 27, "funnels.f.stages[1]",
         "a list, where a stage", "{id: NAME"},
        {KIT_HEAD "funnels: {f: x}\n", 3, 14, "funnels.f", "'x' is not a funnel", "stages"},
    };

    KIT_ERRORS(cases);
}

Test(check, long_values_are_shortened_between_characters)
{
    static const struct kit_case cases[] = {
        CASE("language: 方案方案方案方案方案方案方案方案方案方案方案方案\n", 4, 11, "language",
             "'方案方案方案方案方案方案方案方案方案方案...'", "en, zh"),
    };

    KIT_ERRORS(cases);
}

Test(check, unknown_keys)
{
    static const struct kit_case cases[] = {
        CASE("langauge: en\n", 4, 1, "langauge", "unknown key 'langauge'",
             "did you mean 'language'?"),
        CASE("time: {latenes: 2s}\n", 4, 8, "time.latenes", "unknown key 'latenes'",
             "did you mean 'lateness'?"),
        CASE("time: {Max-Ahead: 2s}\n", 4, 8, "time.Max-Ahead", "unknown key", "'max_ahead'"),
        CASE("lateness: 2s\n", 4, 1, "lateness", "unknown key", "did you mean time.lateness?"),
        CASE("latenes: 2s\n", 4, 1, "latenes", "unknown key", "did you mean time.lateness?"),
        CASE("zzzzzzz: 1\n", 4, 1, "zzzzzzz", "unknown key", "known here: mode, group, kafka"),
        CASE("键: 1\n", 4, 1, "键", "unknown key '键'", "known here"),
        CASE("log: {min_effect: 1}\n", 4, 7, "log.min_effect", "unknown key",
             "did you mean funnels.NAME.rules[].min_effect?"),
        {KIT_KAFKA "inputs: [{topc: x, topic: in}]\n" KIT_FUNNELS, 2, 11, "inputs[0].topc",
         "unknown key 'topc'", "did you mean 'topic'?"},
        {KIT_HEAD "funnels: {f: {stages: [a, {id: b, windw: 3d}, c]}}\n", 3, 35,
         "funnels.f.stages[1].windw", "unknown key", "did you mean 'window'?"},
        {KIT_HEAD "funnels: {f: {stages: [a, b], windows: [{calender: day, calendar: day}]}}\n", 3,
         42, "funnels.f.windows[0].calender", "unknown key", "did you mean 'calendar'?"},
    };

    KIT_ERRORS(cases);
}

Test(check, missing_ones)
{
    static const struct kit_case cases[] = {
        {KIT_INPUTS KIT_FUNNELS, 1, 1, "kafka", "'kafka' is missing", "add kafka: librdkafka"},
        {"# a comment first\n" KIT_KAFKA KIT_FUNNELS, 2, 1, "inputs", "'inputs' is missing", "add"},
        {KIT_HEAD, 1, 1, "funnels", "'funnels' is missing", "add funnels"},
        {KIT_HEAD "funnels:\n", 1, 1, "funnels", "'funnels' is missing", "add funnels"},
        {KIT_HEAD "funnels: {}\n", 3, 1, "funnels", "no funnel", "its stages"},
        {KIT_KAFKA "inputs: []\n" KIT_FUNNELS, 2, 1, "inputs", "no input", "- topic: NAME"},
        {KIT_KAFKA "inputs: [{preset: plain}]\n" KIT_FUNNELS, 2, 10, "inputs[0].topic",
         "'topic' is missing", "add topic"},
        {KIT_HEAD "funnels:\n  f:\n    won: a\n", 4, 3, "funnels.f.stages", "'stages' is missing",
         "add stages"},
        {KIT_HEAD "funnels:\n  f:\n", 4, 3, "funnels.f.stages", "'stages' is missing",
         "add stages"},
        {KIT_HEAD "funnels: {f: {stages: [a, {name: b}]}}\n", 3, 27, "funnels.f.stages[1].id",
         "'id' is missing", "add id"},
        {"kafka: {client.id: x}\n" KIT_INPUTS KIT_FUNNELS, 1, 1, "kafka",
         "'bootstrap.servers' is missing", "HOST:PORT"},
        {"kafka: {bootstrap.servers: ''}\n" KIT_INPUTS KIT_FUNNELS, 1, 28,
         "kafka.bootstrap.servers", "no address of a broker", "HOST:PORT"},
    };

    KIT_ERRORS(cases);
}

Test(check, another_name_for_the_brokers)
{
    settings_free(kit_parse("kafka: {metadata.broker.list: 'b:1'}\n" KIT_INPUTS KIT_FUNNELS));
}

Test(check, properties_that_are_funnelds_own)
{
    static const char *const keys[] = {
        "group.id",           "group.instance.id",
        "transactional.id",   "enable.idempotence",
        "enable.auto.commit", "enable.auto.offset.store",
        "auto.commit.enable", "auto.offset.reset",
        "isolation.level",    "enable.partition.eof",
        "log.queue",
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct buf text = {0}, path = {0};

        buf_fmt(&text, "kafka:\n  bootstrap.servers: b\n  %s: sesame\n" KIT_INPUTS KIT_FUNNELS,
                keys[i]);
        buf_fmt(&path, "kafka.%s", keys[i]);
        kit_check(&(struct kit_case){buf_cstr(&text), 3, (uint32_t)strlen(keys[i]) + 5,
                                     buf_cstr(&path), keys[i], "e"},
                  0);
        buf_deinit(&text);
        buf_deinit(&path);
    }
}

/* Nothing of a property's or a secret's value may get into a log. */
Test(check, secrets_are_never_told)
{
    static const char text[] = "kafka: {group.id: sesame, sasl.password: [sesame], x: sesame}\n"
                               "http_token: \"sesame\\t\"\n"
                               "state: {hash_key: {sesame: 1}}\n" KIT_INPUTS KIT_FUNNELS;
    struct settings_problems p = {0};

    cr_assert(zero(ptr, settings_parse(text, strlen(text), &p)));
    cr_assert(eq(sz, p.errors, 5));
    for (size_t i = 0; i < p.count; i++) {
        cr_assert(zero(ptr, strstr(p.items[i].message, "sesame")), "%s", p.items[i].message);
        cr_assert(zero(ptr, strstr(p.items[i].remedy, "sesame")), "%s", p.items[i].remedy);
    }
    settings_problems_deinit(&p);
}

Test(check, topics)
{
    static const struct kit_case cases[] = {
        {KIT_KAFKA "inputs: [{topic: a b}]\n" KIT_FUNNELS, 2, 18, "inputs[0].topic",
         "'a b' is no name for Kafka", "ASCII letters"},
        {KIT_KAFKA "inputs: [{topic: 事件}]\n" KIT_FUNNELS, 2, 18, "inputs[0].topic", "'事件'",
         "ASCII"},
        {KIT_KAFKA "inputs: [{topic: ..}]\n" KIT_FUNNELS, 2, 18, "inputs[0].topic", "'..'",
         "ASCII"},
        {KIT_KAFKA "inputs: [{topic: in}, {topic: in}]\n" KIT_FUNNELS, 2, 31, "inputs[1].topic",
         "'in' is an input already", "remove one"},
        {KIT_KAFKA "inputs: [{topic: funnel.alerts}]\n" KIT_FUNNELS, 1, 1, "outputs.alerts",
         "'funnel.alerts' is an input too", "no input reads"},
        CASE("outputs: {alerts: in}\n", 4, 19, "outputs.alerts", "'in' is an input too",
             "no input"),
        CASE("outputs: {deadletter: in}\n", 4, 23, "outputs.deadletter", "input too", "no input"),
        CASE("outputs: {alerts: x, deadletter: x}\n", 4, 34, "outputs.deadletter",
             "'x' is for alerts already", "of its own"),
        CASE("outputs: {alerts: a/b}\n", 4, 19, "outputs.alerts", "'a/b' is no name", "ASCII"),
        CASE("group: my group\n", 4, 8, "group", "'my group' is no name for Kafka", "ASCII"),
    };

    KIT_ERRORS(cases);
}

#define MAP(text) KIT_KAFKA "inputs:\n- topic: in\n  map: {" text "}\n" KIT_FUNNELS

Test(check, sources)
{
    static const struct kit_case cases[] = {
        {MAP("stage: status"), 4, 16, "inputs[0].map.stage", "'status' is not a source",
         "such as /status"},
        {MAP("stage: $.a.b"), 4, 16, "inputs[0].map.stage", "is not a source", "such as /a/b,"},
        {MAP("stage: {from: a.b}"), 4, 23, "inputs[0].map.stage.from", "'a.b' is not", "/a/b"},
        {MAP("stage: /a~"), 4, 16, "inputs[0].map.stage", "'/a~' is not a JSON Pointer", "~0"},
        {MAP("stage: /a~2"), 4, 16, "inputs[0].map.stage", "is not a JSON Pointer", "~1"},
        {MAP("stage: 'key:a'"), 4, 16, "inputs[0].map.stage", "is not a JSON Pointer", "'/'"},
        {MAP("stage: 'header:'"), 4, 16, "inputs[0].map.stage", "no name of a header",
         "header:NAME"},
        {MAP("stage: timestamp"), 4, 16, "inputs[0].map.stage", "timestamp cannot be",
         "entered_at"},
        {MAP("stage: {const: a, from: /b}"), 4, 24, "inputs[0].map.stage.const", "contradict",
         "keep"},
        {MAP("stage: {const: a, default: b}"), 4, 36, "inputs[0].map.stage.default", "never used",
         "keep one"},
        {MAP("stage: {from: /a, format: epoch_s}"), 4, 35, "inputs[0].map.stage.format",
         "format is for times", "remove it"},
        {MAP("ts: {from: /a, format: epoch}"), 4, 32, "inputs[0].map.ts.format", "'epoch'",
         "rfc3339, epoch_s"},
        {MAP("stage: [a]"), 4, 9, "inputs[0].map.stage", "a list, where a source", "JSON Pointer"},
    };

    KIT_ERRORS(cases);
}

Test(check, mapped_dims_that_nobody_uses)
{
    static const struct kit_case cases[] = {
        {KIT_KAFKA "inputs: [{topic: in, map: {dims: {chanel: /c}}}]\n"
                   "funnels: {f: {stages: [a, b], dims: {channel: {}}}}\n",
         2, 43, "inputs[0].map.dims.chanel", "no funnel uses a dimension or breakdown 'chanel'",
         "did you mean 'channel'?"},
    };

    KIT_WARNINGS(cases);
}

Test(check, time)
{
    static const struct kit_case cases[] = {
        CASE("time: {pane: 7m}\n", 4, 14, "time.pane", "'7m' does not divide 15m", "1m, 3m, 5m"),
        CASE("time: {pane: 500ms}\n", 4, 14, "time.pane", "shorter than 1s", "1s"),
        CASE("time: {pane: off}\n", 4, 14, "time.pane", "'off'", "1s"),
        CASE("time: {pane: 30m}\n", 4, 14, "time.pane", "'30m' does not divide 15m", "15m"),
        CASE("time: {lateness: 8d}\n", 4, 18, "time.lateness", "'8d' is out of range", "0s to 1w"),
        CASE("time: {max_ahead: 31d}\n", 4, 19, "time.max_ahead", "out of range", "30d"),
        CASE("time: {max_jump: off}\n", 4, 18, "time.max_jump", "'off' is out of range", "1s to"),
        CASE("time: {max_skew: 0}\n", 4, 18, "time.max_skew", "'0' is out of range", "1 to 4096"),
        CASE("time: {max_skew: -5}\n", 4, 18, "time.max_skew", "'-5' is out of range", "1 to 4096"),
        CASE("time: {zone: +08:00}\n", 4, 14, "time.zone", "no name of a time zone",
             "Asia/Shanghai"),
        CASE("time: {zone: /etc/passwd}\n", 4, 14, "time.zone", "no name", "IANA"),
        CASE("time: {zone: ../x}\n", 4, 14, "time.zone", "no name", "IANA"),
        CASE("time: {zone: 上海}\n", 4, 14, "time.zone", "'上海'", "IANA"),
        CASE("time: {zone: Asia/}\n", 4, 14, "time.zone", "no name", "IANA"),
    };
    static const char *const zones[] = {"UTC",
                                        "Asia/Shanghai",
                                        "Etc/GMT+8",
                                        "EST5EDT",
                                        "America/Argentina/Buenos_Aires",
                                        "America/Port-au-Prince"};

    KIT_ERRORS(cases);
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        struct buf text = {0};

        buf_fmt(&text, KIT_SMALL "time: {zone: %s}\n", zones[i]);
        settings_free(kit_parse(buf_cstr(&text)));
        buf_deinit(&text);
    }
}

Test(check, settings_of_a_later_version_are_accepted_with_a_warning)
{
    static const struct kit_case cases[] = {
        {KIT_HEAD "funnels: {f: {stages: [a, b], ids: hash}}\n", 3, 31, "funnels.f.ids",
         "no effect in this version", "leave it"},
    };

    KIT_WARNINGS(cases);
}

Test(check, http)
{
    static const char *const good[] = {"off", "127.0.0.1:0", "127.9.9.9:80", "localhost:9464",
                                       "'[::1]:9464'"};
    static const char *const bad[] = {
        "9464",        "':9464'",      "127.0.0.1",      "'127.0.0.1:'", "127.0.0.1:65536",
        "256.0.0.1:1", "1.2.3:80",     "example.com:80", "'::1:80'",     "'[::1]'",
        "'[::1:80'",   "1.2.3.4.5:80", "127.0.0.1:80x",  "localhost",    "'[]:80'",
        "'[12]:80'"};
    static const char *const far[] = {"0.0.0.0:9464", "192.168.1.2:80", "'[::]:80'",
                                      "'[fe80::1]:80'"};
    static const struct kit_case token[] = {
        CASE("http_token: x\nhttp: 1.2.3.4\n", 5, 7, "http", "no address with a port", "IP:PORT"),
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct buf text = {0};

        buf_fmt(&text, KIT_SMALL "http: %s\n", good[i]);
        settings_free(kit_parse(buf_cstr(&text)));
        buf_deinit(&text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf text = {0};

        buf_fmt(&text, KIT_SMALL "http: %s\n", bad[i]);
        kit_check(
            &(struct kit_case){buf_cstr(&text), 4, 7, "http", "no address with a port", "IP:PORT"},
            0);
        buf_deinit(&text);
    }
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
        struct buf text = {0};

        buf_fmt(&text, KIT_SMALL "http: %s\n", far[i]);
        kit_check(&(struct kit_case){buf_cstr(&text), 4, 7, "http", "http_token is not set",
                                     "add http_token"},
                  0);
        buf_str(&text, "http_token: ${TOKEN}\n");
        settings_free(kit_parse(buf_cstr(&text)));
        buf_deinit(&text);
    }
    KIT_ERRORS(token);
}

Test(check, the_rest)
{
    static const struct kit_case cases[] = {
        CASE("amount_decimals: 7\n", 4, 18, "amount_decimals", "'7' is out of range", "0 to 6"),
        CASE("shutdown_timeout: off\n", 4, 19, "shutdown_timeout", "out of range", "1s to 10m"),
        CASE("limits: {message: 10}\n", 4, 19, "limits.message", "'10' is out of range",
             "256 to 64MiB"),
        CASE("limits: {depth: 1}\n", 4, 17, "limits.depth", "out of range", "2 to 256"),
        CASE("limits: {id: 5}\n", 4, 14, "limits.id", "out of range", "16 to 4KiB"),
        CASE("limits: {entities: 0}\n", 4, 20, "limits.entities", "out of range",
             "1 to 4000000000"),
        CASE("limits: {leaves: 65535}\n", 4, 18, "limits.leaves", "out of range", "65534"),
        CASE("limits: {values: 0}\n", 4, 18, "limits.values", "out of range", "65000"),
        CASE("limits: {breakdown_values: 0}\n", 4, 28, "limits.breakdown_values", "out of", "1 to"),
        CASE("limits: {reorder: 0}\n", 4, 19, "limits.reorder", "out of range", "1 to"),
        CASE("limits: {dedupe: 0}\n", 4, 18, "limits.dedupe", "out of range", "1 to"),
        CASE("limits: {outbox: 1}\n", 4, 18, "limits.outbox", "out of range", "64KiB to 256MiB"),
    };

    KIT_ERRORS(cases);
}

/* --- all at once, in the file's order --- */

Test(check, every_mistake_at_once_in_order)
{
    static const char text[] = "kafka:\n"
                               "  group.id: x\n"
                               "latenes: 3s\n"
                               "inputs:\n"
                               "  - topic: 'in put'\n"
                               "    preset: plan\n"
                               "time: {pane: 7m, idle_after: 1s, lateness: 3}\n"
                               "funnels:\n"
                               "  销售:\n"
                               "    stages: [线索, 方案, {id: 成交, alias: 线索}]\n"
                               "    won: 方按\n"
                               "    window: 3x\n"
                               "    rules:\n"
                               "      - {id: r, kind: sla,  step: 线索>成交}\n"
                               "      - {id: r, kind: target}\n"
                               "log: {level: loud}\n"
                               "log: {level: info}\n";
    static const struct kit_case expected[] = {
        {text, 1, 1, "kafka", "'bootstrap.servers' is missing", "add"},
        {text, 2, 13, "kafka.group.id", "is set from `group`", "group"},
        {text, 3, 1, "latenes", "unknown key", "time.lateness"},
        {text, 5, 12, "inputs[0].topic", "'in put' is no name", "ASCII"},
        {text, 6, 13, "inputs[0].preset", "'plan' is not known", "did you mean 'plain'?"},
        {text, 7, 14, "time.pane", "'7m' does not divide", "1m"},
        {text, 7, 44, "time.lateness", "'3' has no unit", "3s"},
        {text, 10, 38, "funnels.销售.stages[2].alias", "'线索' is named twice", "remove or rename"},
        {text, 11, 10, "funnels.销售.won", "'方按' is none of the stages", "线索, 方案, 成交"},
        {text, 12, 13, "funnels.销售.window", "'3x' is not a duration", "1h30m"},
        {text, 14, 23, "funnels.销售.rules[0].kind", "'sla' comes in a later version", "target"},
        {text, 14, 35, "funnels.销售.rules[0].step", "'线索>成交' are not neighbours", "方案>成交"},
        {text, 15, 9, "funnels.销售.rules[1].target", "'target' is missing", "30%"},
        {text, 15, 14, "funnels.销售.rules[1].id", "'r' is the id of a rule on line 14", "own id"},
        {text, 16, 14, "log.level", "'loud' is not known", "error, warning"},
        {text, 17, 1, "log", "'log' is set twice, first on line 16", "remove one"},
    };
    struct settings_problems p = {0};
    struct buf said = {0};
    size_t count = sizeof(expected) / sizeof(expected[0]);

    cr_assert(zero(ptr, settings_parse(text, strlen(text), &p)));
    kit_print(&p, &said);
    cr_assert(p.count == count, "%s", buf_cstr(&said));
    cr_assert(eq(sz, p.errors, count));
    for (size_t i = 0; i < count; i++)
        cr_assert(kit_is(&p.items[i], &expected[i]), "%s:\n%s", expected[i].path, buf_cstr(&said));
    settings_problems_deinit(&p);
    buf_deinit(&said);
}
