#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two daemons of one group: one goes on, the other ends and says why, and each output is there once. More of that,
and a broker that sleeps for longer than a transaction may last, in ../fault/broker_faults.py."""
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


def story(folder, broker):
    twins(folder, broker)


kit.story(story)
