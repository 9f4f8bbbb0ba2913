#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The demo's incidents, by its own configuration: over thirty hours of its shop each one raises one alert of the
rule `drop`, with its step and its segment, its begin to a few panes, and its loss near what the script took; it
resolves soon after the incident; and nothing else is alerted."""
import datetime
import json
import os
import subprocess
import sys
import tempfile

FUNNELD = os.environ["FUNNELD"]
HOURS = 30
SEEDS = (1, 2, 3)
MINUTE = 60
HOUR = 60 * MINUTE

# The script (src/cli/demo_scenario.c): the first incident begins at 06:25, one follows each five hours.
BEGIN = datetime.datetime(2026, 3, 2, 6, 25, tzinfo=datetime.timezone.utc).timestamp()
EVERY, LASTS = 5 * HOUR, 75 * MINUTE
KINDS = (
    {"stage": "checkout", "step": "checkout>paid", "segment": ("channel", "ads"), "rate": 0.20,
     "usual": {"ads": 0.69, "search": 0.71, "mail": 0.72}},
    {"stage": "cart", "step": "cart>checkout", "segment": ("device", "mobile"), "rate": 0.22,
     "usual": {"ads": 0.61, "search": 0.62, "mail": 0.64}},
)

# What is asked for. The median way takes 3.5 to 4 minutes: nobody can miss a conversion sooner.
ONSET_WITHIN = 8 * MINUTE
FOUND_WITHIN = 30 * MINUTE
RESOLVED_WITHIN = 40 * MINUTE
LOSS_WITHIN = 0.25

results = {True: 0, False: 0}


def check(what, ok):
    results[bool(ok)] += 1
    if not ok:
        print("FAILED: " + what)


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def funneld(*args, data=None):
    run = subprocess.run([FUNNELD, *args], input=data, capture_output=True, text=True, timeout=120)
    check("%s exits with 0: %s" % (args[0], run.stderr[-500:]), run.returncode == 0)
    return run.stdout


def incidents(events):
    """When each is, and what it takes in the mean: conversions and their worth."""
    number, end = 0, BEGIN - 6 * HOUR - 25 * MINUTE + HOURS * HOUR
    while BEGIN + number * EVERY + LASTS + HOUR <= end:
        kind = KINDS[number % 2]
        begin = BEGIN + number * EVERY
        dim, value = kind["segment"]
        lost = amount = 0
        for e in events:
            if e["stage"] == kind["stage"] and e["dims"][dim] == value and \
                    begin <= seconds(e["ts"]) < begin + LASTS:
                share = kind["usual"][e["dims"]["channel"]] - kind["rate"]
                lost += share
                amount += share * float(e["amount"])
        yield begin, kind, lost, amount
        number += 1


def near(value, truth, within):
    return abs(value - truth) <= within * truth


def check_incident(name, begin, kind, lost, amount, alerts):
    dim, value = kind["segment"]
    end = begin + LASTS
    found = [a for a in alerts if a["labels"]["step"] == kind["step"] and
             a["labels"].get(dim) == value and a["labels"]["alertname"] == "drop"]
    check("%s: one alert, not %d" % (name, len({a["startsAt"] for a in found})),
          len({a["startsAt"] for a in found}) == 1)
    if not found:
        return
    first, last = found[0], found[-1]
    check("%s: fires at %s" % (name, first["startsAt"]),
          begin < seconds(first["startsAt"]) <= begin + FOUND_WITHIN)
    check("%s: says it began at %s" % (name, first["change_point"]),
          abs(seconds(first["change_point"]) - begin) <= ONSET_WITHIN)
    check("%s: has a loss from the first" % name,
          first["effect"]["lost_conversions"] > 0 and float(first["effect"]["lost_amount"]) > 0)
    check("%s: resolves at %s" % (name, last["endsAt"]),
          last["status"] == "resolved" and last["endsReason"] == "recovered" and
          end < seconds(last["endsAt"]) <= end + RESOLVED_WITHIN)
    check("%s: %.0f conversions lost of %.0f" % (name, last["effect"]["lost_conversions"], lost),
          near(last["effect"]["lost_conversions"], lost, LOSS_WITHIN))
    check("%s: %s lost of %.2f" % (name, last["effect"]["lost_amount"], amount),
          near(float(last["effect"]["lost_amount"]), amount, LOSS_WITHIN))


def is_about(alert, begin, kind):
    """Of its step and time: also one that begins without the segment, or as a slow-down, and then moves."""
    return alert["labels"]["step"] == kind["step"] and \
        begin < seconds(alert["startsAt"]) <= begin + FOUND_WITHIN


def check_seed(config, seed):
    lines = funneld("demo", "--print-events", str(HOURS), "--seed", str(seed))
    alerts = [json.loads(line) for line in funneld("replay", "-c", config, "-", data=lines).splitlines()]
    events = [json.loads(line) for line in lines.splitlines()]
    others, count = alerts, 0
    for begin, kind, lost, amount in incidents(events):
        name = "seed %d, incident %d" % (seed, count)
        check_incident(name, begin, kind, lost, amount, [a for a in alerts if is_about(a, begin, kind)])
        others = [a for a in others if not is_about(a, begin, kind)]
        count += 1
    check("seed %d has incidents" % seed, count == 5)
    check("seed %d: no other alert: %s" % (seed, [a["annotations"]["summary"] for a in others]), not others)


def main():
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "demo.yaml")
        with open(config, "w") as f:
            f.write(funneld("demo", "--print-config"))
        for seed in SEEDS:
            check_seed(config, seed)
    print("%d passed, %d failed" % (results[True], results[False]))
    return 1 if results[False] else 0


if __name__ == "__main__":
    sys.exit(main())
