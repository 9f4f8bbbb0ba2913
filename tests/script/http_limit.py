#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""More connections than the HTTP server takes, then none: it must answer again. $FUNNELD: the binary. No broker."""
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

# The server gives up on an idle connection after 15 s, where it did not see it go.
RECOVERY_S = 25

CONFIGURATION = """kafka: {bootstrap.servers: "127.0.0.1:1"}
inputs: [{topic: a}]
http: 127.0.0.1:%d
funnels: {s: {stages: [a, b]}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def healthy(port):
    with urllib.request.urlopen("http://127.0.0.1:%d/healthz" % port, timeout=5) as answer:
        return answer.status == 200


def wait_healthy(port, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            return healthy(port)
        except OSError:
            time.sleep(0.1)
    return False


def half_request(port, i):
    """From several addresses: one alone is held to its own, lower limit."""
    s = socket.socket()
    s.bind(("127.0.1.%d" % (i // 4 + 1), 0))
    s.settimeout(3)
    s.connect(("127.0.0.1", port))
    s.send(b"GET /he")
    return s


def come_and_go(port, count):
    halves = [half_request(port, i) for i in range(count)]
    time.sleep(0.5)
    for s in halves:
        s.close()
    if not wait_healthy(port, RECOVERY_S):
        sys.exit("no answer within %d s after %d connections came and went" % (RECOVERY_S, count))


def main():
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="funneld-http-") as folder:
        path = os.path.join(folder, "funneld.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(CONFIGURATION % port)
        daemon = subprocess.Popen([os.environ["FUNNELD"], "run", "-c", path], stderr=subprocess.DEVNULL)
        try:
            if not wait_healthy(port, 10):
                sys.exit("the daemon does not answer at all")
            for count in (140, 200):
                come_and_go(port, count)
        finally:
            daemon.terminate()
            if daemon.wait(20) != 0:
                sys.exit("SIGTERM: exit %d" % daemon.returncode)
    print("more connections than it takes came and went, and it answers")


main()
