#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Another configuration for a daemon that runs (SIGHUP), or that was stopped: rules that stay go on bit for bit,
edited and removed ones resolve, funnels of another shape keep who stands where, and a bad file changes nothing."""
import copy
import json
import os
import signal
import socket
import threading

import libcases
from libcases import kit

PARTITIONS = 2
CUT = kit.START + int(2.6 * kit.HOUR)  # in the midst of the incident
RECORDS = kit.records(kit.shop(7, hours=4, visits_an_hour=1200), PARTITIONS)
FIRST = [r for r in RECORDS if r["ts"] < CUT]
REST = [r for r in RECORDS if r["ts"] >= CUT]


def rules_of(config):
    return config["funnels"]["shop"]["rules"]


def rule(config, name):
    return next(r for r in rules_of(config) if r["id"] == name)


def added(name):
    """A rule that nothing can satisfy, with its windows at other places than the others'."""
    return {"id": name, "kind": "target", "step": "visit>cart", "target": 0.999, "window": "10m", "min_entries": 5}


class Scene:
    def __init__(self, folder, broker, name, env=None, window="2h", **over):
        self.name, self.topic = name, name + ".in"
        broker.topics(name, PARTITIONS)
        self.config = kit.configuration(name, broker.bootstrap, **over)
        self.config["funnels"]["shop"]["window"] = window
        self.daemon = kit.Daemon(folder, self.config, env=env)

    def feed(self, records):
        kit.produce(self.topic, records)
        kit.wait_committed(self.topic, self.name, 60)

    def alerts(self):
        """(rule, status, reason, sequence, value) in the topic's order."""
        result = []
        for _, _, text in kit.alerts_of(self.name + ".alerts"):
            v = json.loads(text)
            result.append((v["labels"]["alertname"], v["status"], v.get("endsReason"), v["sequence"], v))
        return result

    def last(self, name):
        """(status, reason) of the last record of an alert of the whole funnel."""
        found = [a for a in self.alerts() if a[0] == name and "channel" not in a[4]["labels"]]
        return (found[-1][1], found[-1][2]) if found else (None, None)

    def edited(self):
        """A copy of the settings in force, to be changed."""
        return copy.deepcopy(self.daemon.config)

    def in_force(self):
        return self.daemon.text().count("the new configuration is in force")

    def write(self, config):
        self.daemon.config = config
        self.daemon.write()

    def reload(self, config):
        before = self.in_force()
        self.write(config)
        self.daemon.signal(signal.SIGHUP)
        kit.wait_for(f"{self.name}: the new configuration in force", 30, lambda: self.in_force() > before)
        self.daemon.check_alive()

    def same_as_calm(self, names):
        """The records of these rules are those of a daemon that never heard of another configuration."""
        def only(topic):
            wanted = [a for a in kit.alerts_of(topic) if json.loads(a[2])["labels"]["alertname"] in names]
            return kit.comparable(wanted)

        expected, found = only("calm.alerts"), only(self.name + ".alerts")
        count = sum(len(x) for x in expected.values())
        kit.check(count >= 5, f"{count} records of {names}: too weak a test")
        kit.same_list(f"{self.name}: keys", sorted(expected), sorted(found))
        for key in expected:
            kit.same_list(f"{self.name}: alerts of {key}", expected[key], found[key])
        return count

    def end(self):
        kit.same(f"{self.name}: conservation errors", 0, self.daemon.metrics()["funneld_conservation_errors_total"])
        kit.nothing_twice(self.name + ".alerts", self.name + ".dead")
        self.daemon.stop()


def every_firing_ends_once(scene):
    """Sequences of a key count up without a hole, and firing and resolved take turns."""
    keys = {}
    for key, _, text in kit.alerts_of(scene.name + ".alerts"):
        v = json.loads(text)
        keys.setdefault(key, []).append((v["sequence"], v["status"]))
    for key, seen in keys.items():
        kit.same(f"{scene.name}: sequences of {key}", list(range(1, len(seen) + 1)), [s for s, _ in seen])
        turns = [s for _, s in seen if s != "updated"]
        kit.same(f"{scene.name}: turns of {key}", (["firing", "resolved"] * len(turns))[:len(turns)], turns)


# --- rules ---


def new_rules(config):
    rule(config, "paid-target")["target"] = 0.64
    rules_of(config).remove(rule(config, "paid-change"))
    rules_of(config).append(added("added"))
    return config


