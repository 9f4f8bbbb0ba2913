#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""More decisions than commit metadata has room for: a snapshot is forced where it is nearly full; where it is full
none is made and none is lost; the broker's limit is never passed, and a kill at any time gives the same again. In
the short form most of them are of operators, in the long one of partitions that fall silent between their records."""
import random
import threading
import time

import libcases
from libcases import kit

PARTITIONS = 4
BROKER_MAX = 4096  # characters, offset.metadata.max.bytes
FORCED_AT, NO_MORE_AT = 2048, 2816  # bytes of decisions: src/shell/snapshot_due.h, decision_log.h
# A time to come, so that the clock closes no pane of a topic that is silent as a whole.
START = kit.START + 8000 * 24 * kit.HOUR


class Watch:
    """Looks at the committed metadata all the time; the largest is kept."""

    def __init__(self, topic, group):
        self.question = (kit.KTOOL, "offsets", "--topic", topic, "--group", group, "--unstable")
        self.most = self.looks = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        while not self.over.wait(0.2):
            for line in kit.run(*self.question).splitlines():
                self.most = max(self.most, len(kit.json.loads(line)["metadata"] or ""))
            self.looks += 1

    def end(self):
        self.over.set()
        self.thread.join(30)
        kit.check(self.looks > 5 and self.most > 2000, f"metadata of {self.most} characters: too weak a test")
        kit.check(self.most <= BROKER_MAX, f"metadata of {self.most} characters")


class Scene:
    def __init__(self, folder, broker, name):
        self.name, self.topic, self.control = name, name + ".in", name + ".control"
        broker.topics(name, PARTITIONS)
        broker.topic(self.control)
        config = kit.configuration(name, broker.bootstrap, control=self.control, state={"snapshot": "1h"},
                                   time={"idle_after": "1s"})
        self.daemon = kit.Daemon(folder, config)
        self.daemon.wait_ready(60)

    def metrics(self):
        m = self.daemon.metrics()
        kit.check(m["funneld_decision_bytes"] <= NO_MORE_AT, f"{m['funneld_decision_bytes']} bytes of decisions")
        kit.same("transactions aborted", 0, m["funneld_transaction_aborts_total"])
        return m

    def wait_metric(self, name, least, seconds=60):
        kit.wait_for(f"{self.name}: {name} {least}", seconds, lambda: self.metrics()["funneld_" + name] >= least,
                     every=0.1)

    def silence(self, count, comment):
        """So many records of the control topic, of a few silences that are said anew again and again."""
        kit.produce(self.control, [{"key": f"s-{i % 8}", "value": kit.json.dumps({
            "kind": "silence", "id": f"s-{i % 8}", "from": kit.instant(START), "to": kit.instant(START + kit.HOUR * 48),
            "matchers": {"funnel": "shop"}, "author": "story", "comment": f"{i}: " + comment})}
            for i in range(count)])

    def killed(self):
        """The log since the last snapshot is read again, with every decision at its place: else exit diverged."""
        self.daemon.kill()
        self.daemon.start()
        self.daemon.wait_ready(60)
        text = self.daemon.text(last_start=True)
        kit.check("compared=yes" in text, f"{self.name}: nothing was compared, see {self.daemon.log}")

    def end(self):
        self.daemon.check_alive()
        kit.same("conservation errors", 0, self.metrics()["funneld_conservation_errors_total"])
        kit.nothing_twice(self.name + ".alerts", self.name + ".dead")
        self.daemon.stop()


def trickle(seconds, a_second=4):
    """The first partition has an event all the time; the others one in turn, and then nothing for a while, in which
    they follow the first. Each event is a minute after the one before."""
    r = random.Random(3)
    result = []
    for i in range(seconds * a_second):
        ts = START + 6 * kit.HOUR + i * kit.MINUTE
        partition = 0 if i % 3 else 1 + i // 3 % (PARTITIONS - 1)
        entity = f"e-{i:05d}"
        result.append({"partition": partition, "ts": ts, "key": entity,
                       "value": kit.text_of(kit.event(entity, r.choice(kit.STAGES), ts, "mail"))})
    return result


def said_too_often(folder, broker):
    """Operators say more than there is room for: what cannot be taken waits for a snapshot, and none of it is lost,
    whenever it is killed."""
    scene = Scene(folder, broker, "said")
    watch = Watch(scene.topic, scene.name)
    shop = kit.records(kit.shop(8, hours=5, visits_an_hour=1500, start=START), PARTITIONS)
    kit.produce(scene.topic, shop[:len(shop) // 2])
    kit.wait_committed(scene.topic, scene.name, 60)
    begun = scene.metrics()["funneld_snapshots_total"]
    scene.silence(14, "x" * 100)
    scene.wait_metric("snapshots_total", begun + 1)
    scene.wait_metric("control_records_total", 14)
    for text in ("control records wait until a snapshot", "metadata is nearly full"):
        kit.check(text in scene.daemon.text(), f"the log does not say '{text}', see {scene.daemon.log}")
    scene.killed()
    kit.produce(scene.topic, shop[len(shop) // 2:])
    producing = kit.Producing(scene.topic, trickle(8), 4)
    for i in range(3):
        scene.silence(10 if libcases.FULL else 4, "y" * 100 * i)
        time.sleep(1)
        scene.killed()
    producing.wait()
    # With two snapshots kept, decisions go when the older one has them too.
    kit.wait_committed(scene.control, scene.name, 120)
    kit.wait_committed(scene.topic, scene.name, 60)
    kit.wait_for("room", 60, lambda: scene.metrics()["funneld_decision_bytes"] < FORCED_AT)
    kit.same("control records refused", 0, scene.metrics()["funneld_control_records_refused_total"])
    scene.killed()
    scene.end()
    watch.end()
    silenced = [v for _, _, v in kit.alerts_of(scene.name + ".alerts") if '"s-0"' in v]
    kit.check(silenced, "no alert was silenced: the decisions did nothing")
    kit.say(f"said_too_often: metadata of {watch.most} characters at most, {len(silenced)} alerts silenced")


def quiet_too_often(folder, broker):
    """Partitions that fall silent again and again: a decision each time, each at a place of its own."""
    scene = Scene(folder, broker, "quiet")
    watch = Watch(scene.topic, scene.name)
    seconds = 900 if libcases.FULL else 20
    producing = kit.Producing(scene.topic, trickle(seconds), 4)
    if libcases.FULL:
        scene.wait_metric("decision_bytes", FORCED_AT, seconds)
        kit.wait_for("room", 60, lambda: scene.metrics()["funneld_decision_bytes"] < FORCED_AT)
    else:
        scene.wait_metric("decisions_total", 20)
    scene.killed()
    bytes_before = scene.metrics()["funneld_decision_bytes"]
    kit.check(bytes_before > 0, "the decisions did not outlive the kill")
    producing.process.kill()
    scene.killed()
    scene.end()
    watch.over.set()
    kit.say(f"quiet_too_often: {bytes_before:.0f} bytes of decisions after a kill")


def story(folder, broker):
    libcases.run([said_too_often, quiet_too_often], folder, broker)


kit.story(story)
