#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Points 14 and 15 of PROTOCOL.md section 7: a quiet input was advanced by the clock, and older events arrive after
the kill -9; a daemon stands still for longer than its transaction may last, alone and while a second one starts."""
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
import libcases
from libcases import kit
from libcrash import PARTITIONS, Scene, check_calm, log_of, named

TIMEOUT_MS = 5000
STOP = "produce.half:3:stop"


# --- 14: the log ends a minute ago; it was quiet for a while, half an hour before that


def log_near_now():
    first = log_of(9)
    shift = int(time.time() * 1000) - kit.MINUTE - max(r["ts"] for r in first)
    events = [(ts + shift, entity, {**e, "ts": kit.instant(ts + shift)})
              for ts, entity, e in kit.shop(9, hours=3, visits_an_hour=2000)]
    return kit.records(events, PARTITIONS)


class Quiet(Scene):
    """The log up to half an hour before its end is there; `late` is the rest."""

    def __init__(self, folder, broker, name):
        super().__init__(folder, broker, name, [], inputs=[
            {"topic": name + ".in", "preset": "plain", "no_data": "off"}],
            time={"idle_after": "1s", "idle_lateness": "2s"}, state={"snapshot": "1h"})
        cut = NEAR[-1]["ts"] - 50 * kit.MINUTE
        self.late = [r for r in NEAR if r["ts"] >= cut]
        kit.produce(self.topic, [r for r in NEAR if r["ts"] < cut])

    def decided(self):
        """By the clock, for every partition, and committed."""
        self.wait_metric("funneld_decisions_total", PARTITIONS)
        kit.produce(self.topic, [{"partition": p, "key": "bad", "value": "bad"} for p in range(PARTITIONS)])
        self.wait_settled()


def undecided(folder, broker):
    """What an uncommitted decision has closed is open again: the older events count."""
    scene = Quiet(folder, broker, "undecided")
    scene.killed("decide.idle")
    kit.produce(scene.topic, scene.late)
    scene.begin()
    scene.finish()
    for output in (".alerts", ".dead"):
        broker.topic("undecided-calm" + output)
    calm = kit.Daemon(folder, kit.configuration("undecided-calm", broker.bootstrap, inputs=[{"topic": scene.topic}]))
    kit.wait_committed(scene.topic, "undecided-calm")
    calm.stop()
    count = check_calm("undecided", "undecided-calm")
    kit.say(f"undecided: {count} alert records, as if no clock had spoken")


def decide_and_go_on(scene, disturb):
    scene.begin()
    scene.decided()
    disturb()
    kit.produce(scene.topic, scene.late)
    scene.begin()
    scene.wait_settled()
    late = scene.daemon.metrics()["funneld_events_late_total"]
    kit.check(late > len(scene.late) / 2, f"only {late} events are late")
    disturb()
    scene.begin()
    scene.finish()


def decided(folder, broker):
    """What a committed decision has closed stays closed: each replay finds the older events late again."""
    scene = Quiet(folder, broker, "decided")
    twin = Quiet(folder, broker, "decided-calm")
    libcases.together([named("decided-calm", lambda: decide_and_go_on(twin, lambda: None)),
                       named("decided-kill", lambda: decide_and_go_on(scene, scene.daemon.kill))])
    kit.say(f"decided: {check_calm('decided', 'decided-calm', 20)} alert records, each once")


# --- 15


def stopped(scene, orders):
    """It stands still when half of a transaction is on the broker, for longer than that may last."""
    scene.begin(orders)
    stops = "fault: produce.half, hit 3: stop"
    while scene.chunks and stops not in scene.daemon.text():
        kit.produce(scene.topic, scene.chunks.pop(0))
        kit.wait_for("a commit, or a stop", 60, lambda: stops in scene.daemon.text() or scene.settled())
    kit.wait_for("it stops", 30, lambda: stops in scene.daemon.text())
    time.sleep(TIMEOUT_MS / 1000 * 1.6)


def scene_of(folder, broker, name):
    return Scene(folder, broker, name, RECORDS, kafka={"transaction.timeout.ms": TIMEOUT_MS})


def two(folder, broker):
    """The second one has everything; the first one, awake again, sees that and ends."""
    scene = scene_of(folder, broker, "two")
    stopped(scene, STOP)
    first = scene.daemon
    shutil.copytree(first.state_dir, folder + "/state-copied")  # as on another host, of a disk kept equal
    config = {**first.config, "http": f"127.0.0.1:{kit.free_port()}",
              "state": {"snapshot": "1s", "dir": folder + "/state-copied"}}
    scene.daemon = kit.Daemon(folder, config)
    scene.daemon.wait_ready()
    kit.produce(scene.topic, scene.chunks.pop(0))
    scene.wait_settled()
    first.signal(signal.SIGCONT)
    kit.same("exit status of the first one", kit.EXIT["fenced"], first.wait(60))
    scene.finish()
    kit.say(f"two: {check_calm('two')} alert records, each once")


def alone(folder, broker):
    """Its own transaction timed out: it goes on by itself."""
    scene = scene_of(folder, broker, "alone")
    stopped(scene, STOP)
    scene.daemon.signal(signal.SIGCONT)
    scene.feed()
    kit.same("new producers", 1, scene.daemon.metrics()["funneld_producer_renewals_total"])
    scene.finish()
    kit.say(f"alone: {check_calm('alone')} alert records, each once")


def renewing(folder, broker):
    """The same, and killed when it has a new producer."""
    scene = scene_of(folder, broker, "renewing")
    stopped(scene, STOP + ",txn.renew")
    scene.daemon.signal(signal.SIGCONT)
    scene.daemon.wait_fault("txn.renew")
    scene.begin()
    scene.finish()
    kit.say(f"renewing: {check_calm('renewing')} alert records, each once")


def story(folder, broker):
    calm = Scene(folder, broker, "calm", RECORDS)
    calm.begin()
    calm.finish()
    libcases.run([undecided, decided, two, alone, renewing], folder, broker, at_once=4)


RECORDS = log_of(5)
NEAR = log_near_now()
kit.story(story)
