#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How a start meets what it finds (PROTOCOL section 5): nothing committed yet, records gone before they were read, an
input made anew, partitions added, offsets that are no funneld's, the state folder lost. Each has an exit
code and a remedy, and with the remedy alerts go on as they should. CASES=name,... runs only these."""
import os
import shutil
import sys
import zlib

sys.dont_write_bytecode = True
import libcases
import libfault as fault
from libcases import kit

PARTITIONS = 2


def log(seed):
    """Three hours with an incident in the second; where the log is cut, alerts fire."""
    return fault.bad(kit.records(kit.shop(seed, hours=3, visits_an_hour=1200, incident=(1.0, 2.0)), PARTITIONS), every=50)


RECORDS = log(31)


def cut(hours):
    """The index of the first record so long after the start."""
    return next(i for i, r in enumerate(RECORDS) if r["ts"] >= kit.START + hours * kit.HOUR)


HALF, MORE = cut(1.6), cut(2.1)


class Scene:
    """A daemon with topics of its own; or, with an input, a second reader of that one."""

    def __init__(self, name, partitions=PARTITIONS, input=None, **over):
        self.name, self.topic = name, input or name + ".in"
        if input:
            BROKER.topic(name + ".alerts")
            BROKER.topic(name + ".dead")
            over["inputs"] = [{"topic": input, "preset": "plain"}]
        else:
            BROKER.topics(name, partitions)
        self.daemon = kit.Daemon(FOLDER, kit.configuration(name, BROKER.bootstrap, **over), start=False)

    def settle(self, seconds=40):
        kit.wait_committed(self.topic, self.name, seconds)

    def read(self, records):
        """From a start to a clean stop."""
        kit.produce(self.topic, records)
        self.daemon.start()
        self.settle()
        self.daemon.stop()

    def go_on(self, *flags):
        """wait_ready() would wait for a first event in each partition."""
        self.daemon.start(*flags)
        kit.wait_for(f"{self.name}: running", 20, lambda: self.daemon.ready()[1].get("state") == "running")

    def configure(self, **settings):
        self.daemon.config.update(settings)
        self.daemon.write()

    def end(self):
        self.settle()
        fault.no_conservation_errors(self.daemon)
        self.daemon.stop()

    def killed(self, orders):
        """Starts and is killed at a fault point; then starts again, undisturbed."""
        self.daemon.faults = orders
        self.daemon.start()
        self.daemon.wait_fault(orders.split(":")[0])
        self.daemon.faults = None


# --- the first start -----------------------------------------------------------------------------------


def plain_from(plain, cut_ms):
    """What a reader of the plain run's alerts would have seen from then on, by key; numbers of sequence are counted
    from the first published record on, so they are left out."""
    result = {}
    for x in plain:
        if kit.instant(cut_ms) < x["data"]["watermark"]:
            result.setdefault(x["fingerprint"], []).append({**x, "sequence": None})
    return result


def check_from_there_on(plain, found, cut_ms):
    """Of each key: what the plain run has from the cut on, after at most one record that tells of what began before."""
    expected, told = plain_from(plain, cut_ms), 0
    began = {x["fingerprint"]: x["startsAt"] for x in plain if x["data"]["watermark"] <= kit.instant(cut_ms)
             and x["status"] != "resolved"}
    by_key = {}
    for x in found:
        kit.check(x["data"]["watermark"] >= kit.instant(cut_ms), f"published though it lies before the cut: {x}")
        by_key.setdefault(x["fingerprint"], []).append({**x, "sequence": None})
    for key in sorted(set(expected) | set(by_key)):
        mine, his = by_key.get(key, []), expected.get(key, [])
        if len(mine) == len(his) + 1 and mine[0]["status"] == "firing":
            kit.same(f"{key}: startsAt of what began before", began.get(key), mine[0]["startsAt"])
            mine, told = mine[1:], told + 1
        kit.same_list(f"{key}: alerts from the cut on", his, mine)
    return told


def bootstrap():
    """What lies in the topic is read and not published. Others are killed meanwhile, and the log grows: their
    bootstraps end where they would have."""
    name = "bootstrap"
    calm = Scene(name, first_start="bootstrap")
    kit.produce(calm.topic, RECORDS[:HALF])
    hasty = Scene(name + "-killed", input=calm.topic, first_start="bootstrap")
    early = Scene(name + "-early", input=calm.topic, first_start="bootstrap")
    plain = Scene(name + "-plain", input=calm.topic)
    early.killed("txn.commit:1")  # nothing is committed: it begins anew below, at the same end
    hasty.killed("txn.committed:1")  # the ends are
    early.killed("txn.committed:2")
    calm.daemon.start()
    calm.settle()
    kit.same("alerts of the bootstrap", [], kit.consume(name + ".alerts"))
    kit.same("dead letters of the bootstrap", [], kit.consume(name + ".dead"))
    calm_ends = kit.ends(calm.topic)
    kit.produce(calm.topic, RECORDS[HALF:])
    hasty.killed("txn.committed:2")
    for s in (hasty, early, plain):
        s.daemon.start()
    for s in (calm, hasty, early, plain):
        s.end()
    told = check_from_there_on(fault.values(name + "-plain.alerts"), fault.values(name + ".alerts"),
                               RECORDS[HALF - 1]["ts"] // kit.MINUTE * kit.MINUTE)
    kit.check(told > 0, "no alert fired at the cut: too weak a test")
    for s in (hasty, early):
        kit.same_alerts(name + ".alerts", s.name + ".alerts", at_least=10)
        kit.nothing_twice(s.name + ".alerts", s.name + ".dead")
        kit.same_list("dead letters", [x for x in fault.bad_places(calm.topic) if x[1] >= calm_ends[x[0]]],
                      fault.letters(s.name + ".dead"))


# --- records gone before they were read ----------------------------------------------------------------


def gap():
    """Retention took unread records: refused, or with on_gap: continue told. What comes after is the same whether or
    not it is killed on the way."""
    name = "gap"
    s = Scene(name)
    calm = Scene(name + "-calm", input=s.topic)
    kit.produce(s.topic, RECORDS[:HALF])
    for x in (s, calm):
        x.daemon.start()
    for x in (s, calm):
        x.end()
    at = kit.committed(s.topic, name)
    kit.produce(s.topic, RECORDS[HALF:MORE])
    kit.run(kit.KTOOL, "trim", "--topic", s.topic, "--partition", "1", "--offset", str(at[1] + 100))
    fault.refuses(s.daemon, "gap", "on_gap: continue", f"{s.topic}/1")
    kit.same("committed offsets after a refusal", at, kit.committed(s.topic, name))
    for x in (s, calm):
        x.configure(on_gap="continue")
    calm.daemon.start()
    for orders in ("outbox.frozen:1", "txn.commit:1", "txn.committed:1", "txn.committed:2"):
        s.killed(orders)
    s.daemon.start()
    for x in (s, calm):
        x.settle()
    lost = fault.values(name + ".alerts", status="firing")
    lost = [x for x in lost if x["rule"]["kind"] == "data_gap"]
    kit.same("data_gap alerts", 1, len(lost))
    kit.check(lost[0]["annotations"]["summary"].startswith("100 records"), f"not how many: {lost[0]['annotations']}")
    kit.produce(s.topic, RECORDS[MORE:])
    s.settle()
    s.daemon.kill()
    s.daemon.start()
    for x in (s, calm):
        x.daemon.wait_ready()
        x.end()
    kit.check(not [x for x in fault.firing(name + ".alerts").values() if x["rule"]["kind"] == "data_gap"],
              "data_gap fires for ever")
    kit.same_alerts(calm.name + ".alerts", name + ".alerts", at_least=20)
    kit.nothing_twice(name + ".alerts", name + ".dead")


# --- an input made anew --------------------------------------------------------------------------------


def restore_offsets(topic, group, before):
    """As a mirror, or a backup of offsets, would bring them along: deleting a topic deletes its offsets."""
    for x in before:
        kit.run(kit.KTOOL, "commit", "--topic", topic, "--group", group, "--partition", str(x["partition"]),
                "--offset", str(x["offset"]), "--metadata", x["metadata"])


def committed_whole(topic, group):
    text = kit.run(kit.KTOOL, "offsets", "--topic", topic, "--group", group)
    return [kit.json.loads(line) for line in text.splitlines()]


def recreate(topic, partitions=PARTITIONS):
    kit.run(kit.KTOOL, "delete", "--topic", topic)
    BROKER.topic(topic, partitions)


def check_new_log(name, s, before):
    """The new log was read from its beginning, each dead letter of it once, after those of the old one."""
    s.end()
    kit.same_list("dead letters", sorted(before + fault.bad_places(s.topic)), fault.letters(name + ".dead"))
    kit.nothing_twice(name + ".alerts")
    s.daemon.start()
    s.daemon.wait_ready()
    s.daemon.kill()
    s.daemon.start()
    s.daemon.wait_ready()
    s.daemon.stop()


def recreated(name, records, *words):
    s = Scene(name)
    s.read(RECORDS[:HALF])
    before = committed_whole(s.topic, name)
    old = fault.letters(name + ".dead")
    recreate(s.topic)
    kit.produce(s.topic, records)
    restore_offsets(s.topic, name, before)
    fault.refuses(s.daemon, "reset", "--accept-reset", *words)
    fault.refuses(s.daemon, "reset")
    s.go_on("--accept-reset")
    check_new_log(name, s, old)


def shorter():
    recreated("shorter", [{**r, "value": r["value"] if r["key"][:3] != "bad" else "short " + r["value"]}
                     for r in RECORDS[HALF:HALF + 400]], "shorter")


def longer():
    recreated("longer", RECORDS[HALF - 10:], "another one now")


def offsets_gone():
    """The topic made anew took its offsets with it; the state folder remembers. Of a second transaction: a snapshot
    of the first may have been taken and that one never committed."""
    name = "offsets-gone"
    s = Scene(name)
    s.read(RECORDS[:HALF // 2])
    s.read(RECORDS[HALF // 2:HALF])
    recreate(s.topic)
    kit.produce(s.topic, RECORDS[HALF:MORE])
    fault.refuses(s.daemon, "reset", "--accept-reset", "no committed offset")
    s.go_on("--accept-reset")
    s.end()
    old = len(kit.consume(name + ".alerts"))
    s.go_on()
    kit.produce(s.topic, RECORDS[MORE:])
    s.end()
    kit.check(len(kit.consume(name + ".alerts")) > old, "no alert after the reset")
    kit.nothing_twice(name + ".alerts")


# --- partitions, metadata, state -----------------------------------------------------------------------


def grown():
    name = "grown"
    s = Scene(name)
    s.read(RECORDS[:HALF])
    kit.run(kit.KTOOL, "grow", "--topic", s.topic, "--partitions", str(PARTITIONS + 1))
    fault.refuses(s.daemon, "partitions", "--new-epoch")
    fault.refuses(s.daemon, "partitions", "--new-epoch", flags=["--rebuild"])
    s.go_on("--new-epoch")
    kit.produce(s.topic, [{**r, "partition": zlib.crc32(r["key"].encode()) % (PARTITIONS + 1)} for r in RECORDS[HALF:]])
    s.end()
    s.daemon.start()
    s.daemon.wait_ready()
    s.end()
    kit.same_list("dead letters", fault.bad_places(s.topic), fault.letters(name + ".dead"))
    kit.nothing_twice(name + ".alerts", name + ".dead")


def foreign():
    """Something else committed to the group: with metadata of its own, with none, on one partition alone."""
    name = "foreign"
    s = Scene(name)
    s.read(RECORDS[:HALF])
    before = committed_whole(s.topic, name)
    at = str(before[0]["offset"])
    for metadata in (["--metadata", "somebody was here"], [], ["--metadata", before[1]["metadata"]]):
        kit.run(kit.KTOOL, "commit", "--topic", s.topic, "--group", name, "--partition", "0", "--offset", at, *metadata)
        fault.refuses(s.daemon, "state", f"{s.topic}/0", "metadata")
    restore_offsets(s.topic, name, before)
    s.go_on()
    kit.produce(s.topic, RECORDS[HALF:])
    s.end()
    calm = Scene(name + "-calm", input=s.topic)
    calm.daemon.start()
    calm.end()
    kit.same_alerts(calm.name + ".alerts", name + ".alerts", at_least=20)


def lose_state(s):
    shutil.rmtree(s.daemon.state_dir)


def without_rule(s, rule):
    shop = s.daemon.config["funnels"]["shop"]
    s.configure(funnels={"shop": {**shop, "rules": [r for r in shop["rules"] if r["id"] != rule]}})


def lost():
    """The state folder is gone: refused; rebuilt from the log, and what fires on the topic and not in the machines is
    resolved, once. A rule that is not there any more stands for whatever a rebuilt state does not hold."""
    name = "lost"
    s = Scene(name)
    s.read(RECORDS[:1000])
    s.read(RECORDS[1000:HALF])  # names the snapshot of the first stop as durable
    before = fault.firing(name + ".alerts")
    gone = {k for k, x in before.items() if x["rule"]["id"] == "paid-by-channel"}
    kit.check(gone and set(before) - gone, f"too weak a test: {[x['rule']['id'] for x in before.values()]}")
    lose_state(s)
    fault.refuses(s.daemon, "state", "--rebuild --reconcile")
    without_rule(s, "paid-by-channel")
    s.go_on("--rebuild", "--reconcile")
    kit.produce(s.topic, RECORDS[HALF:MORE])
    kit.wait_for("state_lost", 20, lambda: [x for x in fault.values(name + ".alerts") if x["endsReason"] == "state_lost"])
    s.settle()
    s.daemon.kill()
    kit.produce(s.topic, RECORDS[MORE:])
    s.go_on()
    s.end()
    found = fault.values(name + ".alerts")
    closed = [x["fingerprint"] for x in found if x["endsReason"] == "state_lost"]
    kit.same("resolved as state_lost", sorted(gone), sorted(closed))
    kit.nothing_twice(name + ".alerts", name + ".dead")
    kit.same_list("dead letters", fault.bad_places(s.topic), fault.letters(name + ".dead"))
    # The others go on: each firing is followed by an end, which a plain run over this log has at the same time.
    calm = Scene(name + "-calm", input=s.topic)
    calm.daemon.start()
    calm.end()
    plain = [x for x in fault.values(calm.name + ".alerts") if x["fingerprint"] not in gone
             and x["rule"]["id"] != "paid-by-channel"]
    found = [x for x in found if x["fingerprint"] not in gone and x["rule"]["id"] != "paid-by-channel"]
    turns = {}
    for which, records in (("plain", plain), ("found", found)):
        turns[which] = sorted({(x["fingerprint"], x["status"], x["startsAt"], x["endsAt"] or "") for x in records})
    kit.same_list("turns of the other alerts", turns["plain"], turns["found"])


def other_units():
    """What the state was made with cannot be changed while nobody runs either: refused before anything is read."""
    s = Scene("units")
    s.read(RECORDS[:1000])
    for key, value, before in (("amount_decimals", 0, 2), ("state", {**s.daemon.config["state"], "hash_key": "another"},
                                                           s.daemon.config["state"])):
        s.configure(**{key: value})
        fault.refuses(s.daemon, "configuration", "--new-epoch")
        s.configure(**{key: before})
    s.go_on()
    s.end()


def story(folder, broker):
    global FOLDER, BROKER
    FOLDER, BROKER = folder, broker
    libcases.run((bootstrap, gap, shorter, longer, offsets_gone, grown, foreign, lost, other_units), at_once=4)


kit.story(story)
