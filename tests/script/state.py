#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""funneld state: inspect, verify, export and reset of snapshots made without a daemon, whole and damaged."""
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile

FUNNELD = os.environ["FUNNELD"]
MAKE = os.path.join(os.environ["BUILD_DIR"], "tests", "state_make")
USAGE, IO, CONFIGURATION, STATE, LOCKED = 64, 74, 78, 86, 88

CONFIG = """
group: sales
kafka: {bootstrap.servers: "127.0.0.1:1"}
inputs: [{topic: orders}]
http: off
state: {dir: %s}
time: {lateness: 0s}
funnels:
  shop:
    stages: [visit, cart]
    window: 1h
    dims: {channel: {values: [ads, mail]}}
    rules:
      - {id: low, kind: target, step: visit>cart, target: 0.9, window: 10m, min_entries: 10, hold: 0s}
"""
results = {True: 0, False: 0}


def check(what, good):
    results[bool(good)] += 1
    if not good:
        print("FAILED:", what)


def state(what, code, *args, err=None):
    """Runs it and checks how it ends and what stderr says. Returns stdout's text."""
    done = subprocess.run([FUNNELD, "state", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    errors = done.stderr.decode()
    check("%s: exit status %d, not %d\n%s" % (what, code, done.returncode, errors), done.returncode == code)
    if err is not None:
        check("%s: stderr says %r: %s" % (what, err, errors), err in errors)
    return done.stdout.decode()


def events():
    """Twenty visitors, two of whom go on; then time passes, so that the alert fires."""
    def event(n, stage, minute):
        return json.dumps({"entity_id": "secret-%d" % n, "funnel": "shop", "stage": stage,
                           "ts": "2026-03-02T10:%02d:00Z" % minute,
                           "dims": {"channel": "ads" if n % 2 else "mail"}}) + "\n"
    return "".join([event(n, "visit", 0) for n in range(20)] + [event(n, "cart", 1) for n in range(2)] +
                   [event(100 + m, "visit", m) for m in range(2, 40)])


def make(conf, generation, *how):
    subprocess.run([MAKE, conf, str(generation), *how], input=events().encode(), check=True, timeout=60)


def damage(path, at, byte=None):
    with open(path, "r+b") as f:
        f.seek(at)
        old = f.read(1)
        f.seek(at)
        f.write(byte if byte is not None else bytes([old[0] ^ 1]))


def test_usage(conf, folder):
    check("help names the verbs", "inspect" in state("help", 0, "--help"))
    state("no verb", USAGE, "-c", conf, err="operand")
    state("an unknown verb", USAGE, "inspcet", "-c", conf, err="inspect")
    state("a far verb", USAGE, "frobnicate", "-c", conf, err="verify")
    state("two verbs", USAGE, "inspect", "verify", "-c", conf, err="unexpected")
    state("a generation that is none", USAGE, "export", "-g", "-1", "-c", conf, err="generation")
    state("without a configuration", IO, "inspect", "-c", folder + "/none.yaml")
    state("reset without --yes", USAGE, "reset", "-c", conf, err="--yes")
    for verb in ("inspect", "verify", "export", "reset"):
        state(verb + " without a folder", IO, verb, "--yes", "-c", conf, err="No such file")
    check("nothing makes the folder", not os.path.exists(folder + "/state"))


def test_empty(conf, folder):
    os.mkdir(folder + "/state", 0o700)
    check("inspect of nothing", "0 snapshots, in use by nobody" in state("inspect", 0, "inspect", "-c", conf))
    check("verify of nothing", "no snapshots" in state("verify", STATE, "verify", "-c", conf))
    state("export of nothing", STATE, "export", "-c", conf, err="no snapshots")
    check("looking leaves nothing behind", os.listdir(folder + "/state") == [])


def test_inspect(conf, folder):
    make(conf, 7)
    make(conf, 12)
    out = state("inspect", 0, "inspect", "-c", conf)
    check("both, newest first: " + out, "2 snapshots" in out and 0 < out.index("snapshot-12") < out.index("snapshot-7"))
    for part in ("group        sales", "transaction  41 of instance 000000000000feed", "as the configuration",
                 "58 (", "1 firing", "orders/0", "2026-03-02T10:39:00.000Z", "2023-11-14T22:13:20.000Z", "days ago"):
        check("inspect says %r: %s" % (part, out), part in out)
    check("and no id", "secret" not in out)
    other = folder + "/other.yaml"
    with open(conf) as f, open(other, "w") as g:
        g.write(f.read().replace("target: 0.9", "target: 0.8"))
    check("of other settings", "means something else" in state("inspect", 0, "inspect", "-c", other))
    with open(folder + "/state/lock", "r+b") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        check("who uses it", "in use by process %d" % os.getpid() in state("inspect", 0, "inspect", "-c", conf))


def test_verify(conf, folder):
    out = state("verify", 0, "verify", "-c", conf)
    check("both are good: " + out, out.count(": good, ") == 2)
    path = folder + "/state/snapshot-12"
    size = os.path.getsize(path)
    whole = folder + "/whole"
    shutil.copy(path, whole)
    # The header is the first kilobyte and a half; the directory, the last few hundred bytes.
    for what, at, says in (("in its header", 40, "header"), ("in a section", size // 2, "section"),
                           ("in its directory", size - 100, "directory"), ("at its end", size - 1, "cut off"),
                           ("at its begin", 0, "no snapshot"), ("in its version", 8, "version")):
        damage(path, at)
        out = state("verify of one damaged " + what, 0, "verify", "-c", conf)
        check("damaged %s: %s" % (what, out), "snapshot-12: BROKEN: " in out and says in out)
        check("the other is good", "snapshot-7: good" in out)
        check("inspect says it too", "UNUSABLE" in state("inspect", 0, "inspect", "-c", conf))
        shutil.copy(whole, path)
    make(conf, 12, "wrong")
    out = state("verify of one that is whole and wrong", 0, "verify", "-c", conf)
    check("it says where: " + out, "snapshot-12: WRONG: " in out and "in 1 place, first: funnel shop, step visit>cart, "
          "channel=" in out and "recounted 1" in out and "report it" in out)
    check("the other is good", "snapshot-7: good" in out)
    shutil.copy(whole, path)
    os.truncate(path, size - 1000)
    check("cut off", "cut off" in state("verify of one cut off", 0, "verify", "-c", conf))
    os.truncate(folder + "/state/snapshot-7", 0)
    out = state("verify of none that is good", STATE, "verify", "-c", conf)
    check("an empty one: " + out, "it is empty" in out and "none is good" in out)
    shutil.copy(whole, path)


def test_export(conf):
    out = state("export", 0, "export", "-c", conf)
    lines = [json.loads(line) for line in out.splitlines()]
    check("export: snapshot, report, alert", [list(x)[0] for x in lines] == ["snapshot", "report", "alert"])
    head = lines[0]["snapshot"]
    check("the newest", head["generation"] == 12 and head["transaction"] == 41 and head["alerts_firing"] == 1)
    check("where it stands", head["partitions"] == [{"topic": "orders", "partition": 0, "origin": 0, "next": 60,
                                                     "watermark": "2026-03-02T10:39:00.000Z"}])
    check("the report", lines[1]["report"]["funnel"] == "shop" and lines[1]["report"]["steps"][0]["entered"] >= 57)
    alert = lines[2]["alert"]
    check("the alert", (alert["rule"], alert["step"], alert["state"]) == ("low", "visit>cart", "firing"))
    check("no ids", "secret" not in out)
    state("export of a broken one", STATE, "export", "-g", "7", "-c", conf, err="snapshot-7: it is empty")
    state("export of none", STATE, "export", "-g", "99", "-c", conf, err="snapshot-99")


def test_reset(conf, folder):
    with open(folder + "/state/notes.txt", "w"):
        pass
    with open(folder + "/state/lock", "r+b") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        state("reset while locked", LOCKED, "reset", "--yes", "-c", conf, err="in use by process %d" % os.getpid())
    check("nothing was removed", os.path.exists(folder + "/state/snapshot-12"))
    out = state("reset", 0, "reset", "--yes", "-c", conf)
    check("it says what comes next: " + out, "2 files removed" in out and "from the beginning" in out)
    check("what is others' stays", sorted(os.listdir(folder + "/state")) == ["lock", "notes.txt"])


def main():
    with tempfile.TemporaryDirectory() as folder:
        conf = os.path.join(folder, "conf.yaml")
        with open(conf, "w") as f:
            f.write(CONFIG % (folder + "/state"))
        test_usage(conf, folder)
        test_empty(conf, folder)
        test_inspect(conf, folder)
        test_verify(conf, folder)
        test_export(conf)
        test_reset(conf, folder)
    print("%d passed, %d failed" % (results[True], results[False]))
    return 1 if results[False] else 0


if __name__ == "__main__":
    sys.exit(main())
