#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Input that goes quiet, with events of about now: partitions without a word follow the others, a silent source the
clock; its dark panes turn no alert; a silence too long for its rate has an alert of its own; a broker that does not
answer makes nobody quiet."""
import json
import random
import subprocess
import threading
import time

import libcases
from libcases import kit

TIME = {"pane": "1s", "lateness": "1s", "idle_after": "1s", "idle_lateness": "2s"}
RULE = {"id": "low", "kind": "target", "step": "visit>cart", "target": 0.5, "window": "10s", "min_entries": 10,
        "significance": 0.01, "hold": "0s", "resolve_after": "0s"}


def now():
    return int(time.time() * 1000)


class Live:
    """A producer whose events are of the moment they are produced: `rate` visits a second in each of the
    partitions, each with its cart where `good`."""

    def __init__(self, topic, partitions, rate=10, good=True):
        self.partitions, self.rate, self.good = partitions, rate, good
        self.last = {}  # by partition: the time of the last event
        self.process = subprocess.Popen([kit.KTOOL, "produce", "--topic", topic, "--format", "record"],
                                        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=kit.with_parent)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._feed, daemon=True)
        self.thread.start()

    def _feed(self):
        n, tag = 0, f"{random.getrandbits(32):08x}"
        while not self.ending.wait(1 / self.rate):
            for p in self.partitions:
                ts, entity = now(), f"{tag}-{p}-{n}"
                self._put(p, ts, entity, "visit")
                if self.good:
                    self._put(p, ts, entity, "cart")
                self.last[p] = ts
            n += 1
            self.process.stdin.flush()

    def _put(self, partition, ts, entity, stage):
        self.process.stdin.write(record(partition, ts, entity, stage).encode())

    def stop(self):
        self.ending.set()
        self.thread.join()
        self.process.stdin.close()
        kit.same("the producer's end", 0, self.process.wait(60))


def record(partition, ts, entity, stage, written=0):
    return json.dumps({"partition": partition, "ts": written or now(), "key": entity,
                       "value": kit.text_of(kit.event(entity, stage, ts))}) + "\n"


class Scene:
    def __init__(self, folder, broker, name, partitions, **over):
        self.name, self.topic = name, name + ".in"
        broker.topics(name, partitions)
        config = kit.configuration(name, broker.bootstrap, **{"time": dict(TIME), **over})
        config["funnels"]["shop"]["rules"] = [dict(RULE)]
        self.daemon = kit.Daemon(folder, config, start=False)

    def live(self, partitions, **how):
        return Live(self.topic, partitions, **how)

    def metric(self, name, partition=None):
        labels = f'{{topic="{self.topic}"' + ("}" if partition is None else f',partition="{partition}"}}')
        m = self.daemon.metrics()
        return m.get("funneld_" + name, m.get("funneld_" + name + labels))

    def watermark(self, partition):
        return (self.metric("partition_watermark_timestamp_seconds", partition) or 0) * 1000

    def values(self):
        """Of the alert topic, in its order; heartbeats left out."""
        return [json.loads(v) for k, h, v in kit.alerts_of(self.name + ".alerts") if not kit.is_heartbeat(k, h)]

    def alerts(self):
        """(rule, status, reason)"""
        return [(v["labels"]["alertname"], v["status"], v.get("endsReason")) for v in self.values()]

    def wait_alert(self, name, status, reason=None, seconds=40):
        kit.wait_for(f"{self.name}: {name} {status}", seconds,
                     lambda: (name, status, reason) in self.alerts(), every=0.2)

    def killed(self):
        """kill -9 and a start: what was published stays, and what is read again gives the same (else: diverged)."""
        self.daemon.kill()
        before = kit.alerts_of(self.name + ".alerts")
        self.daemon.start()
        self.daemon.wait_ready()
        kit.check("compared=yes" in self.daemon.text(last_start=True), f"{self.name}: nothing was compared")
        kit.same_list(f"{self.name}: after a kill", before, kit.alerts_of(self.name + ".alerts")[:len(before)])

    def nothing_lost(self):
        """Every entity of the log, once the clock has put the last ones in order."""
        keys = {r["key"] for r in kit.consume(self.topic)}
        kit.wait_for(f"{self.name}: {len(keys)} entities", 30, lambda: self.metric("entities") == len(keys))

    def end(self):
        m = self.daemon.metrics()
        kit.same(f"{self.name}: conservation errors", 0, m["funneld_conservation_errors_total"])
        kit.nothing_twice(self.name + ".alerts", self.name + ".dead")
        kit.same(f"{self.name}: dead letters", 0, len(kit.consume(self.name + ".dead")))
        keys = {}
        for key, headers, text in kit.alerts_of(self.name + ".alerts"):
            if not kit.is_heartbeat(key, headers):
                keys.setdefault(key, []).append(json.loads(text)["sequence"])
        for key, seen in keys.items():
            kit.same(f"{self.name}: sequences of {key}", list(range(1, len(seen) + 1)), seen)
        self.daemon.stop()


def never(folder, broker):
    """A partition that never had an event holds nobody back; meanwhile heartbeats tell that funneld lives."""
    scene = Scene(folder, broker, "never", 2, heartbeat="1s")
    scene.daemon.start()
    scene.daemon.wait_ready()
    live = scene.live([0], good=False)
    scene.wait_alert("low", "firing")
    kit.check(scene.metric("decisions_total") > 0, "never: no decision")
    kit.check(scene.watermark(1) > 0, "never: the silent partition has no watermark")
    scene.killed()
    live.good = True
    scene.wait_alert("low", "resolved", "recovered")
    live.stop()
    beats = [(k, h, v) for k, h, v in kit.alerts_of("never.alerts") if kit.is_heartbeat(k, h)]
    kit.check(len(beats) >= 5, f"never: {len(beats)} heartbeats")
    kit.same("never: keys of heartbeats", {"heartbeat/never"}, {k for k, _, _ in beats})
    kit.same("never: ids of heartbeats", len(beats), len({h["ce_id"] for _, h, _ in beats}))
    kit.check(all(json.loads(v) for _, _, v in beats), "never: a heartbeat is no JSON object")
    scene.end()


def follows(folder, broker):
    """A partition that falls silent follows the others; what it says of the past afterwards is applied, late."""
    scene = Scene(folder, broker, "follows", 2)
    scene.daemon.start()
    scene.daemon.wait_ready()
    both = scene.live([0, 1])
    kit.wait_for("follows: both are heard", 20, lambda: scene.watermark(0) and scene.watermark(1))
    both.stop()
    silent = both.last[1]
    live = scene.live([0], good=False)
    scene.wait_alert("low", "firing")
    kit.wait_for("follows: the silent one's watermark", 20, lambda: scene.watermark(1) > silent + 5000)
    late = scene.metric("events_late_total")
    events = [(silent + 1000, f"late-{n}", stage) for n in range(30) for stage in ("visit", "cart")]
    kit.run(kit.KTOOL, "produce", "--topic", scene.topic, "--format", "record",
            text="".join(record(1, *e[:2], e[2]) for e in events).encode())
    kit.wait_for("follows: late ones", 20, lambda: scene.metric("events_late_total") == late + len(events))
    scene.killed()
    live.good = True
    scene.wait_alert("low", "resolved", "recovered")
    kit.same("follows: dark panes beside a live partition", 0, scene.metric("source_dark_panes_total"))
    live.stop()
    scene.nothing_lost()
    scene.end()


def source(folder, broker):
    """All of a source silent: panes go on closing, dark, and turn no alert; it comes back with the past, and now."""
    scene = Scene(folder, broker, "source", 2)
    scene.daemon.start()
    scene.daemon.wait_ready()
    live = scene.live([0, 1], good=False)
    scene.wait_alert("low", "firing")
    live.good = True  # not for long enough; but when the bad ones have left the window, these are in it alone
    time.sleep(2)
    live.stop()
    before = scene.alerts()
    kit.same("source: before the dark", ("low", "firing", None), before[-1])
    silent = max(live.last.values())
    kit.wait_for("source: dark panes beyond the rule's window", 40,
                 lambda: scene.metric("source_dark_panes_total") >= 14)
    kit.check(scene.metric("closed_timestamp_seconds") * 1000 > silent + 10_000, "source: panes do not close")
    kit.same("source: alerts in the dark", before, scene.alerts())
    scene.killed()
    kit.same("source: alerts after a kill in the dark", before, scene.alerts())
    late = scene.metric("events_late_total")
    events = [(silent + 1000, f"late-{n}", s, n % 2) for n in range(40) for s in ("visit", "cart")]
    kit.run(kit.KTOOL, "produce", "--topic", scene.topic, "--format", "record",
            text="".join(record(p, ts, e, s) for ts, e, s, p in events).encode())
    kit.wait_for("source: late ones", 20, lambda: scene.metric("events_late_total") >= late + len(events))
    scene.killed()
    live = scene.live([0, 1])
    scene.wait_alert("low", "resolved", "recovered")
    live.stop()
    scene.nothing_lost()
    scene.end()


def frozen(folder, broker):
    """The broker frozen right after events, or in the midst of them: nobody is taken for quiet, however long. An answer
    is believed for 15 s, so that idle_after is longer: one given between the last event and the frost is too old then."""
    scene = Scene(folder, broker, "frozen", 2, time={**TIME, "idle_after": "16s"})
    scene.daemon.start()
    scene.daemon.wait_ready()
    live = scene.live([0, 1], rate=50)
    kit.wait_for("frozen: both are heard", 20, lambda: scene.watermark(0) and scene.watermark(1))
    if libcases.FULL:
        freeze(scene, broker, 25)
        kit.wait_for("frozen: caught up", 30, lambda: scene.watermark(0) > now() - 4000)
    live.stop()
    time.sleep(0.8)  # the ends of the partitions are known
    freeze(scene, broker, 20)
    live = scene.live([0, 1], rate=50, good=False)
    scene.wait_alert("low", "firing", seconds=60)
    live.stop()
    scene.nothing_lost()
    scene.end()


def freeze(scene, broker, seconds):
    broker.freeze()
    before = scene.metric("decisions_total"), scene.metric("source_dark_panes_total")
    time.sleep(seconds)
    after = scene.metric("decisions_total"), scene.metric("source_dark_panes_total")
    broker.thaw()
    kit.same("frozen: decisions and dark panes", before, after)


# --- no_data ---

HOUR_S = 3600
DENSE = 4  # events a second in the hours that matter


def history(until):
    """Eight days with an event an hour, and many in the hours around this one: a week ago, and today so far."""
    this_hour = until // kit.HOUR * kit.HOUR
    times = list(range(this_hour - 8 * 24 * kit.HOUR, this_hour, kit.HOUR))
    week_ago = this_hour - 7 * 24 * kit.HOUR
    for begin, end in ((week_ago - kit.HOUR, week_ago + 2 * kit.HOUR), (this_hour - kit.HOUR, until)):
        times += range(begin + 1, end, 1000 // DENSE)
    return [record(0, ts, f"h-{ts}", "visit") for ts in sorted(times)]


def no_data(folder, broker):
    """A silence too long for what is usual at this hour fires, and resolves when events return, marked by who
    silenced the source; a first start that reads eight days of history tells nothing of them."""
    broker.topic("no-data.control")
    scene = Scene(folder, broker, "no-data", 1, first_start="bootstrap", control="no-data.control")
    until = now() + 3000
    kit.run(kit.KTOOL, "produce", "--topic", scene.topic, "--format", "record",
            text="".join(history(until)).encode())
    scene.daemon.start()
    scene.daemon.wait_ready()
    live = scene.live([0], rate=DENSE, good=False)
    kit.wait_for("no-data: its rate is known", 60, lambda: scene.metric("source_lambda_threshold"))
    kit.wait_for("no-data: bootstrapped", 60, lambda: scene.metric("bootstrapping") == 0)
    threshold = scene.metric("source_lambda_threshold")
    kit.check(7 <= threshold < 60, f"no-data: threshold {threshold}")
    scene.wait_alert("low", "firing")
    kit.wait_for("no-data: no silence", 60, lambda: scene.metric("source_silent") == 0)
    kit.run(kit.FUNNELD, "silence", "-c", scene.daemon.file, "--for", "2h", "--id", "s", "source=no-data.in")
    kit.wait_for("no-data: the silence", 20, lambda: scene.metric("control_records_total") == 1)
    # On a machine so busy that this producer began late there was a silence before.
    known = len(scene.alerts())

    def since():
        return [a for a in scene.alerts()[known:] if a[0] == "no_data"]

    live.stop()
    kit.wait_for("no-data: fires", 60, lambda: since()[-1:] == [("no_data", "firing", None)], every=0.2)
    kit.same("no-data: silent", 1, scene.metric("source_silent"))
    kit.check(scene.metric("source_lambda") > threshold, "no-data: lambda")
    before = scene.alerts()
    scene.killed()
    kit.same("no-data: silent after a kill", 1, scene.metric("source_silent"))
    kit.same("no-data: alerts after a kill", before, scene.alerts())
    live = scene.live([0], rate=DENSE, good=False)
    kit.wait_for("no-data: resolves", 60, lambda: since()[-1:] == [("no_data", "resolved", "data_returned")], every=0.2)
    live.stop()
    kit.same("no-data: of a conversion", [("low", "firing", None)], [a for a in scene.alerts() if a[0] == "low"])
    marks = [(v["labels"]["alertname"], v["silenced_by"]) for v in scene.values()]
    kit.same("no-data: silenced before it was said", [], [m for m in marks[:known] if m[1]])
    kit.same("no-data: silenced since", [("no_data", ["s"])], [m for i, m in enumerate(marks[known:])
                                                             if m not in marks[known:known + i]])
    scene.end()


def story(folder, broker):
    libcases.run([no_data, source, follows, never], folder, broker, alone=[frozen], at_once=4)


kit.story(story)
