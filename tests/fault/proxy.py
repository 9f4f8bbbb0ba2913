#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The proxy itself, and what it is for: a commit whose answer is lost (crash point 7). The daemon goes on by itself,
or is killed in that very moment and started again; each output is there once."""
import signal
import sys
import time

sys.dont_write_bytecode = True
import libcases
from libcases import kit
import libproxy

PARTITIONS = 2


def records_of(seed):
    """Every tenth record is a bad one, so that there is no transaction without output."""
    result = []
    for i, r in enumerate(kit.records(kit.shop(seed, hours=3, visits_an_hour=1500), PARTITIONS)):
        if i % 10 == 0:
            result.append({"partition": r["partition"], "ts": r["ts"], "key": f"bad-{i}", "value": f"bad {i}"})
        result.append(r)
    return result


def check_calm(folder, broker, name):
    """As a daemon that nothing happened to."""
    for output in (".alerts", ".dead"):
        broker.topic(name + "-calm" + output)
    calm = kit.Daemon(folder, kit.configuration(name + "-calm", broker.bootstrap, inputs=[{"topic": name + ".in"}]))
    kit.wait_committed(name + ".in", name + "-calm")
    calm.stop()
    kit.wait_committed(name + ".in", name, 40)
    count = kit.same_alerts(name + "-calm.alerts", name + ".alerts", at_least=50)
    kit.nothing_twice(name + ".alerts", name + ".dead")
    kit.same(f"{name}: dead letters", len(kit.consume(name + "-calm.dead")), len(kit.consume(name + ".dead")))
    return count


def answers(*command):
    try:
        kit.run(*command)
        return True
    except kit.Failed:
        return False


def frames(_, broker, proxy):
    """What the proxy does to others' requests: nothing; and to the named one what was asked for."""
    ask = (kit.KTOOL, "ends", "--topic", "frames", "--brokers", proxy.address)
    broker.topic("frames")
    kit.produce("frames", [{"key": "a", "value": "b"}])
    kit.check('"high":1' in kit.run(*ask), "nothing came through")
    for name in ("ApiVersions", "Metadata", "ListOffsets"):
        kit.check(proxy.seen.get(name), f"no {name} was seen: {proxy.seen}")
    for action in ("cut", "swallow"):
        before, rule = proxy.seen["ListOffsets"], proxy.on("ListOffsets", action)
        kit.check('"high":1' in kit.run(*ask), "the client did not ask again")
        rule.wait(1)
        kit.check(proxy.seen["ListOffsets"] >= before + 2, f"{action}: asked once")
        kit.same(f"{action}: an answer was withheld", action == "swallow", rule.answer is not None)
    began, rule = time.monotonic(), proxy.on("Metadata", "delay", seconds=1.5)
    kit.run(*ask)
    rule.wait(1)
    kit.check(time.monotonic() - began >= 1.5, "nothing was delayed")
    proxy.hold()
    kit.check(not answers(*ask, "--timeout", "2"), "somebody was let through")
    proxy.release()
    kit.run(*ask)
    kit.check(not libproxy.ends_with_commit(b"\0\x1a\0\1" + b"\0" * 12), "an abort is no commit")
    kit.say("frames: passed, cut, swallowed, delayed, held")


def goes_on(folder, broker, proxy):
    broker.topics("goes", PARTITIONS)
    records = records_of(11)
    d = kit.Daemon(folder, kit.configuration("goes", proxy.address))
    d.wait_ready()
    producing = kit.Producing("goes.in", records, 2500)
    for nth in (2, 3, 4):
        lost = proxy.on("EndTxn", "swallow", nth=nth, committing=True)
        lost.wait(30)
    producing.wait()
    count = check_calm(folder, broker, "goes")
    again(d)
    kit.say(f"three answers to commits were lost: {count} alert records, each once")


def killed(folder, broker, proxy):
    broker.topics("killed", PARTITIONS)
    records = records_of(12)
    d = kit.Daemon(folder, kit.configuration("killed", proxy.address))
    d.wait_ready()
    producing = kit.Producing("killed.in", records, 2500)
    for nth in (3, 4):
        before = kit.committed("killed.in", "killed")
        lost = proxy.on("EndTxn", "swallow", nth=nth, committing=True, hold=True)
        lost.wait(30)
        kit.same("killed", -signal.SIGKILL, d.kill())
        kit.check(kit.committed("killed.in", "killed") != before, "nothing was committed meanwhile")
        proxy.release()
        d.start()
        d.wait_ready()
    producing.wait()
    count = check_calm(folder, broker, "killed")
    again(d)
    kit.say(f"killed twice with a commit whose answer was lost: {count} alert records, each once")


def again(d):
    """A clean stop, and a start after it whose replay gives the same again."""
    d.check_alive()
    d.stop()
    d.start()
    d.wait_ready()
    kit.same("conservation errors", 0, d.metrics()["funneld_conservation_errors_total"])
    d.stop()


def story(folder, broker):
    PROXY.lead_to(broker.behind)
    libcases.run([frames, goes_on, killed], folder, broker, PROXY, at_once=1)


PROXY = libproxy.Proxy()
kit.story(story, settings=["--advertise", str(PROXY.port)])
