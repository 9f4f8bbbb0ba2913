/* SPDX-License-Identifier: Apache-2.0 */
/* Every setting, once. The structs, the YAML binder, `funneld help settings`, conf/funneld.yaml and
 * docs/settings.md all come from these tables, and tests hold them to it.
 *
 *   X(TYPE, member, "key", default text or NULL (= required where flagged, else absent), FLAGS, "help")
 *
 * Types and their C members are in settings.h. A default is written as it would be in YAML.
 * FLAGS: 0, REQUIRED, LATER (accepted and checked, but without effect in this version; `check` says so),
 *        SECRET (the shell resolves ${ENV} and file:PATH; never logged). */
#ifndef FUNNEL_SETTINGS_TABLE_H
#define FUNNEL_SETTINGS_TABLE_H

#define SETTINGS_ROOT(X) \
    X(ENUM_MODE, mode, "mode", "single", 0, \
      "single: one instance reads every partition of the inputs") \
    X(STRING, group, "group", "funneld", 0, \
      "names this instance: the consumer group that holds its offsets, and funneld-<group> its transactional.id") \
    X(KAFKA, kafka, "kafka", NULL, REQUIRED, \
      "librdkafka properties, passed through and checked by librdkafka itself; secrets by ${ENV} or file:PATH") \
    X(INPUTS, inputs, "inputs", NULL, REQUIRED, "topics with stage-transition events") \
    X(OUTPUTS, outputs, "outputs", NULL, 0, "topics funneld writes") \
    X(TIME, time, "time", NULL, 0, "event time: panes, disorder, the future") \
    X(ENUM_LANGUAGE, language, "language", "en", 0, "language of alert sentences: en or zh") \
    X(INT, amount_decimals, "amount_decimals", "2", 0, \
      "decimals of one minor unit of money (0 to 6); amounts are integers of it") \
    X(FUNNELS, funnels, "funnels", NULL, REQUIRED, "the funnels to watch, by name") \
    X(STATE, state, "state", NULL, 0, "state on disk") \
    X(LIMITS, limits, "limits", NULL, 0, \
      "caps; each is a logical count in log order, its refusals are counted") \
    X(LOG, log, "log", NULL, 0, "log lines") \
    X(STRING, http, "http", "127.0.0.1:9464", 0, \
      "address of /healthz, /ready and /metrics; off for none; beyond loopback it needs http_token") \
    X(STRING, http_token, "http_token", NULL, SECRET, \
      "bearer token that HTTP requests must carry") \
    X(ENUM_MISSING, missing_topic, "missing_topic", "wait", 0, \
      "when a topic does not exist: wait for it, or exit with its own code") \
    X(DURATION, shutdown_timeout, "shutdown_timeout", "20s", 0, \
      "how long SIGTERM may wait for the last transaction") \
    X(ENUM_FIRST_START, first_start, "first_start", "bootstrap", 0, \
      "the first start of a group: bootstrap reads what is in the inputs and publishes only from there on; " \
      "publish publishes all of it") \
    X(ENUM_ON_GAP, on_gap, "on_gap", "stop", 0, \
      "when events were lost to retention before they were read: stop, or continue with a data_gap alert") \
    X(STRING, control, "control", "funnel.control", 0, \
      "topic of silences and interventions, which funneld silence and intervene write; off, or missing: none") \
    X(DURATION, heartbeat, "heartbeat", "off", 0, \
      "time between records on the alert topic that say funneld is alive; off: none")

#define SETTINGS_INPUT(X) \
    X(STRING, topic, "topic", NULL, REQUIRED, "the topic's name") \
    X(ENUM_PRESET, preset, "preset", "plain", 0, \
      "where the fields stand: plain, cloudevents or debezium; `map` overrides it field by field") \
    X(MAP, map, "map", NULL, 0, "where each field stands, where the preset does not fit") \
    X(RATE, no_data, "no_data", "0.05/week", 0, \
      "false alarms allowed for the no_data alert, which says that the whole topic has gone silent; off: none") \
    X(STRING, no_data_severity, "no_data_severity", "critical", 0, \
      "severity of the alerts about the topic, no_data and data_gap; any word")

