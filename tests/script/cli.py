#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The commands that need no Kafka, as a user meets them: help, wrong lines, files, formats, exit codes."""
import base64
import csv
import datetime
import io
import json
import os
import re
import subprocess
import sys
import tempfile

FUNNELD = os.environ["FUNNELD"]
FAILED, USAGE, DATA, IO, CONFIGURATION = 1, 64, 65, 74, 78

CONFIG = """
kafka: {bootstrap.servers: "127.0.0.1:1"}
inputs: [{topic: orders}, {topic: others}]
http: off
limits: {message: 1KiB}
time: {lateness: 0s}
funnels:
  shop:
    stages: [visit, cart, paid]
    lost: [cancelled]
    window: 1h
    dims: {channel: {values: [ads, mail]}}
    rules:
      - {id: low, kind: target, step: visit>cart, target: 0.9, window: 10m, min_entries: 10, hold: 0s}
  other:
    stages: [a, b]
    window: 1h
"""
SIGHT = """
kafka: {bootstrap.servers: "127.0.0.1:1"}
inputs: [{topic: orders}, {topic: others}]
http: off
funnels:
  shop:
    stages: [{id: visit, target: 0.4}, cart, paid]
    window: 1h
    dims: {channel: {values: [ads, mail]}}
    rules:
      - {id: lost, kind: drop, budget: 0.1/week}
      - {id: more, kind: rise, step: visit>cart}
      - {id: few, kind: volume}
      - {id: low, kind: target, step: visit>cart, target: 0.4, window: 1d, min_entries: 50}
      - {id: other, kind: change, step: visit>cart, window: 1d, against: 7d}
"""
results = {True: 0, False: 0}


def check(what, good):
    results[bool(good)] += 1
    if not good:
        print("FAILED:", what)


def run(*args, stdin=b"", stdout=subprocess.PIPE):
    return subprocess.run([FUNNELD, *args], input=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=60)


def expect(what, code, *args, err=None, **kw):
    """Runs it and checks how it ends, and that stderr says `err`. Returns stdout's text."""
    done = run(*args, **kw)
    errors = done.stderr.decode()
    check("%s: exit status %d, not %d\n%s" % (what, code, done.returncode, errors), done.returncode == code)
    if err is not None:
        check("%s: stderr says %r: %s" % (what, err, errors), err in errors)
    return (done.stdout or b"").decode()


