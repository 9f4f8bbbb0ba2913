#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Self-test of the reference: tiny logs whose counts were worked out by hand and stand here as literals, the golden
numbers of DETECTION section 2, two properties, and the real bpi2012 log where it is at hand.

A log is written one event a line: "minute:second[.ms] entity stage key=value ...". Keys other than the plain form's
own are dims. Minute 0 is 2024-01-01 00:00 UTC, the begin of a pane and of a day.
"""
import json
import os
import random
import subprocess
import sys

sys.dont_write_bytecode = True
import funnel_ref as ref                                                                                 # noqa: E402

T0 = 1_704_067_200_000
TIME = {"zone": "UTC", "pane": "1m", "lateness": "0", "late": "apply"}
PLAIN = ("amount", "owner", "event_id", "reason", "op", "funnel", "entered_at")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
DATA = os.environ.get("FUNNELD_DATA", os.path.join(os.environ.get("SOURCE_DIR", ROOT), "../shared/data"))


class Skip(Exception):
    pass


def clock(text):
    minute, second = text.split(":")
    return T0 + int(minute) * 60_000 + round(float(second) * 1000)


def log(text):
    out = []
    for line in text.strip().splitlines():
        at, entity, stage, *rest = line.split()
        o = {"entity_id": entity, "funnel": "f", "stage": stage, "ts": clock(at), "dims": {}}
        for key, value in (pair.split("=") for pair in rest):
            if key in PLAIN:
                o[key] = clock(value) if key == "entered_at" else value
            else:
                o["dims"][key] = value
        out.append(o)
    return out


def run(text, time=None, cohort=None, **funnel):
    definition = {"stages": ["a", "b", "c"], "lost": ["x"], "window": "10m", "forget_after": "3650d"}
    definition.update(funnel)
    return ref.reports({"time": dict(TIME, **time or {}), "funnels": {"f": definition}}, log(text), cohort)["f"]


COUNTS = ("entered", "credited", "seeded") + ref.OUTCOMES + ("open", "late_advance")


def counts(row):
    """The counts of a step that are not 0."""
    return {k: row[k] for k in COUNTS if row[k]}


def same(got, want, what):
    assert got == want, "%s: got %s, expected %s" % (what, got, want)


def expect(report, steps=None, overall=None, **fields):
    """Steps by their nonzero counts; a stages' column by its name; a field by its value."""
    if steps is not None:
        same([counts(s) for s in report["steps"]], steps, "steps")
    if overall is not None:
        same(counts(report["overall"]), overall, "overall")
    for key, want in fields.items():
        got = report[key] if key in report else [s[key] for s in report["stages"]]
        same(got, want, key)


# The ordinary way ---------------------------------------------------------------------------------------------------

def test_advance():
    r = run("""0:00 1 a amount=10
               1:00 2 a
               2:00 1 b
               3:00.5 1 c amount=12.5""")
    expect(r, [{"entered": 2, "advanced": 1, "open": 1}, {"entered": 1, "advanced": 1}],
           {"entered": 2, "advanced": 1, "open": 1}, events=4, entities=2, attempts=2, ignored=0, late=0, deadletters=0,
           reached=[2, 1, 1], stock=[1, 0, 1], stock_amount=["0.00", "0.00", "12.50"], lost_reasons={})
    same(r["stages"][2]["won_amount"], "12.50", "won_amount")
    same(r["steps"][0]["dwell"], {"n": 1, "mean_s": 120.0, "p50_s": 120.0, "p90_s": 120.0, "min_s": 120.0, "max_s": 120.0}, "dwell")
    same(r["cycle"]["mean_s"], 180.5, "cycle")
    same([round(r["steps"][0][k], 6) for k in ("rate", "low", "high")], [0.5, 0.094531, 0.905469], "rate and interval")
    same(r["from"], T0, "from")