/* Each is a source: what SETTINGS_SOURCE's `from` takes, alone, or an object of SETTINGS_SOURCE. */
#define SETTINGS_MAP(X) \
    X(SOURCE, entity_id, "entity_id", NULL, 0, \
      "the id of what moves; an array gives one event per id") \
    X(SOURCE, funnel, "funnel", NULL, 0, "the funnel's name") \
    X(SOURCE, stage, "stage", NULL, 0, "the stage entered") \
    X(SOURCE, ts, "ts", NULL, 0, \
      "event time: RFC 3339, or epoch; format: auto, rfc3339, epoch_s, epoch_ms, epoch_us") \
    X(SOURCE, amount, "amount", NULL, 0, "decimal number or string") \
    X(SOURCE, owner, "owner", NULL, 0, "who is in charge") \
    X(SOURCE, event_id, "event_id", NULL, 0, "id of the event, for dedupe") \
    X(SOURCE, reason, "reason", NULL, 0, "why it was lost") \
    X(SOURCE, entered_at, "entered_at", NULL, 0, "since when a seeded entity stands in its stage") \
    X(SOURCE, op, "op", NULL, 0, "r: a snapshot row (seed), d: a delete, anything else: an event") \
    X(SOURCES, dims, "dims", NULL, 0, \
      "by name, where dimensions and breakdowns stand; default: the preset's place for them")

#define SETTINGS_SOURCE(X) \
    X(STRING, from, "from", NULL, 0, \
      "a JSON Pointer (/a/b), key, key:/pointer, header:NAME or timestamp; default: the preset's place") \
    X(STRING, constant, "const", NULL, 0, "this value for every event, instead of from") \
    X(STRING, fallback, "default", NULL, 0, "the value where from finds nothing") \
    X(ENUM_TIME_FORMAT, format, "format", "auto", 0, \
      "of a time: auto (RFC 3339, or an epoch by its size), rfc3339, epoch_s, epoch_ms or epoch_us")

#define SETTINGS_OUTPUTS(X) \
    X(STRING, alerts, "alerts", "funnel.alerts", 0, "alerts, keyed by fingerprint") \
    X(STRING, deadletter, "deadletter", "funnel.deadletter", 0, \
      "messages that could not be used, with their reason")

#define SETTINGS_TIME(X) \
    X(STRING, zone, "zone", "UTC", 0, "IANA zone of calendar windows, days and hours") \
    X(DURATION, pane, "pane", "1m", 0, "smallest closed interval of event time; divides 15m") \
    X(DURATION, lateness, "lateness", "2s", 0, \
      "how much disorder within a partition is put in order") \
    X(ENUM_LATE, late, "late", "apply", 0, \
      "what to do with events later than that: apply or deadletter") \
    X(DURATION, max_ahead, "max_ahead", "60s", 0, \
      "event time may be this far past the record's timestamp, else dead letter") \
    X(DURATION, max_jump, "max_jump", "10m", 0, \
      "a jump forward beyond this waits until another entity confirms it") \
    X(INT, max_skew, "max_skew", "64", 0, \
      "panes a partition may run ahead of the slowest before it pauses") \
    X(DURATION, idle_after, "idle_after", "30s", 0, \
      "a caught-up partition this quiet follows the live ones") \
    X(DURATION, idle_lateness, "idle_lateness", "5m", 0, \
      "a whole quiet source follows the clock, this far behind") \
    X(STRINGS, holidays, "holidays", NULL, 0, \
      "days, YYYY-MM-DD in time.zone, that are no days like others: drop, rise, volume and mix expect another " \
      "day's season of them and learn nothing from them; at most 1000")

#define SETTINGS_FUNNEL(X) \
    X(WHERE, where, "where", NULL, 0, \
      "which events are this funnel's: {field: value or list}; fields: funnel, topic, dims by name; " \
      "default: the event's funnel field, where it has one") \
    X(STAGES, stages, "stages", NULL, REQUIRED, "two or more stages, in order") \
    X(STRING, won, "won", NULL, 0, "the stage that counts as success; default: the last one") \
    X(STRINGS, lost, "lost", NULL, 0, "exit stages: the entity left the funnel") \
    X(STRINGS, actions, "actions", NULL, 0, "names that are known but no stages (call, visit)") \
    X(ENUM_ORDER, order, "order", "flow", 0, \
      "flow; or strict: greedy in-order matching from the first stage, with skips and moves back ignored") \
    X(ENUM_SKIP, skip, "skip", "credit", 0, \
      "a stage jumped over: credit (it counts as passed at that instant), direct (the stay ends as " \
      "skipped), ignore (no effect) or reject (dead letter)") \
    X(ENUM_REGRESS, regress, "regress", "back", 0, \
      "a move backwards: back (the position moves, progress stays), new_attempt or ignore") \
    X(ENUM_REENTRY, reentry, "reentry", "new_attempt", 0, \
      "after lost, or the first stage after won: new_attempt or ignore") \
    X(DURATION, window, "window", "30d", 0, "how long a stay in a step may take to advance") \
    X(DURATION, overall, "overall", NULL, 0, \
      "the same from the first stage to won; default: the sum of the steps'") \
    X(DURATION, forget_after, "forget_after", NULL, 0, \
      "an entity unmoved this long is forgotten; default: twice the longest window") \
    X(DIMS, dims, "dims", NULL, 0, \
      "dimensions of conversion: {name: {top: 20}} or {name: {values: [a, b]}}") \
    X(SEGMENTS, segments, "segments", NULL, 0, \
      "which dims to break conversion down by: [[channel], [channel, region]]; default: each dim alone") \
    X(STRINGS, breakdowns, "breakdowns", NULL, 0, \
      "report-only dimensions of any cardinality: owner, product") \
    X(DURATION, dedupe, "dedupe", "off", 0, \
      "drop an event whose id was seen within so long; off: never") \
    X(WINDOWS, windows, "windows", "[1h, 1d]", 0, \
      "windows of conversion: durations, or {calendar: day|week|month|quarter}") \
    X(RULES, rules, "rules", NULL, 0, "what to alert on") \
    X(ENUM_IDS, ids, "ids", "keep", LATER, \
      "keep entity ids as text (for people), or only their hash")