def event(n, stage, minute, funnel="shop", **more):
    ts = "2026-03-02T%02d:%02d:00Z" % (10 + minute // 60, minute % 60)
    return {"entity_id": "v-%d" % n, "funnel": funnel, "stage": stage, "ts": ts,
            "dims": {"channel": "ads" if n % 2 else "mail"}, **more}


def events():
    """Twenty visitors in a minute; half of them reach the cart, two pay, one gives up; then time passes."""
    out = [event(n, "visit", 0) for n in range(20)]
    out += [event(n, "cart", 1, amount="12.30") for n in range(10)]
    out += [event(0, "paid", 2, amount="12.30"), event(1, "paid", 2, amount="12.30")]
    out += [event(2, "cancelled", 3, reason="price")]
    out += [event(1000 + m, "a", m, funnel="other") for m in range(4, 30)]
    return out


def lines(items):
    return "".join(json.dumps(x) + "\n" for x in items).encode()


def test_help():
    for command in ("run", "check", "replay", "report", "trace", "silence", "intervene", "demo", "state",
                    "settings", "version"):
        out = expect(command + " --help", 0, command, "--help")
        check(command + " --help shows its usage", out.startswith("Usage: funneld " + command))
    expect("help", 0, "help")
    expect("no command", USAGE)
    expect("an unknown command", USAGE, "replya", err="replay")


def test_usage(conf):
    for command in ("replay", "report", "trace", "demo", "check"):
        expect(command + " with an unknown option", USAGE, command, "--no-such", err="--no-such")
    for command in ("replay", "report", "trace"):
        expect(command + " without a file", USAGE, command, "-c", conf)
    expect("trace without a file", USAGE, "trace", "-c", conf, "v-1")
    expect("an unknown output", USAGE, "replay", "-c", conf, "--output", "nothing", "-", err="deadletters")
    expect("an unknown format", USAGE, "report", "-c", conf, "--format", "xml", "-", err="table")
    expect("an unknown funnel", USAGE, "report", "-c", conf, "--funnel", "shopp", "-", err="shop, other")
    expect("an unknown input", USAGE, "replay", "-c", conf, "--input", "ordres", "-", err="orders, others")
    expect("demo with an operand", USAGE, "demo", "now")
    expect("a demo too fast", USAGE, "demo", "--speed", "100000", err="--speed")


def test_control(conf, folder):
    """What is wrong with the line is said before a broker is asked."""
    silence, intervene = ("silence", "-c", conf), ("intervene", "-c", conf)
    good = ("--for", "2h", "funnel=shop")
    expect("silence of nothing", USAGE, *silence, "--for", "2h", err="label=value")
    expect("silence and list", USAGE, *silence, "--list", "funnel=shop", err="--list")
    expect("silence for no time", USAGE, *silence, "funnel=shop", err="--for")
    expect("silence for two times", USAGE, *silence, "--to", "2026-03-02T01:00:00Z", *good, err="--to")
    expect("silence for nonsense", USAGE, *silence, "--for", "2 h", "funnel=shop", err="2 h")
    expect("silence for ever", USAGE, *silence, "--for", "9999999d", "funnel=shop", err="too far")
    expect("silence from nonsense", USAGE, *silence, "--from", "noon", *good, err="noon")
    expect("silence that ends first", USAGE, *silence, "--from", "2026-03-02T01:00:00Z", "--to",
           "2026-03-02T01:00:00Z", "funnel=shop", err="not after")
    expect("a matcher without a value", USAGE, *silence, "--for", "2h", "funnel=", err="funnel=")
    expect("a matcher twice", USAGE, *silence, *good, "funnel=other", err="twice")
    expect("an unknown label", USAGE, *silence, *good, "chanel=ads", err="no alert has such a label")
    expect("nine matchers", USAGE, *silence, "--for", "2h", *["funnel=shop"] * 9, err="more than 8")
    expect("an id with a blank", USAGE, *silence, "--id", "a b", *good, err="id is no text")
    expect("a comment too long", USAGE, *silence, "--comment", "x" * 1024, *good, err="longer than 1024")
    expect("a comment that is no text", USAGE, *silence, "--comment", b"\xff", *good, err="no JSON")
    expect("expire of nonsense", USAGE, *silence, "--expire", "", err="id is no text")
    expect("expire with a length", USAGE, *silence, "--expire", "x", "--for", "2h", err="new silence")
    expect("intervene nowhere", USAGE, *intervene, err="--funnel")
    expect("intervene in no funnel", USAGE, *intervene, "--funnel", "shopp", err="no such funnel")
    expect("intervene at no step", USAGE, *intervene, "--funnel", "shop", "--step", "visit>paid", err="no such step")
    expect("intervene with no window", USAGE, *intervene, "--funnel", "shop", "--window", "7m", err="none of")
    expect("intervene with nonsense", USAGE, *intervene, "--funnel", "shop", "--window", "x", err="duration")
    expect("intervene with an operand", USAGE, *intervene, "--funnel", "shop", "now", err="now")
    off = os.path.join(folder, "off.yaml")
    with open(off, "w") as f:
        f.write("control: off\n" + CONFIG)
    expect("silence without a topic", CONFIGURATION, "silence", "-c", off, *good, err="control: off")
    expect("intervene without a topic", CONFIGURATION, "intervene", "-c", off, "--funnel", "shop", err="control: off")


def test_files(conf, folder):
    wrong = os.path.join(folder, "wrong.yaml")
    with open(wrong, "w") as f:
        f.write(CONFIG.replace("window: 1h", "windwo: 1h"))
    for command in (["replay"], ["report"], ["trace", "v-1"]):
        name, *rest = command
        expect(name + " of no file", IO, name, "-c", conf, *rest, folder + "/none", err="No such file")
        expect(name + " of a folder", IO, name, "-c", conf, *rest, folder, err="directory")
        expect(name + " without its configuration", IO, name, "-c", folder + "/none.yaml", *rest, "-")
        expect(name + " with a wrong one", CONFIGURATION, name, "-c", wrong, *rest, "-", err="windwo")
    with open("/dev/full", "w") as full:
        for command in (["report"], ["replay", "--output", "report"]):
            expect(command[0] + " to a full disk", IO, *command, "-c", conf, "-", stdin=lines(events()),
                   stdout=full, err="No space")


def test_replay(conf, folder):
    data = lines(events())
    path = os.path.join(folder, "events.ndjson")
    with open(path, "wb") as f:
        f.write(data)
    out = expect("replay", 0, "replay", "-c", conf, path, err="59 lines, 59 events")
    alerts = [json.loads(x) for x in out.splitlines()]
    check("replay prints the alert", [a["rule"]["id"] for a in alerts[:1]] == ["low"])
    check("it fires", alerts and alerts[0]["status"] == "firing")
    check("stdin gives the same", out == expect("replay -", 0, "replay", "-c", conf, "-", stdin=data))
    check("so does a last line without its break",
          out == expect("replay", 0, "replay", "-c", conf, "-", stdin=data[:-1], err="59 lines"))
    full = [json.loads(x) for x in expect("replay --headers", 0, "replay", "-c", conf, "--headers",
                                          path).splitlines()]
    check("--headers gives the same values", [x["value"] for x in full] == alerts)
    check("key and fingerprint agree", all(x["key"] == x["value"]["fingerprint"] for x in full))
    check("CloudEvents headers", all(x["headers"]["ce_specversion"] == "1.0" for x in full))
    report = expect("replay --output report", 0, "replay", "-c", conf, "--output", "report", path)
    check("the report is report's", report == expect("report", 0, "report", "-c", conf, "--format", "json",
                                                     path))
    check("no events, no alerts", expect("replay of nothing", 0, "replay", "-c", conf, "-") == "")


def test_deadletters(conf):
    good = json.dumps(events()[0]).encode()
    binary = b'{"entity_id":"\xff"}'
    stdin = b"\n".join([good, b"", b"{not json", b'{"entity_id":"x"}', good[:-1] + b" " * 5000 + b"}",
                        binary, good])
    out = expect("bad lines", 0, "replay", "-c", conf, "--output", "deadletters", "-", stdin=stdin,
                 err="7 lines")
    letters = [json.loads(x) for x in out.splitlines()]
    check("a dead letter for each", len(letters) == 4)
    check("with its line", [x["line"] for x in letters] == [2, 3, 4, 5])
    check("and reason", [x["reason"] for x in letters] == ["malformed", "unmapped", "oversized", "utf8"])
    check("and bytes", letters[0]["value"] == "{not json" and letters[0]["byte"] == 1)
    lost = b'{"entity_id":"x","funnel":"shop","stage":"nirvana","ts":"2026-03-01T09:30:00Z"}'
    out = expect("an unknown stage", 0, "replay", "-c", conf, "--output", "deadletters", "-", stdin=lost, err="1 lines")
    many = lost.replace(b'"x"', b'["x","y","z"]')
    out3 = expect("an unknown stage of three", 0, "replay", "-c", conf, "--output", "deadletters", "-", stdin=many,
                  err="1 dead letters")
    check("is one dead letter", len(out3.splitlines()) == 1)
    check("is pointed at", json.loads(out)["byte"] == lost.index(b'"nirvana"'))
    check("and field", letters[0]["field"] is None and letters[1]["field"] == "stage")
    coded = letters[3].get("value_base64url", "")
    check("bytes that are no text are coded",
          base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)) == binary)
    check("an oversized line is cut", 1024 < len(letters[2]["value"]) < 2000)
    check("good lines count all the same",
          '"events":2' in expect("report", 0, "report", "-c", conf, "--format", "json", "--funnel", "shop",
                                 "-", stdin=stdin))


