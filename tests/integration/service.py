#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a service manager, a scraper and a reader of the log see: notifications, exit codes, HTTP, log lines."""
import json
import os
import re
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
import libkit as kit

SECRET = "s3cret-%d-of-the-test" % os.getpid()
TOKEN = "t0ken-%d-of-the-test" % os.getpid()


class Manager:
    """systemd's end of NOTIFY_SOCKET: remembers what came, and when."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        self.path = path
        self.seen = []

    def take(self):
        while True:
            try:
                text = self.socket.recv(65536).decode()
            except BlockingIOError:
                return self.seen
            self.seen += [(time.monotonic(), line) for line in text.splitlines()]

    def first(self, wanted):
        return next((t for t, line in self.take() if line == wanted), None)

    def last(self, wanted):
        return max((t for t, line in self.take() if line == wanted), default=None)

    def statuses(self):
        return [line[7:] for _, line in self.take() if line.startswith("STATUS=")]


def start(folder, broker, manager, **over):
    config = kit.configuration("service", broker.bootstrap, **over)
    config["kafka"].update({"security.protocol": "plaintext", "sasl.mechanisms": "PLAIN",
                            "sasl.username": "somebody", "sasl.password": "${IT_PASSWORD}"})
    if config.get("log", {}).get("level") == "debug":
        config["kafka"]["debug"] = "conf,security,broker,eos"
    # WATCHDOG_PID is left out: then it is everybody's.
    env = {"IT_PASSWORD": SECRET, "IT_TOKEN": TOKEN, "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "600000"}
    return kit.Daemon(folder, config, env)


def notifications(folder, broker):
    manager = Manager(folder + "/notify-1")
    d = start(folder, broker, manager, log={"level": "debug"})
    d.wait_ready()
    kit.wait_committed("service.in", "service")
    kit.check(manager.first("READY=1"), "no READY=1")
    kit.check(any(s.startswith("running: lag ") for s in kit.wait_for(
        "a status line", 5, lambda: [s for s in manager.statuses() if s.startswith("running")])), "no status line")
    time.sleep(1.3)
    pings = [t for t, line in manager.take() if line == "WATCHDOG=1"]
    # Every 0.3 s; a busy machine may be late, but not by so much that systemd would act.
    kit.check(len(pings) >= 3, f"only {len(pings)} watchdog pings")
    d.stop(5)
    kit.check(manager.first("STOPPING=1"), "no STOPPING=1")
    kit.check(manager.first("STOPPING=1") > manager.first("READY=1"), "STOPPING=1 came before READY=1")
    kit.same("READY=1", 1, sum(line == "READY=1" for _, line in manager.take()))

    # Ready is said only after the rebuild: as soon as it is said, /ready agrees.
    again = Manager(folder + "/notify-2")
    d2 = start(folder, broker, again, log={"level": "debug"}, state={"dir": d.state_dir})
    kit.wait_for("READY=1", 20, lambda: again.first("READY=1"), every=0.005)
    kit.same("/ready at READY=1", "running", d2.ready()[1].get("state"))
    kit.check("machines are made" in d2.text() and "from=snapshot" in d2.text(), "no snapshot was used")
    m = d2.metrics()
    kit.check(m["funneld_messages_total"] >= sum(kit.ends("service.in").values()), "READY=1 before the rebuild's end")
    kit.say(f"READY=1 after the rebuild, {len(pings)} watchdog pings, STOPPING=1")
    return d, d2


def http(d):
    def answer(what, wanted, *args, **more):
        status, text = d.http(*args, **more)
        kit.same(f"{what}: status", wanted, status)
        return text

    kit.same("/healthz", "ok\n", answer("/healthz", 200, "/healthz"))
    kit.same("/ready", True, json.loads(answer("/ready", 200, "/ready"))["ready"])
    m = d.metrics()  # and its form is checked
    for name in ("funneld_messages_total", "funneld_transactions_total", "funneld_events_total",
                 "funneld_alerts_firing", 'funneld_partition_lag{topic="service.in",partition="0"}'):
        kit.check(name in m, f"/metrics lacks {name}")
    kit.same("ready", 1, m["funneld_ready"])
    report = json.loads(answer("/api/v1/report", 200, "/api/v1/report"))
    kit.same("report: funnel", "shop", report["funnel"])
    answer("a funnel that is none", 404, "/api/v1/report?funnel=none")
    for path in ("/", "/healthz/", "/../etc/passwd", "/metrics/x", "/" + "x" * 3000):
        answer("no such page: " + path[:20], 404, path)
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer(method, 405, "/ready", method=method)
    answer("POST with a body", 405, "/ready", method="POST", body=b"x" * 100)
    answer("GET with a body", 400, "/ready", body=b"x" * 100)
    answer("GET with chunks", 400, "/ready", headers={"Transfer-Encoding": "chunked"})
    garbage(d)
    answer("afterwards", 200, "/healthz")


def garbage(d):
    """What is no HTTP, and what never ends, holds up nobody."""
    for data in (b"\x00\xff\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100000):
        with socket.create_connection(("127.0.0.1", d.port), timeout=5) as s:
            try:
                s.sendall(data)
            except OSError:
                pass
    slow = [socket.create_connection(("127.0.0.1", d.port), timeout=5) for _ in range(5)]
    for s in slow:
        s.sendall(b"GET /ready HTTP/1.1\r\n")
    kit.same("/healthz beside slow clients", 200, d.http("/healthz")[0])
    for s in slow:
        s.close()


def token(folder, broker):
    manager = Manager(folder + "/notify-3")
    d = start(folder, broker, manager, http_token="${IT_TOKEN}", log={"level": "debug", "format": "json"})
    kit.wait_for("HTTP", 10, lambda: d.http("/healthz")[0])
    for header, wanted in ((None, 401), ("Bearer " + TOKEN, 200), ("Bearer " + TOKEN + "x", 401), ("Bearer ", 401),
                           ("Bearer " + TOKEN[:-1], 401), ("Basic " + TOKEN, 401), (TOKEN, 401)):
        headers = {"Authorization": header} if header else {}
        kit.same(f"with {header and header.replace(TOKEN, 'TOKEN')}", wanted, d.http("/healthz", headers=headers)[0])
        kit.same("a page that is none", 401 if wanted == 401 else 404, d.http("/nix", headers=headers)[0])
    headers = {"Authorization": "Bearer " + TOKEN}
    kit.wait_for("ready", 20, lambda: d.http("/ready", headers=headers)[0] == 200)
    d.stop(5)
    for line in d.text().splitlines():
        entry = json.loads(line)
        kit.check("level" in entry and "msg" in entry, f"a JSON log line without level or msg: {line}")
    kit.say("HTTP: pages, refusals, bearer token")
    return d


def second_signal(folder, broker):
    """The last transaction cannot end, because the broker is frozen: the first signal waits, the second does not."""
    manager = Manager(folder + "/notify-4")
    d = start(folder, broker, manager)
    d.wait_ready()
    kit.produce("service.in", [{"key": f"odd-{i}", "value": "not JSON"} for i in range(100)])
    broker.freeze()
    d.signal(signal.SIGTERM)
    kit.wait_for("STOPPING=1", 5, lambda: manager.first("STOPPING=1"))
    time.sleep(0.5)
    waits = d.process.poll() is None
    began = time.monotonic()
    if waits:
        d.signal(signal.SIGTERM)
    status = d.wait(5)
    took = time.monotonic() - began
    broker.thaw()
    kit.check(took < 0.5, f"a second SIGTERM took {took:.1f} s")
    kit.check(status in ((kit.EXIT["unfinished"],) if waits else (0,)), f"exit {status} after the second SIGTERM")
    kit.say(f"a second SIGTERM: exit {status} after {took * 1000:.0f} ms")
    return waits


def logs(daemons):
    for d in daemons:
        text = d.text()
        kit.check(SECRET not in text and TOKEN not in text, f"a secret is in {d.log}")
        for line in text.splitlines():
            kit.check(re.match(r"<[0-7]>", line) or line.startswith("{"), f"a log line without priority: {line}")
        kit.check(re.search('level"?[=:]"?debug', text), "there is no debug line in a debug log")
        kit.check("CONF" in text, "librdkafka's debug lines are not in a debug log")


def story(folder, broker):
    broker.topics("service")
    kit.produce("service.in", kit.records(kit.shop(seed=5, hours=2, visits_an_hour=1500)))
    d, d2 = notifications(folder, broker)
    http(d2)
    d2.stop(5)
    d3 = token(folder, broker)
    # The transaction may have ended just before the freeze.
    kit.check(any(second_signal(folder, broker) for _ in range(4)), "no transaction was caught in the middle")
    logs([d, d2, d3])
    kit.say("log lines have priorities, and no secret")


kit.story(story)
