#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench/detect_table.py counts right: on made-up alerts whose score is known, and with a program in funneld's
place that prints them."""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FUNNELD = os.environ["FUNNELD"]
SIM = os.environ.get("FUNNEL_SIM", "")
results = {True: 0, False: 0}


def check(what, good):
    results[bool(good)] += 1
    if not good:
        print("FAILED:", what)


def load():
    spec = importlib.util.spec_from_file_location("table", os.path.join(ROOT, "bench", "detect_table.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["table"] = module
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def options(t, *args):
    return t.parse_options(["--seeds", "1-3", *args])


def test_interval(t):
    """Garwood's, as printed in every table of it."""
    for n, low, high in ((0, 0, 3.689), (1, .0253, 5.572), (10, 4.795, 18.39), (100, 81.36, 121.63)):
        got = t.poisson_interval(n)
        check("of %d: %s" % (n, got), abs(got[0] - low) < .006 and abs(got[1] - high) < .006)


def test_cells(t):
    check("a name is a cell", t.parse_cell("null:5000:0.1") == [t.Cell("null", "", 5000, "0.1")])
    check("a beginning is many", len(t.parse_cell("detect:loss30")) == 3 and len(t.parse_cell("null")) == 6)
    check("any size and budget will do", t.parse_cell("null:700:0.3") == [t.Cell("null", "", 700, "0.3")])
    check("seeds", t.parse_seeds("1-3,7") == [1, 2, 3, 7])
    for bad in ("nul", "null:x:0.1", "detect:loss31:600:0.1", "null:600:0.1:1:1", "null:0:0.1"):
        try:
            t.parse_cell(bad)
            check("%s is no cell" % bad, False)
        except t.argparse.ArgumentTypeError:
            check("%s is no cell" % bad, True)


def test_incidents(t):
    o = options(t)
    for cell in t.all_cells():
        made = t.make_incidents(cell, 1, o)
        check("the same for a seed", made == t.make_incidents(cell, 1, o))
        check("as many as asked for", len(made) == (0 if cell.sort == "null" else 5))
        begin = o.learning_days * t.DAY
        for i in made:
            check("after learning, and after calm", i.at >= begin)
            begin = i.until + o.calm_days * t.DAY
        if cell.sort == "detect":
            check("at some step", all(i.step for i in made))
            check("in a segment, or not", all(bool(i.segment) == (cell.kind == "segment80") for i in made))
        check("the stream is long enough", t.stream_days(made, o) * t.DAY >= (made[-1].until if made else begin))


def test_scores(t):
    o = options(t, "--learning-days", "7", "--horizon-days", "3", "--after-days", "2")
    day = t.DAY
    incidents = [t.Incident(10 * day, 13 * day, "cart>checkout"),
                 t.Incident(30 * day, 33 * day, "visit>cart", {"channel": "ads"}),
                 t.Incident(50 * day, 53 * day, "visit>cart")]
    firings = [t.Firing(6 * day, "drop", "visit>cart", {}, None),  # learning
               t.Firing(9 * day, "drop", "visit>cart", {}, None),  # false
               t.Firing(10 * day + 50, "drop", "visit>cart", {}, None),  # another step
               t.Firing(10 * day + 90, "slowdown", "cart>checkout", {}, 10 * day - 7),
               t.Firing(10 * day + 99, "drop", "cart>checkout", {"channel": "ads"}, None),
               t.Firing(14 * day, "drop", "cart>checkout", {}, None),  # just after it
               t.Firing(16 * day, "slowdown", "paid>repeat", {}, None),  # false
               t.Firing(30 * day - 1, "drop", "visit>cart", {"channel": "ads"}, None),  # false
               t.Firing(30 * day + 40, "drop", "visit>cart", {"channel": "ads"}, 30 * day + 3),
               t.Firing(53 * day + 1, "drop", "visit>cart", {}, None)]  # too late
    s = t.score_stream(incidents, firings, 60, o)
    check("false alarms: %s" % s, s["false_alarms"] == 3 and s["by_name"] == {"drop": 2, "slowdown": 1})
    check("near ones", s["near"] == 6)
    check("the weeks: %s" % s["weeks"], abs(s["weeks"] - (53 - 15) / 7) < 1e-9)
    check("found", [i["found"] for i in s["incidents"]] == [True, True, False])
    check("how soon", [i.get("delay") for i in s["incidents"]] == [90, 40, None])
    check("named", s["incidents"][0]["named"] and s["incidents"][1]["named"])
    c = t.score_cell(t.Cell("detect", "loss30", 600, "0.1"), [s, s])
    check("a cell is all its streams", c["incidents"] == 6 and c["found"] == 4 and c["false_alarms"] == 6)
    check("median delay", c["median_delay"] == 65 and c["median_onset_error"] == 5 and c["named"] == 1)
    check("by the week", abs(c["false_alarms_a_week"] - 6 * 7 / 76) < 1e-9)
    check("as text", t.detect_text(c) == "67 %, 65 min, 100 % named")


