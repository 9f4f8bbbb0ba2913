#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages made to hurt, and topics that may not be used (the broker's authorizer). Everything else goes on: each bad
message is a dead letter, once; alerts are those of the same log without them; what cannot be done is said at /ready
and in /metrics. CASES=name,... runs only these."""
import json
import sys
import time

sys.dont_write_bytecode = True
import libcases
import libfault as fault
from libcases import kit

PARTITIONS = 2
CLEAN = kit.records(kit.shop(34, hours=2, visits_an_hour=1200, incident=(0.5, 1.2)), PARTITIONS)
HALF = len(CLEAN) // 2


def poisons():
    """(name, record, reason): the reason its letter has; None: any."""
    good = {"entity_id": "e", "funnel": "shop", "stage": "visit", "ts": kit.instant(kit.START)}
    deep = "[" * 100_000
    yield "megabyte", {"value": '{"x":"' + "m" * 980_000 + '"}'}, "oversized"
    yield "megabyte of nothing", {"value_hex": "00" * 980_000}, "oversized"
    yield "open brackets", {"value": deep}, "oversized"
    yield "brackets", {"value": "[" * 7000 + "]" * 7000}, None
    yield "objects", {"value": '{"a":' * 2500 + "1" + "}" * 2500}, None
    yield "tombstone", {"value": None}, None
    yield "no key, no value", {"key": None, "value": None}, None
    yield "empty", {"value": ""}, None
    yield "invalid UTF-8", {"value_hex": b'{"entity_id":"\xff\xfe\xc0\xaf"}'.hex()}, None
    yield "half a character", {"value_hex": b'{"entity_id":"\xe2\x82'.hex()}, None
    yield "NUL", {"value_hex": b'{"entity_id":"a\x00b"}'.hex()}, None
    yield "surrogate", {"value": json.dumps(good).replace('"e"', '"\\ud800"')}, None
    yield "many keys", {"value": json.dumps({f"k{i}": i for i in range(1200)})}, None
    yield "a number without end", {"value": '{"entity_id":' + "9" * 15000 + "}"}, None
    yield "a key of bytes", {"key_hex": "ff" * 300, "value": "bad"}, None
    yield "a key of 100 KB", {"key": "k" * 100_000, "value": "bad"}, None
    yield "thousands of headers", {"value": "bad", "headers": {f"h{i}": "v" * 8 for i in range(5000)}}, None
    yield "a header of 200 KB", {"value": "bad", "headers": {"big": "x" * 200_000, "small": "y"}}, None
    yield "a header's long name", {"value": "bad", "headers": {"n" * 5000: "x", "small": "y"}}, None
    yield "headers of a letter", {"value": "bad", "headers": {"funneld_reason": "mine", "funneld_offset": "-1"}}, None
    yield "everything at once", {"key": "k" * 90_000, "value": "v" * 800_000, "headers": {"big": "x" * 100_000}}, "oversized"


def poisoned():
    """The clean log with all poisons, over and over, each with the key `bad-NAME` where it has no other."""
    result, names = [], list(poisons())
    every = len(CLEAN) // (3 * len(names))
    for i, r in enumerate(CLEAN):
        if i % every == 0:
            name, p, _ = names[i // every % len(names)]
            result.append({"partition": r["partition"], "ts": r["ts"], "key": "bad-" + name, **p})
            if "key_hex" in p:
                del result[-1]["key"]
        result.append(r)
    return result


class Scene:
    def __init__(self, name):
        self.name, self.topic = name, name + ".in"
        BROKER.topics(name, PARTITIONS)
        self.daemon = kit.Daemon(FOLDER, kit.configuration(name, BROKER.bootstrap), start=False)

    def settle(self, seconds=60):
        kit.wait_committed(self.topic, self.name, seconds)

    def as_user(self):
        """By way of the listener where what the authorizer says counts."""
        with open(BROKER.folder + "/bootstrap.sasl") as f:
            bootstrap = f.read().strip()
        self.daemon.config["kafka"] = {
            "bootstrap.servers": bootstrap, "security.protocol": "sasl_plaintext", "sasl.mechanisms": "PLAIN",
            "sasl.username": "app", "sasl.password": "app-secret"}
        self.daemon.write()

    def start(self):
        self.daemon.start()
        self.daemon.wait_ready()

    def end(self):
        self.settle()
        fault.no_conservation_errors(self.daemon)
        self.daemon.stop()


def allow(topic, *operations):
    """The user may do these, and nothing else any more: an ACL on a topic takes away what is not in one."""
    for x in operations:
        kit.run(kit.KTOOL, "acl", "--user", "app", "--topic", topic, "--allow", x)


def check_letters(name, bad):
    """bad: {(partition, offset): record}"""
    found = kit.consume(name + ".dead")
    kit.same_list("places of dead letters", sorted(bad), fault.letters(name + ".dead"))
    reasons = {p["value"] if "value" in p else p["value_hex"]: r for _, p, r in poisons() if r}
    for x in found:
        h = x["headers"]
        original = bad[int(h["funneld_partition"]), int(h["funneld_offset"])]
        value = "value_hex" if "value_hex" in original else "value"
        if original.get(value) in reasons:
            kit.same("reason", reasons[original[value]], h["funneld_reason"])
        length = len(original.get(value) or "") // (2 if value == "value_hex" else 1)
        kit.same("truncated", str(length) if length > 900_000 else None, h.get("funneld_truncated"))
        if length <= 900_000 and "key_hex" not in original:
            kit.same("value", original.get(value), x.get(value))
        key = original.get("key") or ""
        kit.same("key_truncated", str(len(key)) if len(key) > 32768 else None, h.get("funneld_key_truncated"))
        size = sum(len(n) + len(v) for n, v in (original.get("headers") or {}).items())
        kit.check(size <= 32768 - 16 * 100 or "funneld_headers_dropped" in h, f"headers dropped in silence: {list(h)[:20]}")


def messages():
    calm, s = Scene("calm"), Scene("messages")
    kit.produce(calm.topic, CLEAN)
    calm.start()
    calm.end()
    records = poisoned()
    s.daemon.faults = "txn.commit:3"
    s.daemon.start()
    size = len(records) // 6
    while s.daemon.process.poll() is None and records:
        kit.produce(s.topic, records[:size])
        records = records[size:]
        time.sleep(0.5)
    s.daemon.wait_fault("txn.commit")
    s.daemon.faults = None
    s.start()
    kit.produce(s.topic, records)
    s.settle()
    m = s.daemon.metrics()
    kit.same("dead letters dropped", 0, m["funneld_deadletters_dropped_total"])
    kit.same("dead letters switched off", 0, m["funneld_deadletters_off"])
    s.daemon.wait_ready(5)
    s.end()
    clean = {r["value"] for r in CLEAN}
    bad = {(x["partition"], x["offset"]): x for x in kit.consume(s.topic) if x.get("value") not in clean}
    kit.check(len(bad) > 2 * len(list(poisons())), f"only {len(bad)} poisons")
    check_letters("messages", bad)
    kit.nothing_twice("messages.alerts", "messages.dead")
    kit.same_alerts("calm.alerts", "messages.alerts", at_least=10)


def deadletters_denied():
    """Dead letters may not be written: they are switched off, and the rest goes on."""
    s = Scene("mute")
    allow("mute.dead", "Describe")
    s.as_user()
    s.start()
    records = fault.bad(CLEAN, every=100)
    kit.produce(s.topic, records)
    s.settle()
    s.daemon.wait_reason("dead letters are switched off.*TOPIC_AUTHORIZATION_FAILED", 10)
    m = s.daemon.metrics()
    bad = len(fault.bad_places(s.topic))
    kit.same("switched off", 1, m["funneld_deadletters_off"])
    kit.same("dropped", bad, m["funneld_deadletters_dropped_total"])
    kit.same("counted", bad, m['funneld_deadletters_total{reason="malformed"}'])
    kit.check(m["funneld_transaction_aborts_total"] < 6, f"{m['funneld_transaction_aborts_total']} aborts")
    s.daemon.kill()
    allow("mute.dead", "Write")
    s.start()
    kit.produce(s.topic, [{"key": "bad-late", "value": "bad"}])
    s.end()
    kit.same_list("dead letters", ["bad-late"], [x["key"] for x in kit.consume("mute.dead")])
    calm = Scene("mute-calm")
    kit.produce(calm.topic, records)
    calm.start()
    calm.end()
    kit.same_alerts("mute-calm.alerts", "mute.alerts", at_least=10)


def alerts_denied():
    """Alerts may not be written: they wait, and that is said; dead letters are not blamed. With the right given, all
    of it is published."""
    s = Scene("gagged")
    allow("gagged.alerts", "Describe")
    s.as_user()
    s.start()
    kit.produce(s.topic, fault.bad(CLEAN, every=100))
    s.daemon.wait_reason("the alert topic refuses records: TOPIC_AUTHORIZATION_FAILED", 40)
    before = s.daemon.metrics()["funneld_transaction_aborts_total"]
    time.sleep(3)
    more = s.daemon.metrics()["funneld_transaction_aborts_total"] - before
    kit.check(more < 10, f"{more} aborts in 3 seconds: no back-off")
    allow("gagged.alerts", "Write")
    s.settle()
    s.daemon.wait_ready(20)
    kit.same("dead letters switched off", 0, s.daemon.metrics()["funneld_deadletters_off"])
    s.end()
    kit.same_list("dead letters", fault.bad_places(s.topic), fault.letters("gagged.dead"))
    calm = Scene("gagged-calm")
    kit.produce(calm.topic, CLEAN)
    calm.start()
    calm.end()
    kit.same_alerts("gagged-calm.alerts", "gagged.alerts", at_least=10)
    kit.nothing_twice("gagged.alerts", "gagged.dead")


def input_denied():
    """The input may be seen, not read: not ready, until it may."""
    s = Scene("blind")
    allow(s.topic, "Describe")
    s.as_user()
    s.daemon.start()
    s.daemon.wait_reason("blind.in.*TOPIC_AUTHORIZATION_FAILED|blind.in.*authorization failed", 30)
    kit.say(f"blind: {s.daemon.reasons()}")
    kit.produce(s.topic, CLEAN[:HALF])
    time.sleep(1)
    kit.same("nothing is committed", {0: None, 1: None}, kit.committed(s.topic, "blind"))
    allow(s.topic, "Read")
    s.settle()
    s.daemon.wait_ready()
    s.end()
    kit.same("SIGTERM", 0, s.daemon.process.returncode)


def input_denied_at_restart():
    """The last record consumed cannot be compared without being read: it waits, says so, and ends at SIGTERM."""
    s = Scene("shut")
    kit.produce(s.topic, CLEAN[:HALF])
    s.as_user()
    s.start()
    s.end()
    allow(s.topic, "Describe")
    s.daemon.start()
    s.daemon.wait_reason("last record consumed of shut.in/.*uthorization", 30)
    kit.say(f"shut: {s.daemon.reasons()}")
    s.daemon.stop()
    s.daemon.start()
    allow(s.topic, "Read")
    s.daemon.wait_ready(40)
    kit.produce(s.topic, CLEAN[HALF:])
    s.end()


def group_denied():
    """Where the group's offsets may not be read nothing can be known: it ends, and says so. Where they may be read,
    not written, everything waits until they may."""
    s = Scene("homeless")
    kit.run(kit.KTOOL, "acl", "--user", "somebody", "--group", "homeless", "--allow", "Read")
    s.as_user()
    fault.refuses(s.daemon, "kafka", "cannot read committed offsets", "uthorization")
    kit.run(kit.KTOOL, "acl", "--user", "app", "--group", "homeless", "--allow", "Describe")
    s.daemon.start()
    kit.produce(s.topic, CLEAN)
    s.daemon.wait_reason("attempts to commit failed.*Group authorization failed", 30)
    kit.run(kit.KTOOL, "acl", "--user", "app", "--group", "homeless", "--allow", "Read")
    s.settle()
    s.daemon.wait_ready(20)
    s.end()
    kit.nothing_twice("homeless.alerts")


def story(folder, broker):
    global FOLDER, BROKER
    FOLDER, BROKER = folder, broker
    libcases.run((messages, deadletters_denied, alerts_denied, input_denied, input_denied_at_restart, group_denied),
                 at_once=4)


kit.story(story, settings=["--acl"])
