#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`funneld report --format json` against the brute-force reference, over random streams and all policies.

  FUNNELD=build/release/funneld reference_random.py [STREAMS] [--seed N] [--shrink N] [--out DIR]
  reference_random.py --dry [STREAMS]       no binary: what the streams exercise, row by row of the automaton

A stream is one funnel with a log of its own; twenty of them, with policies of their own, go through one run of the binary
as one partition. A mismatching stream is made smaller as long as it mismatches, then printed: settings, events, what the
reference did with each, and what differs. Ends with 0 (all agree), 1 (a mismatch) or 77 (no binary).
STREAMS also from REFERENCE_STREAMS (400), the seed from REFERENCE_SEED (1).
"""
import argparse
import copy
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from zoneinfo import ZoneInfo

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference"))
import funnel_ref as ref                                                                                 # noqa: E402

PER_RUN = 20
RUN_TIMEOUT_S, SHRINK_S = 300, 180
PANES = {"30s": 30_000, "1m": 60_000, "5m": 300_000, "15m": 900_000}
ZONES = ["UTC", "Asia/Shanghai", "Etc/GMT+5", "Asia/Kolkata", "Europe/Berlin", "America/New_York"]
DAYS = ["2024-01-15", "2015-03-28", "2024-10-26", "2016-02-28", "2023-12-30"]       # some before summer time begins or ends
CHINESE = ["线索", "接触", "需求", "方案", "成交"]


@dataclass
class Batch:
    conf: dict
    cohort: object
    events: list


# Random settings ----------------------------------------------------------------------------------------------------

def known_zones():
    out = []
    for zone in ZONES:
        try:
            ref.zone_of(zone)
            out.append(zone)
        except Exception:                               # no tzdata here
            pass
    return out


def duration(ms):
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if ms % size == 0 and ms:
            return "%d%s" % (ms // size, unit)
    return "%dms" % ms if ms else "0s"


def random_window(rng, pane, span):
    """A whole number of panes: from a hundredth of the log's span to twice that span."""
    return max(1, round(span / pane * 10 ** rng.uniform(-2, 0.4))) * pane