def test_quantiles_are_by_nearest_rank():
    same(ref.distribution([4000, 1000, 3000, 2000]),
         {"n": 4, "mean_s": 2.5, "p50_s": 2.0, "p90_s": 4.0, "min_s": 1.0, "max_s": 4.0}, "of four")
    same(ref.distribution(range(1000, 11000, 1000))["p90_s"], 9.0, "of ten")


def test_joined_midway_is_not_in_overall():
    expect(run("0:00 1 b\n1:00 1 c"), [{}, {"entered": 1, "advanced": 1}], {}, reached=[0, 1, 1])


def test_first_event_may_be_won():
    r = run("0:00 1 c amount=3")
    expect(r, [{}, {}], {}, reached=[0, 0, 1])
    same((r["cycle"]["n"], r["cycle"]["max_s"], r["stages"][2]["won_amount"]), (1, 0.0, "3.00"), "won at once")


def test_refresh_changes_later_stays_only():
    r = run("""0:00 1 a amount=5 owner=li ch=ads
               1:00 1 a amount=7 owner=wu ch=web
               2:00 1 b""", dims={"ch": {"top": 20}}, segments=[["ch"]], breakdowns=["owner"])
    expect(r, [{"entered": 1, "advanced": 1}, {"entered": 1, "open": 1}], stock_amount=["0.00", "7.00", "0.00"])
    same([(s["segment"], [counts(x) for x in s["steps"]]) for s in r["segments"]],
         [({"ch": "ads"}, [{"entered": 1, "advanced": 1}, {}]), ({"ch": "web"}, [{}, {"entered": 1, "open": 1}])], "segments")
    same([(s["owner"], [counts(x) for x in s["steps"]]) for s in r["breakdowns"]],
         [("li", [{"entered": 1, "advanced": 1}, {}]), ("wu", [{}, {"entered": 1, "open": 1}])], "breakdowns")


def test_ending_event_does_not_move_its_stay():
    r = run("0:00 1 a\n1:00 1 b ch=ads owner=li\n2:00 1 x ch=web owner=wu", dims={"ch": {"top": 20}, "geo": {"top": 20}},
            segments=[["ch"], ["ch", "geo"]], breakdowns=["owner"])
    same([(s["segment"], [counts(x) for x in s["steps"]]) for s in r["segments"]],
         [({"ch": "__none__"}, [{"entered": 1, "advanced": 1}, {}]), ({"ch": "ads"}, [{}, {"entered": 1, "lost": 1}]),
          ({"ch": "__none__", "geo": "__none__"}, [{"entered": 1, "advanced": 1}, {}]),
          ({"ch": "ads", "geo": "__none__"}, [{}, {"entered": 1, "lost": 1}])], "segments")
    same([s["owner"] for s in r["breakdowns"]], ["__none__", "li"], "owners")


# Windows and expiry -------------------------------------------------------------------------------------------------

def test_window_end_still_counts():
    expect(run("0:00 1 a\n10:00 1 b"), [{"entered": 1, "advanced": 1}, {"entered": 1, "open": 1}])


def test_late_advance():
    r = run("0:00 1 a\n10:00.001 1 b")
    expect(r, [{"entered": 1, "expired": 1, "late_advance": 1}, {"entered": 1, "open": 1}], reached=[1, 1, 0])
    same(r["steps"][0]["dwell"], {"n": 0}, "dwell")


def test_late_advance_by_credit_but_not_by_direct():
    stream = "0:00 1 a\n10:00.001 1 c"
    expect(run(stream), [{"entered": 1, "expired": 1, "late_advance": 1}, {"credited": 1}])
    expect(run(stream, skip="direct"), [{"entered": 1, "expired": 1}, {}])


def test_event_without_effect_expires_too():
    for stage in ("c", "call"):
        expect(run("0:00 1 a\n10:00.001 1 " + stage, skip="ignore", actions=["call"]), [{"entered": 1, "expired": 1}, {}])


