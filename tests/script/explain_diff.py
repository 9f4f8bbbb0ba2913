#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`funneld explain` and `replay --diff` over a log whose numbers are known: 30 entries in each quarter of an hour, of
which 24 convert, in one hour only 6."""
import json
import os
import subprocess
import sys
import tempfile

FUNNELD = os.environ["FUNNELD"]
START = 1_780_272_000_000  # 2026-06-01T00:00:00Z
QUARTER = 900_000
passed = failed = 0


def check(what, ok):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAILED", what)


def run(*args):
    r = subprocess.run([FUNNELD, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return r.returncode, r.stdout, r.stderr


def config(folder, name, target, extra=()):
    c = {"group": "g", "kafka": {"bootstrap.servers": "x:1"}, "inputs": [{"topic": "events", "no_data": "off"}],
         "funnels": {"shop": {"stages": ["cart", "paid"], "dims": {"channel": {"values": ["a", "b"]}}, "windows": ["15m"],
                              "rules": [{"id": "low", "kind": "target", "target": target, "window": "15m",
                                         "min_entries": 20}, *extra]}}}
    with open(f"{folder}/{name}.yaml", "w") as f:
        json.dump(c, f)
    return f"{folder}/{name}.yaml"


def log(folder):
    lines = []
    for quarter in range(16):
        for n in range(30):
            at, entity = START + quarter * QUARTER + n * 29_000, f"{quarter}-{n}"
            dims = {"channel": "ab"[n % 2]}
            lines.append({"entity_id": entity, "stage": "cart", "ts": at, "dims": dims})
            if n < (6 if 8 <= quarter < 12 else 24):
                lines.append({"entity_id": entity, "stage": "paid", "ts": at + 1_000, "dims": dims})
    lines.append({"entity_id": "end", "stage": "cart", "ts": START + 16 * QUARTER + 60_000})
    with open(f"{folder}/log", "w") as f:
        f.writelines(json.dumps(x) + "\n" for x in lines)
    return f"{folder}/log"


def explain(folder, file):
    c = config(folder, "c", 0.6, [{"id": "by", "kind": "target", "by": ["channel"], "target": 0.6, "window": "15m"}])
    code, out, _ = run("explain", "-c", c, "--at", "2026-06-01T02:15:00Z", "--rule", "low", file)
    check("it explains", code == 0)
    check("what it saw", "saw       30 entries, 6 conversions: 20.0 % (95 % interval 9.5 to 37.3)" in out)
    check("which window", "window    2026-06-01T02:00:00.000Z to 2026-06-01T02:15:00.000Z\n" in out)
    # (0.2 - 0.6) / sqrt(0.6 * 0.4 / 30) = -4.472
    check("the test", "z = 4.472 towards worse, the alert needs more than 2.326" in out)
    check("the verdict", "verdict   breach" in out and "alert     firing since 2026-06-01T02:09:00.000Z" in out)
    code, out, _ = run("explain", "-c", c, "--at", "2026-06-01T01:00:00Z", "--rule", "low", file)
    check("before the drop it is clear", code == 0 and "verdict   clear" in out and "80.0 %" in out)
    code, out, _ = run("explain", "-c", c, "--at", "2026-06-01T02:15:00Z", "--rule", "by", file, "channel=b")
    check("one segment", code == 0 and out.count("channel=b") == 1 and "channel=a" not in out)
    check("fewer than it needs", "fewer than min_entries 30: no verdict" in out)
    _, alerts, _ = run("replay", "-c", c, file)
    first = json.loads(alerts.splitlines()[0])
    code, out, _ = run("explain", "-c", c, "--alert", first["fingerprint"], file)
    check("an alert at each of its records", code == 0 and out.count("as of ") == 2)
    for args, what in ((("--at", "yesterday"), "a wrong time"), (("--alert", "12"), "a wrong fingerprint")):
        code, _, err = run("explain", "-c", c, *args, file)
        check(what, code == 64 and args[1] in err)
    code, _, err = run("explain", "-c", c, "--at", "2027-01-01T00:00:00Z", file)
    check("a time that the log does not reach", code == 1 and "do not reach" in err)
    code, _, err = run("explain", "-c", c, "--rule", "none", file)
    check("a rule that is not there", code == 1 and err)


def diff(folder, file):
    old, new = config(folder, "old", 0.6), config(folder, "new", 0.05)
    code, out, _ = run("replay", "--diff", old, old, file)
    check("the same rules give the same", code == 0 and "1 alerts before, 1 after: 1 the same, 0 changed, 0 gone, 0 new" in out)
    code, out, _ = run("replay", "--diff", old, new, file)
    check("a lower target fires no more", code == 0 and "1 alerts before, 0 after: 0 the same, 0 changed, 1 gone" in out)
    check("which one", "- 2026-06-01T02:09:00.000Z to 2026-06-01T03:09:00.000Z (recovered)  low:" in out)
    code, out, _ = run("replay", "--diff", new, old, file)
    check("the other way round", "+ 2026-06-01T02:09:00.000Z" in out and "0 gone, 1 new" in out)
    check("it needs a file", run("replay", "--diff", old, new, "-")[0] == 64)
    check("and both configurations", run("replay", "--diff", old, file)[0] == 64)


with tempfile.TemporaryDirectory() as temporary:
    events = log(temporary)
    explain(temporary, events)
    diff(temporary, events)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