def rules(folder, broker):
    """Edited, removed, added and untouched ones; then killed, so that the log is read again across the switch."""
    scene = Scene(folder, broker, "rules", state={"snapshot": "1h"})
    scene.feed(FIRST)
    firing = {a[0] for a in scene.alerts() if a[1] == "firing"}
    kit.check({"paid-target", "paid-change"} <= firing, f"rules: only {firing} fired: too weak a test")
    kit.same("rules: before", "firing", scene.last("paid-target")[0])
    scene.reload(new_rules(scene.edited()))
    kit.wait_for("rules: the edited one resolved", 20,
                 lambda: ("paid-target", "resolved", "rule_changed") in [a[:3] for a in scene.alerts()])
    kit.check(("paid-change", "resolved", "rule_removed") in [a[:3] for a in scene.alerts()], "rules: the removed one")
    half = len(REST) // 2
    scene.feed(REST[:half])
    scene.daemon.kill()
    said = scene.daemon.text()
    kit.check(said.rindex("in force") > said.rindex("snapshot durable"), "rules: a snapshot came after the switch")
    scene.daemon.start()
    scene.daemon.wait_ready()
    kit.check("compared=yes" in scene.daemon.text(last_start=True), "rules: nothing was read again")
    scene.feed(REST[half:])
    every_firing_ends_once(scene)
    count = scene.same_as_calm({"paid-by-channel", "noisy"})
    after = scene.alerts()
    kit.check("added" in {a[0] for a in after}, "rules: the added one has not fired")
    kit.check([a for a in after if a[0] == "paid-target"][-1][2] in (None, "recovered"), "rules: paid-target's end")
    kit.same("rules: records of the removed one after its end", "rule_removed",
             [a for a in after if a[0] == "paid-change"][-1][2])
    scene.end()
    kit.say(f"rules: {count} records of rules that stayed, as without a reload; killed and read again across it")


def at_start(folder, broker):
    """Stopped, edited, started."""
    scene = Scene(folder, broker, "at-start")
    scene.feed(FIRST)
    scene.daemon.stop()
    kit.same("at-start: before", "firing", scene.last("paid-target")[0])
    scene.write(new_rules(scene.edited()))
    scene.daemon.start()
    kit.wait_for("at-start: the edited one resolved", 30,
                 lambda: ("paid-target", "resolved", "rule_changed") in [a[:3] for a in scene.alerts()])
    scene.feed(REST)
    kit.check("added" in {a[0] for a in scene.alerts()}, "at-start: the added one has not fired")
    every_firing_ends_once(scene)
    scene.same_as_calm({"paid-by-channel", "noisy"})
    scene.end()


def twice(folder, broker):
    """Again before the first has come to be; and killed right after: the last file holds."""
    scene = Scene(folder, broker, "twice")
    scene.feed(FIRST)
    one, other = new_rules(scene.edited()), scene.edited()
    rules_of(other).append(added("other"))
    for config in (one, other, one, other):
        scene.write(config)
        scene.daemon.signal(signal.SIGHUP)
    scene.daemon.kill()
    scene.daemon.start()
    scene.daemon.wait_ready()
    for config in (one, other, one, other):
        scene.write(config)
        scene.daemon.signal(signal.SIGHUP)
    kit.wait_for("twice: taken", 20, lambda: scene.daemon.metrics()["funneld_reloads_total"] >= 1)
    scene.feed(REST)
    names = {a[0] for a in scene.alerts()}
    kit.check("other" in names, f"twice: the last one has not come to be, only {names}")
    every_firing_ends_once(scene)
    scene.same_as_calm({"paid-by-channel", "noisy"})
    scene.end()


# --- shape ---

STEP_SUMS = (("entered", "credited", "seeded"),
             ("advanced", "credited", "lost", "deleted", "superseded", "skipped", "expired", "open"))


def report(scene):
    status, text = scene.daemon.http("/api/v1/report?funnel=shop")
    kit.same(f"{scene.name}: /api/v1/report", 200, status)
    r = json.loads(text)
    for s in r["steps"] + [r["overall"]] + [s for g in r["segments"] for s in g["steps"]]:
        sums = [sum(s.get(n, 0) for n in names) for names in STEP_SUMS]
        kit.same(f"{scene.name}: sums of {s['from']}>{s['to']}", sums[0], sums[1])
    return r


