#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts what a ctest run did: count_results.py JUNIT.xml [FOLDER OF .tap FILES]

Prints "PASSED FAILED SKIPPED". A Criterion program counts by its cases (its .tap file), a script by its own line
"N passed, N failed[, N skipped]" or by unittest's closing lines; everything else counts as one. A test that ctest
calls failed counts at least one failure, whatever it says of itself.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ET

OWN_LINE = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED)(?: \((.*)\))?$", re.M)


def count_tap(text):
    lines = [line for line in text.splitlines() if re.match(r"(not )?ok\b", line)]
    skipped = sum("# SKIP" in line for line in lines)
    failed = sum(line.startswith("not ok") for line in lines)
    return len(lines) - failed - skipped, failed, skipped


def count_output(text):
    own = OWN_LINE.findall(text)
    if own:
        return tuple(int(n or 0) for n in own[-1])
    runs = UNITTEST.findall(text)
    if runs:
        details = dict(re.findall(r"([\w ]+)=(\d+)", runs[-1][1]))
        failed = int(details.get("failures", 0)) + int(details.get(" errors", details.get("errors", 0)))
        skipped = int(details.get("skipped", details.get(" skipped", 0)))
        return int(runs[-1][0]) - failed - skipped, failed, skipped
    return None


def count_case(case, taps):
    if case.find("skipped") is not None:
        return 0, 0, 1
    tap = taps / (case.get("name") + ".tap") if taps else None
    if tap and tap.exists():
        counts = count_tap(tap.read_text(errors="replace"))
    else:
        counts = count_output(case.findtext("system-out") or "")
    ok = case.get("status") == "run" and case.find("failure") is None
    if counts is None:
        return (1, 0, 0) if ok else (0, 1, 0)
    return counts if ok else (counts[0], max(counts[1], 1), counts[2])


def main():
    taps = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    cases = ET.parse(sys.argv[1]).getroot().iter("testcase")
    print(*(sum(column) for column in zip(*(count_case(case, taps) for case in cases))) or (0, 0, 0))


if __name__ == "__main__":
    main()
