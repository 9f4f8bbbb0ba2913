#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the detector does on simulated streams whose truth is known: false alarms a week on streams where
nothing happens, alerts on what is no drop (mix, traffic, late batches, outages of the source), and the share
of real incidents that are found, how soon, and whether the segment is named.

    bench/detect_table.py --build build/release --jobs 2 --json table.json > table.md
    bench/detect_table.py --build build/release --quick
    bench/detect_table.py --build build/release --cell null:5000:0.1 --seeds 11-15

Each stream is `funnel_sim | funneld replay`. Cells are null:VISITS:BUDGET, benign:KIND:VISITS:BUDGET and
detect:KIND:VISITS:BUDGET; --cell also takes the beginning of a name (detect:loss30). A firing is counted as
often as an alert starts. The seeds say which shops are simulated; nothing here or in funneld is fitted to
any of them."""
import argparse
import collections
import concurrent.futures
import dataclasses
import datetime
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile

START = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
SIZES = (600, 5000, 30000)
BUDGETS = ("0.1", "1.0")
STAGES = ("visit", "cart", "checkout", "paid", "repeat")
DIMS = {"channel": ("ads", "search", "mail", "direct"), "device": ("mobile", "desktop", "tablet"),
        "region": ("north", "south", "east", "west")}
HOUR = 60  # everything below is in minutes since START
DAY = 24 * HOUR
WEEK = 7 * DAY
DIRT = ("--late", "0.005", "--late-by", "30s", "--duplicates", "0.003")

# Windows are short: no rule here looks at them, and each costs its share of every pane.
CONFIG = """
kafka: {bootstrap.servers: "127.0.0.1:1"}
inputs: [{topic: events}]
http: off
funnels:
  shop:
    stages: [visit, cart, checkout, paid, repeat]
    window: 2d
    dims:
      channel: {values: [ads, search, mail, direct]}
      device: {values: [mobile, desktop, tablet]}
      region: {values: [north, south, east, west]}
    windows: [1h]
    rules:
      - {id: drop, kind: drop, budget: @BUDGET@/week}
