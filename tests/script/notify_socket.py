#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the service manager and HTTP are told while no broker answers: a datagram socket stands in for
systemd. READY=1 must not come; WATCHDOG=1 must, for waiting is legitimate; SIGTERM ends it at once."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

CONFIG = """\
group: notify
kafka: {bootstrap.servers: 127.0.0.1:%d}
inputs: [{topic: events}]
http: 127.0.0.1:%d
funnels: {f: {stages: [a, b]}}
"""
failures = []


def check(ok, what):
    print(("ok" if ok else "FAIL") + ": " + what)
    if not ok:
        failures.append(what)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def collect(listener, until, seconds):
    """Messages so far; stops when one satisfies `until`."""
    end, seen = time.monotonic() + seconds, []
    while time.monotonic() < end:
        listener.settimeout(max(0.01, end - time.monotonic()))
        try:
            seen.append(listener.recv(4096).decode())
        except TimeoutError:
            break
        if until(seen[-1]):
            break
    return seen


def main():
    work = tempfile.TemporaryDirectory()
    config, path = os.path.join(work.name, "c.yaml"), os.path.join(work.name, "notify")
    broker, http = free_port(), free_port()
    with open(config, "w") as f:
        f.write(CONFIG % (broker, http))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    env = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="600000")
    env.pop("WATCHDOG_PID", None)
    with open(os.path.join(work.name, "log"), "w+") as log:
        daemon = subprocess.Popen([os.environ["FUNNELD"], "run", "-c", config], env=env, stderr=log)
        try:
            seen = collect(listener, lambda m: "waiting for the brokers" in m, 30)
            check(any("waiting for the brokers" in m for m in seen), "STATUS= says what it waits for")
            seen += collect(listener, lambda m: m == "WATCHDOG=1", 10)
            check("WATCHDOG=1" in seen, "the watchdog is served while it waits")
            check("READY=1" not in seen, "it is not ready")
            check(get("http://127.0.0.1:%d/healthz" % http)[0] == 200, "/healthz answers")
            status, body = get("http://127.0.0.1:%d/ready" % http)
            check(status == 503 and "brokers" in str(json.loads(body)["reasons"]), "/ready tells the reason")
            daemon.send_signal(signal.SIGHUP)
            time.sleep(0.2)
            check(daemon.poll() is None, "SIGHUP does not end it")
            daemon.send_signal(signal.SIGTERM)
            check(daemon.wait(30) == 0, "SIGTERM ends it with 0")
            check("STOPPING=1" in collect(listener, lambda m: m == "STOPPING=1", 1), "STOPPING=1 is sent")
        finally:
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()
        log.seek(0)
        if failures:
            print(log.read())
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
