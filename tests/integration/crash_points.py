#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at the named instants of a transaction and of a replay (src/shell/fault.h): what a read_committed reader
sees afterwards is what an undisturbed daemon over the same records gives. FAULT_POINTS=name,... runs only these."""
import os
import sys

sys.dont_write_bytecode = True
import libkit as kit

PARTITIONS = 3
CHUNKS = 8

# Name: the orders of consecutive starts, each ended by the last point named; then one start undisturbed.
SCENES = {
    "replay": ["txn.commit:3", "replay:1", "replay:2"],
    "barrier": ["txn.commit:3", "barrier"],
    "outbox.frozen": ["outbox.frozen:2"],
    "produce.half": ["produce.half:3"],
    "txn.offsets": ["txn.offsets:3"],
    "txn.commit": ["txn.commit:3"],
    "txn.committed": ["txn.committed:3", "txn.committed:2"],
    "txn.abort": ["txn.fail:3:fail,txn.abort"],
    "txn.aborted": ["txn.fail:3:fail,txn.aborted"],
    "txn.resend": ["txn.fail:3:fail,txn.resend"],
}


def log():
    """Every tenth record is a bad one, so that there is no transaction without output."""
    result = []
    for i, r in enumerate(kit.records(kit.shop(5, hours=4, visits_an_hour=2000), PARTITIONS)):
        if i % 10 == 0:
            result.append({"partition": r["partition"], "ts": r["ts"], "key": f"bad-{i}", "value": f"bad {i}"})
        result.append(r)
    return result


class Scene:
    """Topics and a daemon. The log comes in chunks, each when the one before is committed: at least a transaction
    for each, however fast or slow the machine is."""

    def __init__(self, folder, broker, name, faults=None):
        self.name, self.topic = name, name + ".in"
        broker.topics(name, PARTITIONS)
        size = len(RECORDS) // CHUNKS + 1
        self.chunks = [RECORDS[i:i + size] for i in range(0, len(RECORDS), size)]
        self.daemon = kit.Daemon(folder, kit.configuration(name, broker.bootstrap), start=False, faults=faults)

    def ended(self):
        return self.daemon.process.poll() is not None

    def settled(self):
        """What is in the log is committed."""
        try:
            now = kit.committed(self.topic, self.name, "--timeout", "2")
        except kit.Failed:  # killed with offsets in an open transaction: nobody is told any before that is over
            return False
        return all((now.get(p) or 0) >= high for p, high in kit.ends(self.topic).items())

    def feed(self):
        """All that is left of the log, or until the daemon has ended."""
        kit.wait_for(f"{self.name}: a commit, or an end", 40, lambda: self.ended() or self.settled())
        while self.chunks and not self.ended():
            kit.produce(self.topic, self.chunks.pop(0))
            kit.wait_for(f"{self.name}: a commit, or an end", 40, lambda: self.ended() or self.settled())

    def killed(self, orders):
        self.daemon.faults = orders
        self.daemon.start()
        self.feed()
        self.daemon.wait_fault(orders.rsplit(",", 1)[-1].split(":")[0], 10)

    def finish(self):
        self.feed()
        kit.check(not self.chunks, f"{self.name}: funneld has ended, see {self.daemon.log}")
        self.daemon.stop()


def check_calm(name):
    count = kit.same_alerts("calm.alerts", name + ".alerts", at_least=50)
    kit.nothing_twice(name + ".alerts", name + ".dead")
    kit.same(f"{name}: dead letters", len(kit.consume("calm.dead")), len(kit.consume(name + ".dead")))
    return count


def crash(folder, broker, name, starts):
    scene = Scene(folder, broker, name)
    for orders in starts:
        scene.killed(orders)
    scene.daemon.faults = None
    scene.daemon.start()
    scene.finish()
    count = check_calm(name)
    kit.say(f"{name}: killed {len(starts)} times, {count} alert records, each once")


def goes_on(folder, broker):
    """A transaction given up, without a kill: aborted, the same sent again."""
    scene = Scene(folder, broker, "goes-on", faults="txn.fail:2:fail,txn.fail:4:fail,txn.fail:5:fail")
    scene.daemon.start()
    scene.feed()
    m = scene.daemon.metrics()
    kit.check(scene.daemon.fault_came("txn.fail"), "the fault did not come")
    scene.finish()
    kit.same("aborts", 3, m["funneld_transaction_aborts_total"])
    check_calm("goes-on")
    kit.say("three transactions given up: the same was sent again")


def story(folder, broker):
    calm = Scene(folder, broker, "calm")
    calm.daemon.start()
    calm.finish()
    typo = kit.Daemon(folder, kit.configuration("typo", broker.bootstrap), faults="txn.comit")
    kit.same("exit status with a fault point that is none", 64, typo.wait())
    only = [x for x in os.environ.get("FAULT_POINTS", "").split(",") if x]
    for name, starts in SCENES.items():
        if not only or name in only:
            crash(folder, broker, name, starts)
    goes_on(folder, broker)


RECORDS = log()
kit.story(story)