"""

DETECT = {  # name: what it is called, what the simulator is told, without place and time
    "loss20": ("20 % loss", "kind=loss,loss=0.2"),
    "loss30": ("30 % loss", "kind=loss,loss=0.3"),
    "loss50": ("50 % loss", "kind=loss,loss=0.5"),
    "loss80": ("80 % loss", "kind=loss,loss=0.8"),
    "segment80": ("80 % loss in one segment", "kind=loss,loss=0.8"),
    "cohort30": ("new entrants 30 % worse", "kind=cohort,loss=0.3"),
    "slow2": ("dwell doubled", "kind=slow,factor=2"),
}
BENIGN = {  # and how many hours it lasts, at least and at most
    "mix": ("mix shift", "kind=mix,factor=4", 72, 72),
    "half": ("traffic halved", "kind=volume,factor=0.5", 48, 48),
    "double": ("traffic doubled", "kind=volume,factor=2", 48, 48),
    "late": ("late batch", "kind=late_batch,over=1h", 1, 8),
    "late_part": ("late batch of one channel", "kind=late_batch,over=1h", 1, 8),
    "outage": ("outage of the source", "kind=outage", 1, 8),
}


@dataclasses.dataclass(frozen=True)
class Cell:
    sort: str  # null, benign, detect
    kind: str  # "" for null
    visits: int
    budget: str

    def name(self):
        return ":".join(x for x in (self.sort, self.kind, str(self.visits), self.budget) if x)


@dataclasses.dataclass
class Incident:
    at: int
    until: int
    step: str = ""  # "" where it has none
    segment: dict = dataclasses.field(default_factory=dict)
    text: str = ""  # for the simulator


@dataclasses.dataclass
class Firing:
    """An alert of a conversion rule that began."""
    at: float
    name: str
    step: str
    segment: dict
    change: float  # None where the record does not say


# --- cells and their streams ---


def all_cells():
    cells = [Cell("null", "", visits, budget) for budget in BUDGETS for visits in SIZES]
    cells += [Cell("benign", kind, visits, "0.1") for kind in BENIGN for visits in SIZES]
    return cells + [Cell("detect", kind, visits, "0.1") for kind in DETECT for visits in SIZES]


def parse_cell(text):
    """The cells a name or the beginning of one means."""
    parts = text.split(":")
    found = [c for c in all_cells() if c.name().split(":")[:len(parts)] == parts]
    if found:
        return found
    if parts[0] == "null" and len(parts) == 3:
        parts.insert(1, "")
    known = {"null": [""], "benign": BENIGN, "detect": DETECT}.get(parts[0], ())
    try:
        sort, kind, visits, budget = parts
        if kind in known and int(visits) > 0 and float(budget) > 0:
            return [Cell(sort, kind, int(visits), budget)]
    except ValueError:
        pass
    raise argparse.ArgumentTypeError("no such cell: %s" % text)


def parse_seeds(text):
    """"7", "1-5", "1,4,9"."""
    seeds = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def random_place(cell, rng):
    """The step and the segment of an incident."""
    if cell.sort == "detect":
        step = rng.randrange(len(STAGES) - 1)
        if cell.kind != "segment80":
            return step, {}
    elif cell.kind in ("mix", "late_part"):
        step = None
    else:
        return None, {}
    dim = "channel" if cell.kind == "late_part" else rng.choice(sorted(DIMS))
    return step, {dim: rng.choice(DIMS[dim])}


def make_incidents(cell, seed, options):
    """Random places and times, one every `for` and calm days, the first after learning."""
    rng = random.Random("%s %d" % (cell.name(), seed))
    out, begin = [], options.learning_days * DAY
    for _ in range(options.incidents if cell.sort != "null" else 0):
        text = (DETECT.get(cell.kind) or BENIGN.get(cell.kind))[1]
        least, most = BENIGN[cell.kind][2:] if cell.sort == "benign" else [options.horizon_days * 24] * 2
        at, lasts = begin + rng.randrange(2 * DAY), rng.randint(least * HOUR, most * HOUR)
        step, segment = random_place(cell, rng)
        if step is not None:
            text += ",step=%d" % (step + 1)
        text += "".join(",%s=%s" % item for item in segment.items())
        out.append(Incident(at, at + lasts, "" if step is None else "%s>%s" % STAGES[step:step + 2], segment,
                            "%s,at=%dm,for=%dm" % (text, at, lasts)))
        begin += 2 * DAY + lasts + options.calm_days * DAY
    return out


def stream_days(incidents, options):
    if incidents:
        return math.ceil(incidents[-1].until / DAY) + options.after_days
    return options.learning_days + 7 * options.weeks


# --- running one ---


def minutes(text):
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - START).total_seconds() / 60


def read_firing(line):
    """The firing of a conversion rule that this record tells of, or None."""
    record = json.loads(line)
    labels = record["labels"]
    if record["status"] != "firing" or "step" not in labels:
        return None
    segment = {d: labels[d] for d in DIMS if d in labels}
    change = record.get("change_point")
    return Firing(minutes(record["startsAt"]), labels["alertname"], labels["step"], segment,
                  minutes(change) if change else None)


def run_stream(cell, seed, options):
    incidents = make_incidents(cell, seed, options)
    days = stream_days(incidents, options)
    command = [options.sim, "--visits-per-day", str(cell.visits), "--days", str(days), "--seed", str(seed),
               "--start", START.strftime("%Y-%m-%d"), *DIRT]
    for incident in incidents:
        command += ["--incident", incident.text]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        conf = os.path.join(folder, "conf.yaml")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(options.config_text.replace("@BUDGET@", cell.budget))
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as sim, \
                subprocess.Popen([options.funneld, "replay", "-c", conf, "-"], stdin=sim.stdout,
                                 stdout=subprocess.PIPE, stderr=errors) as replay:
            sim.stdout.close()
            lines = replay.stdout.read().splitlines()
        if sim.returncode or replay.returncode:
            errors.seek(0)
            raise RuntimeError("%s, seed %d: %s" % (cell.name(), seed, errors.read().decode()[-2000:]))
    if options.keep:
        keep_stream(cell, seed, incidents, lines, options.keep)
    return score_stream(incidents, [f for f in map(read_firing, lines) if f], days, options)


def keep_stream(cell, seed, incidents, lines, folder):
    base = os.path.join(folder, "%s:%d" % (cell.name(), seed))
    with open(base + ".alerts.ndjson", "wb") as f:
        f.writelines(line + b"\n" for line in lines)
    with open(base + ".incidents.json", "w", encoding="utf-8") as f:
        json.dump([dataclasses.asdict(x) for x in incidents], f, indent=1)


# --- scoring ---


def score_incident(incident, firings, horizon):
    """What was found of one incident: the first firing on its step within the horizon."""
    last = min(incident.until, incident.at + horizon)
    hits = [f for f in firings if incident.at <= f.at <= last and (not incident.step or f.step == incident.step)]
    if not hits:
        return {"incident": incident.text, "found": False}
    first = min(hits, key=lambda f: f.at)
    change = first.change
    return {"incident": incident.text, "found": True, "delay": first.at - incident.at, "alertname": first.name,
            "segment": first.segment, "named": first.segment == incident.segment,
            "onset_error": None if change is None else change - incident.at, "firings": len(hits)}


def score_stream(incidents, firings, days, options):
    """False alarms are the firings after learning and away from every incident; those during one, on other
    steps, and shortly after it are counted apart."""
    after = options.after_days * DAY
    scored = [f for f in firings if f.at >= options.learning_days * DAY]
    calm, near, nearby_time = [], 0, 0
    for f in scored:
        if any(i.at <= f.at <= i.until + after for i in incidents):
            near += 1
        else:
            calm.append(f)
    for i in incidents:
        nearby_time += i.until + after - i.at
    found = [score_incident(i, scored, options.horizon_days * DAY) for i in incidents]
    return {"weeks": (days - options.learning_days) * DAY / WEEK - nearby_time / WEEK, "false_alarms": len(calm),
            "by_name": dict(collections.Counter(f.name for f in calm)),
            "by_step": dict(collections.Counter(f.step for f in calm)),
            "near": near, "near_weeks": nearby_time / WEEK, "incidents": found}


def poisson_interval(n, level=.95):
    """Exact (Garwood 1936), of a Poisson mean of which n were seen."""

    def at_most(k, mean):
        return sum(math.exp(i * math.log(mean) - mean - math.lgamma(i + 1)) for i in range(k + 1))

    def solve(k, p):  # the mean at which at most k are seen with the chance p
        low, high = 1e-9, 10 + 3 * (k + 1)
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if at_most(k, middle) > p else (low, middle)
        return low

    tail = (1 - level) / 2
    return (solve(n - 1, 1 - tail) if n else 0.0), solve(n, tail)


def score_cell(cell, streams):
    """All of a cell's streams together."""
    found = [i for s in streams for i in s["incidents"]]
    hits = [i for i in found if i["found"]]
    weeks, alarms = sum(s["weeks"] for s in streams), sum(s["false_alarms"] for s in streams)
    low, high = poisson_interval(alarms)
    errors = [abs(i["onset_error"]) for i in hits if i["onset_error"] is not None]
    out = {"cell": cell.name(), "weeks": weeks, "false_alarms": alarms,
           "false_alarms_a_week": alarms / weeks, "low": low / weeks, "high": high / weeks,
           "by_name": dict(sum((collections.Counter(s["by_name"]) for s in streams), collections.Counter())),
           "by_step": dict(sum((collections.Counter(s["by_step"]) for s in streams), collections.Counter())),
           "by_stream": [s["false_alarms"] for s in streams],
           "near": sum(s["near"] for s in streams),
           "near_by_chance": sum(s["near_weeks"] for s in streams) * float(cell.budget)}
    if found:
        out |= {"incidents": len(found), "found": len(hits), "share": len(hits) / len(found),
                "median_delay": statistics.median(i["delay"] for i in hits) if hits else None,
                "named": sum(i["named"] for i in hits) / len(hits) if hits else None,
                "alertnames": dict(collections.Counter(i["alertname"] for i in hits)),
                "median_onset_error": statistics.median(errors) if errors else None, "each": found}
    return out