def test_report(conf):
    data = lines(events())
    out = expect("report as JSON", 0, "report", "-c", conf, "--format", "json", "-", stdin=data)
    reports = [json.loads(x) for x in out.splitlines()]
    check("one object a funnel", [r["funnel"] for r in reports] == ["shop", "other"])
    steps = reports[0]["steps"]
    check("entries", [s["entered"] for s in steps] == [20, 10])
    check("conversions", [s["advanced"] for s in steps] == [10, 2])
    check("what is lost", steps[1]["lost"] == 1 and reports[0]["lost_reasons"] == {"price": 1})
    one = expect("report of one funnel", 0, "report", "-c", conf, "--format", "json", "--funnel", "other",
                 "-", stdin=data)
    check("only that one", [json.loads(x)["funnel"] for x in one.splitlines()] == ["other"])
    for unit, name in (("day", "2026-03-02"), ("week", "2026-W10"), ("month", "2026-03")):
        out = expect("report by " + unit, 0, "report", "-c", conf, "--format", "json", "--cohort", unit, "-",
                     stdin=data)
        check("cohorts by " + unit, [c["name"] for c in json.loads(out.splitlines()[0])["cohorts"]] == [name])
    table = expect("report as a table", 0, "report", "-c", conf, "-", stdin=data)
    check("the table names funnel and stages", all(x in table for x in ("shop", "visit", "cart", "50.0 %")))
    rows = list(csv.reader(io.StringIO(expect("report as CSV", 0, "report", "-c", conf, "--format", "csv",
                                              "-", stdin=data))))
    check("CSV has a heading", rows and "funnel" in rows[0])
    check("and rows of its length", len(rows) > 2 and all(len(r) == len(rows[0]) for r in rows))


