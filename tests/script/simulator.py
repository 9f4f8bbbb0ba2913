#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench/funnel_sim does what it says: the same bytes for a seed, the rates, seasons and incidents it was
given, in order, and funneld takes every line. Seeds are fixed, so the statistical bounds (4 standard
deviations) hold or do not hold for good."""
import collections
import functools
import json
import math
import os
import subprocess
import sys
import tempfile

FUNNELD = os.environ["FUNNELD"]
SIM = os.environ.get("FUNNEL_SIM", "")
STAGES = ["visit", "cart", "checkout", "paid", "repeat"]
HOUR, DAY = 3600000, 86400000
CONFIG = """
kafka: {bootstrap.servers: "127.0.0.1:1"}
inputs: [{topic: events}]
http: off
time: {lateness: 10m}
funnels:
  shop:
    stages: [visit, cart, checkout, paid, repeat]
    window: 2d
    dims: {channel: {top: 10}, device: {top: 10}, region: {top: 10}}
"""
results = {True: 0, False: 0}


def check(what, good):
    results[bool(good)] += 1
    if not good:
        print("FAILED:", what)


def simulate(*args):
    done = subprocess.run([SIM, *args], stdout=subprocess.PIPE, timeout=60)
    check("%s ends well" % (args,), done.returncode == 0)
    return done.stdout


def events(*args):
    return [json.loads(x) for x in simulate(*args).splitlines()]


def truth(*args):
    return json.loads(simulate("--truth", *args))


def leaf(event):
    return tuple(sorted(event["dims"].items()))


def journeys(items):
    """By entity: {stage: its first time}, and its leaf."""
    times, leaves = collections.defaultdict(dict), {}
    for e in items:
        times[e["entity_id"]].setdefault(e["stage"], e["ts"])
        leaves[e["entity_id"]] = leaf(e)
    return times, leaves


def refused(*args):
    done = subprocess.run([SIM, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    check("%s is refused, and why is said" % (args,), done.returncode == 2 and not done.stdout and done.stderr)


def test_lines():
    for bad in (["--seed", "x"], ["--days", "0"], ["--start", "today"], ["--late", "2"], ["--nothing"]):
        refused(*bad)
    for bad in ("at=1d", "at=1d,for=1h,step=9", "at=1d,for=1h,channel=fax", "at=1d,for=1h,kind=mix",
                "at=1,for=1h", "at=1d,for=1h,loss=1.1"):
        refused("--incident", bad)


def test_determinism():
    args = ["--visits-per-day", "3000", "--days", "3"]
    one = simulate("--seed", "5", *args)
    check("a seed gives the same bytes", one and one == simulate("--seed", "5", *args))
    check("another seed gives others", one != simulate("--seed", "6", *args))
    later = simulate("--seed", "5", *args, "--incident", "at=2d,for=1d,step=1,loss=0.9")
    at = one.find(b'"ts":%d' % (1767571200000 // 100000 + 2 * DAY // 100000))
    check("an incident changes nothing before it", at > 0 and one[:at] == later[:at] and one != later)


def test_order(conf):
    args = ["--visits-per-day", "4000", "--days", "2", "--seed", "9"]
    clean = [e["ts"] for e in events(*args)]
    check("events stand in the order of their time", clean and clean == sorted(clean))
    mixed = simulate(*args, "--late", "0.05", "--duplicates", "0.05", "--incident",
                     "kind=late_batch,at=1d,for=2h,channel=mail")
    items = [json.loads(x) for x in mixed.splitlines()]
    times = [e["ts"] for e in items]
    ids = collections.Counter(e["event_id"] for e in items)
    check("late ones do not", times != sorted(times))
    check("some come twice", .03 < sum(n == 2 for n in ids.values()) / len(ids) < .07 and max(ids.values()) == 2)
    done = subprocess.run([FUNNELD, "replay", "-c", conf, "-o", "deadletters", "-"], input=mixed,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    check("funneld takes every line: %s" % done.stderr.decode(), done.returncode == 0 and not done.stdout)
    check("and counts them", b"%d events" % len(items) in done.stderr)


def test_rates(t, times, leaves):
    """A conversion at an hour whose chance is exp(season) stands for 1/that many."""
    where = [tuple(sorted(x.items())) for x in t["leaves"]]
    last = t["start_ms"] + (t["days"] - 3) * DAY  # by the end nearly all have converted
    for s, step in enumerate(t["steps"]):
        p = dict(zip(where, step["p"]))
        got, want, var = collections.Counter(), collections.Counter(), collections.Counter()
        for who, at in times.items():
            begin, end = at.get(STAGES[s]), at.get(STAGES[s + 1])
            if begin is None or begin >= last:
                continue
            for key in (("all", ""),) + leaves[who]:
                want[key] += p[leaves[who]]
                var[key] += p[leaves[who]] * (1.25 - p[leaves[who]])
                if end is not None:
                    hour = (t["first_hour"] + (end - t["start_ms"]) // HOUR) % 168
                    got[key] += math.exp(-t["season"][hour])
        for key in want:
            z = (got[key] - want[key]) / math.sqrt(var[key])
            check("%s converts at %s as is true: z %.1f" % (step["step"], key, z), abs(z) < 4)


def daytime(t, begin, end):
    """The time between on the dwell's clock, which runs slower at night."""
    total, at = 0, begin - t["start_ms"]
    while at < end - t["start_ms"]:
        edge = min((at // HOUR + 1) * HOUR, end - t["start_ms"])
        total += (edge - at) * t["speed"][(t["first_hour"] + at // HOUR) % 24]
        at = edge
    return total


def test_dwell(t, times):
    """Half have taken their step after its median, by the dwell's clock; by the other it is longer at night."""
    last = t["start_ms"] + (t["days"] - 3) * DAY
    for s, hours in ((0, range(24)), (1, range(24)), (3, range(24)), (3, range(6))):
        soon = ever = 0
        for at in times.values():
            begin, end = at.get(STAGES[s]), at.get(STAGES[s + 1])
            if end is None or begin >= last or (begin - t["start_ms"]) // HOUR % 24 not in hours:
                continue
            weight = math.exp(-t["season"][(t["first_hour"] + (end - t["start_ms"]) // HOUR) % 168])
            ever += weight
            soon += weight * (daytime(t, begin, end) <= t["median_ms"][s])
        z = (soon - ever / 2) / math.sqrt(ever * 1.1 / 4)
        check("step %d, begun %s: half after the median dwell: z %.1f" % (s, hours, z), abs(z) < 4)
    night = sorted(at["cart"] - at["visit"] for at in times.values() if "cart" in at and
                   1 <= (at["visit"] - t["start_ms"]) // HOUR % 24 < 4)
    check("at night it takes longer", night[len(night) // 2] > 1.5 * t["median_ms"][0])


def test_season(t, times):
    count = [0] * 24
    weekend = 0
    for at in times.values():
        hour = (t["first_hour"] + (at["visit"] - t["start_ms"]) // HOUR) % 168
        count[hour % 24] += 1
        weekend += hour >= 120
    n, weeks = len(times), t["days"] / 7
    z = (n - t["visits_per_day"] * t["days"]) / math.sqrt(n)
    check("as many visits as were asked for: z %.1f" % z, abs(z) < 4)
    profile = t["arrivals"]
    for hour in range(24):
        # Between this hour's rate and the next one's, in a straight line.
        rate = sum((profile[d * 24 + hour] + profile[(d * 24 + hour + 1) % 168]) / 2 for d in range(7))
        want = rate * t["visits_per_day"] / 24 * weeks
        check("hour %d has its share" % hour, abs(count[hour] - want) < 4 * math.sqrt(want))
    want = n * sum(profile[120:]) / 168
    check("the weekend has its share", abs(weekend - want) < .01 * n)


def test_noise():
    """Without bursts hourly counts are Poisson's; with them they are not. A level has the sd it was given."""
    args = ["--visits-per-day", "10000", "--days", "7", "--seed", "4", "--noise", "0", "--drift", "0"]
    spread = {}
    for bursts in ("0", "0.3"):
        t = truth(*args)
        count = collections.Counter((e["ts"] - t["start_ms"]) // HOUR
                                    for e in events(*args, "--bursts", bursts) if e["stage"] == "visit")
        rate = t["arrivals"]
        want = [(rate[h] + rate[(h + 1) % 168]) / 2 * 10000 / 24 for h in range(168)]
        spread[bursts] = sum((count[h] - want[h]) ** 2 / want[h] for h in range(168)) / 168
    check("arrivals are Poisson's: %.2f" % spread["0"], .6 < spread["0"] < 1.4)
    check("bursts make them wilder: %.1f" % spread["0.3"], spread["0.3"] > 10)
    plain, noisy = (collections.Counter((e["ts"] - t["start_ms"]) // HOUR for e in events(*args, *more)
                                        if e["stage"] == "cart")
                    for more in ([], ["--noise", "0.2", "--noise-memory", "1h"]))
    busy = [h for h in range(168) if plain[h] > 100]
    ratios = [math.log(noisy[h] / plain[h]) for h in busy]
    sd = math.sqrt(sum(x * x for x in ratios) / len(ratios))
    check("a level's sd of 0.2 is seen as %.2f" % sd, .18 < sd < .26)
    mean = sum(noisy.values()) / sum(plain.values())
    check("the mean level is 1: %.3f" % mean, abs(mean - 1) < .08)


SHOP = ["--visits-per-day", "3000", "--days", "5", "--seed", "3"]
START = 1767571200000


@functools.lru_cache(maxsize=1)
def quiet_shop():
    return events(*SHOP)


def ratio(incident, count):
    """What is counted with the incident ÷ without."""
    return count(events(*SHOP, "--incident", incident)) / count(quiet_shop())


def test_incidents():
    def within(stage, a, b, **dims):
        return lambda items: sum(e["stage"] == stage and a * DAY <= e["ts"] - START < b * DAY and
                                 dims.items() <= e["dims"].items() for e in items)

    def near(what, x, want, error):
        check("%s: %.3f, not %.3f" % (what, x, want), abs(x - want) < error)

    near("loss", ratio("at=3d,for=1d,step=1,loss=0.4", within("cart", 3, 4)), .6, .05)
    near("loss in one segment", ratio("at=3d,for=1d,step=1,loss=0.4,channel=ads",
                                     within("cart", 3, 4, channel="ads")), .6, .09)
    near("none elsewhere", ratio("at=3d,for=1d,step=1,loss=0.4,channel=ads",
                                 within("cart", 3, 4, channel="mail")), 1, 1e-9)
    near("none after it", ratio("at=3d,for=1d,step=1,loss=0.4", within("cart", 4, 5)), 1, 1e-9)
    near("a cohort", ratio("kind=cohort,at=3d,for=2d,step=1,loss=0.3", within("cart", 4, 5)), .7, .05)
    near("slow loses nobody", ratio("kind=slow,at=2d,for=1d,step=1", within("cart", 0, 5)), 1, .01)
    near("volume", ratio("kind=volume,at=3d,for=1d,factor=2", within("visit", 3, 4)), 2, .13)
    near("an outage", ratio("kind=outage,at=3d,for=1d", within("visit", 3, 4)), 0, 1e-9)
    near("the end of an outage", ratio("kind=outage,at=3d,for=1d", within("cart", 4, 5)), 1, 1e-9)
    near("a late batch", ratio("kind=late_batch,at=3d,for=6h", within("visit", 3, 4)), 1, 1e-9)
    check("the mix shifts", ratio("kind=mix,at=3d,for=1d,channel=mail",
                                  within("visit", 3, 4, channel="mail")) > 2)
    plain = median_dwell(quiet_shop())
    slow = median_dwell(events(*SHOP, "--incident", "kind=slow,at=3d,for=1d,step=1"))
    near("dwell doubled", slow / plain, 2, .1)


def median_dwell(items):
    """Of the cart's who began in the hours of full speed on the fourth day."""
    times, _ = journeys(items)
    dwell = sorted(at["cart"] - at["visit"] for at in times.values()
                   if "cart" in at and 10 * HOUR <= at["visit"] - START - 3 * DAY < 16 * HOUR)
    return dwell[len(dwell) // 2]


def main():
    if not SIM:
        print("skipped: the programs under bench/ are not built")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        conf = os.path.join(folder, "conf.yaml")
        with open(conf, "w", encoding="ascii") as f:
            f.write(CONFIG)
        test_lines()
        test_determinism()
        test_order(conf)
    args = ["--visits-per-day", "6000", "--days", "14", "--seed", "2", "--noise", "0", "--bursts", "0"]
    t = truth(*args)
    times, leaves = journeys(events(*args))
    test_rates(t, times, leaves)
    test_dwell(t, times)
    test_season(t, times)
    test_noise()
    test_incidents()
    print("%d passed, %d failed" % (results[True], results[False]))
    return 1 if results[False] else 0


if __name__ == "__main__":
    sys.exit(main())
