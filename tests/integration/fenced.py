#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two daemons of one group: one goes on, the other ends and says why, and each output is there once. One daemon
whose transaction timed out while the broker slept is not mistaken for a second one: it goes on by itself."""
import signal
import sys
import time

sys.dont_write_bytecode = True
import libkit as kit

PARTITIONS = 2


def check_outputs(folder, name, d, records):
    """What is in the alert topic is what replay gives; each dead letter once."""
    found = kit.alerts_of(name + ".alerts")
    expected = kit.replay_alerts(d.file, f"{folder}/{name}.ndjson")
    kit.check(len(found) > 20, f"only {len(found)} alert records")
    kit.same_list(f"{name}: alert bytes", expected[:len(found)], found)
    kit.check(len(found) >= len([a for a in expected if a[1]["ce_time"] <= kit.instant(records[-1]["ts"] - 5 * kit.MINUTE)]),
              f"{name}: alerts are missing")
    kit.same_list(f"{name}: dead letters", sorted(r["key"] for r in records if r["key"].startswith("bad-")),
                  sorted(x["key"] for x in kit.consume(name + ".dead")))


def log_of(folder, name, seed):
    """Every tenth record is a bad one, so that there is no transaction without output."""
    records = []
    for i, r in enumerate(kit.records(kit.shop(seed, hours=3, visits_an_hour=1500), PARTITIONS)):
        if i % 10 == 0:
            records.append({"partition": r["partition"], "ts": r["ts"], "key": f"bad-{i}", "value": f"bad {i}"})
        records.append(r)
    kit.write_lines(f"{folder}/{name}.ndjson", [r["value"] for r in records])
    return records


def twins(folder, broker):
    broker.topics("twin", PARTITIONS)
    records = log_of(folder, "twin", 6)
    config = kit.configuration("twin", broker.bootstrap)
    first = kit.Daemon(folder, config)
    first.wait_ready()
    producing = kit.Producing("twin.in", records, 1500)
    time.sleep(1.5)
    second = kit.Daemon(folder, {**config, "http": f"127.0.0.1:{kit.free_port()}"})

    def ended():
        return [x for x in (first, second) if x.process.poll() is not None]

    gone = kit.wait_for("one of the two ends", 30, ended)
    kit.same("daemons that ended", 1, len(gone))
    kit.same("its exit status", kit.EXIT["fenced"], gone[0].wait())
    kit.check("another funneld" in gone[0].text(), "its log does not say why")
    other = second if gone[0] is first else first
    producing.wait()
    kit.wait_committed("twin.in", "twin", 40)
    other.check_alive()
    other.wait_ready(10)
    other.stop()
    check_outputs(folder, "twin", first, records)
    kit.say(f"two of one group: the {'older' if gone[0] is first else 'newer'} one ended with "
            f"{kit.EXIT['fenced']}, outputs are there once")


def asleep(folder, broker):
    """The broker stands still for longer than the transaction in flight may last."""
    broker.topics("sleep", PARTITIONS)
    records = log_of(folder, "sleep", 7)
    config = kit.configuration("sleep", broker.bootstrap, kafka={"transaction.timeout.ms": 5000})
    d = kit.Daemon(folder, config)
    d.wait_ready()
    third = len(records) // 3
    kit.produce("sleep.in", records[:third])
    kit.wait_committed("sleep.in", "sleep")
    # Input goes on up to the moment the broker falls asleep, so that a transaction is begun.
    producing = kit.Producing("sleep.in", records[third:2 * third], third // 8)
    time.sleep(1)
    broker.freeze()
    d.wait_reason("no broker can be reached|attempts to commit|waits for the brokers", 30)
    kit.say(f"the broker sleeps: {d.reasons()}")
    broker.thaw()
    producing.wait()
    d.wait_ready(40)
    # Now so that the broker surely finds the transaction too old before the daemon does: it has the requests in
    # its sockets when it wakes up, and the daemon sleeps on until the timeout has passed.
    producing = kit.Producing("sleep.in", records[2 * third:], third // 8)
    kit.wait_for("more messages", 10, lambda: d.metrics()["funneld_messages_total"] > 2 * third + 100)
    broker.freeze()
    time.sleep(1.5)
    d.signal(signal.SIGSTOP)
    broker.thaw()
    time.sleep(8)
    d.signal(signal.SIGCONT)
    producing.wait()
    d.wait_ready(40)
    kit.wait_committed("sleep.in", "sleep", 60)
    d.check_alive()
    m = d.metrics()
    d.stop()
    # The test's own producer may have written a batch twice meanwhile: a second daemon over the same log, under
    # a name of its own, is the measure.
    for output in (".alerts", ".dead"):
        broker.topic("sleep-calm" + output)
    calm = kit.Daemon(folder, kit.configuration("sleep-calm", broker.bootstrap, inputs=[{"topic": "sleep.in"}]))
    kit.wait_committed("sleep.in", "sleep-calm")
    calm.stop()
    found = [v for _, _, v in kit.alerts_of("sleep.alerts")]
    kit.check(len(found) > 20, f"only {len(found)} alert records")
    kit.same_list("after the sleep: alert values", [v for _, _, v in kit.alerts_of("sleep-calm.alerts")], found)
    letters = {name: sorted((x["headers"]["funneld_partition"], x["headers"]["funneld_offset"])
                            for x in kit.consume(name + ".dead")) for name in ("sleep", "sleep-calm")}
    kit.same_list("after the sleep: dead letters", letters["sleep-calm"], letters["sleep"])
    renewals, aborts = (int(m[f"funneld_{n}_total"]) for n in ("producer_renewals", "transaction_aborts"))
    kit.check(renewals >= 1, "no transaction was fenced: the test is too weak")
    kit.say(f"a sleeping broker: {renewals} new producers, {aborts} aborts, outputs are there once")


def story(folder, broker):
    twins(folder, broker)
    asleep(folder, broker)


kit.story(story)