def test_trace(conf):
    data = lines(events())
    out = expect("trace", 0, "trace", "-c", conf, "v-1", "-", stdin=data)
    check("a line for each event of it", len(out.splitlines()) == 3 and "paid" in out)
    expect("trace of nobody", FAILED, "trace", "-c", conf, "v-none", "-", stdin=data, err="v-none")


def minutes(text):
    """The three times of a line of check's."""
    units = {"min": 1, "h": 60, "d": 1440}
    return [float("inf") if x == "not in" else float(n) * units[unit]
            for x, n, unit in re.findall(r": (not in|) ?([0-9.]+) (min|h|d)", text)]


def sight(what, *args, **kw):
    """check's lines of the rules, by head: [the line, those beneath it]."""
    found = {}
    head = None
    for line in expect(what, 0, "check", *args, **kw).splitlines():
        if line.startswith("    ") and head:
            found[head].append(line)
        elif line.startswith("  "):
            head = line.split(":")[0].strip()
            found[head] = [line]
    return found


def test_sight(conf):
    few = sight("check --per-day", "-c", conf, "--per-day", "1000")
    many = sight("check of more", "-c", conf, "--per-day", "100000")
    check("every rule and step", list(few) == [
        "lost (drop) of visit>cart", "lost (drop) of cart>paid", "more (rise) of visit>cart", "few (volume)",
        "low (target) of visit>cart", "other (change) of visit>cart"])
    check("by target, then 50 %", "400 conversions" in few["lost (drop) of visit>cart"][0]
          and "200 conversions" in few["lost (drop) of cart>paid"][0])
    for head, said in few.items():
        for a, b in zip(said[1:], many[head][1:]):
            check("three times: " + a, len(minutes(a)) == 3)
            check("sooner with more loss: " + a, minutes(a) == sorted(minutes(a), reverse=True))
            check("sooner with more traffic: " + b, all(y <= x for x, y in zip(minutes(a), minutes(b))))
        if len(said) == 3:
            check("a segment takes longer", all(y >= x for x, y in zip(minutes(said[1]), minutes(said[2]))))
    check("a window's drop", "a drop of 9 % from 40 %" in few["low (target) of visit>cart"][0])
    tiny = sight("check of little", "-c", conf, "--per-day", "10")
    check("too few entries", "below its min_entries 50" in tiny["low (target) of visit>cart"][0])
    out = expect("check", 0, "check", "-c", conf)
    check("what is assumed is said", "1000 entries a day (assumed" in out and out.endswith("OK\n"))
    check("and not of what is given", "assumed" not in expect("", 0, "check", "-c", conf, "--per-day", "1000"))
    expect("no traffic", USAGE, "check", "-c", conf, "--per-day", "0", err="--per-day")
    expect("two traffics", USAGE, "check", "-c", conf, "--per-day", "5", "--history", "-", err="either")
    expect("an input of nothing", USAGE, "check", "-c", conf, "--input", "orders", err="--history")
    expect("an unknown input", USAGE, "check", "-c", conf, "--input", "x", "--history", "-", err="orders, others")
    expect("no history", IO, "check", "-c", conf, "--history", conf + ".none", err="No such file")


