#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/alert.schema.json, and the example of docs/alerts.md, against the alerts the product writes.

    alert_schema.py [PATH-OF-alert_sample]       default: $BUILD_DIR/tests/alert_sample

Every sample must be valid, its envelope must agree with its value, and every way of breaking a
sample must be refused: a schema that accepts everything tests nothing. Exit 77: python3-jsonschema
is not installed.
"""
import copy
import json
import os
import pathlib
import re
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "docs" / "alert.schema.json"
MANUAL = ROOT / "docs" / "alerts.md"

# DESIGN's order, nested objects after their key.
ORDER = {
    "": "status fingerprint labels annotations startsAt endsAt endsReason rule window measure"
        " observed expected effect evidence change_point maturity attribution remainder data"
        " silenced_by sequence",
    "annotations": "summary description runbook_url",
    "rule": "id hash kind",
    "window": "from to zone",
    "observed": "entries conversions rate low high",
    "expected": "rate conversions source",
    "effect": "absolute relative lost_conversions lost_amount",
    "evidence": "statistic threshold budget",
    "data": "watermark late split_keys complete",
}
# What follows in the alerts that count events.
MORE = {"observed": " events", "expected": " events", "effect": " lost_records"}
FIXED_LABELS = ["alertname", "severity", "funnel", "step"]
SOURCE_LABELS = ["alertname", "severity", "source"]
HEADERS = "ce_specversion ce_id ce_type ce_source ce_subject ce_time content-type".split()


def fingerprint(labels):
    """model.LabelSet.Fingerprint() of github.com/prometheus/common."""
    hash_ = 14695981039346656037
    for name in sorted(labels, key=str.encode):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            hash_ = (hash_ ^ byte) * 1099511628211 % 2**64
    return f"{hash_:016x}"


def short_float(token):
    digits = re.sub(r"[eE].*", "", token).replace(".", "").lstrip("-0")
    assert len(digits) <= 9, f"{token}: more than 9 significant digits"
    return float(token)


def check_envelope(record):
    value, headers = record["value"], record["headers"]
    assert list(value) == ORDER[""].split(), list(value)
    events = value["measure"] == "events"
    for key, names in ORDER.items():
        names += MORE.get(key, "") if events else ""
        assert not key or list(value[key]) == names.split(), (key, list(value[key]))
    if "source" in value["labels"]:
        assert list(value["labels"]) == SOURCE_LABELS, value["labels"]
        assert headers["ce_subject"] == "source=" + value["labels"]["source"]
    else:
        assert list(value["labels"])[:4] == FIXED_LABELS, value["labels"]
    assert value["fingerprint"] == fingerprint(value["labels"]) == record["key"]
    assert list(headers) == HEADERS, list(headers)
    assert headers["ce_specversion"] == "1.0"
    assert re.fullmatch("[0-9a-f]{32}", headers["ce_id"])
    assert headers["ce_type"] == "io.funneld.alert." + value["status"]
    assert re.fullmatch(r"funneld/([A-Za-z0-9._~-]|%[0-9A-F]{2})+", headers["ce_source"])
    assert not re.search("[\x00-\x1f\x7f-\x9f]", headers["ce_subject"])
    assert headers["content-type"] == "application/json"
    assert len(json.dumps(value, ensure_ascii=False).encode()) <= 65536


def check_heartbeat(record, schema):
    headers = record["headers"]
    assert list(headers) == HEADERS, list(headers)
    assert headers["ce_type"] == "io.funneld.heartbeat"
    assert record["key"] == "heartbeat/" + record["value"]["group"]
    assert headers["ce_time"] == record["value"]["at"]
    assert re.fullmatch("[0-9a-f]{32}", headers["ce_id"])
    part = {"$ref": "#/$defs/heartbeat", "$defs": schema["$defs"]}
    validator = jsonschema.Draft202012Validator(part)
    errors = [error.message for error in validator.iter_errors(record["value"])]
    wrong = [{**record["value"], key: new} for key, new in
             [("status", "firing"), ("at", None), ("every_ms", 0), ("version", 1), ("more", 1)]]
    return errors + [f"accepted: {document}" for document in wrong if validator.is_valid(document)]


def paths(node, path=()):
    """Every place in a document, the root too."""
    yield path
    children = {}
    if isinstance(node, dict):
        children = node
    elif isinstance(node, list):
        children = dict(enumerate(node))
    for key, child in children.items():
        yield from paths(child, path + (key,))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def changed(value, path, new):
    document = copy.deepcopy(value)
    if not path:
        return new
    at(document, path[:-1])[path[-1]] = new
    return document


def general_mutations(value):
    """Keys that are missing, keys nobody knows, values of another type: everywhere."""
    for path in paths(value):
        node = at(value, path)
        labels = SOURCE_LABELS if "source" in value["labels"] else FIXED_LABELS
        named = path and isinstance(path[-1], str)  # a list's item may be missing
        if named and not (path[0] == "labels" and len(path) == 2 and path[1] not in labels):
            document = copy.deepcopy(value)
            del at(document, path[:-1])[path[-1]]
            yield "without " + ".".join(map(str, path)), document
        if isinstance(node, dict):
            stranger = 1 if path == ("labels",) else "x"
            more = {**node, "stranger": stranger}
            yield "stranger in " + ".".join(map(str, path)), changed(value, path, more)
        yield "a list as " + ".".join(map(str, path)), changed(value, path, [[]])
        if not isinstance(node, dict):
            yield "an object as " + ".".join(map(str, path)), changed(value, path, {"x": 1})
        if isinstance(node, str):
            yield "a number as " + ".".join(map(str, path)), changed(value, path, 7)
        if isinstance(node, (int, float)):
            yield "a string as " + ".".join(map(str, path)), changed(value, path, "7")
        if isinstance(node, bool):
            yield "a number as " + ".".join(map(str, path)), changed(value, path, 1)


def special_mutations(value):
    """What only this format forbids. Of a firing alert with all its numbers."""
    cases = {
        ("status",): ["pending", "", None],
        ("fingerprint",): ["BBB8EDD1CFB973F2", "0x0123456789abcd", "bbb8edd1cfb973f", None],
        ("labels", "channel"): ["", None, 1, "x" * 257],
        ("labels", "severity"): ["", None],
        ("annotations", "summary"): ["", "two\nlines", None],
        ("annotations", "runbook_url"): ["x" * 2049],
        ("startsAt",): [None, "2026-03-02T02:00:00Z", "2026-03-02 02:00:00.000Z",
                        "2026-03-02T02:00:00.000+08:00", "2026-13-02T02:00:00.000Z",
                        "2026-03-02T24:00:00.000Z", 1772416800000],
        ("endsAt",): ["2026-03-02T02:00:00.000Z"],
        ("endsReason",): ["recovered"],
        ("rule", "hash"): ["1", None],
        ("rule", "kind"): ["slowdown", "volume", None],
        ("window", "from"): [None],
        ("window", "zone"): [None, ""],
        ("measure",): ["mature", None],
        ("observed", "entries"): [None, -1, 1.5],
        ("observed", "rate"): [-0.1, "24.8 %"],
        ("observed", "high"): [1.01],
        ("expected", "source"): ["guess"],
        ("effect", "lost_amount"): [12.34, "12.", ".5", "1e3", "012.00", "12,34", "1.1234567"],
        ("evidence", "budget"): [-1],
        ("maturity",): [1.5],
        ("attribution",): [None, [1], [{"segment": "channel=ads", "rate_effect": 1, "mix_effect": 0}],
                           [{"segment": {"channel": "ads"}, "rate_effect": 1, "mix_effect": 0, "affected": True}],
                           [{"segment": "", "rate_effect": 1, "mix_effect": 0, "affected": True}],
                           [{"segment": "x=y", "rate_effect": 1, "mix_effect": 0, "affected": None}],
                           33 * [{"segment": "x=y", "rate_effect": 1, "mix_effect": 0, "affected": False}]],
        ("silenced_by",): ["", [""], ["a b"], [1], None],
        ("data", "late"): [-1, None],
        ("data", "split_keys"): [-1, None],
        ("data", "complete"): ["true", None],
        ("sequence",): [0, 1.5, None],
    }
    for path, values in cases.items():
        for new in values:
            yield f"{'.'.join(map(str, path))} = {json.dumps(new)}", changed(value, path, new)


def main():
    if len(sys.argv) == 2:
        sample = sys.argv[1]
    elif "BUILD_DIR" in os.environ:
        sample = pathlib.Path(os.environ["BUILD_DIR"]) / "tests" / "alert_sample"
    else:
        sys.exit(__doc__)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    printed = subprocess.run([sample], check=True, stdout=subprocess.PIPE).stdout.decode()
    records = [json.loads(line, parse_float=short_float) for line in printed.splitlines()]
    failed = refused = 0

    for message in check_heartbeat(records.pop(), schema):
        failed += 1
        print(f"FAILED heartbeat: {message}")
    for record in records:
        check_envelope(record)
        for error in validator.iter_errors(record["value"]):
            failed += 1
            print(f"FAILED {record['headers']['ce_subject']}: {error.json_path}: {error.message}")

    firing = records[0]["value"]
    resolved = next(r["value"] for r in records if r["value"]["status"] == "resolved")
    full = changed(firing, ("attribution",),
                   [{"segment": "channel=ads", "rate_effect": -0.3, "mix_effect": 0.01, "affected": True}])
    full["silenced_by"] = ["maintenance-7"]
    full["remainder"] = 0.001
    mutations = [*special_mutations(firing), *general_mutations(resolved)]
    mutations += [(f"resolved with {key} = null", changed(resolved, (key,), None))
                  for key in ("endsAt", "endsReason")]
    mutations += [("updated and ended", changed(resolved, ("status",), "updated"))]
    mutations += general_mutations(firing)
    silent = next(r["value"] for r in records if r["value"]["rule"]["kind"] == "no_data")
    mutations += general_mutations(silent)
    drop, volume, quality = (next(r["value"] for r in records if r["value"]["rule"]["kind"] == kind)
                             for kind in ("drop", "volume", "data_quality"))
    assert drop["attribution"] and drop["remainder"] is not None and drop["change_point"]
    for value in (drop, volume, quality):
        mutations += general_mutations(value)
    mutations += [("a volume of a topic", changed(volume, ("rule", "kind"), "no_data")),
                  ("a volume that converts", changed(volume, ("effect", "lost_conversions"), 1)),
                  ("a drop of events", changed(volume, ("rule", "kind"), "drop"))]
    mutations += [("a source's events without their measure", changed(silent, ("measure",), "throughput")),
                  ("a funnel's rates as events", changed(firing, ("measure",), "events")),
                  ("a source with a funnel", changed(silent, ("labels", "funnel"), "sales")),
                  ("a source's entries", changed(silent, ("observed", "entries"), 0)),
                  ("a rule's kind of another measure", changed(silent, ("rule", "kind"), "target")),
                  ("a source's kind of another measure", changed(firing, ("rule", "kind"), "no_data")),
                  ("a rule's lost records", changed(firing, ("effect", "lost_records"), 1))]
    if not validator.is_valid(full):
        failed += 1
        print("FAILED a record with attribution, remainder and silence should be valid")
    for name, document in mutations:
        if validator.is_valid(document):
            failed += 1
            print(f"FAILED accepted: {name}")
        refused += 1
    example = re.search("```json\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL).group(1)
    if json.loads(example) != firing:
        failed += 1
        print("FAILED the example of docs/alerts.md is not the first sample")
    statuses = {record["value"]["status"] for record in records}
    kinds = {record["value"]["rule"]["kind"] for record in records}
    if statuses != {"firing", "updated", "resolved"} or kinds != {
            "target", "benchmark", "change", "drop", "rise", "volume", "mix", "data_quality",
            "intervention", "no_data", "data_gap"}:
        failed += 1
        print(f"FAILED the samples have only {statuses} and {kinds}")
    print(f"{len(records)} samples, {refused} mutations, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
