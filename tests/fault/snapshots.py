#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What becomes of the state folder: a full disk, snapshots cut and flipped in every part, a folder that cannot be
used, and a log whose start comes near the last snapshot, or passes it."""
import os
import shutil
import subprocess

import libcases
import libdisk
from libcases import kit

PARTITIONS = 2
CHUNKS = 5


class Scene:
    """Topics and a daemon, and a log of which it gets chunk after chunk."""

    def __init__(self, folder, broker, name, records=None, **over):
        self.name, self.topic = name, name + ".in"
        broker.topics(name, PARTITIONS)
        records = records or RECORDS
        size = len(records) // CHUNKS + 1
        self.chunks = [records[i:i + size] for i in range(0, len(records), size)]
        self.daemon = kit.Daemon(folder, kit.configuration(name, broker.bootstrap, **over), start=False)

    def feed(self, count=1):
        for _ in range(count):
            kit.produce(self.topic, self.chunks.pop(0))
            kit.wait_committed(self.topic, self.name, 60)
        self.daemon.check_alive()

    def metric(self, name):
        return int(self.daemon.metrics()[f"funneld_{name}_total"])

    def wait_metric(self, name, least, seconds=60):
        kit.wait_for(f"{self.name}: {name} {least}", seconds, lambda: self.metric(name) >= least, every=0.1)

    def restart(self, *flags):
        """kill -9 and a start."""
        self.daemon.kill()
        self.daemon.start(*flags)
        self.daemon.wait_ready(60)

    def refused(self, code, *words, flags=()):
        """A start ends by itself with this code, and says why."""
        self.daemon.start(*flags)
        kit.same(f"{self.name}: exit status", kit.EXIT[code], self.daemon.wait(60))
        for word in words:
            kit.check(word in self.daemon.text(last_start=True), f"its log does not say '{word}', see {self.daemon.log}")

    def finish(self):
        self.feed(len(self.chunks))
        kit.same(f"{self.name}: conservation errors", 0, self.metric("conservation_errors"))
        self.daemon.stop()

    def check_calm(self):
        count = kit.same_alerts("calm.alerts", self.name + ".alerts", at_least=50)
        kit.nothing_twice(self.name + ".alerts", self.name + ".dead")
        kit.same(f"{self.name}: dead letters", len(kit.consume("calm.dead")), len(kit.consume(self.name + ".dead")))
        kit.say(f"{self.name}: {count} alert records, each once")


# --- a full disk -------------------------------------------------------------------------------------


def full_disk(folder, broker):
    """No room for a snapshot: all else goes on, over a kill and a clean stop too; with room they come again."""
    disk = libdisk.SmallDisk(folder, "8m")
    if not disk.path:
        kit.say("full_disk: skipped: nothing can be mounted here")
        return
    scene = Scene(folder, broker, "full", state={"dir": disk.path + "/state", "snapshot": "1s"})
    scene.daemon.start()
    scene.feed()
    scene.wait_metric("snapshots", 1)
    disk.fill()
    scene.feed()
    scene.wait_metric("snapshots_failed", scene.metric("snapshots_failed") + 2)
    kit.check("No space left" in scene.daemon.text(), f"its log does not say why, see {scene.daemon.log}")
    scene.restart()
    scene.feed()
    scene.wait_metric("snapshots_failed", 1)
    scene.daemon.stop()
    scene.daemon.start()
    scene.daemon.wait_ready(60)
    # One that has never had room: nothing of its first start can be saved.
    none = Scene(folder, broker, "none", state={"dir": disk.path + "/none", "snapshot": "1s"})
    none.daemon.start()
    kit.same("a first start on a full disk", kit.EXIT["io"], none.daemon.wait(60))
    disk.free()
    scene.wait_metric("snapshots", 1)
    scene.feed()
    scene.restart()
    scene.finish()
    scene.check_calm()


def slow_disk(folder, broker):
    """A snapshot takes longer than some transactions: they go on meanwhile, and snapshots after it."""
    scene = Scene(folder, broker, "slow", state={"snapshot": "1s"})
    scene.daemon.faults = "snapshot.child:1:delay=5000"
    scene.daemon.start()
    scene.feed()
    kit.wait_for("a snapshot that takes its time", 30, lambda: scene.daemon.fault_came("snapshot.child"))
    commits = scene.metric("transactions")
    scene.feed()
    kit.check(scene.metric("transactions") > commits, "no transaction")
    scene.wait_metric("snapshots", 2)
    scene.restart()
    scene.finish()
    scene.check_calm()


# --- damage ------------------------------------------------------------------------------------------


def damages(path):
    """(what, the part that is damaged, how) for the file."""
    parts = libdisk.layout(path)
    result = [(f"a flipped byte in {name}", "directory" if name == "trailer" else name, lambda to, at=(begin + end) // 2: libdisk.flip(to, at))
              for name, begin, end in parts]
    return result + [(f"cut off before {name}", None, lambda to, at=begin: libdisk.truncate(to, at))
                     for name, begin, _ in parts]


class Damaged:
    """Two snapshots and a log that goes on behind both, as a kill -9 left them; put back for each start."""

    def __init__(self, folder, broker):
        self.scene = scene = Scene(folder, broker, "damaged", state={"snapshot": "1h"})
        d = scene.daemon
        for _ in range(2):  # a clean stop saves
            d.start()
            scene.feed()
            d.stop()
        d.faults = "snapshot.child"  # or this run might have one of its own
        d.start()
        scene.feed()
        d.kill()
        self.newer, self.older = libdisk.snapshots(d.state_dir)
        self.whole = d.state_dir + "-whole"
        shutil.copytree(d.state_dir, self.whole)
        self.offsets = self.committed()
        for generation in (self.newer, self.older):
            at = libdisk.places(d, generation)
            kit.check(all(at[p] < offset for p, (offset, _) in self.offsets.items()),
                      f"snapshot-{generation} stands at {at}, committed is {self.offsets}")

    def committed(self):
        text = kit.run(kit.KTOOL, "offsets", "--topic", self.scene.topic, "--group", self.scene.name, "--unstable")
        return {x["partition"]: (x["offset"], x["metadata"]) for x in map(kit.json.loads, text.splitlines())}

    def put_back(self):
        shutil.rmtree(self.scene.daemon.state_dir)
        shutil.copytree(self.whole, self.scene.daemon.state_dir)
        if self.committed() == self.offsets:
            return
        for p, (offset, metadata) in self.offsets.items():  # slow enough for a transaction of its own
            kit.run(kit.KTOOL, "commit", "--topic", self.scene.topic, "--group", self.scene.name, "--partition", str(p),
                    "--offset", str(offset), "--metadata", metadata)

    def path(self, generation):
        return f"{self.scene.daemon.state_dir}/snapshot-{generation}"

    def verify(self, what, part):
        """`funneld state verify` says which snapshot is damaged, and where."""
        lines = {line.split(":")[0]: line for line in libdisk.state(self.scene.daemon, "verify").splitlines()}
        bad, good = lines[f"snapshot-{self.newer}"], lines[f"snapshot-{self.older}"]
        kit.check("BROKEN" in bad and (part is None or part in bad), f"{what}: verify says {bad!r}")
        kit.check("good" in good, f"{what}: verify says {good!r}")

    def start(self, what):
        """The damaged one is set aside, the older one used; what is replayed from it is compared."""
        d = self.scene.daemon
        d.start()
        d.wait_ready(60)
        kit.check(os.path.exists(self.path(f"{self.newer}.broken")), f"{what}: it was not set aside, see {d.log}")
        text = d.text(last_start=True)
        kit.check(f"from=snapshot generation={self.older}" in text and "compared=yes" in text,
                  f"{what}: the older one was not replayed, see {d.log}")


def damaged(folder, broker):
    case = Damaged(folder, broker)
    d = case.scene.daemon
    ways = damages(case.path(case.newer))
    for n, (what, part, damage) in enumerate(ways):
        case.put_back()
        damage(case.path(case.newer))
        case.verify(what, part)
        if libcases.FULL or n % 4 == 1:
            case.start(what)
            d.kill()
    d.faults = None
    case.put_back()
    damage(case.path(case.newer))  # the last one again, and this time to go on with
    case.start(what)
    case.scene.feed()
    d.kill()
    kit.say(f"damaged: {len(ways)} ways of damage")
    lost(case.scene)


def lost(scene):
    """Every snapshot is damaged: that is said, and --rebuild --reconcile goes on with what the log has."""
    folder = scene.daemon.state_dir
    for generation in libdisk.snapshots(folder):
        libdisk.flip(f"{folder}/snapshot-{generation}", os.path.getsize(f"{folder}/snapshot-{generation}") // 2)
    scene.refused("state", "--rebuild --reconcile")
    # They were set aside by that start; the next one finds none at all.
    kit.same("snapshots left", [], libdisk.snapshots(folder))
    scene.refused("state", "--rebuild --reconcile")
    scene.daemon.start("--rebuild", "--reconcile")
    scene.daemon.wait_ready(60)
    scene.wait_metric("transactions", 1)  # before that it has not happened
    scene.restart()
    scene.finish()
    kit.nothing_twice(scene.name + ".alerts", scene.name + ".dead")
    kit.same("what fires at the end", firing("calm.alerts"), firing(scene.name + ".alerts"))


def firing(topic):
    last = {}
    for key, headers, value in kit.alerts_of(topic):
        if not kit.is_heartbeat(key, headers):
            last[key] = kit.json.loads(value)["status"]
    return {key for key, status in last.items() if status != "resolved"}


# --- a folder that cannot be used --------------------------------------------------------------------


def run_in(scene, path, **how):
    """A start with another state.dir, which ends by itself: (exit status, its log)."""
    config = {**scene.daemon.config, "group": "other", "http": "off", "state": {"dir": path}}
    file = path.replace("/", "_")
    file = f"{os.path.dirname(scene.daemon.file)}/{file}.yaml"
    with open(file, "w") as f:
        kit.json.dump(config, f)
    done = subprocess.run([kit.FUNNELD, "run", "-c", file], capture_output=True, timeout=60, **how)
    return done.returncode, done.stderr.decode(errors="replace")


def unusable(scene, path, code, word, **how):
    found, text = run_in(scene, path, **how)
    kit.same(f"exit status with state.dir {path}", code, found)
    kit.check(word in text, f"the log with state.dir {path} does not say '{word}': {text[-400:]}")


def folder_refused(folder, broker):
    """Locked by another process, its parent missing, not to be written, no folder, anyone's."""
    scene = Scene(folder, broker, "folder")
    scene.daemon.start()
    scene.daemon.wait_ready(60)
    unusable(scene, scene.daemon.state_dir, kit.EXIT["locked"], f"process {scene.daemon.process.pid}")
    scene.daemon.check_alive()
    unusable(scene, f"{folder}/no/state", kit.EXIT["io"], "No such file")
    for name, mode in (("sealed", 0o500), ("open", 0o777)):
        os.mkdir(f"{folder}/{name}")
        os.chmod(f"{folder}/{name}", mode)
    unusable(scene, f"{folder}/sealed", kit.EXIT["io"], "Permission denied", preexec_fn=libdisk.as_nobody_special)
    unusable(scene, f"{folder}/sealed/state", kit.EXIT["io"], "Permission denied",
             preexec_fn=libdisk.as_nobody_special)
    unusable(scene, f"{folder}/open", kit.EXIT["io"], "anyone may write")
    unusable(scene, scene.daemon.file, kit.EXIT["io"], "Not a directory")
    # Its lock goes with a process, however that ends.
    scene.restart()
    scene.daemon.stop()


