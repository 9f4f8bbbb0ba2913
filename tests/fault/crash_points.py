#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at the instants of PROTOCOL.md section 7 (their names: src/shell/fault.h). What a read_committed reader
sees afterwards is what an undisturbed daemon over the same records gives; what the daemon reads again at each start
gives what it gave before. Point 7 with a proxy is proxy.py's, 4 to 8 with the broker's end crash_broker.py's, 13
crash_switch.py's, 14 and 15 crash_clock.py's."""
import sys

sys.dont_write_bytecode = True
import libcases
from libcases import kit
from libcrash import POINTS, Scene, again, check_calm, log_of, named

# They wait for more than one snapshot,
PAUSED = {"9-before-rename", "10-child", "10-child-and-parent", "11-unconfirmed", "12-durable"}
# and these for none: there is something to replay, and no transaction without records.
UNSAVED = {"1-replay", "4-produce-half", "8-resend"}
# Of a transaction whose snapshot has its name before anything is confirmed.
SLOW = "txn.offsets:*:delay=3000"

def child_alone(scene):
    """A child that is killed costs that snapshot, and nothing else."""
    scene.begin("snapshot.child:1,snapshot.child:2")
    scene.feed(2)
    scene.wait_metric("funneld_snapshots_failed_total", 2)
    kit.check(scene.daemon.fault_came("snapshot.child"), "the fault did not come")
    scene.wait_metric("funneld_snapshots_total", 1)
    scene.daemon.kill()
    return "two children killed, and the daemon once"


def unconfirmed(scene):
    """Renamed, but its transaction never came to be: what it holds is ahead of what is committed."""
    scene.killed(f"{SLOW},snapshot.renamed:1", 4)
    kit.check(len(scene.snapshots()) == 1, "no snapshot was renamed")
    scene.begin()
    scene.feed(2)
    kit.check(scene.made_from()[0] in ("fresh", "the log's beginning"), "machines come from it all the same")
    scene.wait_metric("funneld_snapshots_total", 1)
    scene.daemon.kill()
    before = scene.durable()
    scene.killed(f"{SLOW},snapshot.renamed:1", 1)
    kit.check(max(scene.snapshots()) > before, "no snapshot was renamed")
    scene.begin()
    scene.daemon.wait_ready()
    kit.same("machines come from", ("snapshot", before), scene.made_from())
    return "renamed twice without its transaction: the log's beginning, the older snapshot were used"


def goes_on(scene):
    """Transactions given up, without a kill: aborted, the same sent again."""
    scene.begin("txn.fail:2:fail,txn.fail:4:fail,txn.fail:5:fail")
    scene.feed()
    kit.check(scene.daemon.fault_came("txn.fail"), "the fault did not come")
    kit.same("aborts", 3, scene.daemon.metrics()["funneld_transaction_aborts_total"])
    return "three transactions given up"


def typo(folder, broker):
    d = kit.Daemon(folder, kit.configuration("typo", broker.bootstrap), faults="txn.comit")
    kit.same("exit status with a fault point that is none", 64, d.wait())


def case_of(name, disturb, folder, broker):
    def run():
        over = {"state": {"snapshot": "1h"}} if name in UNSAVED else {}
        scene = Scene(folder, broker, name, RECORDS, **over)
        scene.pause = 1.2 if name in PAUSED else 0
        said = disturb(scene)
        scene.begin()
        scene.finish()
        count = check_calm(name)
        kit.say(f"{name}: {said}; {count} alert records, each once")

    return named(name, run)


def story(folder, broker):
    calm = Scene(folder, broker, "calm", RECORDS)
    calm.begin()
    calm.finish()
    typo(folder, broker)
    cases = {n: lambda s, n=n: again(s, POINTS[n]) for n in POINTS}
    cases.update({"10-child": child_alone, "11-unconfirmed": unconfirmed, "8-goes-on": goes_on})
    libcases.run([case_of(n, c, folder, broker) for n, c in cases.items()], at_once=4)


RECORDS = log_of(5)
kit.story(story)