def test_unheard_stay_expires_by_column():
    # window 5 panes: entered in pane 0 it leaves the last bin, [4, 6), in pane 6: known with an event in it
    expect(run("0:00 1 a\n5:59.999 2 a", window="5m"), [{"entered": 2, "open": 2}, {}])
    expect(run("0:00 1 a\n6:00 2 a", window="5m"), [{"entered": 2, "expired": 1, "open": 1}, {}])


def test_unheard_stay_expires_with_its_column_of_two_panes():
    # window 240 panes: columns of 2 panes in the last bin. T0 is pane 28401120, even: X = pane + 242; one later + 241
    for entry, closes in (("0:30", 242), ("1:30", 242)):
        expect(run("%s 1 a\n%d:59 2 a" % (entry, closes - 1), window="240m"), [{"entered": 2, "open": 2}, {}])
        expect(run("%s 1 a\n%d:00 2 a" % (entry, closes), window="240m"), [{"entered": 2, "expired": 1, "open": 1}, {}])


def test_overall_window():
    r = run("0:00 1 a\n9:00 1 b\n12:00.001 1 c", overall="12m")
    expect(r, [{"entered": 1, "advanced": 1}, {"entered": 1, "advanced": 1}], {"entered": 1, "expired": 1, "late_advance": 1})
    expect(run("0:00 1 a\n9:00 1 b\n12:00 1 c", overall="12m"), overall={"entered": 1, "advanced": 1})


def test_overall_is_the_sum_of_the_windows():
    stages = ["a", {"id": "b", "window": "3m"}, "c"]
    expect(run("0:00 1 a\n10:00 1 b\n13:00 1 c", stages=stages), overall={"entered": 1, "advanced": 1})
    expect(run("0:00 1 a\n13:00.001 1 b", stages=stages), overall={"entered": 1, "expired": 1})


# Policies -----------------------------------------------------------------------------------------------------------

SKIP = "0:00 1 a\n1:00 1 d ch=ads"
FOUR = dict(stages=["a", "b", "c", "d"], won="c", dims={"ch": {"top": 9}}, segments=[["ch"]])


def test_skip_credit():
    r = run(SKIP, **FOUR)
    expect(r, [{"entered": 1, "advanced": 1}, {"credited": 1}, {"credited": 1}], {"entered": 1, "advanced": 1}, reached=[1, 1, 1, 1],
           stock=[0, 0, 0, 1])
    same((r["cycle"]["n"], r["steps"][0]["dwell"]["n"], r["steps"][1]["dwell"]["n"]), (1, 1, 0), "cycle and dwell")
    same(counts(r["segments"][1]["steps"][1]), {"credited": 1}, "credited at the event's own value")


def test_skip_direct():
    r = run(SKIP, skip="direct", **FOUR)
    expect(r, [{"entered": 1, "skipped": 1}, {}, {}], {"entered": 1, "open": 1}, reached=[1, 0, 0, 1])
    same(r["cycle"]["n"], 0, "won is not reached")


def test_skip_ignore_and_reject():
    expect(run(SKIP, skip="ignore", **FOUR), [{"entered": 1, "open": 1}, {}, {}], ignored=1, deadletters=0, events=2)
    expect(run(SKIP, skip="reject", **FOUR), [{"entered": 1, "open": 1}, {}, {}], ignored=0, deadletters=1, events=2)


def test_ignored_event_teaches_nothing():
    r = run("0:00 1 a amount=1 ch=ads\n1:00 1 c amount=9 ch=web\n2:00 1 b", skip="ignore", dims={"ch": {"top": 9}}, segments=[["ch"]])
    expect(r, stock_amount=["0.00", "1.00", "0.00"])
    same([s["segment"]["ch"] for s in r["segments"]], ["ads"], "values")


BACK = "0:00 1 a\n1:00 1 b\n2:00 1 a\n3:00 1 b\n4:00 1 c"


