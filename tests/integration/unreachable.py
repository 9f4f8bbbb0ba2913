#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is not there yet, or not any more: brokers, input topic, dead-letter topic. funneld says so, waits, obeys
SIGTERM at once, and goes on by itself."""
import signal
import sys
import time

sys.dont_write_bytecode = True
import libkit as kit


def term_within(d, seconds, status=0):
    began = time.monotonic()
    d.signal(signal.SIGTERM)
    kit.same("exit status after SIGTERM", status, d.wait(seconds + 10))
    took = time.monotonic() - began
    kit.check(took < seconds, f"SIGTERM took {took:.1f} s, not {seconds}")


def small(seed=3):
    return kit.records(kit.shop(seed, hours=2, visits_an_hour=600, incident=(0.5, 1.2)))


def broker_comes_later(folder, broker):
    broker.topics("later")
    kit.produce("later.in", small())
    broker.stop()
    d = kit.Daemon(folder, kit.configuration("later", broker.bootstrap))
    d.wait_reason("waiting for the brokers", 10)
    kit.same("/healthz meanwhile", 200, d.http("/healthz")[0])
    kit.same("ready meanwhile", 0, d.metrics()["funneld_ready"])
    term_within(d, 2)
    d.start()
    kit.wait_for("/healthz", 10, lambda: d.http("/healthz")[0] == 200)
    term_within(d, 2)  # in the middle of its first call
    d.start()
    d.wait_reason("waiting for the brokers", 10)
    time.sleep(2)
    broker.start()
    d.wait_ready(30)
    kit.wait_committed("later.in", "later")
    kit.check(kit.consume("later.alerts"), "no alert")
    kit.say("a broker that comes later: waited for, SIGTERM at once, then it went on")
    return d


def broker_goes_while_idle(broker, d):
    """Nothing is there to be read, before and after."""
    broker.stop()
    d.wait_reason("no broker can be reached", 20)
    broker.start()
    d.wait_ready(30)
    before = d.metrics()["funneld_messages_total"]
    kit.produce("later.in", [{"partition": 0, "key": "bad", "value": "not JSON"}])
    kit.wait_committed("later.in", "later")
    kit.same("messages after the broker came back", before + 1, d.metrics()["funneld_messages_total"])
    kit.same("dead letters", 1, len(kit.consume("later.dead")))
    broker.stop()
    d.wait_reason("no broker can be reached", 20)
    term_within(d, 8)  # nothing is uncommitted
    broker.start()
    kit.say("a broker that goes while nothing happens: said, taken back; SIGTERM without a broker is good")


def input_comes_later(folder, broker):
    for name in ("missing.alerts", "missing.dead"):
        broker.topic(name)
    d = kit.Daemon(folder, kit.configuration("missing", broker.bootstrap, missing_topic="exit"))
    kit.same("exit status without the topic (missing_topic: exit)", kit.EXIT["topic_missing"], d.wait(20))
    kit.check("missing.in" in d.text(), "the log does not name the topic")

    d = kit.Daemon(folder, kit.configuration("missing", broker.bootstrap))
    d.wait_reason("waiting for topic missing.in", 20)
    kit.check("missing.in" in d.text(), "the log does not name the topic")
    term_within(d, 2)
    d.start()
    d.wait_reason("waiting for topic missing.in", 20)
    broker.topic("missing.in")
    d.wait_ready(20)
    kit.produce("missing.in", small())
    kit.wait_committed("missing.in", "missing")
    d.stop()
    kit.say("an input topic that comes later: named, waited for; with missing_topic: exit its own exit code")


def deadletter_goes(folder, broker):
    for name in ("dead.in", "dead.alerts"):
        broker.topic(name)
    d = kit.Daemon(folder, kit.configuration("dead", broker.bootstrap))
    d.wait_reason("waiting for topic dead.dead", 20)
    broker.topic("dead.dead")
    d.wait_ready(20)
    kit.produce("dead.in", [{"key": "bad-1", "value": "not JSON"}])
    kit.wait_committed("dead.in", "dead")
    kit.same("dead letters", ["bad-1"], [x["key"] for x in kit.consume("dead.dead")])

    kit.run(kit.KTOOL, "delete", "--topic", "dead.dead")
    records = small()
    records.insert(1000, {"partition": 0, "ts": records[1000]["ts"], "key": "bad-2", "value": "not JSON"})
    kit.produce("dead.in", records)
    kit.wait_committed("dead.in", "dead", 90)
    kit.check(kit.consume("dead.alerts"), "alerts do not go on without the dead-letter topic")
    d.wait_reason("dead letters are switched off", 10)
    kit.check("dead letters are switched off" in d.text(), "the log does not say it")
    m = d.metrics()
    kit.same("deadletters_off", 1, m["funneld_deadletters_off"])
    kit.same("deadletters_dropped_total", 1, m["funneld_deadletters_dropped_total"])
    kit.same("malformed", 2, m['funneld_deadletters_total{reason="malformed"}'])
    d.stop()
    kit.say("a dead-letter topic that goes: alerts go on, /ready, the log and /metrics say what is lost")


def story(folder, broker):
    d = broker_comes_later(folder, broker)
    broker_goes_while_idle(broker, d)
    input_comes_later(folder, broker)
    deadletter_goes(folder, broker)


kit.story(story)
