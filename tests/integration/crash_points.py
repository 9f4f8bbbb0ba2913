#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at the named instants of a transaction and of a replay (src/shell/fault.h): what a read_committed reader
sees afterwards is what an undisturbed daemon over the same log gives. FAULT_POINTS=name,... runs only these."""
import json
import os
import sys

sys.dont_write_bytecode = True
import libkit as kit

PARTITIONS = 3
LOG = "log.in"

# Name: the orders of consecutive starts, each ended by the last point named; then one start undisturbed.
SCENES = {
    "replay": ["txn.commit:6", "replay:1", "replay:2"],
    "barrier": ["txn.commit:6", "barrier"],
    "outbox.frozen": ["outbox.frozen:3"],
    "produce.half": ["produce.half:4"],
    "txn.offsets": ["txn.offsets:4"],
    "txn.commit": ["txn.commit:4"],
    "txn.committed": ["txn.committed:4", "txn.committed:2"],
    "txn.abort": ["txn.fail:4:fail,txn.abort"],
    "txn.aborted": ["txn.fail:4:fail,txn.aborted"],
    "txn.resend": ["txn.fail:4:fail,txn.resend"],
}


def log():
    """Every tenth record is a bad one, so that there is no transaction without output."""
    result = []
    for i, r in enumerate(kit.records(kit.shop(5, hours=4, visits_an_hour=2000), PARTITIONS)):
        if i % 10 == 0:
            result.append({"partition": r["partition"], "ts": r["ts"], "key": f"bad-{i}", "value": f"bad {i}"})
        result.append(r)
    return result


def daemon(folder, broker, name, **more):
    for output in (".alerts", ".dead"):
        broker.topic(name + output)
    # Small fetches make many transactions of a log that is there already.
    config = kit.configuration(name, broker.bootstrap, inputs=[{"topic": LOG}],
                               kafka={"fetch.message.max.bytes": 4096, "fetch.wait.max.ms": 20})
    return kit.Daemon(folder, config, **more)


def scene(folder, broker, name, starts):
    d = daemon(folder, broker, name, start=False)
    for orders in starts:
        d.faults = orders
        d.start()
        d.wait_fault(orders.rsplit(",", 1)[-1].split(":")[0])
    d.faults = None
    d.start()
    kit.wait_committed(LOG, name, 60)
    d.stop()
    count = kit.same_alerts("calm.alerts", name + ".alerts", at_least=50)
    kit.nothing_twice(name + ".alerts", name + ".dead")
    kit.same(f"{name}: dead letters", len(kit.consume("calm.dead")), len(kit.consume(name + ".dead")))
    kit.say(f"{name}: killed {len(starts)} times, {count} alert records, each once")


def goes_on(folder, broker):
    """A transaction given up, without a kill: aborted, the same sent again."""
    d = daemon(folder, broker, "goes-on", faults="txn.fail:3:fail,txn.fail:5:fail,txn.fail:6:fail")
    kit.wait_committed(LOG, "goes-on", 60)
    m = d.metrics()
    d.stop()
    kit.check(d.fault_came("txn.fail"), "the fault did not come")
    kit.same("aborts", 3, m["funneld_transaction_aborts_total"])
    kit.same_alerts("calm.alerts", "goes-on.alerts")
    kit.nothing_twice("goes-on.alerts", "goes-on.dead")
    kit.say("three transactions given up: the same was sent again")


def story(folder, broker):
    broker.topic(LOG, PARTITIONS)
    lines = "".join(json.dumps(r) + "\n" for r in log())
    kit.run(kit.KTOOL, "produce", "--topic", LOG, "--format", "record", "--property", "batch.num.messages=20",
            text=lines.encode())
    calm = daemon(folder, broker, "calm")
    kit.wait_committed(LOG, "calm", 60)
    commits = calm.metrics()["funneld_transactions_total"]
    kit.check(commits >= 12, f"only {commits:.0f} transactions: no fault would come")
    calm.stop()
    typo = daemon(folder, broker, "typo", faults="txn.comit")
    kit.same("exit status with a fault point that is none", 64, typo.wait())
    only = [x for x in os.environ.get("FAULT_POINTS", "").split(",") if x]
    for name, starts in SCENES.items():
        if not only or name in only:
            scene(folder, broker, name, starts)
    goes_on(folder, broker)


kit.story(story)