def test_regress_back():
    r = run(BACK)
    expect(r, [{"entered": 1, "advanced": 1}, {"entered": 1, "advanced": 1}], regressed=[0, 1, 0], attempts=1, ignored=0)
    same(r["steps"][1]["dwell"]["mean_s"], 180.0, "dwell from the first reach")


def test_regress_new_attempt():
    expect(run(BACK, regress="new_attempt"), [{"entered": 2, "advanced": 2}, {"entered": 2, "advanced": 1, "superseded": 1}],
           {"entered": 2, "advanced": 1, "superseded": 1}, attempts=2, entities=1, reached=[2, 2, 1], regressed=[0, 0, 0])


def test_regress_ignore():
    expect(run(BACK, regress="ignore"), [{"entered": 1, "advanced": 1}, {"entered": 1, "advanced": 1}], ignored=1, attempts=1)


def test_lost_and_reentry():
    stream = "0:00 1 a\n1:00 1 x reason=price\n1:00 1 b\n2:00 1 x\n3:00 1 x"
    expect(run(stream), [{"entered": 1, "lost": 1}, {"entered": 1, "lost": 1}], {"entered": 1, "lost": 1}, attempts=2,
           lost_reasons={"__none__": 1, "price": 1}, ignored=1, stock=[0, 0, 0])
    expect(run(stream, reentry="ignore"), [{"entered": 1, "lost": 1}, {}], attempts=1, ignored=3, lost_reasons={"price": 1})


def test_reentry_after_won_supersedes_the_open_stay():
    stream = "0:00 1 a\n1:00 1 b\n2:00 1 a\n3:00 1 b"
    expect(run(stream, won="b"), [{"entered": 2, "advanced": 2}, {"entered": 2, "superseded": 1, "open": 1}],
           {"entered": 2, "advanced": 2}, attempts=2, regressed=[0, 0, 0])
    expect(run(stream, won="b", reentry="ignore"), [{"entered": 1, "advanced": 1}, {"entered": 1, "open": 1}], attempts=1, ignored=1)


def test_lost_after_won_leaves_the_stock():
    expect(run("0:00 1 c\n1:00 1 x"), stock=[0, 0, 0], lost_reasons={"__none__": 1})


def test_loop():
    r = run("0:00 1 b amount=1\n1:00 1 c\n2:00 1 c amount=2.5\n3:00 1 x\n4:00 1 c",
            stages=["a", "b", {"id": "c", "loop": True}])
    expect(r, [{}, {"entered": 1, "advanced": 1}], attempts=2, reached=[0, 1, 2], ignored=0, stock_amount=["0.00", "0.00", "1.00"])
    same((r["stages"][2]["repeats"], r["stages"][2]["repeat_amount"]), (1, "2.50"), "repeats")


def test_strict():
    r = run("0:00 1 b\n1:00 1 a\n2:00 1 c\n3:00 1 b\n4:00 1 a\n5:00 1 c\n6:00 1 b\n7:00 1 a", order="strict")
    expect(r, [{"entered": 2, "advanced": 1, "open": 1}, {"entered": 1, "advanced": 1}], {"entered": 2, "advanced": 1, "open": 1},
           ignored=4, attempts=2, reached=[2, 1, 1])
    expect(run("0:00 1 a\n1:00 1 x\n2:00 1 b", order="strict"), [{"entered": 1, "lost": 1}, {}], ignored=1, attempts=1)


def test_exits_and_actions_of_the_unknown():
    expect(run("0:00 1 x\n1:00 2 call\n2:00 3 q op=d", actions=["call"]), [{}, {}], events=3, entities=0, ignored=2, deadletters=0)


# Time ---------------------------------------------------------------------------------------------------------------

def test_reorder_within_lateness():
    expect(run("0:02 1 b\n0:00 1 a\n0:02 1 c", {"lateness": "2s"}), [{"entered": 1, "advanced": 1}, {"entered": 1, "advanced": 1}],
           late=0, stock=[0, 0, 1])