# --- telling ---


def null_text(c):
    return "%.2f (%d in %.0f weeks; %.2f to %.2f)" % (c["false_alarms_a_week"], c["false_alarms"], c["weeks"],
                                                      c["low"], c["high"])


def benign_text(c):
    return "%d in %d (%.1f by chance)" % (c["near"], c["incidents"], c["near_by_chance"])


def detect_text(c):
    if not c["found"]:
        return "0 %"
    return "%.0f %%, %.0f min, %.0f %% named" % (100 * c["share"], c["median_delay"], 100 * c["named"])


def table(title, rows, sizes, results, text):
    """rows: (name, the cell's name for a size)."""
    out = ["| %s | %s |" % (title, " | ".join("{:,} visits a day".format(s) for s in sizes)),
           "|---" * (len(sizes) + 1) + "|"]
    for name, cell_of in rows:
        cells = [results.get(cell_of(s).name()) for s in sizes]
        if any(cells):
            out.append("| %s | %s |" % (name, " | ".join(text(c) if c else "" for c in cells)))
    return "\n".join(out) + "\n" if len(out) > 2 else ""


def markdown(cells, results, options):
    sizes = sorted({c.visits for c in cells})
    budgets = sorted({c.budget for c in cells}, key=float)
    parts = [table("false alarms a funnel-week, budget", [
        (b, lambda s, b=b: Cell("null", "", s, b)) for b in budgets], sizes, results, null_text)]
    for b in budgets:
        of = "" if b == "0.1" else ", budget %s" % b
        parts.append(table("no drop: alerts until %d days after%s" % (options.after_days, of), [
            (BENIGN[k][0], lambda s, k=k, b=b: Cell("benign", k, s, b)) for k in BENIGN],
            sizes, results, benign_text))
        parts.append(table("incidents: found within %d days, median delay%s" % (options.horizon_days, of), [
            (DETECT[k][0], lambda s, k=k, b=b: Cell("detect", k, s, b)) for k in DETECT],
            sizes, results, detect_text))
    return "\n".join(p for p in parts if p)


