#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Topics and offsets were moved to another cluster, with the same records: refused, and with --accept-reset gone on
with, state kept, nothing twice; a kill right after that loses nothing either."""
import json
import os
import sys

sys.dont_write_bytecode = True
import libcases
import libfault as fault
from libcases import kit

PARTITIONS = 2
RECORDS = fault.bad(kit.records(kit.shop(33, hours=3, visits_an_hour=1200, incident=(1.0, 2.0)), PARTITIONS), every=50)
HALF = next(i for i, r in enumerate(RECORDS) if r["ts"] >= kit.START + 1.6 * kit.HOUR)


def state_of(group):
    offsets = kit.run(kit.KTOOL, "offsets", "--topic", group + ".in", "--group", group)
    return {"offsets": [json.loads(line) for line in offsets.splitlines()],
            **{x: kit.consume(f"{group}.{x}") for x in ("in", "alerts", "dead")}}


def move(group, state):
    for x in ("in", "alerts", "dead"):
        kit.produce(f"{group}.{x}", state[x])
    for x in state["offsets"]:
        kit.run(kit.KTOOL, "commit", "--topic", x["topic"], "--group", group, "--partition", str(x["partition"]),
                "--offset", str(x["offset"]), "--metadata", x["metadata"])


def moved(folder, home):
    home.topics("moved", PARTITIONS)
    d = kit.Daemon(folder, kit.configuration("moved", home.bootstrap), start=False)
    kit.produce("moved.in", RECORDS[:HALF])
    d.start()
    kit.wait_committed("moved.in", "moved")
    d.stop()
    before = state_of("moved")
    home.kill()
    other = kit.Broker(folder + "/other", settings=["--cluster", "BBBBBBBBBBBBBBBBBBBBBQ"])  # $BOOTSTRAP from here on
    try:
        go_on_there(folder, d, before, other)
    finally:
        other.kill()


def go_on_there(folder, d, before, other):
    other.topics("moved", PARTITIONS)
    move("moved", before)
    d.config["kafka"] = {"bootstrap.servers": other.bootstrap}
    d.write()
    fault.refuses(d, "reset", "another cluster", "--accept-reset")
    d.start("--accept-reset")
    kit.produce("moved.in", RECORDS[HALF:-500])
    kit.wait_committed("moved.in", "moved")
    d.kill()
    d.start()
    kit.produce("moved.in", RECORDS[-500:])
    kit.wait_committed("moved.in", "moved")
    fault.no_conservation_errors(d)
    d.stop()
    for output in (".alerts", ".dead"):
        other.topic("calm" + output)
    calm = kit.Daemon(folder, kit.configuration("calm", other.bootstrap, inputs=[{"topic": "moved.in"}]))
    kit.wait_committed("moved.in", "calm")
    calm.stop()
    kit.same_alerts("calm.alerts", "moved.alerts", at_least=20)
    kit.nothing_twice("moved.alerts", "moved.dead")
    kit.same_list("dead letters", fault.bad_places("moved.in"), fault.letters("moved.dead"))


def story(folder, broker):
    libcases.run((moved,), folder, broker)


kit.story(story)
