#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real data: 92,093 stage events of a bank's loan applications, counted in order by `funneld report`, against
numbers that were computed without funneld. Skipped where the data is not there; $FUNNELD_DATA says where it is."""
import json
import math
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import libkit as kit

DATA = os.path.join(os.environ.get("FUNNELD_DATA", os.path.join(kit.SOURCE, "../shared/data")), "bpi2012")


def about(what, expected, found, relative, absolute):
    kit.check(math.isclose(expected, found, rel_tol=relative, abs_tol=absolute),
              f"{what}: expected about {expected}, found {found}")


def strict(funnels):
    """Exits are no exits here: whoever counts in order goes on after one."""
    return {name: {"stages": f["main"], "actions": sorted(set(f["events_per_stage"]) - set(f["main"])),
                   "order": "strict", "reentry": "ignore", "window": "400d", "dims": {"amount_band": {"top": 20}}}
            for name, f in funnels.items()}


def check_step(what, truth, in_order, step):
    n_from, n_to = in_order[step["from"]], in_order[step["to"]]
    kit.same(what + ": entered", n_from, step["entered"])
    kit.same(what + ": advanced", n_to, step["advanced"])
    kit.same(what + ": open", n_from - n_to, step["open"])
    for other in ("credited", "seeded", "lost", "deleted", "superseded", "skipped", "expired", "late_advance"):
        kit.same(f"{what}: {other}", 0, step[other])
    about(what + ": rate", n_to / n_from, step["rate"], 1e-8, 0)
    if (truth["n_from"], truth["n_to"]) != (n_from, n_to):
        return False  # the edge counts in another way: the first of one stage to the first of the next
    dwell, found = truth["dwell"], step["dwell"]
    kit.same(what + ": dwell n", dwell["n"], found["n"])
    about(what + ": dwell mean", dwell["mean_s"], found["mean_s"], 1e-8, 0.00051)  # the truth has 3 decimals
    for key, name in (("min_s", "min_s"), ("max_s", "max_s")):
        about(f"{what}: dwell {name}", dwell[key], found[name], 1e-8, 0.00051)
    for key, name in (("median_s", "p50_s"), ("p90_s", "p90_s")):
        about(f"{what}: dwell {name}", dwell[key], found[name], 0.01, 0.001)
    return True


def check_cohorts(what, truth, cohorts, i):
    """By the month in which the stay began: exact."""
    months = {c["name"]: c["steps"][i] for c in cohorts}
    found = {name: (s["entered"], s["advanced"]) for name, s in months.items() if s["entered"]}
    expected = {name: (m["n_from"], m["n_to"]) for name, m in truth["by_month"].items()}
    kit.same(what + ": cohorts", dict(sorted(expected.items())), dict(sorted(found.items())))


def check_segments(what, truth, segments, edge, i):
    found = {s["segment"]["amount_band"]: (s["steps"][i]["entered"], s["steps"][i]["advanced"])
             for s in segments if "amount_band" in s["segment"]}
    expected = {}
    for value, x in truth.items():
        for e in x["edges"]:
            if (e["from"], e["to"]) == edge and e["n_from"]:
                expected[value] = (e["n_from"], e["n_to"])
    kit.check(len(expected) == 5, f"{what}: {len(expected)} bands in the truth")
    kit.same(what + ": by amount band", expected, {k: v for k, v in found.items() if v[0]})


def check_funnel(name, truth, report):
    in_order = truth["reached_in_order"]
    kit.same(f"{name}: entities", in_order[truth["main"][0]], report["entities"])
    kit.same(f"{name}: events", sum(truth["events_per_stage"].values()), report["events"])
    kit.same(f"{name}: late, dead letters", (0, 0), (report["late"], report["deadletters"]))
    kit.same(f"{name}: reached", in_order, {s["stage"]: s["reached"] for s in report["stages"]})
    edges = {(e["from"], e["to"]): e for e in truth["edges"]}
    agreeing = 0
    for i, step in enumerate(report["steps"]):
        edge = (step["from"], step["to"])
        what = f"{name}: {step['from']}>{step['to']}"
        if check_step(what, edges[edge], in_order, step):
            agreeing += 1
            check_cohorts(what, edges[edge], report["cohorts"], i)
            check_segments(what, truth["by_dim"]["amount_band"], report["segments"], edge, i)
    kit.same(f"{name}: steps that both count alike", len(truth["main"]) - 1, agreeing)
    kit.say(f"{name}: {report['events']} events, {agreeing} steps with dwell, cohorts and bands as they should be")


def story(folder):
    with open(os.path.join(DATA, "truth.json")) as f:
        truth = json.load(f)
    events = folder + "/events.ndjson"
    with open(events, "wb") as f:
        subprocess.run([sys.executable, os.path.join(DATA, "to_events.py")], stdout=f, check=True, timeout=120)
    kit.say("the events are converted")
    config = {"group": "bpi2012", "kafka": {"bootstrap.servers": "127.0.0.1:1"}, "inputs": [{"topic": "events"}],
              "http": "off", "funnels": strict(truth["funnels"])}
    with open(folder + "/funneld.yaml", "w") as f:
        json.dump(config, f)
    text = kit.run(kit.FUNNELD, "report", "-c", folder + "/funneld.yaml", "--format", "json", "--cohort", "month", events)
    reports = {r["funnel"]: r for r in map(json.loads, text.splitlines())}
    kit.same("funnels", sorted(truth["funnels"]), sorted(reports))
    for name, t in truth["funnels"].items():
        check_funnel(name, t, reports[name])


if not os.path.isdir(DATA):
    print(f"skipped: {DATA} is not there")
    sys.exit(kit.SKIPPED)
kit.story(story, needs_broker=False)
