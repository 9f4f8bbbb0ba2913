#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Topics that get more partitions, and `funneld state rekey`: what is known of each entity goes on where its key's
next events come. The alerts are those of one partition for ever, and no entity is counted anew. CASES=name,... runs
only these."""
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import libcases
import libfault as fault
from libcases import kit

BEFORE, AFTER = 2, 5
# The brokers are asked each few seconds once nothing comes any more. Events of today, so that no pane closes by that.
QUIET = {"idle_after": "4s"}
NOW = int(time.time() * 1000) // kit.HOUR * kit.HOUR
EVENTS = kit.shop(41, hours=2, visits_an_hour=1500, incident=(0.5, 1.0), start=NOW)
HALF = len(EVENTS) // 2
BOUND = 40  # seconds until it has noticed


def murmur2(key):
    """As producers of Kafka's Java client do."""
    m, mask = 0x5bd1e995, 0xffffffff
    h = 0x9747b28c ^ len(key)
    whole = len(key) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(key[i:i + 4], "little") * m & mask
        h = h * m & mask ^ (k ^ k >> 24) * m & mask
    if whole < len(key):
        h = (h ^ int.from_bytes(key[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7fffffff


def records(events, partitions):
    return [{"partition": murmur2(entity.encode()) % partitions, "ts": ts, "key": entity, "value": kit.text_of(e)}
            for ts, entity, e in events]


class Scene:
    def __init__(self, name):
        self.name, self.topic = name, name + ".in"
        BROKER.topics(name, BEFORE)
        BROKER.topic(name + ".control")
        config = kit.configuration(name, BROKER.bootstrap, time=QUIET, control=name + ".control")
        self.daemon = kit.Daemon(FOLDER, config)
        self.daemon.wait_ready()
        kit.produce(self.topic, records(EVENTS[:HALF], BEFORE))
        kit.wait_committed(self.topic, name)

    def grow(self):
        kit.run(kit.KTOOL, "grow", "--topic", self.topic, "--partitions", str(AFTER))
        kit.wait_for("the new partitions", 20, lambda: len(kit.ends(self.topic)) == AFTER)

    def grown(self):
        self.grow()
        kit.same(f"{self.name}: exit status", kit.EXIT["partitions"], self.daemon.wait(BOUND))

    def rekey(self, *flags, code=0, says="", faults=None):
        """How it ends, and a part of what it says."""
        program = kit.FAULTS_BIN if faults else kit.FUNNELD
        environment = {**os.environ, **({"FUNNELD_FAULT": faults} if faults else {})}
        done = subprocess.run([program, "state", "rekey", "-c", self.daemon.file, *flags], timeout=90,
                              capture_output=True, env=environment)
        said = done.stdout.decode() + done.stderr.decode()
        kit.same(f"{self.name}: rekey {flags} ended, saying {said}", code, done.returncode)
        kit.check(says in said, f"{self.name}: rekey {flags} does not say '{says}': {said}")
        return said

    def nobody_anew(self):
        """The last events wait for their turn, each of an entity of its own."""
        metrics = self.daemon.metrics()
        kit.same(f"{self.name}: events", len(EVENTS), metrics["funneld_events_total"])
        kit.same(f"{self.name}: late ones", 0, metrics["funneld_events_late_total"])
        kit.same(f"{self.name}: entities", len({entity for _, entity, _ in EVENTS}),
                 metrics["funneld_entities_created_total"] + metrics["funneld_events_reordering"])

    def goes_on(self):
        """The other half of the events, on the new partitions; all as if there had been one partition."""
        before = len(kit.alerts_of(self.name + ".alerts"))
        self.daemon.start()
        self.daemon.wait_ready()
        kit.produce(self.topic, records(EVENTS[HALF:], AFTER))
        kit.wait_committed(self.topic, self.name)
        found = kit.alerts_of(self.name + ".alerts")
        kit.write_lines(f"{FOLDER}/{self.name}.ndjson", [kit.text_of(e) for _, _, e in EVENTS])
        expected = kit.replay_alerts(self.daemon.file, f"{FOLDER}/{self.name}.ndjson")
        kit.same_list(f"{self.name}: alerts", expected[:len(found)], found)
        kit.check(before > 10 and len(found) > before + 10, f"{self.name}: {before} and {len(found)} alert records: too weak")
        kit.nothing_twice(self.name + ".alerts", self.name + ".dead")
        fault.no_conservation_errors(self.daemon)
        self.nobody_anew()
        self.daemon.stop()
        kit.say(f"{self.name}: {before} alert records before and {len(found) - before} after, as on one partition")


def moved():
    """The plain way, after looking; another start replays nothing wrong."""
    s = Scene("moved")
    kit.run(kit.FUNNELD, "silence", "-c", s.daemon.file, "--for", "1h", "alertname=none")
    kit.wait_committed("moved.control", "moved")
    s.grown()
    fault.refuses(s.daemon, "partitions", "state rekey")
    files = sorted(os.listdir(s.daemon.state_dir))
    s.rekey(code=64, says="--partitioner")
    said = s.rekey("--partitioner", "crc32", code=1, says="--partitioner murmur2")
    kit.check("crc32 puts only" in said, said)
    s.rekey("--partitioner", "murmur2", "--dry-run", says="Nothing was changed")
    kit.same_list("files of the state folder", files, sorted(os.listdir(s.daemon.state_dir)))
    fault.refuses(s.daemon, "partitions", "state rekey")
    said = s.rekey("--partitioner", "murmur2", says="100.00 %")
    kit.check("left where they were" not in said, said)
    s.rekey("--partitioner", "murmur2", says="nothing to do")
    kit.same("committed of the control topic", kit.ends("moved.control"), kit.committed("moved.control", "moved"))
    s.daemon.start()
    s.daemon.wait_ready()
    s.daemon.kill()
    s.goes_on()


def killed_on_the_way():
    """At every step either the state of before is there, or the new one."""
    s = Scene("killed")
    s.grown()
    for point in ("snapshot.child", "rekey.saved", "txn.offsets", "txn.commit"):
        s.rekey("--partitioner", "murmur2", faults=point, code=kit.KILLED, says=point)
        fault.refuses(s.daemon, "partitions")
    s.rekey("--partitioner", "murmur2", faults="txn.committed", code=kit.KILLED)
    s.rekey("--partitioner", "murmur2", says="nothing to do")
    s.goes_on()


def daemon_killed_before_it_noticed():
    """No snapshot stands where the offsets do: it says so, and changes nothing."""
    s = Scene("unclean")
    s.grow()
    s.daemon.kill()
    files = sorted(os.listdir(s.daemon.state_dir))
    s.rekey("--partitioner", "murmur2", code=kit.EXIT["state"], says="--new-epoch")
    kit.same_list("files of the state folder", files, sorted(os.listdir(s.daemon.state_dir)))


def a_running_daemon():
    s = Scene("running")
    s.rekey("--partitioner", "same", code=88)
    s.daemon.check_alive()
    s.daemon.stop()
    s.rekey("--partitioner", "same", says="nothing to do")


def a_way_of_their_own():
    """Old keys stay where they were: nothing moves, new keys come on new partitions."""
    s = Scene("same")
    s.grown()
    said = s.rekey("--partitioner", "same")
    kit.check("moved 0," in said, said)
    old = {entity for _, entity, _ in EVENTS[:HALF]}
    after, plain = records(EVENTS[HALF:], AFTER), records(EVENTS[HALF:], BEFORE)
    s.daemon.start()
    s.daemon.wait_ready()
    kit.produce(s.topic, [b if b["key"] in old else a for a, b in zip(after, plain)])
    kit.wait_committed(s.topic, s.name)
    s.nobody_anew()
    fault.no_conservation_errors(s.daemon)
    s.daemon.stop()


def story(folder, broker):
    global FOLDER, BROKER
    FOLDER, BROKER = folder, broker
    libcases.run((moved, killed_on_the_way, daemon_killed_before_it_noticed, a_running_daemon, a_way_of_their_own),
                 at_once=5)


kit.story(story)
