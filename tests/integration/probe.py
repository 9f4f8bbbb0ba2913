#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a probe finds out from a real broker: ends, trimmed beginnings, partitions added, a topic deleted or made anew,
brokers that do not answer."""
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import libkit as kit

TOOL = os.environ.get("BUILD_DIR", kit.SOURCE + "/build/release") + "/tests/probe_tool"
FINE, MISSING, RESET, PARTITIONS = range(4)


class Tool:
    def __init__(self, folder, broker, name, partitions):
        self.file = f"{folder}/{name}.yaml"
        kit.write_lines(self.file, [json.dumps(kit.configuration(name, broker.bootstrap))])
        with open(f"{folder}/{name}.log", "wb") as log:
            self.process = subprocess.Popen([TOOL, self.file, str(partitions)], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, preexec_fn=kit.with_parent)

    def ask(self, line):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        kit.check(answer, "the tool has ended")
        return json.loads(answer)

    def until(self, what, line, wanted):
        return kit.wait_for(what, 20, lambda: (lambda x: x if wanted(x) else None)(self.ask(line)), every=0.2)


def produce(topic, partition, count):
    kit.produce(topic, [{"partition": partition, "key": "k", "value": "v"}] * count)


def fine(folder, broker):
    broker.topic("fine.in", 3)
    produce("fine.in", 0, 10)
    produce("fine.in", 2, 4)
    kit.run(kit.KTOOL, "trim", "--topic", "fine.in", "--partition", "0", "--offset", "3")
    t = Tool(folder, broker, "fine", 3)
    x = t.until("ends", "10 0 4", lambda x: x["answered"])
    kit.same("partitions", [{"low": 3, "high": 10, "fresh": True}, {"low": 0, "high": 0, "fresh": True},
                            {"low": 0, "high": 4, "fresh": True}], x["parts"])
    kit.same("verdict", (FINE, 0), (x["verdict"], x["code"]))
    kit.same("partitions", 3, x["partitions"])
    kit.same("told once", FINE, t.ask("11 0 4")["verdict"])
    x = t.ask("11 0 4")
    kit.same("a position past the end, twice", (RESET, kit.EXIT["reset"]), (x["verdict"], x["code"]))
    kit.check("fine.in/0" in x["why"] and "10" in x["why"], x["why"])
    kit.same("right again", FINE, t.ask("10 0 4")["verdict"])
    kit.run(kit.KTOOL, "grow", "--topic", "fine.in", "--partitions", "5")
    x = t.until("more partitions", "10 0 4", lambda x: x["partitions"] == 5)
    kit.same("partitions were added", (PARTITIONS, kit.EXIT["partitions"]), (x["verdict"], x["code"]))
    kit.say("ends, a trimmed log, positions past the end, partitions added")


def gone(folder, broker):
    broker.topic("gone.in")
    produce("gone.in", 0, 5)
    t = Tool(folder, broker, "gone", 1)
    t.until("ends", "5", lambda x: x["parts"][0]["high"] == 5)
    kit.run(kit.KTOOL, "delete", "--topic", "gone.in")
    x = t.until("missing", "5", lambda x: x["verdict"] != FINE)
    kit.same("a deleted topic", (MISSING, kit.EXIT["reset"]), (x["verdict"], x["code"]))
    broker.topic("gone.in")
    produce("gone.in", 0, 2)
    x = t.until("the new log", "5", lambda x: x["verdict"] == RESET)
    kit.same("its end", 2, x["parts"][0]["high"])
    kit.say("a topic deleted, then made anew")


def silent(folder, broker):
    broker.topic("silent.in")
    produce("silent.in", 0, 5)
    t = Tool(folder, broker, "silent", 1)
    t.until("ends", "5", lambda x: x["answered"])
    broker.freeze()
    began = time.monotonic()
    x = t.ask("5")
    kit.check(not x["answered"] and not x["parts"][0]["fresh"], f"a frozen broker answered: {x}")
    kit.check(time.monotonic() - began < 20, "the probe had no bound")
    kit.say(f"a frozen broker: no answer, after {time.monotonic() - began:.1f} s")
    broker.thaw()
    x = t.until("an answer", "5", lambda x: x["answered"])
    kit.same("the end", 5, x["parts"][0]["high"])
    broker.stop()
    x = t.ask("5")
    kit.check(not x["answered"] and not x["parts"][0]["fresh"] and x["verdict"] == FINE, f"without a broker: {x}")
    began = time.monotonic()
    kit.check(not t.ask("cancel")["answered"], "a cancelled probe")
    kit.say(f"a cancelled probe without a broker: {time.monotonic() - began:.1f} s")


def story(folder, broker):
    fine(folder, broker)
    gone(folder, broker)
    silent(folder, broker)


kit.story(story)
