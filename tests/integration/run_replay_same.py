#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`run` and `replay` give the same alert bytes for the same events, from one partition or four; each bad message
is a dead letter once, with its reason, and changes nothing else; the counters say so."""
import json
import sys

sys.dont_write_bytecode = True
import libkit as kit

# (value, reason, field, byte): among the good ones, at even distances. None: the header is not looked at.
MOMENT = kit.instant(kit.START)
FUTURE = '{"entity_id":"x","funnel":"shop","stage":"visit","ts":"%s"}' % kit.instant(kit.START + kit.HOUR * 24)
BAD = [
    ('{"entity_id":"x","stage":', "malformed", None, 25),
    ("", "malformed", None, 0),
    ("no JSON at all", "malformed", None, None),
    ('{"entity_id":"x","funnel":"shop","stage":"nirvana","ts":"%s"}' % MOMENT, "unknown_stage", "stage", 41),
    ('{"funnel":"shop","stage":"visit","ts":"%s"}' % MOMENT, "unmapped", "entity_id", None),
    ('{"entity_id":"x","funnel":"shop","stage":"visit","ts":"yesterday"}', "time", "ts", 54),
    ('{"entity_id":{"no":"id"},"funnel":"shop","stage":"visit","ts":"%s"}' % MOMENT, "type", "entity_id", None),
    ('{"entity_id":"","funnel":"shop","stage":"visit","ts":"%s"}' % MOMENT, "token", "entity_id", None),
    ('{"entity_id":"x","funnel":"shop","stage":"visit","ts":"%s","amount":"much"}' % MOMENT, "amount", "amount", None),
    ("[" * 40 + "]" * 40, "depth", None, None),
    ('{"entity_id":"x","funnel":"shop","stage":"visit","ts":"%s","pad":"%s"}' % (MOMENT, "x" * 20000),
     "oversized", None, None),
    (FUTURE, "future", "ts", 54),
]
EACH = 4  # how often each of them comes


def with_bad(records):
    """The records with the bad messages among them, and which (value, reason, ...) they were."""
    result, bad = [], []
    every = len(records) // (len(BAD) * EACH)
    for i, r in enumerate(records):
        if i % every == every // 2 and len(bad) < len(BAD) * EACH:
            one = BAD[len(bad) % len(BAD)]
            result.append({"partition": r["partition"], "ts": r["ts"], "key": f"bad-{len(bad)}", "value": one[0],
                           "headers": {"trace": f"id-{len(bad)}"}})
            bad.append(one)
        result.append(r)
    kit.same("bad messages", len(BAD) * EACH, len(bad))
    return result, bad


def check_deadletters(prefix, bad, sent, headers):
    """Each once, with the bytes it had, and where it came from."""
    letters = kit.consume(prefix + ".dead")
    found = {}
    for x in letters:
        kit.check(x["key"] not in found, f"twice in the dead-letter topic: {x['key']}")
        found[x["key"]] = x
    kit.same("keys of dead letters", {f"bad-{i}" for i in range(len(bad))}, set(found))
    where = {}  # the offset of each bad message in its partition
    offsets = {}
    for r in sent:
        offset = offsets[r["partition"]] = offsets.get(r["partition"], -1) + 1
        if r["key"].startswith("bad-"):
            where[r["key"]] = (r["partition"], offset, r["ts"])
    for i, (value, reason, field, byte) in enumerate(bad):
        x = found[f"bad-{i}"]
        h = x["headers"]
        partition, offset, ts = where[x["key"]]
        what = f"dead letter {i} ({reason})"
        kit.same(what + ": bytes", value, x["value"])
        kit.same(what + ": reason", reason, h.get("funneld_reason"))
        if field:
            kit.same(what + ": field", field, h.get("funneld_field"))
        kit.check(h.get("funneld_byte", "").isdigit(), f"{what}: no byte offset: {h}")
        if byte is not None:
            kit.same(what + ": byte", str(byte), h["funneld_byte"])
        kit.same(what + ": place", (prefix + ".in", str(partition), str(offset), str(ts)),
                 tuple(h.get("funneld_" + n) for n in ("topic", "partition", "offset", "timestamp")))
        if headers:
            kit.same(what + ": the record's own headers", f"id-{i}", h.get("trace"))


def check_counters(m, records, bad, alerts):
    kit.same("messages_total", len(records), m["funneld_messages_total"])
    decoded = sum(b[1] in ("unknown_stage", "future") for b in bad)  # found out after decoding
    kit.same("events_total", len(records) - len(bad) + decoded, m["funneld_events_total"])
    kit.same("events_late_total", 0, m["funneld_events_late_total"])
    kit.same("conservation_errors_total", 0, m["funneld_conservation_errors_total"])
    kit.same("alert_records_total", len(alerts), m["funneld_alert_records_total"])
    kit.same("alerts_published_total", len(alerts), m["funneld_alerts_published_total"])
    kit.same("deadletters_published_total", len(bad), m["funneld_deadletters_published_total"])
    for reason in {b[1] for b in bad}:
        kit.same(f"deadletters_total of {reason}", sum(b[1] == reason for b in bad),
                 m['funneld_deadletters_total{reason="%s"}' % reason])
    kit.same("lag", 0, sum(v for k, v in m.items() if k.startswith("funneld_partition_lag{")))


def one(folder, broker, events, partitions):
    prefix = f"same{partitions}"
    broker.topics(prefix, partitions)
    records, bad = with_bad(kit.records(events, partitions))
    kit.produce(prefix + ".in", records)
    config = kit.configuration(prefix, broker.bootstrap)
    if partitions > 1:  # a record's headers are only looked at where the mapping wants one
        config["inputs"][0]["map"] = {"owner": {"from": "header:owner", "default": "nobody"}}
    d = kit.Daemon(folder, config)
    d.wait_ready()
    kit.wait_committed(prefix + ".in", prefix)
    found = kit.alerts_of(prefix + ".alerts")

    file = f"{folder}/{prefix}.ndjson"
    # A file has no record timestamps, so nothing in it is the future.
    kit.write_lines(file, [r["value"] for r in records if r["value"] != FUTURE])
    expected = kit.replay_alerts(d.file, file)
    # replay also closes the last panes, which for run are still open.
    sure = kit.instant(events[-1][0] - 5 * kit.MINUTE)
    last = max((i for i, a in enumerate(expected) if a[1]["ce_time"] <= sure), default=-1) + 1
    kit.check(last >= 30, f"the events give only {last} alert records: too weak a test")
    kit.check(len(found) >= last, f"run has {len(found)} alerts, replay {last} by {sure}")
    kit.same_list(f"alerts of {partitions} partitions", expected[:len(found)], found)
    for name in ("firing", "resolved"):
        kit.check(any(json.loads(v)["status"] == name for _, _, v in found), f"nothing is {name}")

    check_deadletters(prefix, bad, records, partitions > 1)
    check_counters(d.metrics(), records, bad, found)
    # replay reads lines, of which an empty one is none.
    if partitions == 1:
        letters = [json.loads(line) for line in kit.replay(d.file, file, "deadletters")]
        kit.same("replay's dead letters", [(b[0][:16385], b[1]) for b in bad if b[0] not in ("", FUTURE)],
                 [(x["value"], x["reason"]) for x in letters])
    d.stop()
    kit.say(f"{partitions} partitions: {len(records)} messages, {len(found)} alert records, {len(bad)} dead letters")
    return found


def story(folder, broker):
    events = kit.shop(seed=1, hours=5, visits_an_hour=3200)
    a = one(folder, broker, events, 1)
    b = one(folder, broker, events, 4)
    # Only the group's name and what is derived from it may differ: it is in ce_source and ce_id.
    kit.same_list("alert values of 1 and of 4 partitions",
                  [x[2].replace("same1", "same4") for x in a], [x[2] for x in b])


kit.story(story)