def test_equal_times_keep_their_order():
    expect(run("0:02 1 a\n0:02 1 b\n0:00 2 a", {"lateness": "2s"}), [{"entered": 2, "advanced": 1, "open": 1}, {"entered": 1, "open": 1}])


def test_late_event_happens_at_the_open_pane():
    r = run("0:00 1 a\n5:30 2 a\n1:00 1 b")
    expect(r, [{"entered": 2, "advanced": 1, "open": 1}, {"entered": 1, "open": 1}], late=1)
    same(r["steps"][0]["dwell"]["mean_s"], 300.0, "at 5:00")


def test_late_event_may_expire_its_stay():
    expect(run("0:00 1 a\n11:00 2 a\n1:00 1 b"), [{"entered": 2, "expired": 1, "open": 1, "late_advance": 1}, {"entered": 1, "open": 1}])


def test_late_deadletter():
    expect(run("0:00 1 a\n5:30 2 a\n1:00 1 b", {"late": "deadletter"}), [{"entered": 2, "open": 2}, {}], late=1, deadletters=1, events=3,
           ignored=0)


def test_older_stage_further_on_leaves_the_position():
    # 0:30 b lies before the position's entry: b is reached at 1:00, the position stays a until 2:00
    r = run("1:00 1 a ch=ads\n0:30 1 b ch=web amount=9\n3:00 1 c", dims={"ch": {"top": 9}}, segments=[["ch"]])
    expect(r, [{"entered": 1, "advanced": 1}, {"entered": 1, "advanced": 1}], late=1)
    same((r["steps"][0]["dwell"]["max_s"], r["steps"][1]["dwell"]["max_s"]), (0.0, 120.0), "dwell")
    same([s["segment"]["ch"] for s in r["segments"]], ["ads"], "the older event's dims are not learned")
    expect(run("1:00 1 a\n0:30 1 b"), stock=[1, 0, 0], stock_amount=["0.00"] * 3)
    expect(run("1:00 1 a\n0:30 1 b", won="b"), stock=[0, 1, 0])
    expect(run("1:00 1 a\n0:30 1 b\n2:00 1 b"), stock=[0, 1, 0], regressed=[0, 0, 0], ignored=0)


def test_older_otherwise_is_backfill():
    expect(run("1:00 1 b\n0:30 1 a\n0:40 1 b amount=2"), [{}, {"entered": 1, "open": 1}], ignored=2, late=2, stock_amount=["0.00"] * 3)
    expect(run("1:00 1 a\n0:30 1 b", order="strict"), [{"entered": 1, "open": 1}, {}], ignored=1)


def test_older_than_the_closing_is_no_reentry():
    expect(run("1:00 1 a\n2:00 1 x\n1:30 1 b"), [{"entered": 1, "lost": 1}, {}], attempts=1, ignored=1)


def test_lost_may_be_back_dated():
    r = run("0:00 1 a\n1:00 1 b\n0:30 1 x reason=price")
    expect(r, [{"entered": 1, "advanced": 1}, {"entered": 1, "lost": 1}], lost_reasons={"price": 1}, late=1, ignored=0)


def test_unknown_stage_changes_nothing():
    expect(run("0:00 1 a\n50:00 1 zzz\n9:00 1 b"), [{"entered": 1, "advanced": 1}, {"entered": 1, "open": 1}], late=0, deadletters=1, events=2)


def test_funnels_of_a_partition_share_its_watermark():
    conf = {"time": TIME, "funnels": {"f": {"stages": ["a", "b"], "window": "5m", "forget_after": "1d"}, "g": {"stages": ["a", "b"]}}}
    r = ref.reports(conf, log("0:00 1 a\n9:30 1 a funnel=g\n1:00 1 b\n20:00 9 a funnel=other"))
    expect(r["f"], [{"entered": 1, "expired": 1, "late_advance": 1}], late=1)
    expect(r["g"], [{"entered": 1, "open": 1}], events=1)