#define SETTINGS_STAGE(X) \
    X(STRING, id, "id", NULL, REQUIRED, "the stage's name in labels and events") \
    X(STRING, name, "name", NULL, 0, "the name people see; default: the id") \
    X(STRINGS, alias, "alias", NULL, 0, "other names it has in events") \
    X(DURATION, window, "window", NULL, 0, \
      "window of the step that begins here; default: the funnel's") \
    X(BOOL, loop, "loop", "false", 0, "last stage only: reached again counts as a repeat") \
    X(RATIO, probability, "probability", NULL, 0, \
      "chance of winning from here, for the forecast; default: the funnel's own rates") \
    X(RATIO, target, "target", NULL, 0, \
      "target rate of the step that begins here, for the report, and with dwell for what drop rules expect " \
      "of it before they have learned") \
    X(DURATION, dwell, "dwell", NULL, 0, \
      "typical (median) time a conversion of the step that begins here takes; with target it lets drop rules " \
      "alert from the first hour, else after a week of learning") \
    X(STRING, owner, "owner", NULL, 0, "who answers for it, for the report") \
    X(STRING, note, "note", NULL, 0, "a remark, for the report")

#define SETTINGS_DIM(X) \
    X(INT, top, "top", "20", 0, "how many values are shown and tested; the rest is __other__") \
    X(STRINGS, values, "values", NULL, 0, "the only values told apart; instead of top")

/* A duration alone is a rolling window. */
#define SETTINGS_WINDOW(X) \
    X(ENUM_CALENDAR, calendar, "calendar", NULL, REQUIRED, \
      "day, week, month or quarter, in time.zone")

#define SETTINGS_RULE(X) \
    X(STRING, id, "id", NULL, REQUIRED, "names the alert") \
    X(ENUM_RULE_KIND, kind, "kind", NULL, REQUIRED, \
      "target or benchmark: a configured rate is missed; change: against an earlier period; drop or rise: " \
      "conversions against what was learned to expect of these very entries, from pane to pane, on a budget of " \
      "false alarms (drop also says when a step only takes longer: alertname slowdown); volume: fewer entries " \
      "than usual; mix: other entries than usual (information); data_quality: events late or not usable, " \
      "or of ids that come in more than one partition") \
    X(STRING, step, "step", NULL, 0, \
      "from>to, or overall; default: every step; drop and rise: not overall, they test its steps") \
    X(RATE, budget, "budget", NULL, 0, \
      "drop, rise, volume, mix: false alarms allowed, at most 10/week; a lower one waits longer; default: " \
      "0.1/week for drop and rise, 0.05/week for volume and mix") \
    X(DURATION, accept_after, "accept_after", "7d", 0, \
      "drop, rise, volume: how long an alert fires before the new level is accepted as normal, and the alert " \
      "ends as accepted") \
    X(STRINGS, by, "by", NULL, 0, \
      "one alert for each value of these dims; default: the whole funnel") \
    X(ENUM_MEASURE, measure, "measure", "throughput", 0, \
      "throughput: conversions ÷ entries in the window; cohort: of the stays begun in it, once they had " \
      "their time; matured (target, benchmark): of the stays begun in it, each counting by how much of the " \
      "conversions is usually there at its age") \
    X(WINDOW, window, "window", "1h", 0, \
      "a duration, or {calendar: day|week|month|quarter}; mix: whole hours, at most 7d") \
    X(DURATION, against, "against", "7d", 0, \
      "change: the same window, this much earlier, at most 32 windows; a calendar window is compared " \
      "with the one before it") \
    X(RATIO, target, "target", NULL, 0, \
      "target and benchmark: the rate to hold; data_quality: the largest share of events that may be late or " \
      "not usable, and of the watched ones of split ids, default 5%") \
    X(RATIO, clear, "clear", NULL, 0, \
      "the rate that ends the alert; default: the target; for change: the earlier rate less half of min_effect") \
    X(RATIO, significance, "significance", "0.01", 0, "one-sided error of the test") \
    X(RATIO, min_effect, "min_effect", "0", 0, \
      "smallest relative change worth an alert; drop, rise, volume: below 0.5; mix: smallest share of the " \
      "entries that must be others than usual, default 0.1") \
    X(INT, min_entries, "min_entries", "30", 0, \
      "entries (data_quality: events) a window must hold before it is judged") \
    X(ENUM_DIRECTION, direction, "direction", "drop", 0, "change: drop, rise or both") \
    X(DURATION, pending, "pending", "0s", 0, "how long it must hold before the alert fires") \
    X(DURATION, hold, "hold", "5m", 0, "shortest time an alert fires") \
    X(DURATION, resolve_after, "resolve_after", "0s", 0, \
      "how long it must be clear before it resolves") \
    X(STRING, severity, "severity", "warning", 0, "label; any word") \
    X(STRING, runbook_url, "runbook_url", NULL, 0, "annotation")