def random_time(rng):
    pane = rng.choice(["30s", "1m", "1m", "1m", "5m", "15m"])
    panes = rng.choices([15, 60, 300, 1500, 6000], [3, 4, 4, 2, 1])[0]
    span = panes * PANES[pane]
    lateness = rng.choice([0, 0, 1, 1500, 2000, 30_000, PANES[pane], 3 * PANES[pane], span // 60_000 * 6_000])
    conf = {"zone": rng.choice(known_zones()), "pane": pane, "lateness": duration(lateness),
            "late": rng.choice(["apply"] * 4 + ["deadletter"])}
    return conf, PANES[pane], span, lateness


def random_funnel(rng, pane, span):
    n = rng.choice([2, 3, 3, 4, 4, 5])
    names = CHINESE[:n] if rng.random() < 0.1 else ["s%d" % i for i in range(n)]
    won = n - 1 if rng.random() < 0.6 else rng.randrange(1, n)
    f = {"stages": random_stages(rng, names, pane, span), "won": names[won],
         "lost": rng.choice([[], ["lost"], ["lost"], ["lost", "churned"]])}
    if rng.random() < 0.2:
        f["order"] = "strict"
    else:
        f["order"] = "flow"
        f["skip"] = rng.choice(["credit", "credit", "direct", "ignore", "reject"])
        f["regress"] = rng.choice(["back", "back", "new_attempt", "ignore"])
    f["reentry"] = rng.choice(["new_attempt", "new_attempt", "ignore"])
    f["window"] = duration(random_window(rng, pane, span))
    if won < n - 1 or rng.random() < 0.7:               # by default the steps' sum: only where nobody can ask which steps
        f["overall"] = duration(random_window(rng, pane, span))
    f["forget_after"] = "3650d"
    f["actions"] = rng.choice([[], ["call"], ["call", "visit"]])
    dims = rng.choice([[], ["channel"], ["channel", "region"]])
    f["dims"] = {d: {"top": 20} for d in dims}
    f["segments"] = [[d] for d in dims] + ([dims] if len(dims) > 1 else [])
    f["breakdowns"] = rng.choice([[], ["owner"]])
    return {k: v for k, v in f.items() if v != [] and v != {}}


def random_stages(rng, names, pane, span):
    stages = list(names)
    for i in range(len(names) - 1):
        if rng.random() < 0.3:
            stages[i] = {"id": names[i], "window": duration(random_window(rng, pane, span))}
    if rng.random() < 0.3:
        stages[-1] = {"id": names[-1], "loop": True}
    return stages


# Random events ------------------------------------------------------------------------------------------------------

class Story:
    """Writes one funnel's events: entities that mostly move on, and everything that can go wrong."""

    def __init__(self, rng, name, funnel, window):
        self.rng, self.name, self.window = rng, name, window
        self.stages = [s if isinstance(s, str) else s["id"] for s in funnel["stages"]]
        self.lost, self.actions = funnel.get("lost", []), funnel.get("actions", [])
        self.at = {}                                    # entity -> stage it was sent to last
        self.entities = rng.randint(1, 6)
        self.seeds, self.deletes = rng.random() < 0.5, rng.random() < 0.5
        self.skips, self.backs, self.exits = (rng.choice([0.02, 0.1, 0.3]) for _ in range(3))

    def event(self, etime):
        rng = self.rng
        entity = rng.randrange(self.entities)
        new = entity not in self.at
        o = {"entity_id": rng.choice([entity, str(entity)]), "funnel": self.name, "stage": self.stage(entity), "ts": etime}
        if self.deletes and rng.random() < 0.04:
            o["op"] = "d"
            self.at.pop(entity, None)
            if o["stage"] == "unheard-of" or rng.random() < 0.5:
                del o["stage"]
        elif self.seeds and rng.random() < (0.5 if new else 0.05):
            o["op"] = "r"
            self.enter(o, etime)
        self.decorate(o)
        return o

    def stage(self, entity):
        rng, n = self.rng, len(self.stages)
        if rng.random() < 0.02:
            return "unheard-of"
        if self.actions and rng.random() < 0.06:
            return rng.choice(self.actions)
        if self.lost and rng.random() < self.exits:
            self.at[entity] = -1
            return rng.choice(self.lost)
        here = self.at.get(entity, -1)
        draw = rng.random()
        if draw < self.skips:
            k = here + 2
        elif draw < self.skips + self.backs:
            k = here - rng.randint(1, 2)
        elif draw < self.skips + self.backs + 0.12:
            k = rng.choice([here, 0, n - 1, rng.randrange(n)])
        else:
            k = here + 1
        k = max(0, k) if k < n else rng.choice([0, n - 1, n - 1])
        self.at[entity] = k
        return self.stages[k]

    def enter(self, o, etime):
        w, rng = self.window, self.rng
        age = rng.choice([None, 0, w, w + 1, rng.randrange(w), rng.randrange(w), rng.randrange(3 * w), -1, -w])
        if age is not None:
            o["entered_at"] = etime - age

    def decorate(self, o):
        rng = self.rng
        if rng.random() < 0.4:
            cents = rng.randrange(100_000)
            o["amount"] = rng.choice([cents // 100, cents // 10 / 10, cents / 100, "%d.%02d" % divmod(cents, 100)])
        if rng.random() < 0.4:
            o["owner"] = rng.choice(["li", "wu", "王芳"])
        if o.get("stage") in self.lost and rng.random() < 0.6:
            o["reason"] = rng.choice(["price", "rival", "预算"])
        dims = {d: rng.choice(values) for d, values in (("channel", ["ads", "web", "门店"]), ("region", ["east", "west"]))
                if rng.random() < 0.5}
        if dims or rng.random() < 0.5:
            o["dims"] = dims


def random_log(rng, funnels, pane, span, lateness):
    """All funnels' events in log order: by arrival; the event's own time may lie before it."""
    begin = ref.time_ms(rng.choice(DAYS) + "T00:00:00Z") + rng.choice([0, 0, rng.randrange(86_400_000) // pane * pane, rng.randrange(86_400_000)])
    grid = max(1, span // rng.choice([20, 60, 200, 1000, 50_000]))
    grid = max(1, grid // (pane // 4)) * (pane // 4) if grid >= pane // 4 else grid
    disorder = rng.choice([0, 0.1, 0.3, 0.6])
    arrivals = []
    for name, f in funnels.items():
        story = Story(rng, name, f, ref.duration_ms(f["window"]))
        for at in sorted(rng.randrange(span // grid + 1) * grid for _ in range(rng.choice([4, 12, 25, 25, 50, 80]))):
            at += begin + rng.choice([0] * 10 + [1, -1])
            back = disordered(rng, lateness, span, grid) if rng.random() < disorder else 0
            o = story.event(at - back)
            o["event_id"] = "%s-%d" % (name, len(arrivals))
            arrivals.append((at, o))
            if rng.random() < 0.04:
                arrivals.append((at + rng.choice([0, grid, span // 10]), dict(o)))
    for _ in range(rng.randrange(4)):
        at = begin + rng.randrange(span)
        arrivals.append((at, {"entity_id": "1", "funnel": "nobodys", "stage": "s0", "ts": at, "event_id": "n%d" % at}))
    if rng.random() < 0.8:
        arrivals = tuned_end(rng, arrivals, funnels, pane, begin, span)
    arrivals.sort(key=lambda a: a[0])
    style = rng.choice(["utc", "utc", "ms", "mixed"])
    return [styled(rng, o, style) for _, o in arrivals]


def tuned_end(rng, arrivals, funnels, pane, begin, span):
    """Ends the log about the pane in which stays expire that nobody hears of again, begun in neighbouring panes."""
    windows = [(name, f, ref.duration_ms(f[key])) for name, f in funnels.items() for key in ("window", "overall") if key in f]
    windows = [w for w in windows if span // 4 <= w[2] <= span]
    if not windows:
        return arrivals
    name, f, window = rng.choice([w for w in windows if w[2] >= 200 * pane] or windows)
    first = f["stages"][0] if isinstance(f["stages"][0], str) else f["stages"][0]["id"]
    start = begin + rng.randrange(span // 2)
    alone = [start + i * pane for i in range(rng.randint(1, 6))]
    slack = rng.randint(1, 2 + window // pane // 32)
    end = ((start + window) // pane + slack) * pane + rng.choice([0, 0, pane - 1])
    arrivals = [a for a in arrivals if a[0] < end]
    arrivals += [(at, {"entity_id": "alone-%d" % i, "funnel": name, "stage": first, "ts": at, "event_id": "a%d" % i}) for i, at in enumerate(alone)]
    arrivals.append((end, {"entity_id": "1", "funnel": "nobodys", "stage": "s0", "ts": end, "event_id": "end"}))
    return arrivals


def disordered(rng, lateness, span, grid):
    return rng.choice([lateness, lateness + 1, rng.randrange(lateness + 1), rng.randrange(5 * lateness + 1), grid, 2 * grid, rng.randrange(span // 4)])


def styled(rng, o, style):
    """Times as RFC 3339 in UTC, as epoch ms, or any of these and another offset."""
    for key in ("ts", "entered_at"):
        if key in o:
            how = rng.choice(["utc", "ms", "offset"]) if style == "mixed" else style
            if how != "ms":
                zone = ZoneInfo("Asia/Shanghai") if how == "offset" and "Asia/Shanghai" in known_zones() else ref.timezone.utc
                text = (ref.EPOCH + o[key] * ref.MS).astimezone(zone).isoformat(timespec="milliseconds")
                o[key] = text.replace("+00:00", "Z")
    return o


def random_batch(rng, first, count):
    clock, pane, span, lateness = random_time(rng)
    funnels = {"f%d" % (first + i): random_funnel(rng, pane, span) for i in range(count)}
    conf = {"group": "reference", "kafka": {"bootstrap.servers": "127.0.0.1:9092"}, "inputs": [{"topic": "t", "preset": "plain"}],
            "outputs": {"alerts": "a", "deadletter": "d"}, "time": clock, "funnels": funnels}
    return Batch(conf, rng.choice([None, "day", "day", "week", "month"]), random_log(rng, funnels, pane, span, lateness))


# Files --------------------------------------------------------------------------------------------------------------

def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./+:-]*", value):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def flow(value):
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%s: %s" % (scalar(k), flow(v)) for k, v in value.items())
    if isinstance(value, list):
        return "[%s]" % ", ".join(flow(v) for v in value)
    return scalar(value)


def yaml(conf, depth=0):
    """Maps in blocks, what lies three deep or in a list on one line."""
    out = ""
    for key, value in conf.items():
        if isinstance(value, dict) and value and depth < 2:
            out += "%s%s:\n%s" % ("  " * depth, scalar(key), yaml(value, depth + 1))
        else:
            out += "%s%s: %s\n" % ("  " * depth, scalar(key), flow(value))
    return out


def ndjson(events):
    return "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in events)


class Broken(Exception):
    """The binary gave no report."""


class Product:
    def __init__(self, command, home):
        self.command, self.home, self.runs = command, home, 0

    def arguments(self, batch, home):
        cohort = ["--cohort", batch.cohort] if batch.cohort else []
        return ["report", "-c", os.path.join(home, "conf.yaml"), "--format", "json"] + cohort + [os.path.join(home, "events.ndjson")]

    def write(self, batch, home):
        for name, text in (("conf.yaml", yaml(batch.conf)), ("events.ndjson", ndjson(batch.events))):
            with open(os.path.join(home, name), "w", encoding="utf-8") as f:
                f.write(text)

    def reports(self, batch):
        self.runs += 1
        self.write(batch, self.home)
        try:
            run = subprocess.run(self.command + self.arguments(batch, self.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL, timeout=RUN_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Broken("no end within %d s" % RUN_TIMEOUT_S) from None
        if run.returncode != 0:
            raise Broken("exit %d: %s" % (run.returncode, run.stderr.decode("utf-8", "replace")[-2000:].strip()))
        try:
            return {o["funnel"]: o for o in map(json.loads, run.stdout.decode("utf-8").splitlines())}
        except (ValueError, KeyError, TypeError) as e:
            raise Broken("no report: %s: %r" % (e, run.stdout[:300])) from None


# Comparison ---------------------------------------------------------------------------------------------------------

TOTALS = ("events", "entities", "attempts", "late", "deadletters", "ignored")
STEP = ("entered", "credited", "seeded") + ref.OUTCOMES + ("open",)
RATES, QUANTILES = ("rate", "low", "high"), ("p50_s", "p90_s")
NAMED = {"segments": "segment", "breakdowns": "owner"}


class Differences(list):
    def exact(self, path, want, got):
        if type(got) is bool or got != want:
            self.append((path, want, got))

    def near(self, path, want, got, relative, absolute):
        number = isinstance(got, (int, float)) and not isinstance(got, bool)
        if not number or abs(got - want) > relative * abs(want) + absolute:
            self.append((path, want, got))


def compare(want, got):
    """Where two reports of a funnel differ: (path, expected, got)."""
    d = Differences()
    for key in TOTALS:
        d.exact(key, want[key], got.get(key))
    d.exact("split_keys", 0, got.get("split_keys"))  # the model, and a file, are one partition: there can be none
    compare_steps(d, "steps", want["steps"], got.get("steps"))
    compare_step(d, "overall", want["overall"], got.get("overall"))
    compare_stages(d, want["stages"], got.get("stages"))
    compare_distribution(d, "cycle", want["cycle"], got.get("cycle"))
    reasons = got.get("lost_reasons") or {}
    for reason in sorted(set(want["lost_reasons"]) | set(reasons)):
        d.exact("lost_reasons." + reason, want["lost_reasons"].get(reason, 0), reasons.get(reason, 0))
    compare_parts(d, "segments", want, got)
    compare_parts(d, "breakdowns", want, got, counts=("entered", "credited", "advanced", "lost"), only_counts=True)
    compare_cohorts(d, want.get("cohorts", []), got.get("cohorts") or [])
    return d


def compare_stages(d, want, got):
    if [s["stage"] for s in want] != [s.get("stage") for s in got or []]:
        d.append(("stages", [s["stage"] for s in want], got))
        return
    for w, g in zip(want, got):
        for key in w:
            if key not in ("repeats", "repeat_amount") or key in g:          # these two are not in the report's definition
                d.exact("stages[%s].%s" % (w["stage"], key), w[key], g.get(key))


def compare_steps(d, path, want, got, counts=STEP, only_counts=False):
    edges = [(s["from"], s["to"]) for s in want]
    if edges != [(s.get("from"), s.get("to")) for s in got or []]:
        d.append((path, edges, got))
        return
    for w, g in zip(want, got):
        compare_step(d, "%s[%s>%s]" % (path, w["from"], w["to"]), w, g, counts, only_counts)


def compare_step(d, path, want, got, counts=STEP, only_counts=False):
    if not isinstance(got, dict):
        d.append((path, "a step", got))
        return
    for key in counts:
        d.exact("%s.%s" % (path, key), want[key], got.get(key))
    if only_counts:
        return
    d.exact(path + ".late_advance", want["late_advance"], got.get("late_advance"))
    compare_rates(d, path, want, got)
    compare_distribution(d, path + ".dwell", want["dwell"], got.get("dwell"))


def compare_rates(d, path, want, got):
    for key in RATES:
        if want[key] is not None:
            d.near("%s.%s" % (path, key), want[key], got.get(key), 0, 1e-6)


def compare_distribution(d, path, want, got):
    got = got if isinstance(got, dict) else {}
    d.exact(path + ".n", want["n"], got.get("n", 0))
    if want["n"] and want["n"] == got.get("n"):
        for key in ("mean_s", "min_s", "max_s"):
            d.near("%s.%s" % (path, key), want[key], got.get(key), 1e-6, 0.00051)
        for key in QUANTILES:
            d.near("%s.%s" % (path, key), want[key], got.get(key), 0.01, 0.001)


def compare_parts(d, kind, want, got, **how):
    """Segments or breakdowns, by their values; one that is left out is one of zeros."""
    by = lambda report: {json.dumps(p.get(NAMED[kind]), sort_keys=True, ensure_ascii=False): p.get("steps") for p in report.get(kind) or []}
    w, g = by(want), by(got)
    for name in sorted(set(w) | set(g)):
        empty = [dict(zero_step(), **{"from": s["from"], "to": s["to"]}) for s in want["steps"]]
        compare_steps(d, "%s%s" % (kind, name), w.get(name, empty), g.get(name, empty), **how)


def zero_step():
    zero = dict.fromkeys(STEP + ("late_advance",), 0)
    return dict(zero, rate=None, low=None, high=None, dwell={"n": 0})


def compare_cohorts(d, want, got):
    """By calendar unit; only what is known by the day of entry: outcomes, no dwell, no late advances."""
    by = lambda cohorts: {(c.get("from"), c.get("to")): c for c in cohorts}
    w, g = by(want), by(got)
    for unit in sorted(set(w) | set(g), key=str):
        some = w.get(unit) or g[unit]
        empty = {"steps": [dict(zero_step(), **{"from": s["from"], "to": s["to"]}) for s in some["steps"]], "segments": []}
        a, b = w.get(unit, empty), g.get(unit, empty)
        part = Differences()
        compare_steps(part, "steps", a["steps"], b.get("steps"), only_counts=True)
        compare_parts(part, "segments", a, b, only_counts=True)
        d.extend(("cohorts[%s].%s" % (some["name"], path), x, y) for path, x, y in part)


def differences(product, batch):
    """{funnel: differences} of a run; under '*' that there was no report at all."""
    want = ref.reports(batch.conf, batch.events, batch.cohort)
    try:
        got = product.reports(batch)
    except Broken as e:
        return {"*": [("run", "a report", str(e))]}
    found = {}
    for name in want:
        d = compare(want[name], got[name]) if name in got else [("report", "one of funnel " + name, None)]
        if d:
            found[name] = d
    return found


# Making a mismatch small --------------------------------------------------------------------------------------------

class Shrinker:
    """Keeps of a batch what is needed for the mismatch to stay."""

    def __init__(self, product, batch, funnel):
        self.product, self.batch, self.broken = product, batch, funnel == "*"
        self.deadline = time.monotonic() + SHRINK_S

    def accept(self, conf=None, events=None, cohort="same"):
        """Takes the smaller batch if it still mismatches in the same way (a wrong report, or none)."""
        b = self.batch
        candidate = Batch(conf or b.conf, b.cohort if cohort == "same" else cohort, b.events if events is None else events)
        if time.monotonic() > self.deadline or not candidate.events:
            return False
        try:
            found = differences(self.product, candidate)
        except ValueError:                              # not a configuration the reference takes
            return False
        if not found or ("*" in found) != self.broken:
            return False
        self.batch = candidate
        return True

    def run(self, funnel):
        self.one_funnel(funnel)
        size = None
        while size != (size := self.size()):
            self.fewer_events()
            self.fewer_settings()
            self.fewer_fields()
        return self.batch

    def size(self):
        return len(json.dumps([self.batch.conf, self.batch.events], ensure_ascii=False)), self.batch.cohort

    def one_funnel(self, funnel):
        for name in [funnel] if not self.broken else list(self.batch.conf["funnels"]):
            conf = dict(self.batch.conf, funnels={name: self.batch.conf["funnels"][name]})
            if self.accept(conf, [o for o in self.batch.events if o["funnel"] == name]) or self.accept(conf):
                return

    def fewer_events(self):
        chunk = len(self.batch.events)
        while chunk:
            at = 0
            while at < len(self.batch.events):
                rest = self.batch.events[:at] + self.batch.events[at + chunk:]
                if not self.accept(events=rest):
                    at += chunk
            chunk //= 2

    def fewer_settings(self):
        if self.batch.cohort:
            self.accept(cohort=None)
        self.try_conf(lambda c: c["time"].update(zone="UTC"))
        self.try_conf(lambda c: c["time"].update(lateness="0s"))
        for name in list(self.batch.conf["funnels"]):
            for key in ("breakdowns", "actions", "lost", "overall", "regress", "skip", "reentry", "order", "won"):
                self.try_conf(lambda c: c["funnels"][name].pop(key))
            self.try_conf(lambda c: (c["funnels"][name].pop("segments"), c["funnels"][name].pop("dims")))
            for i in range(len(self.batch.conf["funnels"][name]["segments"]) if "segments" in self.batch.conf["funnels"][name] else 0):
                self.try_conf(lambda c: c["funnels"][name]["segments"].pop(i))
            for i in range(len(self.batch.conf["funnels"][name]["stages"])):
                self.try_conf(lambda c: self.plain_stage(c["funnels"][name]["stages"], i))

    @staticmethod
    def plain_stage(stages, i):
        stages[i] = stages[i]["id"]

    def try_conf(self, change):
        conf = copy.deepcopy(self.batch.conf)
        try:
            change(conf)
        except (KeyError, IndexError, TypeError):       # nothing there to leave out
            return
        if conf != self.batch.conf:
            self.accept(conf=conf)

    def fewer_fields(self):
        for i in range(len(self.batch.events)):
            for key in ("amount", "owner", "reason", "dims", "event_id", "entered_at", "op"):
                o = self.batch.events[i]
                if key in o:
                    less = {k: v for k, v in o.items() if k != key}
                    self.accept(events=self.batch.events[:i] + [less] + self.batch.events[i + 1:])


def explain(product, batch, out):
    """The mismatch for a person, and its files to run again."""
    os.makedirs(out, exist_ok=True)
    product.write(batch, out)
    print("--- settings\n%s--- events\n%s--- what the reference did" % (yaml(batch.conf), ndjson(batch.events)))
    for line in ref.trace_lines(batch.conf, batch.events):
        print(line)
    print("--- differences")
    for name, found in differences(product, batch).items():
        for path, want, got in found[:40]:
            print("%s %s: expected %s, got %s" % (name, path, json.dumps(want, ensure_ascii=False), json.dumps(got, ensure_ascii=False)))
        if len(found) > 40:
            print("%s and %d more" % (name, len(found) - 40))
    print("--- again\n" + shlex.join(product.command + product.arguments(batch, out)))


# The test -----------------------------------------------------------------------------------------------------------

def batches(streams, seed):
    """Every batch has a generator of its own, so that a seed's streams stay the same whatever their number."""
    for i in range(0, streams, PER_RUN):
        yield random_batch(random.Random("%d/%d" % (seed, i)), i, min(PER_RUN, streams - i))


def check(product, args):
    events, wrong, shown = 0, 0, 0
    for batch in batches(args.streams, args.seed):
        events += len(batch.events)
        found = differences(product, batch)
        wrong += len(batch.conf["funnels"]) if "*" in found else len(found)
        for funnel in found:
            path, want, got = found[funnel][0]
            print("MISMATCH stream %s: %s: expected %s, got %s (%d differences)" % (funnel, path, want, got, len(found[funnel])))
            if shown < args.shrink:
                shown += 1
                small = Shrinker(product, batch, funnel).run(funnel)
                print("=== stream %s of seed %d, made small: %d events" % (funnel, args.seed, len(small.events)))
                explain(product, small, os.path.join(args.out, "seed%d-%s" % (args.seed, "run" if funnel == "*" else funnel)))
            sys.stdout.flush()
    print("reference_random: %d streams, %d events, %d agree, %d mismatch (seed %d)" % (args.streams, events, args.streams - wrong, wrong, args.seed))
    return 1 if wrong else 0


def dry(args):
    """What the streams exercise."""
    rows, outcomes, total, filled = Counter(), Counter(), Counter(), Counter()
    for batch in batches(args.streams, args.seed):
        p, last = ref.replay(batch.conf, batch.events)
        total["events"] += len(batch.events)
        for m in p.automata:
            maker = ref.Report(m, p.clock, last)
            report = maker.whole(batch.cohort)
            for e, at, row, late in m.trace:
                rows[row] += 1
                total["late"] += late
                total["applied at another time than its own"] += at not in (None, e.etime)
            for s in m.stays:
                kind = "overall " if s.step == "overall" else ""
                outcomes[kind + (s.outcome or maker.unheard(s) + " unheard")] += 1
                outcomes[kind + "seeded"] += s.seeded
                outcomes[kind + "late_advance"] += s.late_advance
                outcomes[kind + "ended exactly at its window's end"] += s.outcome == "advanced" and s.end - s.begin == s.window
            outcomes["credited"] += len(m.credits)
            for key in ("segments", "breakdowns", "cohorts", "lost_reasons"):
                filled["reports with " + key] += bool(report.get(key))
            for c in report.get("cohorts", []):
                for s in c["steps"]:
                    filled["cohort steps with open"] += s["open"] > 0
                    filled["cohort steps with expired"] += s["expired"] > 0
            filled["cycles"] += report["cycle"]["n"]
            filled["regressed"] += sum(s["regressed"] for s in report["stages"])
    for title, counter in (("rows", rows), ("stays", outcomes), ("log", total), ("reports", filled)):
        print("%s\n%s" % (title, "".join("  %7d %s\n" % (n, key) for key, n in counter.most_common())), end="")
    print("reference_random: %d streams generated, nothing compared" % args.streams)
    return 0


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("streams", nargs="?", type=int, default=int(os.environ.get("REFERENCE_STREAMS", 400)))
    a.add_argument("--seed", type=int, default=int(os.environ.get("REFERENCE_SEED", 1)))
    a.add_argument("--shrink", type=int, default=2, help="how many mismatches to make small (2)")
    a.add_argument("--out", default=os.path.join(tempfile.gettempdir(), "funneld-reference"), help="where a small mismatch is kept")
    a.add_argument("--dry", action="store_true", help="no binary: tell what the streams exercise")
    args = a.parse_args()
    if args.dry:
        return dry(args)
    binary = os.environ.get("FUNNELD")
    if not binary:
        print("SKIP: FUNNELD is not set")
        return 77
    command = [binary] if os.path.exists(binary) else shlex.split(binary)
    with tempfile.TemporaryDirectory(prefix="funneld-reference-") as home:
        return check(Product(command, home), args)


if __name__ == "__main__":
    sys.exit(main())