# Seeds and deletes --------------------------------------------------------------------------------------------------

def test_seed_at_its_true_age():
    r = run("20:00 1 a op=r entered_at=12:00\n21:00 1 b amount=4\n22:00 1 c")
    expect(r, [{"seeded": 1, "advanced": 1}, {"entered": 1, "advanced": 1}], {"seeded": 1, "advanced": 1}, attempts=1, entities=1,
           reached=[0, 1, 1])
    same((r["steps"][0]["dwell"]["max_s"], r["cycle"]["n"], r["stages"][2]["won_amount"]), (540.0, 0, "4.00"), "seed's dwell, no cycle")


def test_seed_outside_the_sums():
    for seed, overall in (("20:00 1 a op=r", {}), ("20:00 1 a op=r entered_at=20:01", {}),
                          ("20:00 1 a op=r entered_at=9:59.999", {"seeded": 1, "open": 1})): # overall's own window is longer
        expect(run(seed), [{}, {}], overall, stock=[1, 0, 0], attempts=1)
        expect(run(seed + "\n45:00 1 b"), [{}, {"entered": 1, "open": 1}], stock=[0, 1, 0])
    expect(run("20:00 1 a op=r entered_at=10:00"), [{"seeded": 1, "open": 1}, {}], {"seeded": 1, "open": 1})
    expect(run("20:00 1 a op=r entered_at=11:00", overall="8m"), [{"seeded": 1, "open": 1}, {}], {})


def test_seed_of_a_known_entity_is_an_event():
    expect(run("0:00 1 a\n1:00 1 b op=r entered_at=0:30"), [{"entered": 1, "advanced": 1}, {"entered": 1, "open": 1}])


def test_seed_at_the_end_of_the_way():
    r = run("0:00 1 c op=r amount=8\n1:00 2 x op=r")
    expect(r, [{}, {}], reached=[0, 0, 0], stock=[0, 0, 1], ignored=1, entities=1)
    same((r["cycle"]["n"], r["stages"][2]["won_amount"]), (0, "0.00"), "nothing won")
    expect(run("0:00 1 b op=r\n1:00 1 c", order="strict"), stock=[0, 0, 1], reached=[0, 0, 1])


def test_delete():
    r = run("0:00 1 a amount=3\n2:00 1 a op=d\n3:00 1 b\n1:00 1 b op=d\n4:00 1 b op=d")
    expect(r, [{"entered": 1, "deleted": 1}, {"entered": 1, "deleted": 1}], {"entered": 1, "deleted": 1}, entities=2, attempts=2,
           late=1, ignored=1, stock=[0, 0, 0])
    expect(run("0:00 1 a\n10:00.001 1 a op=d"), [{"entered": 1, "expired": 1}, {}])


# Cohorts ------------------------------------------------------------------------------------------------------------

def test_cohorts_by_day_in_a_zone():
    # midnight at +08:00 is minute 960
    r = run("959:00 1 a ch=ads\n960:00 2 a\n961:00 1 c\n962:00 2 b", {"zone": "+08:00"}, "day", dims={"ch": {"top": 9}}, segments=[["ch"]])
    same([(c["name"], c["from"], c["to"]) for c in r["cohorts"]],
         [("2024-01-01", T0 - 480 * 60_000, T0 + 960 * 60_000), ("2024-01-02", T0 + 960 * 60_000, T0 + 2400 * 60_000)], "days")
    same([[counts(s) for s in c["steps"]] for c in r["cohorts"]],
         [[{"entered": 1, "advanced": 1}, {}], [{"entered": 1, "advanced": 1}, {"entered": 1, "credited": 1, "open": 1}]], "by begin")
    same([[s["segment"]["ch"] for s in c["segments"]] for c in r["cohorts"]], [["ads"], ["__none__", "ads"]], "segments")