def ten_days(lost_from):
    """Every ten minutes a visitor; every second one goes on, and pays; none from that day on."""
    begin = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)
    out = []
    for n in range(10 * 144):
        at = begin + datetime.timedelta(minutes=10 * n)
        for k, stage in enumerate(("visit", "cart", "paid")[:3 if n % 2 and n < lost_from * 144 else 1]):
            ts = (at + datetime.timedelta(minutes=3 * k)).strftime("%Y-%m-%dT%H:%M:%SZ")
            out.append({**event(n, stage, 0), "ts": ts})
    return lines(out)


def test_learned(conf):
    found = sight("check --history", "-c", conf, "--history", "-", stdin=ten_days(10), err="events")
    head = found["lost (drop) of visit>cart"]
    check("learned traffic: " + head[0], " 72 conversions" in head[0] and len(minutes(head[1])) == 3)
    check("learned windows", "144 entries" in found["low (target) of visit>cart"][0])
    expect("check of no history", DATA, "check", "-c", conf, "--history", "-", err="no event of - is of use: 0 lines")
    found = sight("check of an hour", "-c", conf, "--history", "-", stdin=b"".join(ten_days(10).splitlines(True)[:6]),
                  err="events")
    check("nothing learned", "not tested yet, 0 of 7" in found["lost (drop) of visit>cart"][0])


def test_summary(conf):
    def rows(stdin):
        done = run("replay", "-c", conf, "-", stdin=stdin)
        said = re.findall(r"shop, rule (\w+): (\d+) alerts?, ([0-9.]+) h firing; about ([0-9.e-]+) false alarms? to be "
                          r"expected of ([0-9.]+) days", done.stderr.decode())
        return {x[0]: [float(y) for y in x[1:]] for x in said}, done.stdout.decode().splitlines()
    quiet, _ = rows(ten_days(10))
    lost, alerts = rows(ten_days(8))
    check("rules with a budget: %s" % quiet, list(quiet) == ["lost", "more", "few"])
    check("nothing fires", all(x[0] == x[1] == 0 for x in quiet.values()))
    check("two or three days tested: %s" % quiet, all(2.5 < x[3] <= 3 for x in quiet.values()))
    for rule, budget in (("lost", .1), ("more", .1), ("few", .05)):
        check("budget x weeks", abs(quiet[rule][2] / (budget * quiet[rule][3] / 7) - 1) < .1)
    alerts = [x for x in map(json.loads, alerts) if x["rule"]["id"] == "lost" and x["status"] == "firing"]
    check("the alerts are counted: %s" % lost, lost["lost"][0] == len(alerts) > 0)
    check("and their hours", 12 < lost["lost"][1] < 96)
    check("no events, nothing tested", rows(b"")[0]["lost"] == [0, 0, 0, 0])


def test_demo_config(folder):
    for language in ("en", "zh"):
        path = os.path.join(folder, language + ".yaml")
        out = expect("demo --print-config", 0, "demo", "--print-config", "--lang", language)
        with open(path, "w") as f:
            f.write(out)
        expect("check of the demo's configuration", 0, "check", "-c", path)


def main():
    with tempfile.TemporaryDirectory() as folder:
        conf = os.path.join(folder, "conf.yaml")
        with open(conf, "w") as f:
            f.write(CONFIG)
        test_help()
        test_usage(conf)
        test_control(conf, folder)
        test_files(conf, folder)
        test_replay(conf, folder)
        test_deadletters(conf)
        test_report(conf)
        test_trace(conf)
        with open(conf, "w") as f:
            f.write(SIGHT)
        test_sight(conf)
        test_learned(conf)
        test_summary(conf)
        test_demo_config(folder)
    print("%d passed, %d failed" % (results[True], results[False]))
    return 1 if results[False] else 0


if __name__ == "__main__":
    sys.exit(main())
