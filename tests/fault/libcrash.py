# SPDX-License-Identifier: Apache-2.0
"""A daemon that is killed, and the log it is fed with in chunks: for the stories of crash points."""
import os
import re
import time

from libcases import kit

PARTITIONS = 3
CHUNKS = 6

# Name: the orders of consecutive starts, each ended by the last point named; then one start undisturbed.
POINTS = {
    "1-replay": ["txn.commit:3", "replay:1", "replay:1"],
    "2-barrier": ["txn.commit:3", "barrier"],
    "3-outbox-frozen": ["outbox.frozen:2"],
    "4-produce-half": ["produce.half:3"],
    "5-before-offsets": ["txn.offsets:3"],
    "6-before-commit": ["txn.commit:3"],
    "7-committed": ["txn.committed:3", "txn.committed:2"],
    "8-abort": ["txn.fail:3:fail,txn.abort"],
    "8-aborted": ["txn.fail:3:fail,txn.aborted"],
    # One record has no half: then the next one that fails.
    "8-resend": ["txn.fail:3:fail,txn.fail:5:fail,txn.fail:7:fail,txn.fail:9:fail,txn.resend"],
    "9-before-rename": ["snapshot.written:1:delay=1500,snapshot.written:1",
                        "snapshot.written:2:delay=1500,snapshot.written:2"],
    "10-child-and-parent": ["snapshot.child@both:1", "snapshot.child@both:2"],
    "12-durable": ["snapshot.durable:1", "snapshot.durable:2"],
}


def named(name, function):
    """As libcases names it."""
    function.__name__ = name
    return function


def log_of(seed, partitions=PARTITIONS, **over):
    """Every tenth record is a bad one, so that there is no transaction without output."""
    result = []
    events = kit.shop(seed, **{"hours": 3, "visits_an_hour": 2000, **over})
    for i, r in enumerate(kit.records(events, partitions)):
        if i % 10 == 0:
            result.append({"partition": r["partition"], "ts": r["ts"], "key": f"bad-{i}", "value": f"bad {i}"})
        result.append(r)
    return result


class Scene:
    """Topics and a daemon. The log comes in chunks, each when the one before is committed: at least a transaction
    for each, however fast or slow the machine is. Snapshots are taken every second in which something came in;
    `pause` gives each chunk a second of its own."""

    pause = 0

    def __init__(self, folder, broker, name, records, **over):
        self.name, self.topic = name, name + ".in"
        broker.topics(name, PARTITIONS)
        size = len(records) // CHUNKS + 1
        self.chunks = [records[i:i + size] for i in range(0, len(records), size)]
        config = kit.configuration(name, broker.bootstrap, **{"state": {"snapshot": "1s"}, **over})
        self.daemon = kit.Daemon(folder, config, start=False)

    # --- what the daemon does

    def begin(self, orders=None):
        """Another start, unless it runs undisturbed already."""
        if orders is None and self.daemon.process and not self.ended():
            return
        self.daemon.faults = orders
        self.daemon.start()

    def ended(self):
        return self.daemon.process.poll() is not None

    def settled(self):
        """What is in the log is committed."""
        try:
            now = kit.committed(self.topic, self.name, "--timeout", "2")
        except kit.Failed:  # killed with offsets in an open transaction: nobody is told any before that is over
            return False
        return all((now.get(p) or 0) >= high for p, high in kit.ends(self.topic).items())

    def wait_settled(self):
        kit.wait_for(f"{self.name}: a commit, or an end", 60, lambda: self.ended() or self.settled(), every=0.15)

    def feed(self, left=0):
        """All of the log but so many chunks, or until the daemon has ended."""
        self.wait_settled()
        while len(self.chunks) > left and not self.ended():
            kit.produce(self.topic, self.chunks.pop(0))
            self.wait_settled()
            time.sleep(0 if self.ended() else self.pause)

    def killed(self, orders, left=0):
        """Started, and ended by the last of the points."""
        self.begin(orders)
        self.feed(left)
        self.daemon.wait_fault(re.split("[:@]", orders.rsplit(",", 1)[-1])[0], 20)

    def finish(self):
        """The rest of the log; then a clean stop, and a start after it whose replay gives the same again."""
        self.feed()
        kit.check(not self.chunks and not self.ended(), f"{self.name}: funneld has ended, see {self.daemon.log}")
        self.daemon.wait_ready(60)
        self.sound()
        self.daemon.stop()
        self.daemon.faults = None
        self.daemon.start()
        self.daemon.wait_ready(60)
        kit.same(f"{self.name}: machines come from", "snapshot", self.made_from()[0])
        self.sound()
        self.daemon.stop()
        kept = self.snapshots()
        # A kill may leave one that the next durable one would remove; there was none where nothing came in.
        kit.check(1 <= len(kept) <= 3, f"{self.name}: {len(kept)} snapshots are kept")
        left = [x for x in os.listdir(self.daemon.state_dir) if x.endswith(".tmp")]
        kit.same(f"{self.name}: temporary files left", [], left)

    def sound(self):
        kit.same(f"{self.name}: conservation errors", 0, self.daemon.metrics()["funneld_conservation_errors_total"])

    # --- what it says

    def wait_metric(self, name, at_least, seconds=30):
        def probe():
            self.daemon.check_alive()
            try:
                return self.daemon.metrics().get(name, 0) >= at_least
            except kit.Failed:  # it is only starting
                return False

        kit.wait_for(f"{self.name}: {name} is {at_least}", seconds, probe, every=0.1)

    def last_said(self, pattern):
        """The groups of the last line like this since the last start."""
        found = re.findall(pattern, self.daemon.text(last_start=True))
        kit.check(found, f"{self.name}: the log has nothing like {pattern}, see {self.daemon.log}")
        return found[-1]

    def made_from(self):
        kind, generation = self.last_said(r'msg="machines are made" from="?([^"\n]*?)"? generation=(\d+)')
        return kind, int(generation)

    def durable(self):
        return int(self.last_said(r'msg="snapshot durable" generation=(\d+)'))

    def snapshots(self):
        """Generations that have their name."""
        names = os.listdir(self.daemon.state_dir)
        return [int(x.split("-")[1], 10) for x in names if re.fullmatch(r"snapshot-\d+", x)]


def again(scene, starts):
    for orders in starts:
        scene.killed(orders)
    return f"killed {len(starts)} times"


def check_calm(name, calm="calm", at_least=50):
    """As the undisturbed daemon."""
    count = kit.same_alerts(calm + ".alerts", name + ".alerts", at_least=at_least)
    kit.nothing_twice(name + ".alerts", name + ".dead")
    kit.same(f"{name}: dead letters", len(kit.consume(calm + ".dead")), len(kit.consume(name + ".dead")))
    return count
