# SPDX-License-Identifier: Apache-2.0
"""What the stories about hostile input and odd starts have in common: alerts as objects, records that cannot be used
and where they went, daemons that refuse to start."""
from libcases import kit


def values(topic, **where):
    """The alert records of a topic, as objects, heartbeats left out; where: members they must have."""
    found = [kit.json.loads(v) for k, h, v in kit.alerts_of(topic) if not kit.is_heartbeat(k, h)]
    return [x for x in found if all(x.get(n) == v for n, v in where.items())]


def firing(topic):
    """{key: last record} of what fires by the topic alone."""
    last = {}
    for x in values(topic):
        last[x["fingerprint"]] = x
    return {k: x for k, x in last.items() if x["status"] != "resolved"}


def bad(records, every=10, name="bad"):
    """Every so many records, one that cannot be used, in the same partition."""
    result = []
    for i, r in enumerate(records):
        if i % every == 0:
            result.append({"partition": r["partition"], "ts": r["ts"], "key": f"{name}-{i}", "value": f"bad {i}"})
        result.append(r)
    return result


def letters(topic):
    """Places of the dead letters, in order."""
    return sorted((int(x["headers"]["funneld_partition"]), int(x["headers"]["funneld_offset"]))
                  for x in kit.consume(topic))


def bad_places(topic):
    return sorted((x["partition"], x["offset"]) for x in kit.consume(topic) if (x["key"] or "")[:3] == "bad")


def no_conservation_errors(daemon):
    kit.same("conservation errors", 0, daemon.metrics()["funneld_conservation_errors_total"])


def refuses(daemon, code, *words, seconds=30, flags=()):
    """It starts, ends by itself with this code, and its log says why in these words."""
    daemon.start(*flags)
    kit.same("exit status", kit.EXIT[code], daemon.wait(seconds))
    text = daemon.text(last_start=True)
    for word in words:
        kit.check(word in text, f"the log does not say '{word}', see {daemon.log}")
