#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A call of the Kafka library that does not return: its producer is left behind, a new one compares what was
committed, and the same is sent again. FULL=1: by a broker that stands still twice, which is how it comes about."""
import random
import time

import libcases
from libcases import kit

RECORDS = kit.records(kit.shop(3, hours=4, visits_an_hour=1500))
DAEMONS = 10


def daemon(folder, broker, name, topic, **how):
    for output in (".alerts", ".dead"):
        broker.topic(name + output)
    config = kit.configuration(name, broker.bootstrap, inputs=[{"topic": topic, "preset": "plain"}])
    return kit.Daemon(folder, config, **how)


def lost(folder, broker):
    """Late answers: one that comes when a new producer has gone on, and one when that is to be stopped."""
    d = daemon(folder, broker, "lost", "lost.in", faults="txn.sent:2:delay=8000,txn.sent:4:delay=20000")
    half = len(RECORDS) // 2
    kit.produce("lost.in", RECORDS[:100])
    kit.wait_committed("lost.in", "lost")
    kit.produce("lost.in", RECORDS[100:half])
    kit.wait_for("lost: a new producer", 20, lambda: d.metrics()["funneld_producer_renewals_total"] == 1)
    kit.wait_committed("lost.in", "lost")
    kit.check("it does not return" in d.text(), "lost: not said")
    kit.produce("lost.in", RECORDS[half:])
    kit.wait_for("lost: another one", 20, lambda: d.metrics()["funneld_producer_renewals_total"] == 2)
    kit.wait_committed("lost.in", "lost")
    count = kit.same_alerts("calm.alerts", "lost.alerts", at_least=20)
    kit.nothing_twice("lost.alerts", "lost.dead")
    d.stop()
    kit.say(f"lost: {count} alert records, each once")


def still(folder, broker):
    """Some of many daemons are within such a call when the broker stops."""
    all_of_them = [daemon(folder, broker, f"still-{i}", "still.in") for i in range(DAEMONS)]
    for d in all_of_them:
        d.wait_ready(60)
    producing = kit.Producing("still.in", RECORDS, len(RECORDS) // 8)
    time.sleep(random.uniform(0.8, 2.5))
    for seconds in (24, 8):
        broker.freeze()
        time.sleep(seconds)
        broker.thaw()
        time.sleep(1)
    producing.wait()
    time.sleep(35)  # a call is given up after 30 s
    again = 0
    for i, d in enumerate(all_of_them):
        again += restarted(d)
        kit.wait_committed("still.in", f"still-{i}", 90)
        kit.same_alerts("calm.alerts", f"still-{i}.alerts", at_least=20)
        kit.nothing_twice(f"still-{i}.alerts", f"still-{i}.dead")
    renewed = sum(d.metrics()["funneld_producer_renewals_total"] for d in all_of_them)
    kit.say(f"still: {DAEMONS} daemons go on, {renewed:.0f} with a new producer, {again} after a restart")
    for d in all_of_them:
        d.stop()


def restarted(d):
    """As the service manager does it: a broker that its controller took for dead undoes what it had confirmed."""
    if d.process.poll() is None:
        return False
    kit.same("still: exit status", 69, d.wait())
    kit.check("the brokers have undone transaction" in d.text(), f"still: another reason, see {d.log}")
    d.start()
    d.wait_ready()
    return True


def story(folder, broker):
    for name in ("calm", "lost", "still"):
        broker.topic(name + ".in")
    kit.produce("calm.in", RECORDS)
    calm = daemon(folder, broker, "calm", "calm.in")
    kit.wait_committed("calm.in", "calm")
    calm.stop()
    libcases.run([lost], folder, broker, alone=[still] if libcases.FULL else [])


kit.story(story)