def standing(r, stages):
    """Who stands where, and what is open: of these stages."""
    stock = {s["stage"]: s["stock"] for s in r["stages"] if s["stage"] in stages}
    amount = {s["stage"]: s["stock_amount"] for s in r["stages"] if s["stage"] in stages}
    opened = {s["from"]: s["open"] for s in r["steps"] if s["to"] in stages}
    return stock, amount, opened


def marks(minute):
    """One visit for each partition, of an entity that is alone in its pane: closes all panes before."""
    ts = kit.START + 90 * kit.MINUTE + minute * kit.MINUTE
    events = {}
    for n in range(100):
        r = kit.records([(ts, f"m-{minute}-{n}", kit.event(f"m-{minute}-{n}", "visit", ts, "mail"))], PARTITIONS)[0]
        events.setdefault(r["partition"], r)
    return list(events.values())


def with_dims(config):
    shop = config["funnels"]["shop"]
    shop["dims"] = {"device": {"top": 5}, "channel": {"values": list(kit.CHANNELS)}}
    return config


def with_pane(config):
    config["time"]["pane"] = "5m"
    return config


def with_window(config):
    config["funnels"]["shop"]["window"] = "20h"
    return config


def with_stage(config):
    shop = config["funnels"]["shop"]
    shop["stages"] = list(kit.STAGES) + ["review"]
    shop["won"] = "paid"
    return config


def fewer_stages(config):
    shop = config["funnels"]["shop"]
    shop["stages"] = [s for s in shop["stages"] if s != "cart"]
    shop["rules"] = [r for r in shop["rules"] if r["id"] != "noisy"]
    return config


def shape(folder, broker):
    """Dims, pane, window and stages: nobody is lost, and every sum balances."""
    scene = Scene(folder, broker, "shape", window="12h")
    scene.feed([r for r in RECORDS if r["ts"] < kit.START + 85 * kit.MINUTE])
    minute = 10
    scene.feed(marks(minute))
    for change in (with_dims, with_pane, with_window, with_stage):
        before = standing(report(scene), kit.STAGES)
        kit.check(before[0]["visit"] > 100 and before[2]["cart"] > 20, f"shape: too weak a test: {before}")
        scene.reload(change(scene.edited()))
        minute += 20
        scene.feed(marks(minute))
        after = standing(report(scene), kit.STAGES)
        # The marks of the time before stand at the first stage too: they were not counted yet.
        before[0]["visit"] += PARTITIONS
        before[2]["visit"] += PARTITIONS
        kit.same(f"shape: {change.__name__}", before, after)
    before = report(scene)
    scene.daemon.kill()
    scene.daemon.start()
    scene.daemon.wait_ready()
    kit.same("shape: after a kill", before, report(scene))
    scene.reload(fewer_stages(scene.edited()))
    scene.feed(marks(minute + 20))
    stock, _, _ = standing(report(scene), kit.STAGES)
    expected = standing(before, ("visit", "checkout", "paid"))[0]
    expected["visit"] += PARTITIONS
    kit.same("shape: without the cart", expected, stock)
    scene.end()
    kit.say("shape: four changes, a kill and a stage less: everybody stands where he stood")


# --- refusals ---


def bad_files(scene):
    """(what is said, the file's bytes)"""
    wrong = scene.edited()
    wrong["time"]["pane"] = "7m"
    wrong["funnels"]["shop"]["colour"] = "red"
    rule(wrong, "noisy")["significance"] = 7
    yield ("pane", "colour", "significance"), json.dumps(wrong).encode()
    yield (), b"\0\xff: [}"
    yield (), b""


def changed_keys(scene, good):
    """(key, settings that need a restart)"""
    for key, change in (
            ("group", {"group": "another"}),
            ("kafka", {"kafka": {**scene.config["kafka"], "client.id": "another"}}),
            ("inputs[].topic", {"inputs": [{"topic": "another.in", "preset": "plain"}]}),
            ("outputs", {"outputs": {**scene.config["outputs"], "alerts": "another.alerts"}}),
            ("amount_decimals", {"amount_decimals": 3}),
            ("state.dir", {"state": {"dir": scene.daemon.state_dir + "-x"}}),
            ("state.hash_key", {"state": {**scene.daemon.config["state"], "hash_key": "another"}}),
            ("http", {"http": f"127.0.0.1:{kit.free_port()}"}),
            ("control", {"control": "another.control"}),
            ("log.format", {"log": {"format": "json"}})):
        yield key, {**good, **change}


