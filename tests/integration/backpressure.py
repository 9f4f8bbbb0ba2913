#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A partition far ahead of the others waits for them; one without events is named; output that cannot be committed
stops the reading. Memory stays bounded meanwhile, and in the end nothing is missing."""
import sys
import time

sys.dont_write_bytecode = True
import libkit as kit

PARTITIONS = 3
SKEW = 10  # panes of a minute
BATCH = 2000  # messages of one turn, which a partition may come too far


def memory_mb(d):
    """The most it ever used."""
    with open(f"/proc/{d.process.pid}/status") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0


def of(m, name, topic, partition):
    return m.get(f'funneld_{name}{{topic="{topic}",partition="{partition}"}}')


def skew(folder, broker):
    broker.topics("skew", PARTITIONS)
    events = kit.shop(seed=8, hours=5, visits_an_hour=3200)
    records = kit.records(events, PARTITIONS)
    parts = [[r for r in records if r["partition"] == p] for p in range(PARTITIONS)]
    kit.write_lines(folder + "/skew.ndjson", [r["value"] for r in records])
    d = kit.Daemon(folder, kit.configuration("skew", broker.bootstrap, time={"max_skew": SKEW},
                                             kafka={"queued.max.messages.kbytes": 2048}))
    d.wait_ready()

    kit.produce("skew.in", parts[0])

    def wait_paused(limit_ms, why):
        """Partition 0 stands still, about where it may."""
        def probe():
            return of(d.metrics(), "partition_paused", "skew.in", 0) == 1

        kit.wait_for(why + ": partition 0 is paused", 10, probe)
        time.sleep(1)
        m = d.metrics()
        taken = of(m, "partition_messages_total", "skew.in", 0)
        most = sum(r["ts"] < limit_ms for r in parts[0]) + BATCH
        kit.check(of(m, "partition_paused", "skew.in", 0) == 1, f"{why}: partition 0 was resumed")
        kit.check(taken <= most, f"{why}: {taken:.0f} messages of partition 0 were taken, {most} would do")
        # The log's end is that of the last fetch, and a paused partition is not fetched.
        kit.check(0 < of(m, "partition_lag", "skew.in", 0) <= len(parts[0]) - taken, f"{why}: wrong lag")
        kit.say(f"{why}: partition 0 waits at {taken:.0f} of {len(parts[0])} messages")
        return taken

    # Where the panes begin is known after the first batch, of at most 1000.
    first = wait_paused(parts[0][999]["ts"] + (SKEW + 2) * kit.MINUTE, "the others are empty")
    d.wait_reason("skew.in/[12] has had no event yet", 5)
    kit.produce("skew.in", parts[1])
    d.wait_reason("skew.in/2 has had no event yet", 5)
    kit.same("/ready: slowest", 2, d.ready()[1]["slowest"]["partition"])
    kit.same("alerts without partition 2", 0, len(kit.consume("skew.alerts")))

    half = len(parts[2]) // 2
    kit.produce("skew.in", parts[2][:half])
    d.wait_ready(10)  # it has spoken, and that it stopped is not known without a clock
    second = wait_paused(parts[2][half]["ts"] + (SKEW + 2) * kit.MINUTE, "one is behind")
    kit.check(second > first, "partition 0 did not go on")
    # Partition 1 may still be on its way.
    kit.wait_for("/ready names partition 2", 10, lambda: d.ready()[1]["slowest"]["partition"] == 2)
    kit.produce("skew.in", parts[2][half:])
    kit.wait_committed("skew.in", "skew", 30)

    m = d.metrics()
    kit.same("messages taken", len(records), m["funneld_messages_total"])
    kit.same("late events", 0, m["funneld_events_late_total"])
    kit.same("paused", [0] * PARTITIONS, [of(m, "partition_paused", "skew.in", p) for p in range(PARTITIONS)])
    found = kit.alerts_of("skew.alerts")
    expected = kit.replay_alerts(d.file, folder + "/skew.ndjson")
    kit.check(len(found) >= 30, f"only {len(found)} alert records")
    kit.same_list("alert bytes", expected[:len(found)], found)
    sure = kit.instant(events[-1][0] - 5 * kit.MINUTE)
    kit.check(len(found) >= sum(a[1]["ce_time"] <= sure for a in expected), "alerts are missing at the end")
    used = memory_mb(d)
    kit.check(used < 200, f"{used:.0f} MB were used")
    d.stop()
    kit.say(f"skew: {len(found)} alert records as replay has them, {used:.0f} MB")


def full(folder, broker):
    """More comes out than can be committed, because the broker stands still."""
    broker.topics("full", 1)
    count = 30000
    pad = "x" * 1000
    kit.produce("full.in", [{"partition": 0, "key": f"bad-{i}", "value": f"bad {i} {pad}"} for i in range(count)])
    d = kit.Daemon(folder, kit.configuration("full", broker.bootstrap, limits={"outbox": "64KiB"}))

    def begun():
        status, text = d.http("/metrics")
        return status == 200 and "funneld_messages_total" in text and d.metrics()["funneld_messages_total"] > 0

    kit.wait_for("first messages", 20, begun, every=0.002)
    broker.freeze()
    taken = d.metrics()["funneld_messages_total"]
    kit.check(taken < count - 5000, f"{taken:.0f} of {count} were taken before the broker was frozen: too fast a machine")
    kit.wait_for("intake_shut", 10, lambda: d.metrics()["funneld_intake_shut"] == 1)
    d.wait_reason("waits for the brokers|no broker|attempts", 30)
    m = d.metrics()
    # One transaction on its way, the next one full; each is at most a turn of the loop beyond its limit.
    limit = 64 * 1024 + BATCH * 1400
    kit.check(m["funneld_outbox_bytes"] <= limit, f"the outbox holds {m['funneld_outbox_bytes']:.0f} bytes")
    kit.check(of(m, "partition_paused", "full.in", 0) == 4, "after a while the partition is not paused")
    stood = m["funneld_messages_total"]
    time.sleep(1)
    kit.same("messages while it stands", stood, d.metrics()["funneld_messages_total"])
    broker.thaw()
    d.wait_ready(40)
    kit.wait_committed("full.in", "full", 40)
    letters = sorted(int(x["headers"]["funneld_offset"]) for x in kit.consume("full.dead"))
    kit.same_list("dead letters", list(range(count)), letters)
    m = d.metrics()
    kit.same("intake_shut", 0, m["funneld_intake_shut"])
    kit.same("paused", 0, of(m, "partition_paused", "full.in", 0))
    used = memory_mb(d)
    kit.check(used < 400, f"{used:.0f} MB were used")
    d.stop()
    kit.say(f"a full outbox: stood at {stood:.0f} of {count} messages, each dead letter once, {used:.0f} MB")


def story(folder, broker):
    skew(folder, broker)
    full(folder, broker)


kit.story(story)
