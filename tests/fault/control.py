#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What operators say to a daemon that runs: silences mark alerts and swallow none, interventions are measured, a
kill keeps both, and rubbish in the control topic does no harm."""
import json
import os
import subprocess

import libcases
from libcases import kit

PARTITIONS = 2
EVENTS = kit.shop(9, hours=4, visits_an_hour=1200)
RECORDS = kit.records(EVENTS, PARTITIONS)


def at(hours):
    return kit.START + int(hours * kit.HOUR)


def between(begin, end):
    return [r for r in RECORDS if at(begin) <= r["ts"] < at(end)]


class Scene:
    def __init__(self, folder, broker, name, has_topic=True, **over):
        self.name, self.topic, self.control = name, name + ".in", name + ".control"
        broker.topics(name, PARTITIONS)
        if has_topic:
            broker.topic(self.control)
        config = kit.configuration(name, broker.bootstrap, **{"control": self.control, **over})
        config["funnels"]["shop"]["windows"] = ["30m"]
        self.daemon = kit.Daemon(folder, config)

    def feed(self, begin, end):
        kit.produce(self.topic, between(begin, end))
        kit.wait_committed(self.topic, self.name, 60)

    def cli(self, command, *arguments, status=0):
        """(standard output, standard error)"""
        done = subprocess.run([kit.FUNNELD, command, "-c", self.daemon.file, *arguments], capture_output=True,
                              timeout=60, env={**os.environ, "USER": "story"})
        out, err = done.stdout.decode(), done.stderr.decode()
        kit.same(f"{self.name}: funneld {command} {' '.join(arguments)}: {err}", status, done.returncode)
        return out, err

    def heard(self, count, refused=0):
        """Until the daemon has read so many control records."""
        def probe():
            m = self.daemon.metrics()
            return (m["funneld_control_records_total"], m["funneld_control_records_refused_total"]) == (count, refused)

        kit.wait_for(f"{self.name}: {count} control records and {refused} refused", 20, probe)

    def killed(self):
        self.daemon.kill()
        self.daemon.start()
        self.daemon.wait_ready()
        kit.check("compared=yes" in self.daemon.text(last_start=True), f"{self.name}: nothing was compared")

    def values(self):
        return [json.loads(v) for _, _, v in kit.alerts_of(self.name + ".alerts")]

    def end(self):
        kit.same(f"{self.name}: conservation errors", 0, self.daemon.metrics()["funneld_conservation_errors_total"])
        kit.nothing_twice(self.name + ".alerts", self.name + ".dead")
        self.daemon.stop()


def unsilenced(topic):
    """By key, all but who silenced it, and interventions."""
    keys = {}
    for key, headers, text in kit.alerts_of(topic):
        value = json.loads(text)
        if value["rule"]["kind"] == "intervention":
            continue
        value["silenced_by"] = None
        keys.setdefault(key, []).append(({n: h for n, h in headers.items() if n != "ce_source"}, value))
    return keys


def same_but_for_silences(name):
    expected, found = unsilenced("calm.alerts"), unsilenced(name + ".alerts")
    kit.same_list(f"{name}: keys", sorted(expected), sorted(found))
    for key in expected:
        kit.same_list(f"{name}: alerts of {key}", expected[key], found[key])


def silence(folder, broker):
    """From when it is said until it is expired, over two kills."""
    scene = Scene(folder, broker, "silence")
    scene.feed(0, 2)
    span = ("--from", kit.instant(at(1)), "--to", kit.instant(at(9)))
    out, _ = scene.cli("silence", *span, "--id", "s-ads", "--comment", "works at the ads", "channel=ads")
    kit.same("silence: prints its id", "s-ads\n", out)
    scene.heard(1)
    first = len(scene.values())
    scene.feed(2, 2.5)
    scene.killed()
    out, _ = scene.cli("silence", *span, "alertname=noisy", "channel=ads")
    own = out.strip()
    scene.heard(1)  # since this start: the first one comes out of the replay, not out of the topic
    scene.feed(2.5, 3)
    second = len(scene.values())
    scene.cli("silence", "--expire", "s-ads")
    scene.heard(2)
    scene.feed(3, 3.5)
    scene.killed()
    scene.feed(3.5, 9)
    values = scene.values()
    count = [0, 0, 0]
    for i, v in enumerate(values):
        ads, noisy = v["labels"].get("channel") == "ads", v["labels"]["alertname"] == "noisy"
        found = v["silenced_by"]
        phase = 0 if i < first else 1 if i < second else 2
        expected = (["s-ads"] if ads and phase == 1 else []) + ([own] if ads and noisy and phase == 2 else [])
        if phase == 1 and ads and noisy:  # the second silence came in the midst of it
            kit.check(found in (["s-ads"], sorted(["s-ads", own])), f"silence: record {i}: {found}")
        else:
            kit.same(f"silence: record {i}, {v['labels']}", expected, found)
        count[phase] += bool(found)
    kit.check(count[0] == 0 and count[1] >= 3 and count[2] >= 1, f"silence: {count} silenced records: too weak a test")
    kit.check(any(own in v["silenced_by"] and "s-ads" in v["silenced_by"] for v in values), "silence: never both")
    same_but_for_silences("silence")
    scene.end()
    kit.say(f"silence: {count[1]} and {count[2]} records silenced of {len(values)}; all are published as without")


def burst(folder, broker):
    """More at once than the commit metadata have room for: the rest waits, over a kill too, for snapshots."""
    scene = Scene(folder, broker, "burst", state={"snapshot": "1s"})
    scene.feed(0, 1)
    records = [{"kind": "silence", "id": f"s-{i}", "from": kit.instant(at(1)), "to": kit.instant(at(9)),
                "comment": "x" * 800, "matchers": {"channel": "ads"}} for i in range(12)]
    kit.produce(scene.control, [{"partition": 0, "key": r["id"], "value": json.dumps(r)} for r in records])
    kit.wait_for("burst: some wait", 20, lambda: "control records wait" in scene.daemon.text())
    scene.killed()
    kit.wait_for("burst: all are taken", 60, lambda: kit.committed(scene.control, scene.name) == {0: 12})
    kit.same("burst: none is refused", 0, scene.daemon.metrics()["funneld_control_records_refused_total"])
    scene.feed(1, 9)
    found = [v["silenced_by"] for v in scene.values() if v["labels"].get("channel") == "ads"]
    kit.check(sorted(r["id"] for r in records) in found, f"burst: {found}")
    scene.end()


def listing(folder, broker):
    """--list, what it says of rubbish in the topic; and what the CLI refuses before it is sent."""
    scene = Scene(folder, broker, "listing")
    scene.daemon.wait_ready()
    out, err = scene.cli("silence", "--list")
    kit.check(out == "" and "No silence" in err, f"listing: {out!r} {err!r}")
    scene.cli("silence", "--for", "2h", "--id", "one", "--comment", "here", "channel=ads")
    scene.cli("silence", "--for", "3h", "--id", "two", "step=checkout>paid")
    kit.produce(scene.control, [{"partition": 0, "key": "x", "value": "rubbish"}])
    out, err = scene.cli("silence", "--list")
    lines = [line.split()[0] for line in out.splitlines()]
    kit.same("listing: ids", ["one", "two"], sorted(lines))
    kit.check("in force" in out and '"ads"' in out and "here" in out and "story" in out, f"listing: {out}")
    kit.check("1 records" in err, f"listing: {err}")
    scene.cli("silence", "--expire", "one")
    out, _ = scene.cli("silence", "--list")
    kit.same("listing: ids", ["two"], [line.split()[0] for line in out.splitlines()])
    _, err = scene.cli("silence", "--for", "2h", "colour=red", status=64)
    kit.check("no alert has such a label" in err, f"listing: {err}")
    _, err = scene.cli("intervene", "--funnel", "nosuch", status=64)
    kit.check("there is no such funnel" in err, f"listing: {err}")
    scene.heard(3, refused=1)
    scene.end()


def rubbish(folder, broker):
    """Any bytes: counted, refused, and what comes after is heard."""
    scene = Scene(folder, broker, "rubbish")
    scene.daemon.wait_ready()
    good = {"kind": "silence", "id": "good", "from": kit.instant(at(1)), "to": kit.instant(at(9)),
            "matchers": {"channel": "ads"}}
    bad = [b"", b"{", b"\0\xff\xfe", b"[]", b"null", b"{}", b"x" * 900_000, b'{"kind":"silence"' + b" " * 5000 + b"}",
           json.dumps({**good, "kind": "party"}).encode(), json.dumps({**good, "id": ""}).encode(),
           json.dumps({**good, "id": "a b"}).encode(), json.dumps({**good, "to": good["from"]}).encode(),
           json.dumps({**good, "matchers": {}}).encode(), json.dumps({**good, "matchers": {"colour": "x"}}).encode(),
           json.dumps({**good, "from": "yesterday"}).encode(), ("[" * 500 + "]" * 500).encode(),
           json.dumps({"kind": "intervention", "id": "i", "at": good["from"], "funnel": "nosuch"}).encode(),
           json.dumps({"kind": "expire"}).encode()]
    kit.produce(scene.control, [{"partition": 0, "key": f"k{i}", "value_hex": b.hex()} for i, b in enumerate(bad)]
                + [{"partition": 0, "key": "tombstone"}])
    scene.heard(0, refused=len(bad) + 1)
    kit.same("rubbish: /ready", 200, scene.daemon.ready()[0])
    kit.produce(scene.control, [{"partition": 0, "key": "good", "value": json.dumps(good)}])
    scene.heard(1, refused=len(bad) + 1)
    scene.feed(0, 2.5)
    scene.killed()
    scene.feed(2.5, 9)
    silenced = [v for v in scene.values() if v["silenced_by"] == ["good"]]
    kit.check(len(silenced) >= 3, f"rubbish: {len(silenced)} silenced records")
    same_but_for_silences("rubbish")
    scene.end()
    kit.say(f"rubbish: {len(bad) + 1} records refused without harm")


def missing(folder, broker):
    """Without the topic, control is off, and said so; the CLI says what to do."""
    scene = Scene(folder, broker, "missing", has_topic=False)
    scene.feed(0, 2.2)
    kit.check("no control topic" in scene.daemon.text(), "missing: not said")
    _, err = scene.cli("silence", "--for", "1h", "channel=ads", status=kit.EXIT["topic_missing"])
    kit.check("there is no such topic" in err, f"missing: {err}")
    kit.check("missing.control" not in topics(), "missing: somebody has made the topic")
    scene.end()
    off = Scene(folder, broker, "switched-off", has_topic=False, control="off")
    off.daemon.wait_ready()
    _, err = off.cli("silence", "--list", status=78)
    kit.check("control: off" in err, f"missing: {err}")
    off.end()


def topics():
    return kit.run(kit.KTOOL, "topics")


def intervene(folder, broker):
    """The record comes once its window has passed, kills or not, with the figures of both windows."""
    scene = Scene(folder, broker, "intervene")
    scene.feed(0, 1)
    out, _ = scene.cli("intervene", "--funnel", "shop", "--step", "checkout>paid", "--at", kit.instant(at(2)),
                       "--id", "new-page", "--comment", "a new page")
    kit.same("intervene: prints its id", "new-page\n", out)
    scene.cli("intervene", "--funnel", "shop", "--at", kit.instant(at(3)), "--id", "forgotten")
    scene.heard(2)
    scene.feed(1, 2.2)
    scene.killed()
    scene.feed(2.2, 2.5)
    kit.same("intervene: before its time", [], records_of(scene))
    scene.cli("silence", "--expire", "forgotten")
    scene.heard(1)
    scene.killed()
    scene.feed(2.5, 9)
    found = records_of(scene)
    kit.same("intervene: records", ["new-page"], [v["labels"]["intervention"] for v in found])
    v = found[0]
    kit.same("intervene: step", "checkout>paid", v["labels"]["step"])
    kit.same("intervene: window", (kit.instant(at(2)), kit.instant(at(2.5))), (v["window"]["from"], v["window"]["to"]))
    entries, conversions = flow("checkout", 2, 2.5), flow("paid", 2, 2.5)
    kit.same("intervene: after", (entries, conversions), (v["observed"]["entries"], v["observed"]["conversions"]))
    before = flow("paid", 1.5, 2) / flow("checkout", 1.5, 2)
    kit.check(abs(v["expected"]["rate"] - before) < 1e-8, f"intervene: before {before}: {v['expected']}")
    kit.check(v["effect"]["absolute"] < 0, f"intervene: the incident is no improvement: {v['effect']}")
    same_but_for_silences("intervene")
    scene.end()


def records_of(scene):
    return [v for v in scene.values() if v["rule"]["kind"] == "intervention"]


def flow(stage, begin, end):
    return sum(at(begin) <= ts < at(end) and e["stage"] == stage for ts, _, e in EVENTS)


def story(folder, broker):
    calm = Scene(folder, broker, "calm", has_topic=False)
    calm.feed(0, 9)
    calm.end()
    libcases.run([silence, burst, intervene, rubbish, listing, missing], folder, broker)


kit.story(story)