def test_cohort_unheard_closes_with_its_day():
    # day ends at minute 1440, window 10: closed when the end of the last closed pane is past 1450
    stream = "0:00 1 a\n0:00 2 a\n30:00 2 call\n%s 3 a"
    for last, want in (("1451:30", {"entered": 2, "expired": 2}), ("1450:30", {"entered": 2, "expired": 1, "open": 1})):
        r = run(stream % last, None, "day", actions=["call"])
        same(counts(r["cohorts"][0]["steps"][0]), want, "cohort at " + last)
        expect(r, [{"entered": 3, "expired": 2, "open": 1}, {}])


def test_cohort_units():
    r = lambda unit, zone="UTC": run("0:00 1 a\n10080:00 2 a\n50000:00 3 a", {"zone": zone}, unit)["cohorts"]
    same([c["name"] for c in r("week")], ["2024-W01", "2024-W02", "2024-W05"], "weeks from Monday")
    same([(c["name"], (c["to"] - c["from"]) // 86_400_000) for c in r("month")], [("2024-01", 31), ("2024-02", 29)], "months")
    same([c["name"] for c in r("month", "-01:00")], ["2023-12", "2024-01", "2024-02"], "a zone west of Greenwich")


def test_cohort_day_across_dst():
    try:
        zone = ref.zone_of("Europe/Berlin")
    except Exception as e:
        raise Skip("no time zone data (%s)" % e)
    noon = ref.time_ms("2024-03-31T12:00:00+02:00")
    first, next_, _ = ref.unit_of(ref.day_of(noon, zone), "day")
    same((ref.day_start_ms(next_, zone) - ref.day_start_ms(first, zone)) // 3_600_000, 23, "hours of the day summer time begins")


# Units --------------------------------------------------------------------------------------------------------------

def test_units():
    same([ref.duration_ms(d) for d in ("0", "5ms", "2s", "1m", "3h", "14d", "2w")],
         [0, 5, 2000, 60_000, 10_800_000, 1_209_600_000, 1_209_600_000], "durations")
    same([ref.time_ms(t) for t in ("2024-01-01T00:00:00.007Z", "2024-01-01T08:00:00+08:00", T0)], [T0 + 7, T0, T0], "times")
    same([ref.amount_text(ref.amount_minor(a)) for a in (12.34, "7", 0.1, "0.05", "-1.50")], ["12.34", "7.00", "0.10", "0.05", "-1.50"],
         "amounts")


def test_a_number_and_its_digits_are_one_entity():
    events = log("0:00 17 a\n1:00 17 b")
    events[0]["entity_id"] = 17
    same(ref.reports({"time": TIME, "funnels": {"f": {"stages": ["a", "b"]}}}, events)["f"]["entities"], 1, "entities")


def test_forgetting_is_refused():
    try:
        run("0:00 1 a\n9:00 2 a", forget_after="5m")
    except ValueError:
        return
    raise AssertionError("a stream that forgets was accepted")


# The columns of DETECTION section 2 ---------------------------------------------------------------------------------

def test_columns_golden():
    golden = [(1, 28401577, 28401579), (5, 28401577, 28401583), (120, 28401577, 28401698), (240, 28401577, 28401818),
              (1440, 28401577, 28403024), (4320, 28401577, 28405920), (10080, 28401577, 28411744), (43200, 28401577, 28444864)]
    same([ref.expiry_pane(p, window) for window, p, _ in golden], [x for _, _, x in golden], "X_{B-1}(p)")
    same(ref.age_bins(5), ([0, 1, 2, 3, 4, 6], [0, 0, 0, 0, 0]), "bins of 5 panes")


def test_columns_agree_with_moving_them():
    """Step 1 of DETECTION section 2 carried out literally: columns cross from bin to bin at the close of a pane."""
    for window in (1, 2, 7, 40, 240, 1000):
        e, s = ref.age_bins(window)
        for entry in range(100, 120):
            j, column, expired, w = 0, entry >> s[0], None, entry
            while expired is None:
                for b in range(len(e) - 2, -1, -1):
                    x = w - e[b + 1] + 1
                    if b == j and x > 0 and x % (1 << s[b]) == 0 and (x >> s[b]) - 1 == column:
                        if b == len(e) - 2:
                            expired = w
                        else:
                            j, column = b + 1, (column << s[b]) >> s[b + 1]
                        break
                w += 1
            same(ref.expiry_pane(entry, window), expired, "window %d, pane %d" % (window, entry))


def test_expired_at_most_a_32nd_late():
    for window in list(range(1, 600)) + [1440, 4320, 10080, 43200, 129600]:
        for entry in range(28401577, 28401577 + 40, 3):
            late = ref.expiry_pane(entry, window) - (entry + window)      # 1 would be the first pane wholly past the window
            assert 1 <= late <= 1 + max(1, window / 32), "window %d, pane %d: %d panes late" % (window, entry, late)


# Properties and real data -------------------------------------------------------------------------------------------

def greedy(stages, events):
    """First event of stage 0, the first of stage 1 at or after it, and so on, per entity."""
    reached, at = [0] * len(stages), {}
    for o in events:
        k = at.get(o["entity_id"], 0)
        if k < len(stages) and o["stage"] == stages[k]:
            reached[k] += 1
            at[o["entity_id"]] = k + 1
    return reached


def test_strict_is_greedy_matching():
    rng, stages = random.Random(1), ["a", "b", "c", "d"]
    for _ in range(200):
        times = sorted(rng.randrange(40) for _ in range(60))
        events = [{"entity_id": str(rng.randrange(6)), "funnel": "f", "stage": rng.choice(stages), "ts": T0 + t * 1000} for t in times]
        r = ref.reports({"time": TIME, "funnels": {"f": {"stages": stages, "order": "strict", "reentry": "ignore"}}}, events)["f"]
        want = greedy(stages, events)
        expect(r, reached=want)
        same([s["entered"] for s in r["steps"]], want[:-1], "entered")
        same([s["advanced"] for s in r["steps"]], want[1:], "advanced")


def test_bpi2012():
    home = os.path.join(DATA, "bpi2012")
    if not os.path.exists(os.path.join(home, "truth.json")):
        raise Skip("no bpi2012 under " + DATA)
    with open(os.path.join(home, "truth.json"), encoding="utf-8") as f:
        truth = json.load(f)
    lines = subprocess.run([sys.executable, os.path.join(home, "to_events.py")], stdout=subprocess.PIPE, check=True).stdout
    events = [json.loads(line) for line in lines.splitlines()]
    funnels = {}
    for name, t in truth["funnels"].items():
        others = sorted(set(t["events_per_stage"]) - set(t["main"]))
        funnels[name] = {"stages": t["main"], "actions": others, "order": "strict", "reentry": "ignore", "window": "1000d"}
    got = ref.reports({"time": TIME, "funnels": funnels}, events)
    for name, t in truth["funnels"].items():
        want = [t["reached_in_order"][s] for s in t["main"]]
        expect(got[name], reached=want, deadletters=0, entities=want[0], events=sum(t["events_per_stage"].values()))
        same([(s["entered"], s["advanced"]) for s in got[name]["steps"]], list(zip(want, want[1:])), name)


def main():
    tests = [(name, f) for name, f in globals().items() if name.startswith("test_")]
    passed, failed, skipped = 0, 0, 0
    for name, f in tests:
        try:
            f()
            passed += 1
        except Skip as e:
            skipped += 1
            print("SKIP %s: %s" % (name, e))
        except Exception as e:
            failed += 1
            print("FAIL %s: %s: %s" % (name, type(e).__name__, e))
    print("reference self-test: %d passed, %d failed%s" % (passed, failed, ", %d skipped" % skipped if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
