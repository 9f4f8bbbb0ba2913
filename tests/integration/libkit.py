# SPDX-License-Identifier: Apache-2.0
"""What the stories of this folder have in common: a broker, topics, funneld, and waits that end.

Every story runs alone too:  FUNNELD=build/release/funneld KTOOL=build/release/ktool python3 STORY.py
It exits 0, 1 (and keeps its folder, naming it) or 77 where Java or the Kafka jars are missing.
"""
import atexit
import ctypes
import http.client
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zlib

SOURCE = os.path.abspath(os.environ.get("SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../..")))
FUNNELD = os.path.abspath(os.environ.get("FUNNELD", SOURCE + "/build/release/funneld"))
FAULTS_BIN = os.path.abspath(os.environ.get("FUNNELD_FAULTS_BIN", SOURCE + "/build/release/tests/funneld_faults"))
KTOOL = os.path.abspath(os.environ.get("KTOOL", SOURCE + "/build/release/ktool"))
BROKER = os.environ.get("BROKER", SOURCE + "/scripts/broker")
SKIPPED = 77

# What funneld's exit codes mean (src/shell/exit_codes.h).
EXIT = {"ok": 0, "fenced": 80, "diverged": 81, "gap": 82, "reset": 83, "partitions": 84, "topic_missing": 85,
        "state": 86, "unfinished": 87, "locked": 88, "replay": 89, "kafka": 69, "io": 74, "configuration": 78}

MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_780_272_000_000  # 2026-06-01T00:00:00Z


class Failed(Exception):
    pass


def check(truth, what):
    if not truth:
        raise Failed(what)


def same(what, expected, found):
    if expected != found:
        raise Failed(f"{what}: expected {expected!r}, found {found!r}")


def same_list(what, expected, found):
    """Says where two long lists part."""
    for i, (a, b) in enumerate(zip(expected, found)):
        if a != b:
            raise Failed(f"{what}: item {i} of {len(expected)} differs\n  expected {a!r}\n  found    {b!r}")
    if len(expected) != len(found):
        longer, name = (expected, "missing") if len(expected) > len(found) else (found, "too many")
        more = longer[min(len(expected), len(found))]
        raise Failed(f"{what}: {len(expected)} expected, {len(found)} found; the first {name}: {more!r}")


def wait_for(what, seconds, probe, every=0.05):
    """Asks again until the probe says something true; what it says last is in the complaint."""
    end = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s in vain for: {what} (last: {answer!r})")
        time.sleep(every)


def say(text):
    print(f"{time.monotonic() - BEGUN:6.1f} s  {text}", flush=True)


BEGUN = time.monotonic()


def story(run, needs_broker=True, settings=()):
    """Runs run(folder), or run(folder, broker); ends the process with the right status. settings: of the broker."""
    folder = tempfile.mkdtemp(prefix="funneld-it-")
    status = 1
    broker = None
    try:
        if needs_broker:
            reason = broker_missing()
            if reason:
                print("skipped: " + reason)
                status = SKIPPED
                return
            broker = Broker(folder + "/broker", settings=settings)
            run(folder, broker)
        else:
            run(folder)
        status = 0
        say("as it should be")
    except Failed as e:
        say("FAILED: " + str(e))
    except subprocess.TimeoutExpired as e:
        say(f"FAILED: out of time: {e}")
    except Exception:  # of the story itself; os._exit() below would swallow it
        say("FAILED: " + traceback.format_exc())
    finally:
        for d in list(Daemon.alive):
            d.kill()
        if broker:
            broker.kill()
        if status == 1:
            for name in sorted(os.listdir(folder)):
                if name.endswith(".log"):
                    with open(os.path.join(folder, name), errors="replace") as f:
                        tail = f.readlines()[-15:]
                    print(f"--- the end of {name}\n" + "".join(tail), end="")
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        sys.stdout.flush()
        os._exit(status)


def broker_missing():
    """Why there can be no broker here, or None."""
    if not shutil.which("java"):
        return "no Java (scripts/setup --test)"
    version = os.environ.get("KAFKA_VERSION", "4.4.0")
    jars = os.path.join(SOURCE, "build/kafka", version, "jars")
    if not os.path.isdir(jars) or not os.listdir(jars):
        return f"no jars of Kafka {version} (scripts/setup --test)"
    return None


