#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Topics that change under a running daemon: the input deleted, made anew, given partitions; the alert topic deleted.
It ends with the code that says so, or says so at /ready and goes on. CASES=name,... runs only these."""
import sys
import time

sys.dont_write_bytecode = True
import libcases
import libfault as fault
from libcases import kit

PARTITIONS = 2
# The brokers are asked each few seconds once nothing comes any more. Events of today, so that no pane closes by that.
QUIET = {"idle_after": "4s"}
NOW = int(time.time() * 1000) // kit.HOUR * kit.HOUR
RECORDS = fault.bad(kit.records(kit.shop(32, hours=2, visits_an_hour=1200, incident=(0.5, 1.0), start=NOW), PARTITIONS),
                    every=50)
HALF = len(RECORDS) // 2
BOUND = 40  # seconds until it has noticed


class Scene:
    def __init__(self, name, **over):
        self.name, self.topic = name, name + ".in"
        BROKER.topics(name, PARTITIONS)
        self.daemon = kit.Daemon(FOLDER, kit.configuration(name, BROKER.bootstrap, time=QUIET, **over))
        self.daemon.wait_ready()

    def read(self, records):
        kit.produce(self.topic, records)
        self.settle()

    def read_and_restart(self, records):
        """So that there is a snapshot of a later than the first transaction."""
        self.read(records[:100])
        self.read(records[100:])
        self.daemon.stop()
        self.daemon.start()
        self.daemon.wait_ready()

    def settle(self):
        kit.wait_committed(self.topic, self.name)

    def ends(self, code, *words):
        """By itself, soon; until then /ready is asked."""
        began = time.monotonic()
        kit.same(f"{self.name}: exit status", kit.EXIT[code], self.daemon.wait(BOUND))
        text = self.daemon.text(last_start=True)
        for word in words:
            kit.check(word in text, f"the log does not say '{word}', see {self.daemon.log}")
        kit.say(f"{self.name}: ended with {kit.EXIT[code]} after {time.monotonic() - began:.0f} s")


def input_deleted():
    s = Scene("deleted")
    s.read(RECORDS[:HALF])
    before = kit.alerts_of("deleted.alerts")
    kit.run(kit.KTOOL, "delete", "--topic", s.topic)
    s.daemon.wait_reason("deleted.in", BOUND)
    s.ends("reset", "deleted.in", "does not exist")
    kit.same_list("alerts", before, kit.alerts_of("deleted.alerts"))


def anew(name, records, at_once):
    """A topic made anew is another one, however many records it has. at_once: before it is seen to be gone; then
    only a log that is shorter than what was read can be told from a broker that had forgotten it for a moment."""
    s = Scene(name)
    s.read_and_restart(RECORDS[:HALF])
    letters = fault.letters(name + ".dead")
    kit.run(kit.KTOOL, "delete", "--topic", s.topic)
    if not at_once:
        s.ends("reset", s.topic)
    BROKER.topic(s.topic, PARTITIONS)
    kit.produce(s.topic, records)
    if at_once:
        s.ends("reset", s.topic)
    kit.same_list("dead letters", letters, fault.letters(name + ".dead"))
    fault.refuses(s.daemon, "reset", "--accept-reset")
    s.daemon.start("--accept-reset", "--reconcile")
    s.settle()
    s.daemon.stop()


def input_recreated_with_fewer():
    anew("fewer", RECORDS[:200], True)


def input_recreated_with_more():
    anew("more", RECORDS, False)


def partitions_added():
    """All that was read is committed and in a snapshot before it ends."""
    s = Scene("added")
    s.read(RECORDS[:HALF])
    kit.run(kit.KTOOL, "grow", "--topic", s.topic, "--partitions", str(PARTITIONS + 1))
    kit.produce(s.topic, RECORDS[HALF:])
    s.ends("partitions", "3 partitions")
    at = kit.committed(s.topic, "added")
    text = kit.run(kit.FUNNELD, "state", "inspect", "-c", s.daemon.file)
    for p in range(PARTITIONS):
        kit.check(str(at[p]) in text, f"no snapshot at the committed offset {at[p]}: {text}")
    fault.refuses(s.daemon, "partitions", "--new-epoch")
    s.daemon.start("--new-epoch")
    s.daemon.wait_ready()
    kit.produce(s.topic, [{"partition": PARTITIONS, "key": "bad-new", "value": "bad"}])
    s.settle()
    fault.no_conservation_errors(s.daemon)
    s.daemon.stop()
    kit.same_list("dead letters", fault.bad_places(s.topic), fault.letters("added.dead"))


def alert_topic_deleted():
    """Nothing is lost: alerts wait until there is a topic again."""
    s = Scene("alertless")
    s.read(RECORDS[:HALF])
    before = kit.alerts_of("alertless.alerts")
    kit.run(kit.KTOOL, "delete", "--topic", "alertless.alerts")
    # Not a moment sooner: what is committed into a topic that is about to go is gone with it.
    kit.wait_for("the topic is gone", 20, lambda: "alertless.alerts" not in kit.run(kit.KTOOL, "topics"))
    time.sleep(1)
    kit.produce(s.topic, RECORDS[HALF:])
    s.daemon.wait_reason("the alert topic refuses records", 90)
    kit.say(f"alertless: {s.daemon.reasons()}")
    BROKER.topic("alertless.alerts")
    s.settle()
    s.daemon.wait_ready()
    fault.no_conservation_errors(s.daemon)
    s.daemon.stop()
    kit.write_lines(f"{FOLDER}/alertless.ndjson", [r["value"] for r in RECORDS])
    kit.same_list("alerts", kit.replay_alerts(s.daemon.file, f"{FOLDER}/alertless.ndjson")[:len(before)], before)
    after = kit.alerts_of("alertless.alerts")
    kit.check(after, "no alert after the topic came back")
    whole = kit.replay_alerts(s.daemon.file, f"{FOLDER}/alertless.ndjson")
    kit.same_list("alerts of both topics", whole[:len(before) + len(after)], before + after)
    kit.same_list("dead letters", fault.bad_places(s.topic), fault.letters("alertless.dead"))


def story(folder, broker):
    global FOLDER, BROKER
    FOLDER, BROKER = folder, broker
    libcases.run((alert_topic_deleted, input_deleted, input_recreated_with_fewer, input_recreated_with_more,
                  partitions_added), at_once=5)


kit.story(story)