#define SETTINGS_STATE(X) \
    X(STRING, dir, "dir", "/var/lib/funneld", 0, \
      "folder of the snapshots; one instance at a time, which locks it") \
    X(DURATION, snapshot, "snapshot", "5m", 0, "time between snapshots") \
    X(STRING, hash_key, "hash_key", NULL, SECRET, \
      "keys the hash of entity ids, so that nobody can choose ids that clash; default: the group's name")

#define SETTINGS_LIMITS(X) \
    X(SIZE, message, "message", "1MiB", 0, "largest message that is decoded") \
    X(INT, depth, "depth", "32", 0, "deepest nesting of JSON") \
    X(SIZE, id, "id", "256", 0, "longest entity id, event id, name or dimension value, bytes") \
    X(INT, entities, "entities", "20000000", 0, "entities per partition and funnel") \
    X(INT, leaves, "leaves", "4096", 0, \
      "combinations of dims per partition and funnel; the rest is __other__") \
    X(INT, values, "values", "1024", 0, \
      "values of one dim per partition and funnel; the rest is __other__") \
    X(INT, breakdown_values, "breakdown_values", "20000", 0, \
      "values of one breakdown; the rest is __other__") \
    X(INT, reorder, "reorder", "65536", 0, "events waiting to be put in order, per partition") \
    X(INT, dedupe, "dedupe", "1000000", 0, "event ids remembered, per partition and funnel") \
    X(SIZE, outbox, "outbox", "8MiB", 0, "bytes of output that start a transaction at once")

#define SETTINGS_LOG(X) \
    X(ENUM_LOG_FORMAT, format, "format", "text", 0, \
      "text: key=value with <N> priority for journald; json") \
    X(ENUM_LOG_LEVEL, level, "level", "info", 0, "error, warning, notice, info or debug")

/* Words of each enumeration, in the order of its C constants. */
#define SETTINGS_ENUMS(X) \
    X(MODE, "single") \
    X(LANGUAGE, "en", "zh") \
    X(MISSING, "wait", "exit") \
    X(FIRST_START, "bootstrap", "publish") \
    X(ON_GAP, "stop", "continue") \
    X(PRESET, "plain", "cloudevents", "debezium") \
    X(LATE, "apply", "deadletter") \
    X(ORDER, "flow", "strict") \
    X(SKIP, "credit", "direct", "ignore", "reject") \
    X(REGRESS, "back", "new_attempt", "ignore") \
    X(REENTRY, "new_attempt", "ignore") \
    X(IDS, "keep", "hash") \
    X(RULE_KIND, "target", "benchmark", "change", "drop", "rise", "volume", "mix", "data_quality") \
    X(MEASURE, "throughput", "cohort", "matured") \
    X(DIRECTION, "drop", "rise", "both") \
    X(TIME_FORMAT, "auto", "rfc3339", "epoch_s", "epoch_ms", "epoch_us") \
    X(CALENDAR, "day", "week", "month", "quarter") \
    X(LOG_FORMAT, "text", "json") \
    X(LOG_LEVEL, "error", "warning", "notice", "info", "debug")

#endif