ALERT = {"status": "firing", "labels": {"alertname": "drop", "funnel": "shop", "step": "visit>cart", "region": "west"},
         "startsAt": "2026-01-15T00:30:00.000Z", "change_point": "2026-01-15T00:10:00.000Z"}


def test_records(t):
    line = json.dumps(ALERT)
    check("a firing", t.read_firing(line) == t.Firing(10 * t.DAY + 30, "drop", "visit>cart", {"region": "west"},
                                                      10 * t.DAY + 10))
    check("an update is none", t.read_firing(json.dumps(ALERT | {"status": "updated"})) is None)
    topic = {"alertname": "no_data", "source": "events"}
    check("a topic's is none", t.read_firing(json.dumps(ALERT | {"labels": topic})) is None)


def test_config(t):
    for budget in t.BUDGETS:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(t.CONFIG.replace("@BUDGET@", budget))
            f.flush()
            done = subprocess.run([FUNNELD, "check", "-c", f.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=60)
            check("funneld takes the configuration: %s" % done.stdout.decode(), done.returncode == 0)


def test_whole():
    """From the command line to the table; what replays prints one false alarm."""
    with tempfile.TemporaryDirectory() as build:
        os.mkdir(os.path.join(build, "bench"))
        os.symlink(SIM, os.path.join(build, "bench", "funnel_sim"))
        program = os.path.join(build, "funneld")
        figures = os.path.join(build, "figures.json")
        command = [sys.executable, os.path.join(ROOT, "bench", "detect_table.py"), "--build", build, "--seeds", "1,2",
                   "--weeks", "1", "--learning-days", "7", "--cell", "null:600:0.1", "--jobs", "2", "--json", figures]
        for code, end in ((0, ""), (1, "exit 3")):
            with open(program, "w", encoding="ascii") as f:
                f.write("#!/bin/sh\nwc -l >/dev/null\necho '%s'\n%s\n" % (json.dumps(ALERT), end))
            os.chmod(program, 0o755)
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
            check("it ends with %d: %s" % (code, done.stderr), done.returncode == code)
            if code == 0:
                check("the table: %s" % done.stdout, b"| 0.1 | 1.00 (2 in 2 weeks; 0.12 to 3.61) |" in done.stdout)
        with open(figures, encoding="utf-8") as f:
            check("the figures", json.load(f)["cells"]["null:600:0.1"]["by_stream"] == [1, 1])


def main():
    t = load()
    test_interval(t)
    test_cells(t)
    test_incidents(t)
    test_scores(t)
    test_records(t)
    test_config(t)
    if SIM:
        test_whole()
    print("%d passed, %d failed" % (results[True], results[False]))
    return 1 if results[False] else 0


if __name__ == "__main__":
    sys.exit(main())
