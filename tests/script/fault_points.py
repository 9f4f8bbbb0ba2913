#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fault points: each name in the sources is in the table of src/shell/fault.h, each of the table is somewhere and in
some story, a test's typo ends funneld_faults, and funneld itself knows nothing of all this."""
import glob
import os
import re
import subprocess
import sys

SOURCE = os.environ["SOURCE_DIR"]
failures = []


def read(path):
    with open(path) as f:
        return f.read()


table = re.findall(r'^    X\("([^"]+)", ', read(SOURCE + "/src/shell/fault.h"), re.M)
texts = {p: read(p) for p in glob.glob(SOURCE + "/src/**/*.[ch]", recursive=True)
         if os.path.basename(p) not in ("fault.h", "fault.c")}
stories = [read(p) for p in glob.glob(SOURCE + "/tests/fault/*.py")]
if len(table) < 10:
    failures.append(f"only {len(table)} points found in fault.h")
for path, text in texts.items():
    for name in re.findall(r'FAULT(?:_FAILS|_AWAITED)?\("([^"]+)"\)', text):
        if name not in table:
            failures.append(f"{path}: {name} is not in the table of fault.h")
for name in table:
    if not any(f'"{name}"' in text for text in texts.values()):
        failures.append(f"{name} is nowhere in src")
    if not any(re.search(r"\b" + re.escape(name) + r"\b", text) for text in stories):
        failures.append(f"no story of tests/fault has {name}")

symbols = subprocess.run(["nm", os.environ["FUNNELD"]], capture_output=True, text=True, check=True).stdout
if re.search(r" fault_", symbols):
    failures.append("funneld holds fault points")

for value, status in (("txn.comit", 64), ("txn.commit:1:explode", 64), ("txn.commit", 0)):
    done = subprocess.run([os.environ["FUNNELD_FAULTS_BIN"], "version"], capture_output=True, text=True,
                          env={**os.environ, "FUNNELD_FAULT": value})
    if done.returncode != status or (status and "FUNNELD_FAULT" not in done.stderr):
        failures.append(f"FUNNELD_FAULT={value}: exit {done.returncode}, {done.stderr!r}")

print("\n".join(failures) or f"{len(table)} fault points")
sys.exit(bool(failures))
