#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stopped and started, killed and started: the alert topic is the same as without all that, byte for byte; dead
letters are there once. The broker is killed, stopped and frozen in ../fault/broker_faults.py."""
import random
import signal
import sys
import time

sys.dont_write_bytecode = True
import libkit as kit

PARTITIONS = 4
RATE = 5000
BAD = 40


def with_bad(records):
    every = len(records) // BAD
    result = []
    for i, r in enumerate(records):
        if i % every == 0:
            result.append({"partition": r["partition"], "ts": r["ts"], "key": f"bad-{i}", "value": f"bad {i}"})
        result.append(r)
    return result


def undisturbed(folder, broker, name, topic):
    """The alert values of a daemon of its own over the same log."""
    for output in (".alerts", ".dead"):
        broker.topic(name + output)
    config = kit.configuration(name, broker.bootstrap, inputs=[{"topic": topic}])
    d = kit.Daemon(folder, config)
    kit.wait_committed(topic, name)
    d.stop()
    found = [v for _, _, v in kit.alerts_of(name + ".alerts")]
    kit.check(len(found) >= 50, f"only {len(found)} alert records: too weak a test")
    return found


class Scene:
    """Topics and a daemon that is disturbed."""

    def __init__(self, folder, broker, name):
        self.name, self.folder, self.broker = name, folder, broker
        broker.topics(name, PARTITIONS)
        self.topic = name + ".in"
        self.daemon = kit.Daemon(folder, kit.configuration(name, broker.bootstrap), start=False)

    def check(self):
        kit.wait_committed(self.topic, self.name, 60)
        found = kit.alerts_of(self.name + ".alerts")
        calm = undisturbed(self.folder, self.broker, self.name + "-calm", self.topic)
        kit.same_list(f"{self.name}: alert values", calm, [v for _, _, v in found])
        kit.same(f"{self.name}: different ce_id", len(found), len({h["ce_id"] for _, h, _ in found}))
        expected = kit.replay_alerts(self.daemon.file, f"{self.folder}/events.ndjson")
        kit.same_list(f"{self.name}: alert bytes", expected[:len(found)], found)
        kit.same(f"{self.name}: conservation errors", 0, self.daemon.metrics()["funneld_conservation_errors_total"])
        bad = [(str(x["partition"]), str(x["offset"])) for x in kit.consume(self.topic) if x["key"][:4] == "bad-"]
        letters = [(x["headers"]["funneld_partition"], x["headers"]["funneld_offset"])
                   for x in kit.consume(self.name + ".dead")]
        kit.same_list(f"{self.name}: dead letters", sorted(bad), sorted(letters))
        self.daemon.stop()
        kit.say(f"{self.name}: {len(found)} alert records and {len(letters)} dead letters, each once")


def sigterm(scene, records):
    half = len(records) // 2
    producing = kit.Producing(scene.topic, records[:half], RATE)
    for pause in (1.2, 0.6):
        scene.daemon.start()
        scene.daemon.wait_ready()
        time.sleep(pause)
        began = time.monotonic()
        scene.daemon.stop(5)
        kit.check(time.monotonic() - began < 5, "SIGTERM took longer than 5 s")
    producing.wait()
    scene.daemon.start()  # while it rebuilds, or just after
    time.sleep(0.8)
    scene.daemon.stop(5)
    scene.daemon.start()
    kit.produce(scene.topic, records[half:])
    scene.check()


def kill9(scene, records):
    r = random.Random(4)
    producing = kit.Producing(scene.topic, records, RATE)
    for _ in range(5):
        scene.daemon.start()
        scene.daemon.wait_ready()
        time.sleep(r.uniform(0.02, 0.8))
        kit.same("killed", -signal.SIGKILL, scene.daemon.kill())
    # Once more, before it is ready.
    scene.daemon.start()
    time.sleep(r.uniform(0.05, 1.0))
    scene.daemon.kill()
    scene.daemon.start()
    producing.wait()
    scene.check()


def story(folder, broker):
    events = kit.shop(seed=2, hours=4, visits_an_hour=2400)
    records = with_bad(kit.records(events, PARTITIONS))
    kit.write_lines(f"{folder}/events.ndjson", [r["value"] for r in records])
    sigterm(Scene(folder, broker, "term"), records)
    kill9(Scene(folder, broker, "kill"), records)


kit.story(story)