# --- retention ---------------------------------------------------------------------------------------


def trim(topic, places):
    for p, offset in places.items():
        kit.run(kit.KTOOL, "trim", "--topic", topic, "--partition", str(p), "--offset", str(offset))


def retention(folder, broker):
    """The log's start comes near the last snapshot: another one is taken at once. It passes it: the start refuses,
    and goes on with a gap where that is asked for; from there on restarts are exact again."""
    # Of a time to come, so that the clock never closes a pane; idle_after is short, so that the log's start is seen.
    records = kit.records(kit.shop(7, hours=4, visits_an_hour=1500, start=kit.START + 8000 * 24 * kit.HOUR), PARTITIONS)
    scene = Scene(folder, broker, "kept", records, state={"snapshot": "1h"}, time={"idle_after": "16s"})
    d = scene.daemon
    d.start()
    scene.feed()
    scene.wait_metric("snapshots", 1)
    scene.feed(2)
    trim(scene.topic, libdisk.places(d, libdisk.snapshots(d.state_dir)[0]))
    scene.wait_metric("snapshots", 2, 100)
    kit.check("the log's start comes near" in d.text(), f"another reason for a snapshot, see {d.log}")
    at = libdisk.places(d, libdisk.snapshots(d.state_dir)[0])
    scene.feed()
    d.kill()
    trim(scene.topic, {p: offset + 10 for p, offset in at.items()})
    before = kit.committed(scene.topic, scene.name)
    scene.refused("replay", "--rebuild --reconcile")
    kit.same("committed by a start that was refused", before, kit.committed(scene.topic, scene.name))
    # Killed with its snapshot named and nothing committed, it has not happened.
    d.faults = "snapshot.renamed"
    d.start("--rebuild", "--reconcile")
    d.wait_fault("snapshot.renamed", 60)
    scene.refused("replay", "--rebuild --reconcile")
    d.faults = None
    d.start("--rebuild", "--reconcile")
    d.wait_ready(60)
    scene.wait_metric("snapshots", 1)
    scene.feed()
    scene.restart()
    scene.finish()
    kit.nothing_twice(scene.name + ".alerts", scene.name + ".dead")
    gaps = [v for _, _, v in kit.alerts_of(scene.name + ".alerts") if '"data_gap"' in v]
    kit.check(gaps, "nothing on the alert topic tells of the gap")


# --- all ---------------------------------------------------------------------------------------------


def calm(folder, broker):
    scene = Scene(folder, broker, "calm")
    scene.daemon.start()
    scene.finish()


def story(folder, broker):
    calm(folder, broker)
    libcases.run([retention, damaged, full_disk, slow_disk, folder_refused], folder, broker)


def log():
    """Every tenth record is a bad one, so that there is no transaction without output."""
    result = []
    for i, r in enumerate(kit.records(kit.shop(5, hours=4, visits_an_hour=2000), PARTITIONS)):
        if i % 10 == 0:
            result.append({"partition": r["partition"], "ts": r["ts"], "key": f"bad-{i}", "value": f"bad {i}"})
        result.append(r)
    return result


libdisk.enter_namespace()
RECORDS = log()
kit.story(story)
