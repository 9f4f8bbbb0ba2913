#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The broker killed and frozen under load, and a second daemon of the same group: one log, three daemons of three
groups over it, each disturbed in its own way. Their outputs equal those of a fourth over the same log, which nothing
disturbed: the test's own producer may have had to write twice meanwhile, so only that log can say what is right."""
import random
import shutil
import signal
import time

import libcases
from libcases import kit

PARTITIONS = 3
KILLS = 6 if libcases.FULL else 1
FREEZE = 75 if libcases.FULL else 10  # s; the default transaction timeout is 60 s
TIMEOUT = 5  # s, of the transactions of the daemon that has a small one
TOPIC = "log.in"
# The broker looks every 10 s for transactions that are too old, which is too seldom for a short test.
SETTINGS = ["transaction.abort.timed.out.transaction.cleanup.interval.ms=500"]


def log():
    """Every tenth record is a bad one, so that there is no transaction without output."""
    records = []
    for i, r in enumerate(kit.records(kit.shop(6, hours=4, visits_an_hour=3000), PARTITIONS)):
        if i % 10 == 0:
            records.append({"partition": r["partition"], "ts": r["ts"], "key": f"bad-{i}", "value": f"bad {i}"})
        records.append(r)
    return records


class Load:
    """The log, written at a steady rate in parts, so that something is under way whenever something happens."""

    def __init__(self, records):
        self.left, self.now = records, None

    def go(self, count, seconds):
        part, self.left = self.left[:count], self.left[count:]
        self.now = kit.Producing(TOPIC, part, max(1, len(part) // seconds))

    def wait(self):
        self.now.wait()


def daemon(folder, broker, name, **over):
    broker.topic(name + ".alerts")
    broker.topic(name + ".dead")
    config = kit.configuration(name, broker.bootstrap, inputs=[{"topic": TOPIC}], state={"snapshot": "2s"}, **over)
    return kit.Daemon(folder, config)


def wait_all(daemons, seconds=60):
    for d in daemons:
        d.wait_ready(seconds)


# --- what happens ------------------------------------------------------------------------------------


def killed(broker, load, daemons):
    """kill -9 under load, a while without a broker, and again; in the long form also stopped in good order."""
    r = random.Random(9)
    for i in range(KILLS):
        load.go(len(RECORDS) // 4 // KILLS, 4)
        time.sleep(r.uniform(0.5, 2))
        (broker.stop if i % 2 else broker.kill)()
        for d in daemons:
            d.wait_reason("no broker can be reached|attempts to commit|waits for the brokers", 30)
        broker.start()
        load.wait()
        wait_all(daemons)
    kit.say(f"the broker was killed {KILLS} times: all are ready again")


def stopped_while_frozen(d):
    """SIGTERM while the broker sleeps: it does not wait for longer than shutdown_timeout allows, and says so."""
    d.signal(signal.SIGTERM)
    kit.same("exit status", kit.EXIT["unfinished"], d.wait(20))
    kit.check("shutdown_timeout passed" in d.text(last_start=True), f"its log does not say why, see {d.log}")
    d.start()
    d.wait_reason("broker|start", 20)


def slept(broker, load, calm, short, meanwhile):
    """Shorter than the transactions of two of them may last, longer than those of the third: that one sleeps on
    when the broker wakes up, or its requests in the broker's sockets would come before the broker's own look."""
    seen = {d: d.metrics()["funneld_messages_total"] for d in (calm, short)}
    load.go(len(RECORDS) // 12, 4)
    for d in seen:
        kit.wait_for("more messages", 20, lambda d=d: d.metrics()["funneld_messages_total"] > seen[d] + 200)
    began = time.monotonic()
    broker.freeze()
    meanwhile()
    calm.wait_reason("no broker can be reached|attempts to commit|waits for the brokers", 60)
    time.sleep(max(0.1, began + FREEZE - time.monotonic()))
    short.signal(signal.SIGSTOP)
    broker.thaw()
    time.sleep(TIMEOUT + 2)
    short.signal(signal.SIGCONT)
    load.wait()


def frozen(broker, load, calm, short, term):
    """Again where the frost found it between two transactions: then nothing was too old."""
    for meanwhile in (lambda: stopped_while_frozen(term), lambda: None, lambda: None):
        slept(broker, load, calm, short, meanwhile)
        wait_all((calm, short, term))
        renewals = int(short.metrics()["funneld_producer_renewals_total"])
        if renewals:
            break
    kit.check(renewals >= 1, "no transaction was fenced: the test is too weak")
    kit.say(f"the broker slept: {renewals} new producers for the one whose transaction was too old")


def second(folder, d, state_dir):
    """Another one of the group, with a state folder of its own."""
    config = {**d.config, "http": f"127.0.0.1:{kit.free_port()}", "state": {**d.config["state"], "dir": state_dir}}
    return kit.Daemon(folder, config)


def fenced(d):
    kit.same("exit status", kit.EXIT["fenced"], d.wait(30))
    kit.check("another funneld" in d.text(last_start=True), f"its log does not say why, see {d.log}")


def slept_through(folder, first, load):
    """It is stopped (SIGSTOP), another one goes on from a copy of its state; when it wakes up it sees that, and
    ends. Returns the other one."""
    load.go(len(RECORDS) // 8, 4)
    kit.wait_for("a snapshot", 20, lambda: first.metrics()["funneld_snapshots_total"] >= 1)
    first.signal(signal.SIGSTOP)
    copy = first.state_dir + "-copy"
    shutil.copytree(first.state_dir, copy)
    other = second(folder, first, copy)
    other.wait_ready(60)
    load.wait()
    first.signal(signal.SIGCONT)
    fenced(first)
    kit.say("another one went on from a copy of its state: the older one has ended, fenced")
    return other


def without_state(folder, first, load):
    """One that has no state cannot go on where there were snapshots: it says so and ends, before it has committed
    anything. The first one, whose producer it has fenced, sees that and goes on by itself."""
    renewals = first.metrics()["funneld_producer_renewals_total"]
    load.go(len(RECORDS) // 8, 4)
    empty = second(folder, first, first.state_dir + "-none")
    kit.same("exit status of the one without state", kit.EXIT["state"], empty.wait(40))
    kit.check("--rebuild --reconcile" in empty.text(), f"its log does not say what to do, see {empty.log}")
    load.wait()
    kit.wait_for("a new producer", 30, lambda: first.metrics()["funneld_producer_renewals_total"] > renewals)
    first.wait_ready(60)
    kit.say("one without state has ended; the other, which it had fenced, goes on by itself")


def twins(folder, broker, load):
    """Two first starts of one group at the same instant: one ends. Returns the other."""
    first = daemon(folder, broker, "twin")
    other = second(folder, first, first.state_dir + "-other")
    load.go(len(load.left), 4)
    gone = kit.wait_for("one of the two ends", 40,
                        lambda: [x for x in (first, other) if x.process.poll() is not None])
    kit.same("daemons that ended", 1, len(gone))
    fenced(gone[0])
    load.wait()
    kit.say("of two that started at once one has ended, fenced")
    return other if gone[0] is first else first


# --- the oracle --------------------------------------------------------------------------------------


def check(name, letters):
    count = kit.same_alerts("undisturbed.alerts", name + ".alerts", at_least=50)
    kit.nothing_twice(name + ".alerts", name + ".dead")
    kit.same_list(f"{name}: dead letters", letters, places(name))
    return count


def places(name):
    return sorted((x["headers"]["funneld_partition"], x["headers"]["funneld_offset"])
                  for x in kit.consume(name + ".dead"))


def finish(name, d):
    kit.wait_committed(TOPIC, name, 60)
    d.check_alive()
    kit.same(f"{name}: conservation errors", 0, d.metrics()["funneld_conservation_errors_total"])
    d.stop()


def story(folder, broker):
    broker.topic(TOPIC, PARTITIONS)
    load = Load(RECORDS)
    calm = daemon(folder, broker, "calm")
    short = daemon(folder, broker, "short", kafka={"transaction.timeout.ms": TIMEOUT * 1000})
    term = daemon(folder, broker, "term", shutdown_timeout="2s")
    wait_all((calm, short, term))
    killed(broker, load, (calm, short, term))
    frozen(broker, load, calm, short, term)
    calm = slept_through(folder, calm, load)
    without_state(folder, calm, load)
    twin = twins(folder, broker, load)
    undisturbed = daemon(folder, broker, "undisturbed")
    all_of_them = {"undisturbed": undisturbed, "calm": calm, "short": short, "term": term, "twin": twin}
    for name, d in all_of_them.items():
        finish(name, d)
    letters = places("undisturbed")
    kit.check(len(letters) >= len(RECORDS) // 20, f"only {len(letters)} dead letters")
    for name in list(all_of_them)[1:]:
        kit.say(f"{name}: {check(name, letters)} alert records, each once")


RECORDS = log()
kit.story(story, settings=SETTINGS)