def refused(folder, broker):
    """Files with errors, and keys that cannot change: all of it is said, none of it happens."""
    scene = Scene(folder, broker, "refused")
    good = scene.edited()
    scene.feed(FIRST)
    count = 0

    def hup(what, words):
        nonlocal count
        count += 1
        at = len(scene.daemon.text())
        scene.daemon.signal(signal.SIGHUP)
        kit.wait_for(f"refused: {what}", 20,
                     lambda: scene.daemon.metrics()["funneld_reloads_refused_total"] == count)
        kit.same(f"refused: /ready after {what}", 200, scene.daemon.ready()[0])
        said = scene.daemon.text()[at:]
        kit.check("nothing has changed" in said, f"refused: {what}: {said}")
        for word in words:
            kit.check(word in said, f"refused: {what}: '{word}' is not in {said}")

    for words, data in bad_files(scene):
        with open(scene.daemon.file, "wb") as f:
            f.write(data)
        hup(f"{data[:20]!r}", words)
    os.unlink(scene.daemon.file)
    hup("no file", (scene.daemon.file,))
    for key, config in changed_keys(scene, good):
        scene.write(config)
        hup(key, ("key=" + key,))
    scene.write(good)
    kit.same("refused: taken", 0, scene.daemon.metrics()["funneld_reloads_total"])
    scene.feed(REST)
    kit.same_alerts("calm.alerts", "refused.alerts", at_least=20)
    scene.end()
    kit.say(f"refused: {count} of {count}, and the alerts as if nothing had been")


# --- what the service manager hears ---


def notify(folder, broker):
    """RELOADING=1 with its time, then READY=1: for a good file, for the same again, and for a bad one."""
    path = f"{folder}/notify"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    heard, lock = [], threading.Lock()

    def listen():
        while True:
            text = listener.recv(4096).decode()
            with lock:
                heard.append(text)

    threading.Thread(target=listen, daemon=True).start()
    scene = Scene(folder, broker, "notify", env={"NOTIFY_SOCKET": path})
    scene.daemon.wait_ready()
    kit.wait_for("notify: READY=1", 10, lambda: "READY=1" in heard)
    good, bad = new_rules(scene.edited()), scene.edited()
    bad["colour"] = "red"
    for config in (good, good, bad):
        scene.write(config)
        with lock:
            heard.clear()
        scene.daemon.signal(signal.SIGHUP)
        kit.wait_for("notify: READY=1 again", 20, lambda: "READY=1" in heard)
        with lock:
            told = [x for x in heard if not x.startswith(("STATUS=", "WATCHDOG="))]
        kit.same("notify: how many", 2, len(told))
        kit.check(told[0].startswith("RELOADING=1\nMONOTONIC_USEC="), f"notify: {told!r}")
        kit.same("notify: then", "READY=1", told[1])
        if config is good:
            kit.same("notify: in force by then", 1, scene.in_force())
    scene.end()


# --- keys that no machine goes by ---


def shell_keys(folder, broker):
    """Taken over at once, without a switch."""
    scene = Scene(folder, broker, "shell-keys")
    scene.daemon.wait_ready()

    def beats():
        return sum(kit.is_heartbeat(k, h) for k, h, _ in kit.alerts_of("shell-keys.alerts"))

    config = scene.edited()
    config["heartbeat"] = "1s"
    config["state"]["snapshot"] = "1s"
    scene.write(config)
    scene.daemon.signal(signal.SIGHUP)
    kit.wait_for("shell-keys: heartbeats", 20, lambda: beats() >= 2)
    kit.same("shell-keys: no switch", 0, scene.in_force())
    kit.same("shell-keys: reloads", 1, scene.daemon.metrics()["funneld_reloads_total"])
    for i in range(2):  # an idle daemon takes none
        scene.feed(RECORDS[i:i + 1])
        kit.wait_for("shell-keys: snapshots", 20, lambda: scene.daemon.metrics()["funneld_snapshots_total"] >= i + 1)
    scene.feed(RECORDS[2:60])  # every partition has an event: /ready waits for that
    # What a snapshot embeds is of the machines: after a restart the file still says how the shell does its part.
    scene.daemon.kill()
    before = beats()
    scene.daemon.start()
    scene.daemon.wait_ready()
    kit.wait_for("shell-keys: heartbeats again", 20, lambda: beats() >= before + 2)
    scene.end()


def story(folder, broker):
    calm = Scene(folder, broker, "calm")
    calm.feed(RECORDS)
    calm.end()
    libcases.run([rules, shape, refused, at_start, twice, notify, shell_keys], folder, broker)


kit.story(story)