def with_parent():
    """In the child: it ends with this process."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


# --- broker and topics -------------------------------------------------------------------------------


def run(*command, seconds=60, text=None, **more):
    done = subprocess.run(command, input=text, capture_output=True, timeout=seconds, **more)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:6])} ended with {done.returncode}: "
                     + done.stderr.decode(errors="replace")[-600:])
    return done.stdout.decode()


class Broker:
    def __init__(self, folder, start=True, settings=()):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.settings = settings
        self.bootstrap = None
        if start:
            self.start()

    def start(self):
        # A file instead of a pipe: the broker goes on holding what it inherits.
        with open(self.folder + "/start.log", "ab") as log:
            done = subprocess.run([BROKER, "start", self.folder, "--owner", str(os.getpid()), *self.settings],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=60)
        check(done.returncode == 0, f"the broker did not start, see {self.folder}")
        with open(self.folder + "/bootstrap") as f:
            self.bootstrap = f.read().strip()
        self.behind = None  # where a proxy leads to, with --advertise PORT
        if os.path.exists(self.folder + "/bootstrap.behind"):
            with open(self.folder + "/bootstrap.behind") as f:
                self.behind = f.read().strip()
        os.environ["BOOTSTRAP"] = self.bootstrap

    def _do(self, what):
        subprocess.run([BROKER, what, self.folder], stdin=subprocess.DEVNULL, timeout=40,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self._do("stop")

    def kill(self):
        self._do("kill")

    def freeze(self):
        self._do("freeze")

    def thaw(self):
        self._do("thaw")

    def topic(self, name, partitions=1):
        run(KTOOL, "create", "--topic", name, "--partitions", str(partitions))

    def topics(self, prefix, partitions=1):
        """The three topics of one daemon: PREFIX.in, .alerts and .dead."""
        self.topic(prefix + ".in", partitions)
        self.topic(prefix + ".alerts")
        self.topic(prefix + ".dead")


def produce(topic, records):
    """records: dicts of partition, ts, key, headers, value (text) or value_hex; in order, each once."""
    lines = "".join(json.dumps(r) + "\n" for r in records)
    run(KTOOL, "produce", "--topic", topic, "--format", "record", text=lines.encode())


class Producing:
    """The same, at so many a second, while the story goes on."""

    def __init__(self, topic, records, rate):
        self.process = subprocess.Popen([KTOOL, "produce", "--topic", topic, "--format", "record", "--rate", str(rate),
                                         "--timeout", "90"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        preexec_fn=with_parent)
        self.feeder = threading.Thread(target=self._feed, args=(records,), daemon=True)
        self.feeder.start()

    def _feed(self, records):
        try:
            for r in records:
                self.process.stdin.write((json.dumps(r) + "\n").encode())
            self.process.stdin.close()
        except OSError:
            pass  # its exit status says why

    def wait(self, seconds=90):
        status = self.process.wait(seconds)
        check(status == 0, f"the producer ended with {status}")


def consume(topic, *options):
    """What a read_committed reader finds now."""
    text = run(KTOOL, "consume", "--topic", topic, *options)
    return [json.loads(line) for line in text.splitlines()]


def ends(topic):
    return {x["partition"]: x["high"] for x in map(json.loads, run(KTOOL, "ends", "--topic", topic).splitlines())}


def committed(topic, group, *options):
    text = run(KTOOL, "offsets", "--topic", topic, "--group", group, *options)
    return {x["partition"]: x["offset"] for x in map(json.loads, text.splitlines())}


def wait_committed(topic, group, seconds=30, high=None):
    """Until every record of the topic is behind a committed offset, and what came of it readable."""
    high = high or ends(topic)

    def is_done():
        now = committed(topic, group)
        return all((now.get(p) or 0) >= h for p, h in high.items())

    try:
        wait_for("", seconds, is_done, every=0.1)
    except Failed:
        raise Failed(f"{topic}: committed {committed(topic, group)} of {high} after {seconds} s") from None


def alerts_of(topic):
    """Alerts as (key, headers, value), in the topic's order."""
    return [(r["key"], r["headers"], r["value"]) for r in consume(topic)]


# --- events ------------------------------------------------------------------------------------------

CHANNELS = ("ads", "search", "mail")
STAGES = ("visit", "cart", "checkout", "paid")


def instant(ms):
    seconds = ms // 1000
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % (ms % 1000)


def event(entity, stage, ts, channel="ads", amount=None):
    e = {"event_id": f"{entity}.{stage}", "entity_id": entity, "funnel": "shop", "stage": stage,
         "ts": instant(ts), "dims": {"channel": channel}}
    if amount is not None:
        e["amount"] = "%d.%02d" % divmod(amount, 100)
    return e


