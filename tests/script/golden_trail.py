#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same log gives the same bytes on every processor: alerts, dead letters and report of a fixed log, with the C
library's FMA and AVX2 variants switched off and as the machine has them, and against a hash kept in tests/golden.

  FUNNELD=build/release/funneld golden_trail.py      GOLDEN_UPDATE=1: writes the hash anew, after a change that is meant

The log is made of integers alone, since Python's own exp() may differ from machine to machine.
"""
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile

FUNNELD = os.environ["FUNNELD"]
SOURCE = os.environ.get("SOURCE_DIR", ".")
GOLDEN = f"{SOURCE}/tests/golden/trail.sha256"
PLAIN = "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX2_Usable,-FMA_Usable"
START = 1_780_272_000_000  # 2026-06-01T00:00:00Z
STAGES = ("visit", "cart", "checkout", "paid")

CONFIG = {
    "group": "golden", "kafka": {"bootstrap.servers": "127.0.0.1:1"}, "inputs": [{"topic": "events"}],
    "time": {"zone": "Europe/Berlin"}, "language": "zh",
    "funnels": {"shop": {
        "stages": list(STAGES), "lost": ["gone"], "window": "3h", "dims": {"channel": {"top": 3}},
        "segments": [["channel"]], "breakdowns": ["owner"], "windows": ["1h", "1d", {"calendar": "week"}],
        "rules": [
            {"id": "target", "kind": "target", "step": "checkout>paid", "by": ["channel"], "target": "62%",
             "window": "30m", "min_entries": 20},
            {"id": "change", "kind": "change", "step": "cart>checkout", "by": ["channel"], "window": "30m",
             "against": "3h", "direction": "both", "min_entries": 20, "significance": 0.02},
            {"id": "cohort", "kind": "benchmark", "measure": "cohort", "target": 0.31, "window": "1d"},
        ]}},
}


def log():
    r = random.Random(20261124)
    events = []
    for n in range(60_000):
        at, channel = START + n * 14_000 + r.randrange(14_000), ("ads", "search", "mail", "shop", "tv")[r.randrange(5)]
        bad = n % 9_000 > 7_500
        for stage in range(4):
            events.append((at, {"entity_id": n, "stage": STAGES[stage], "ts": at, "amount": r.randrange(100, 90_000) / 100,
                                "owner": f"o{r.randrange(40)}", "dims": {"channel": channel}}))
            if r.randrange(100) >= (60, 70, 25 if bad and channel == "ads" else 66)[min(stage, 2)]:
                break
            at += r.randrange(1_000, 900_000)
    events.sort(key=lambda e: (e[0], e[1]["entity_id"]))
    lines = [json.dumps(e) for _, e in events]
    lines[1000] = "{nothing"
    return "\n".join(lines) + "\n"


def outputs(folder, tunables):
    env = {**os.environ, "GLIBC_TUNABLES": tunables} if tunables else dict(os.environ)
    text = b""
    for what in ("alerts", "deadletters", "report"):
        text += subprocess.run([FUNNELD, "replay", "-c", f"{folder}/c.yaml", "--headers", "-o", what, f"{folder}/log"],
                               env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return text


def main():
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/c.yaml", "w") as f:
            json.dump(CONFIG, f)
        with open(f"{folder}/log", "w") as f:
            f.write(log())
        here, plain = outputs(folder, None), outputs(folder, PLAIN)
    found = hashlib.sha256(here).hexdigest()
    if os.environ.get("GOLDEN_UPDATE"):
        with open(GOLDEN, "w") as f:
            f.write(found + "\n")
    with open(GOLDEN) as f:
        golden = f.read().strip()
    alerts = here.count(b'"alertname"')
    failed = 0
    for what, ok in (("enough alerts to mean something", alerts > 50),
                     ("the same without FMA and AVX2", here == plain),
                     (f"the trail kept in {os.path.relpath(GOLDEN, SOURCE)} (GOLDEN_UPDATE=1 after a change that is meant)",
                      found == golden)):
        print("ok" if ok else "FAILED", what)
        failed += not ok
    print(f"{alerts} alert records\n{3 - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
