#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many kill -9 at random instants under load, while snapshots are taken all the time; in between the broker is killed,
the daemon is stopped, and told of a changed file. At the end a read_committed reader sees what one undisturbed replay
of the log gives, key by key. KILLS=n: so many instead of 50 (FULL=1: 300); SEED=n: those of an earlier run."""
import os
import queue
import random
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
import libcases
from libcases import kit
from libcrash import PARTITIONS, log_of

KILLS = int(os.environ.get("KILLS", "300" if libcases.FULL else "50"))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))


class Feeding:
    """Produces a chunk when asked to, while the story goes on. Nothing is produced while the broker dies: it might
    take a batch twice, and the log would not be ours any more."""

    def __init__(self, topic, records, count):
        size = len(records) // count + 1
        self.topic, self.chunks = topic, [records[i:i + size] for i in range(0, len(records), size)]
        self.lock, self.orders, self.failed = threading.Lock(), queue.Queue(), None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while self.orders.get():
                with self.lock:
                    kit.produce(self.topic, self.chunks.pop(0))
        except Exception as e:
            self.failed = e

    def more(self):
        if self.orders.qsize() < len(self.chunks):
            self.orders.put(True)

    def rest(self):
        while self.chunks and self.thread.is_alive():
            self.more()
            time.sleep(0.05)
        self.orders.put(False)
        self.thread.join()
        if self.failed:
            raise self.failed


class Soak:
    def __init__(self, folder, broker):
        self.random, self.broker = random.Random(SEED), broker
        self.did = {"kill -9": 0, "SIGTERM": 0, "SIGHUP": 0, "broker kill -9": 0}
        broker.topics("soak", PARTITIONS)
        records = log_of(5, hours=max(3, KILLS // 20), visits_an_hour=1500)
        kit.write_lines(f"{folder}/events.ndjson", [r["value"] for r in records])
        self.records, self.events = records, f"{folder}/events.ndjson"
        self.daemon = kit.Daemon(folder, kit.configuration("soak", broker.bootstrap, state={"snapshot": "1s"}),
                                 start=False)
        self.rules = self.daemon.config["funnels"]["shop"]["rules"]
        self.plain = len(self.rules)
        self.feeding = Feeding("soak.in", records, KILLS)

    # --- what is done to it

    def start(self):
        self.daemon.start()

    def kill(self):
        self.did["kill -9"] += 1
        kit.same("exit status after kill -9", kit.KILLED, self.daemon.kill())
        self.start()

    def term(self):
        self.did["SIGTERM"] += 1
        self.daemon.wait_ready(60)  # before that it may not have its handlers
        self.daemon.stop(30)
        self.start()

    def hup(self):
        """A rule that never fires comes, goes and is edited: a switch, and no other rule is any the wiser. Where the
        daemon does not run yet, it is the next start that finds another file."""
        self.did["SIGHUP"] += 1
        del self.rules[self.plain:]
        if self.random.random() < 0.8:
            self.rules.append({"id": "never", "kind": "target", "step": "visit>cart", "target": 0.5,
                               "window": "10m", "min_entries": 10**6 + self.random.randrange(1000),
                               "significance": 0.001})
        self.daemon.write()
        if self.daemon.ready()[0] == 200:
            self.daemon.signal(signal.SIGHUP)

    def broker_kill(self):
        self.did["broker kill -9"] += 1
        with self.feeding.lock:
            self.broker.kill()
            time.sleep(self.random.uniform(0, 1))
            self.broker.start()

    # --- the whole of it

    def measured(self):
        """How long a start takes here now: kills come before its end and after it, when snapshots are taken."""
        began = time.monotonic()
        self.start()
        self.daemon.wait_ready(60)
        return time.monotonic() - began

    def run(self):
        start = self.measured()
        others = {self.term: 12, self.hup: 8, self.broker_kill: 25}
        rounds = {other: self.random.sample(range(KILLS), max(1, KILLS // n)) for other, n in others.items()}
        for i in range(KILLS):
            self.feeding.more()
            time.sleep(self.random.uniform(0, 2 * start + self.random.choice((0, 1.6))))
            for other in others:
                if i in rounds[other]:
                    other()
            self.kill()
        self.feeding.rest()
        self.daemon.wait_ready(90)
        kit.wait_committed("soak.in", "soak", 90)
        kit.same("conservation errors", 0, self.daemon.metrics()["funneld_conservation_errors_total"])
        self.daemon.stop()

    def again(self):
        """A start after the clean stop; its replay gives the same."""
        self.start()
        self.daemon.wait_ready(60)
        self.daemon.stop()

    def check(self):
        del self.rules[self.plain:]
        self.daemon.write()
        expected = kit.comparable(kit.replay_alerts(self.daemon.file, self.events))
        found = kit.comparable(kit.alerts_of("soak.alerts"))
        last = kit.instant(self.records[-1]["ts"] - 5 * kit.MINUTE)  # the replay closes the log's last panes too
        for key, alerts in expected.items():
            seen = found.get(key, [])
            kit.same_list(f"alerts of {key}", alerts[:len(seen)], seen)
            missing = [h["ce_time"] for h, _ in alerts[len(seen):] if h["ce_time"] <= last]
            kit.check(not missing, f"{len(missing)} alerts of {key} are missing, the first of {missing[:1]}")
        kit.check(set(found) <= set(expected), f"nobody expects alerts of {set(found) - set(expected)}")
        kit.nothing_twice("soak.alerts", "soak.dead")
        kit.same("dead letters", sum(r["key"].startswith("bad-") for r in self.records),
                 len(kit.consume("soak.dead")))
        count = sum(len(x) for x in found.values())
        kit.check(count >= 50, f"only {count} alert records: too weak a test")
        return count

    def told(self):
        """What its log says of all this."""
        text = self.daemon.text()
        return ", ".join(f"{text.count(said)} {name}" for name, said in (
            ("starts", "msg=starting version"), ("replays to the end", "msg=running"),
            ("from snapshots", "from=snapshot"), ("snapshots", 'msg="snapshot durable"'),
            ("switches", 'msg="the new configuration is in force"')))


def story(folder, broker):
    kit.say(f"SEED={SEED} KILLS={KILLS}")
    soak = Soak(folder, broker)
    soak.run()
    kit.say(", ".join(f"{n} {what}" for what, n in soak.did.items()) + ": " + soak.told())
    soak.again()
    kit.say(f"{soak.check()} alert records, each once")


kit.story(story)
