# SPDX-License-Identifier: Apache-2.0
"""A proxy on loopback in front of the test broker, which knows enough of Kafka's frames to swallow, delay or cut
what a story names.

    proxy = Proxy()
    broker = kit.Broker(folder, settings=["--advertise", str(proxy.port)])
    proxy.lead_to(broker.behind)
    d = kit.Daemon(folder, kit.configuration("x", proxy.address))
    lost = proxy.on("EndTxn", "swallow", nth=3, committing=True)
    lost.wait(20)            # the broker has committed, the client was not told, its connection is gone

A request is: length (4 bytes), API key (2), version (2), correlation id (4), ...; an answer: length, the same
correlation id, .... Clients get to the broker by way of the proxy alone, since its listener advertises the
proxy's port; ktool and the broker itself go their own way.
"""
import socket
import struct
import threading
import time

import libkit as kit

API = {"Produce": 0, "Fetch": 1, "ListOffsets": 2, "Metadata": 3, "OffsetFetch": 9, "FindCoordinator": 10,
       "ApiVersions": 18, "InitProducerId": 22, "AddPartitionsToTxn": 24, "AddOffsetsToTxn": 25, "EndTxn": 26,
       "TxnOffsetCommit": 28}
NAMES = {number: name for name, number in API.items()}
FRAME_MAX = 200 * 1024 * 1024


class Rule:
    """What happens to the n-th request of an API, counted from when the rule was made:
    swallow  it gets to the broker; the answer does not come back, and the connection is cut
    cut      it does not get to the broker, and the connection is cut
    delay    it gets there `seconds` later, and what follows it on this connection too
    With hold=True the proxy lets nobody through any more, in the same instant, until Proxy.release()."""

    def __init__(self, proxy, api, action, nth, committing, seconds, hold):
        kit.check(api in API and action in ("swallow", "cut", "delay"), f"no such rule: {api}, {action}")
        self.proxy, self.api, self.action, self.left = proxy, api, action, nth
        self.committing, self.seconds, self.hold = committing, seconds, hold
        self.happened = threading.Event()
        self.answer = None  # of swallow: what the client did not get

    def matches(self, name, frame):
        if name != self.api or self.left <= 0:
            return False
        if self.committing is not None and ends_with_commit(frame) != self.committing:
            return False
        self.left -= 1
        return self.left == 0

    def wait(self, seconds=30):
        kit.check(self.happened.wait(seconds), f"no {self.api} to {self.action} within {seconds} s")


def ends_with_commit(end_txn):
    """EndTxn's last field, committed; from version 3 on a byte of tagged fields follows."""
    version = struct.unpack_from(">h", end_txn, 2)[0]
    return end_txn[-1 if version < 3 else -2] != 0


def read_exactly(sock, count):
    parts = []
    while count:
        part = sock.recv(min(count, 1 << 20))
        if not part:
            raise OSError("closed")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def read_frame(sock):
    """(length prefix and all, the frame alone)."""
    prefix = read_exactly(sock, 4)
    length = struct.unpack(">i", prefix)[0]
    if not 4 <= length <= FRAME_MAX:
        raise OSError(f"no Kafka frame: {length} bytes")
    frame = read_exactly(sock, length)
    return prefix + frame, frame


class Connection:
    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.waiting = {}  # correlation id: a rule that wants the answer, or None
        for direction in (self.requests, self.answers):
            threading.Thread(target=self._run, args=(direction,), daemon=True).start()

    def _run(self, direction):
        try:
            while True:
                direction()
        except OSError:
            pass
        self.cut()

    def requests(self):
        whole, frame = read_frame(self.client)
        if len(frame) < 8:
            raise OSError("no request")
        api, _, correlation = struct.unpack_from(">hhi", frame)
        rule = self.proxy.rule_for(NAMES.get(api, str(api)), frame)
        if rule and rule.action == "cut":
            self.proxy.did(rule)
            raise OSError("cut")
        if rule and rule.action == "delay":
            rule.happened.set()
            time.sleep(rule.seconds)
        if rule and rule.action == "swallow":
            self.waiting[correlation] = rule
        self.server.sendall(whole)

    def answers(self):
        whole, frame = read_frame(self.server)
        rule = self.waiting.pop(struct.unpack_from(">i", frame)[0], None)
        if rule:
            rule.answer = frame
            self.proxy.did(rule)
            raise OSError("cut")
        self.client.sendall(whole)

    def cut(self):
        self.proxy.forget(self)
        for sock in (self.client, self.server):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()


class Proxy:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.target = None
        self.held = False
        self.seen = {}  # API name: requests so far
        self.rules = []
        self.connections = set()
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def lead_to(self, address):
        host, port = address.rsplit(":", 1)
        self.target = (host, int(port))

    def on(self, api, action, nth=1, committing=None, seconds=0, hold=False):
        """committing: of EndTxn only: True commits, False aborts, None either."""
        rule = Rule(self, api, action, nth, committing, seconds, hold)
        with self.lock:
            self.rules.append(rule)
        return rule

    def hold(self):
        """Cuts every connection, and every new one until release()."""
        self.held = True
        with self.lock:
            all_of_them = list(self.connections)
        for c in all_of_them:
            c.cut()

    def release(self):
        self.held = False

    def close(self):
        self.hold()
        self.listener.close()

    # --- for the connections

    def rule_for(self, name, frame):
        with self.lock:
            self.seen[name] = self.seen.get(name, 0) + 1
            return next((r for r in list(self.rules) if r.matches(name, frame)), None)

    def did(self, rule):
        if rule.hold:
            self.hold()
        rule.happened.set()

    def forget(self, connection):
        with self.lock:
            self.connections.discard(connection)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                if self.held or not self.target:
                    raise OSError("held")
                server = socket.create_connection(self.target, timeout=5)
            except OSError:
                client.close()
                continue
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(None)
            connection = Connection(self, client, server)
            with self.lock:
                self.connections.add(connection)
            if self.held:  # meanwhile
                connection.cut()