def shop(seed, hours, visits_an_hour, incident=(2.0, 3.0), tail_minutes=20, start=START):
    """Events of a shop in order of time: [(ts, entity, event)]. While the incident lasts, hardly any
    checkout of the ads leads to a payment. The tail: one visit a minute for each of 16 entities' places, so that
    every partition's watermark passes the end of what matters."""
    r = random.Random(seed)
    events, at, n = [], 0.0, 0
    end = hours * HOUR
    while True:
        at += r.expovariate(visits_an_hour / HOUR)
        if at >= end:
            break
        n += 1
        entity, channel, ts = f"v-{n:06d}", r.choices(CHANNELS, (5, 3, 2))[0], start + int(at)
        amount = r.randint(500, 20000)
        events.append((ts, entity, event(entity, "visit", ts, channel)))
        for step, rate in enumerate((0.6, 0.7, 0.75)):
            bad = incident[0] * HOUR <= ts - start < incident[1] * HOUR
            if step == 2 and channel == "ads" and bad:
                rate = 0.15
            if r.random() >= rate:
                if r.random() < 0.3:
                    ts += int(r.lognormvariate(0, 0.5) * 5 * MINUTE) + 1
                    events.append((ts, entity, event(entity, "cancelled", ts, channel)))
                break
            ts += int(r.lognormvariate(0, 0.5) * 3 * MINUTE) + 1
            events.append((ts, entity, event(entity, STAGES[step + 1], ts, channel, amount)))
    events = [e for e in events if e[0] < start + end + 30 * MINUTE]
    last = max(e[0] for e in events)
    for minute in range(1, tail_minutes + 1):
        for k in range(16):
            ts = last // MINUTE * MINUTE + minute * MINUTE + k * 100
            events.append((ts, f"t-{minute:03d}-{k:02d}", event(f"t-{minute:03d}-{k:02d}", "visit", ts, "mail")))
    events.sort(key=lambda e: (e[0], e[1]))
    return events


def text_of(e):
    return json.dumps(e, separators=(",", ":"))


def records(events, partitions=1):
    """As a producer would write them: keyed by entity, a key always in the same partition."""
    return [{"partition": zlib.crc32(entity.encode()) % partitions, "ts": ts, "key": entity, "value": text_of(e)}
            for ts, entity, e in events]


# --- funneld -----------------------------------------------------------------------------------------