def run_all(cells, options):
    """Streams in any order, results by cell. The first one that fails ends it."""
    streams = {cell.name(): {} for cell in cells}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = {pool.submit(run_stream, cell, seed, options): (cell, seed)
                for cell in sorted(cells, key=lambda c: -c.visits) for seed in options.seeds}
        try:
            for done, job in enumerate(concurrent.futures.as_completed(jobs)):
                cell, seed = jobs[job]
                streams[cell.name()][seed] = s = job.result()
                print("%d/%d %s seed %d: %d false alarms, %d of %d found" % (
                    done + 1, len(jobs), cell.name(), seed, s["false_alarms"],
                    sum(i["found"] for i in s["incidents"]), len(s["incidents"])), file=sys.stderr, flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {cell.name(): score_cell(cell, [streams[cell.name()][s] for s in options.seeds]) for cell in cells}


def parse_options(args):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", help="where funneld and bench/funnel_sim are")
    parser.add_argument("--jobs", type=int, default=1, help="streams at a time")
    parser.add_argument("--cell", type=parse_cell, action="append", help="only this; repeatable")
    parser.add_argument("--seeds", type=parse_seeds, help="1-5: one stream of each cell for each (1-5)")
    parser.add_argument("--quick", action="store_true", help="one seed, 4 weeks, 2 incidents, up to 5,000 visits")
    parser.add_argument("--weeks", type=int, help="scored weeks of a null stream (20)")
    parser.add_argument("--incidents", type=int, help="of a stream (5)")
    parser.add_argument("--learning-days", type=int, default=28)
    parser.add_argument("--horizon-days", type=int, default=3, help="an incident lasts so long, and is found or not")
    parser.add_argument("--calm-days", type=int, default=14, help="between an incident and the next")
    parser.add_argument("--after-days", type=int, default=3, help="what still counts as near an incident")
    parser.add_argument("--config", help="another configuration, with @BUDGET@ where that belongs")
    parser.add_argument("--print-config", action="store_true", help="print the configuration and end")
    parser.add_argument("--json", help="write the figures of every cell and incident to this file")
    parser.add_argument("--keep", help="write every stream's alerts and incidents into this folder")
    options = parser.parse_args(args)
    options.config_text = CONFIG
    if options.config:
        with open(options.config, encoding="utf-8") as f:
            options.config_text = f.read()
    options.funneld = os.path.join(options.build, "funneld")
    options.sim = os.path.join(options.build, "bench", "funnel_sim")
    options.seeds = options.seeds or ([1] if options.quick else list(range(1, 6)))
    options.weeks = options.weeks or (4 if options.quick else 20)
    options.incidents = options.incidents or (2 if options.quick else 5)
    return options


def main():
    options = parse_options(None)
    if options.print_config:
        print(options.config_text, end="")
        return 0
    cells = [c for some in options.cell or [all_cells()] for c in some]
    if options.quick and not options.cell:
        cells = [c for c in cells if c.visits <= 5000]
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
    try:
        results = run_all(cells, options)
    except (OSError, RuntimeError) as e:
        print("detect_table: %s" % e, file=sys.stderr)
        return 1
    print(markdown(cells, results, options), end="")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            json.dump({"seeds": options.seeds, "config": options.config_text, "cells": results}, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