def free_port():
    """Below the ephemeral range: while a daemon is down, nobody's outgoing connection may take its port."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def configuration(prefix, bootstrap, **over):
    """JSON is YAML. `over`: further top-level settings; `kafka` and `limits` are merged."""
    c = {
        "group": prefix,
        "kafka": {"bootstrap.servers": bootstrap},
        "inputs": [{"topic": prefix + ".in", "preset": "plain"}],
        "outputs": {"alerts": prefix + ".alerts", "deadletter": prefix + ".dead"},
        "time": {"zone": "UTC", "pane": "1m", "lateness": "2s", "max_skew": 64,
                 # A story that stands still must not close the panes it goes on with.
                 "idle_after": "1h"},
        "limits": {"message": "16KiB"},
        "shutdown_timeout": "10s",
        "http": f"127.0.0.1:{free_port()}",
        "first_start": "publish",
        "funnels": {"shop": {
            "stages": list(STAGES), "lost": ["cancelled"], "window": "2h",
            "dims": {"channel": {"values": list(CHANNELS)}},
            "windows": ["1h"],
            "rules": [
                {"id": "paid-target", "kind": "target", "step": "checkout>paid", "target": 0.65,
                 "window": "30m", "min_entries": 30, "significance": 0.001, "resolve_after": "5m"},
                {"id": "paid-by-channel", "kind": "target", "step": "checkout>paid", "by": ["channel"],
                 "target": 0.65, "window": "30m", "min_entries": 20, "significance": 0.001},
                {"id": "paid-change", "kind": "change", "step": "checkout>paid", "by": ["channel"],
                 "window": "30m", "against": "1h", "min_effect": 0.3, "min_entries": 20,
                 "significance": 0.001},
                # Close to the true rate and with little evidence asked for: it comes and goes all the time.
                {"id": "noisy", "kind": "target", "step": "visit>cart", "by": ["channel"], "target": 0.62,
                 "window": "10m", "min_entries": 20, "significance": 0.2, "hold": "1m"},
            ]}},
    }
    for key, value in over.items():
        if key in ("kafka", "limits", "time"):
            c[key].update(value)
        else:
            c[key] = value
    return c


KILLED = -signal.SIGKILL


class Daemon:
    """One instance with a state folder of its own, which outlives restarts; `state: {dir: ...}` in the settings, or
    another Daemon's .state_dir as state_dir, names another. faults: FUNNELD_FAULT of its starts (src/shell/fault.h),
    which take the executable with fault points; may be changed between starts."""
    alive = []
    numbers = itertools.count(1)  # cases of a story may run in threads

    def __init__(self, folder, config, env=None, start=True, faults=None, state_dir=None):
        number = next(Daemon.numbers)
        self.state_dir = config.get("state", {}).get("dir") or state_dir or f"{folder}/state-{number}"
        config = {**config, "state": {**config.get("state", {}), "dir": self.state_dir}}
        self.config = config
        self.faults = faults
        self.port = int(config["http"].rsplit(":", 1)[1])
        self.file = f"{folder}/funneld-{number}.yaml"
        self.log = f"{folder}/funneld-{number}.log"
        self.env = env
        self.process = None
        self.write()
        if start:
            self.start()

    def write(self):
        """The settings file, after a change of .config: all of it at once, a start may be reading it."""
        with open(self.file + ".new", "w") as f:
            json.dump(self.config, f, indent=1)
        os.replace(self.file + ".new", self.file)

    def start(self, *flags):
        """flags: of `funneld run`, for this start alone."""
        os.makedirs(self.state_dir, exist_ok=True)
        env = {**os.environ, **(self.env or {})}
        if self.faults is not None:
            env["FUNNELD_FAULT"] = self.faults
        with open(self.log, "ab") as log:
            self.started_at = log.tell()
            self.process = subprocess.Popen([FUNNELD if self.faults is None else FAULTS_BIN, "run", "-c", self.file,
                                             *flags],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=with_parent, env=env)
        if self not in Daemon.alive:
            Daemon.alive.append(self)
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=20):
        """Its exit status; minus a signal's number where that ended it."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"funneld did not end within {seconds} s, see {self.log}") from None
        if self in Daemon.alive:
            Daemon.alive.remove(self)
        return status

    def stop(self, seconds=15):
        """SIGTERM; it must end well."""
        self.signal(signal.SIGTERM)
        status = self.wait(seconds)
        check(status == 0, f"SIGTERM: exit {status} instead of 0, see {self.log}")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        return self.wait() if self.process else None

    def text(self, last_start=False):
        """Its log: all of it, or since the last start."""
        with open(self.log, "rb") as f:
            f.seek(self.started_at if last_start else 0)
            return f.read().decode(errors="replace")

    def fault_came(self, point):
        return f"fault: {point}, hit " in self.text(last_start=True)

    def wait_fault(self, point, seconds=30, status=KILLED):
        """Until the fault of this name came and ended it in this way."""
        found = self.wait(seconds)
        check(self.fault_came(point), f"funneld ended with {found}, but not at {point}, see {self.log}")
        same(f"exit status at {point}", status, found)

    def check_alive(self):
        status = self.process.poll()
        check(status is None, f"funneld ended by itself with {status}, see {self.log}")

    # --- HTTP

    def http(self, path, method="GET", body=None, headers=None):
        """(status, text), or (None, reason) where nobody answers."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            c.request(method, path, body=body, headers=headers or {})
            answer = c.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except OSError as e:
            return None, str(e)
        except http.client.HTTPException as e:
            return None, repr(e)
        finally:
            c.close()

    def ready(self):
        """(status, body as an object, {} where there is none)."""
        status, text = self.http("/ready")
        try:
            return status, json.loads(text) if status else {}
        except ValueError:
            raise Failed(f"/ready is no JSON: {text!r}") from None

    def reasons(self):
        return " | ".join(self.ready()[1].get("reasons", []))

    def wait_ready(self, seconds=30):
        def probe():
            self.check_alive()
            return self.ready()[0] == 200

        try:
            wait_for("", seconds, probe)
        except Failed as e:
            raise Failed(f"not ready after {seconds} s: {self.ready()}" if str(e).startswith("waited")
                         else str(e)) from None

    def wait_reason(self, pattern, seconds=30):
        """/ready says 503 with a reason like this."""
        def probe():
            self.check_alive()
            status, body = self.ready()
            return status == 503 and re.search(pattern, " | ".join(body.get("reasons", [])))

        try:
            wait_for("", seconds, probe)
        except Failed as e:
            raise Failed(f"/ready did not say '{pattern}' within {seconds} s but {self.ready()}"
                         if str(e).startswith("waited") else str(e)) from None

    def metrics(self):
        """{name or name{labels}: value}."""
        status, text = self.http("/metrics")
        check(status == 200, f"/metrics: {status} {text[:200]}")
        return parse_metrics(text)


METRIC_LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? '
                         r'([-+]?(?:[0-9.]+(?:[eE][-+]?[0-9]+)?|Inf|NaN))$')


def parse_metrics(text):
    """Prometheus' text format, strictly: every sample typed before, once, counters named _total."""
    check(text.endswith("\n"), "/metrics does not end with a line feed")
    types, helps, values = {}, set(), {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            check(name not in helps, f"/metrics: HELP twice: {name}")
            helps.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            check(name not in types, f"/metrics: TYPE twice: {name}")
            check(kind in ("counter", "gauge"), f"/metrics: {line}")
            check(kind != "counter" or name.endswith("_total"), f"/metrics: a counter without _total: {name}")
            types[name] = kind
        else:
            found = METRIC_LINE.match(line)
            check(found, f"/metrics: no sample: {line!r}")
            name, labels, value = found.groups()
            check(name in types and name in helps, f"/metrics: no TYPE or HELP before {name}")
            check(name + (labels or "") not in values, f"/metrics: twice: {line}")
            values[name + (labels or "")] = float(value)
    return values


def replay(config_file, events_file, output="alerts"):
    """What `funneld replay --headers` prints."""
    text = run(FUNNELD, "replay", "-c", config_file, "--headers", "-o", output, events_file)
    return text.splitlines()


def replay_alerts(config_file, events_file):
    """As alerts_of(): the value's bytes are taken from the line, not made again."""
    result = []
    for line in replay(config_file, events_file):
        x = json.loads(line)
        at = line.index(',"value":') + len(',"value":')
        result.append((x["key"], x["headers"], line[at:-1]))
    return result


def write_lines(file, lines):
    with open(file, "w") as f:
        f.writelines(line + "\n" for line in lines)


def by_key(alerts):
    keys = {}
    for key, headers, value in alerts:
        keys.setdefault(key, []).append((headers, value))
    return keys


# --- oracles -----------------------------------------------------------------------------------------


def is_heartbeat(key, headers):
    return key.startswith("heartbeat/") or headers.get("ce_type", "").endswith(".heartbeat")


def comparable(alerts):
    """By key, what must be equal whoever published it: the group's name is in ce_source alone."""
    wanted = [(key, {n: v for n, v in headers.items() if n.startswith("ce_") and n != "ce_source"}, value)
              for key, headers, value in alerts if not is_heartbeat(key, headers)]
    return by_key(wanted)


def same_alerts(expected_topic, found_topic, at_least=1):
    """Per key, a read_committed reader of either topic sees the same sequence of headers and values; heartbeats,
    which tell of the clock, are left out. Returns how many records."""
    expected, found = comparable(alerts_of(expected_topic)), comparable(alerts_of(found_topic))
    count = sum(len(x) for x in expected.values())
    check(count >= at_least, f"{expected_topic}: {count} alert records, not {at_least}: too weak a test")
    same_list(f"{found_topic}: keys", sorted(expected), sorted(found))
    for key in expected:
        same_list(f"{found_topic}: alerts of {key}", expected[key], found[key])
    return count


def nothing_twice(alerts_topic, deadletter_topic=None):
    """No alert record has the id of another, no dead letter the place of another."""
    ids = [h["ce_id"] for k, h, _ in alerts_of(alerts_topic) if not is_heartbeat(k, h)]
    letters = [tuple(x["headers"].get("funneld_" + n) for n in ("topic", "partition", "offset"))
               for x in (consume(deadletter_topic) if deadletter_topic else [])]
    for topic, seen in ((alerts_topic, ids), (deadletter_topic, letters)):
        twice = [x for x in seen if seen.count(x) > 1] if len(set(seen)) < len(seen) else []
        check(not twice, f"{topic}: {len(twice)} records are there more than once, the first: {twice[:1]!r}")


@atexit.register
def _end():
    for d in list(Daemon.alive):
        d.kill()
