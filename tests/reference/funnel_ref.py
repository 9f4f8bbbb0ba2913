#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reference of the funnel automaton: brute force, slow, and written apart from funneld's own code.

  funnel_ref.py CONF.json EVENTS.ndjson [--cohort day|week|month] [--trace ENTITY]

CONF.json has the keys of funneld's YAML that concern counting (`funnels`, `time`); EVENTS.ndjson is the log of one
partition in the plain form. Prints one report object a funnel, as `funneld report --format json` does.

The model, in the words of docs/semantics.md. A partition hands its events out in order of event time, or at once when
late. An automaton per funnel applies them one by one: the rows of the table stand in `Automaton.apply` in the
table's own order, the first that fits wins. Nothing is aggregated meanwhile: every stay and every credited entry
of the whole history is kept as an object. The report counts these objects afterwards, once per question, so no count
can disagree with another by book-keeping; conservation is asserted all the same.

Readings of the text where it leaves a choice:

 R1  The watermark follows every well-formed event of the partition, of other funnels too; an event with an unknown
     stage is a bad message and changes nothing: neither the watermark nor an entity's window.
 R2  A late event happens at max(own time, start of the open pane, the position's entry); an older one at the position's
     entry; a window is compared with that time. Exactly at its end a stay is still open.
 R3  An event without effect teaches nothing (amount, owner, dims); nor do an older one, a repeat, an action.
     `ignored` counts those without effect, `lost` of a closed attempt among them; not repeats, actions, dead letters.
 R4  Every event of a known entity, an action or one without effect too, is one at which its windows are compared.
 R5  `older` with a stage past the highest moves the position only if that stage is `won` itself.
 R6  An expired stay that is skipped (`skip: direct`) is no late advance; one that is credited past is.
 R7  `won` counts where it is entered or credited by an event; a seed in it, or a direct skip over it, does not. The
     first event of an entity may be `won`: its cycle is 0.
 R8  `regress: new_attempt` and a re-entry are no regressions: only `back` is counted in `regressed`.
 R9  Seeds know no order: `order: strict` takes a seed at any stage. A seed is an attempt, but reaches no stage.
 R10 Quantiles are by nearest rank: the ceil(q n)-th smallest. A stay seeded at its true age has a dwell.
 R11 At the end of the file the buffer is let out in order; closed are the panes before the last event's, and the silent
    stays are looked at in that last pane.
 R12 Entities are never forgotten: a stream in which one would be is refused.
"""
import argparse
import json
import math
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

NONE = "__none__"
OUTCOMES = ("advanced", "lost", "deleted", "superseded", "skipped", "expired")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MS = timedelta(milliseconds=1)


# Units -------------------------------------------------------------------------------------------------------------

def duration_ms(text):
    """'14d' -> ms; a bare 0 is 0."""
    text = str(text)
    for unit, size in (("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)):
        if text.endswith(unit) and text[:-len(unit)].isdigit():
            return int(text[:-len(unit)]) * size
    if text == "0":
        return 0
    raise ValueError("not a duration: " + text)


def time_ms(value):
    """RFC 3339 or epoch milliseconds -> ms."""
    return value if isinstance(value, int) else (datetime.fromisoformat(value) - EPOCH) // MS


def amount_minor(value):
    """Decimal with at most two places -> minor units."""
    minor = Decimal(str(value)) * 100
    if minor != int(minor):
        raise ValueError("more than two decimal places: %s" % value)
    return int(minor)


def amount_text(minor):
    return "%s%d.%02d" % ("-" if minor < 0 else "", abs(minor) // 100, abs(minor) % 100)


def seconds(ms):
    return round(ms / 1000, 3)


# Calendar ----------------------------------------------------------------------------------------------------------

def zone_of(name):
    """'UTC', '+08:00' or an IANA name."""
    if name[0] in "+-":
        return timezone(datetime.strptime(name, "%z").utcoffset())
    return timezone.utc if name == "UTC" else ZoneInfo(name)


def day_of(ms, zone):
    return (EPOCH + ms * MS).astimezone(zone).date()


def day_start_ms(day, zone):
    return (datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(timezone.utc) - EPOCH) // MS


def unit_of(day, unit):
    """First day of the calendar unit that holds the day, first day of the next one, and the unit's name."""
    if unit == "day":
        return day, day + timedelta(1), day.isoformat()
    if unit == "week":
        monday = day - timedelta(day.weekday())
        return monday, monday + timedelta(7), "%d-W%02d" % day.isocalendar()[:2]
    first = day.replace(day=1)
    return first, (first + timedelta(31)).replace(day=1), first.isoformat()[:7]


# Settings ----------------------------------------------------------------------------------------------------------

@dataclass
class Clock:
    """The `time` block: of a partition and of every funnel in it."""
    zone: object
    pane: int
    lateness: int
    late: str

    @classmethod
    def read(cls, conf):
        return cls(zone_of(conf.get("zone", "UTC")), duration_ms(conf.get("pane", "1m")),
                   duration_ms(conf.get("lateness", "2s")), choice(conf, "late", "apply", "deadletter"))


def choice(conf, key, *allowed):
    """The setting's value; the first one allowed is the default."""
    value = conf.get(key, allowed[0])
    if value not in allowed:
        raise ValueError("%s: %s is none of %s" % (key, value, ", ".join(allowed)))
    return value


class Funnel:
    """One funnel's definition. Step i is the edge from stage i to stage i + 1; the last stage has none."""

    KEYS = {"stages", "won", "lost", "order", "skip", "regress", "reentry", "window", "overall", "forget_after", "dims",
            "segments", "breakdowns", "actions"}

    def __init__(self, name, conf):
        if set(conf) - self.KEYS:
            raise ValueError("not known to the reference: " + ", ".join(sorted(set(conf) - self.KEYS)))
        stages = [{"id": s} if isinstance(s, str) else s for s in conf["stages"]]
        self.name = name
        self.stages = [s["id"] for s in stages]
        self.last = len(stages) - 1
        self.won = self.stages.index(conf.get("won", self.stages[-1]))
        self.lost = as_list(conf.get("lost", []))
        self.actions = conf.get("actions", [])
        self.loop = stages[-1].get("loop", False)
        self.windows = [duration_ms(s.get("window", conf.get("window", "30d"))) for s in stages[:-1]]
        self.overall = duration_ms(conf["overall"]) if "overall" in conf else sum(self.windows)
        self.forget_after = duration_ms(conf["forget_after"]) if "forget_after" in conf else 2 * max(self.windows + [self.overall])
        self.strict = choice(conf, "order", "flow", "strict") == "strict"
        self.skip = "ignore" if self.strict else choice(conf, "skip", "credit", "direct", "ignore", "reject")
        self.regress = "ignore" if self.strict else choice(conf, "regress", "back", "new_attempt", "ignore")
        self.reentry = choice(conf, "reentry", "new_attempt", "ignore")
        self.dims = list(conf.get("dims", {}))
        self.segments = [list(s) for s in conf.get("segments", [])]
        self.breakdowns = list(conf.get("breakdowns", []))
        if any(b != "owner" for b in self.breakdowns):
            raise ValueError("the reference breaks down by owner only")
        if not 0 < self.won <= self.last:
            raise ValueError("won must be a stage after the first")

    def knows(self, stage):
        return stage in self.stages or stage in self.lost or stage in self.actions


def as_list(value):
    return value if isinstance(value, list) else [value]


# Events ------------------------------------------------------------------------------------------------------------

@dataclass
class Event:
    offset: int
    entity: str
    funnel: object
    stage: object
    etime: int
    op: object
    amount: object
    owner: object
    reason: object
    entered_at: object
    dims: dict

    @classmethod
    def read(cls, offset, o):
        return cls(offset, str(o["entity_id"]), o.get("funnel"), o.get("stage"), time_ms(o["ts"]), o.get("op"),
                   amount_minor(o["amount"]) if "amount" in o else None, o.get("owner"), o.get("reason"),
                   time_ms(o["entered_at"]) if "entered_at" in o else None, o.get("dims", {}))


# What the automaton leaves behind ----------------------------------------------------------------------------------

@dataclass
class Stay:
    """An attempt's passage through a step. `outcome` stays None while no event has ended it."""
    window: int
    step: object                   # index, or "overall"
    begin: int
    leaf: tuple
    owner: str
    seeded: bool
    outcome: object = None
    end: object = None
    late_advance: bool = False

    def close(self, outcome, at):
        assert self.outcome is None, "a stay ends once"
        assert at >= self.begin, "no stay ends before its begin"
        assert outcome == "expired" or at - self.begin <= self.window, "a stay past its window has expired"
        self.outcome, self.end = outcome, at


@dataclass
class Credit:
    """An entry and a conversion at one instant."""
    step: int
    begin: int
    leaf: tuple
    owner: str


@dataclass
class Attempt:
    start: int
    position: int
    entry: int                     # when the position was entered
    highest: int
    ordinary: bool                 # began with an event, not with a seed
    stay: object = None            # of step `highest`; None at the last stage, and for a seed outside the sums
    overall: object = None
    closed: object = None          # when it was lost


@dataclass
class Entity:
    dims: dict
    owner: str = NONE
    amount: int = 0
    attempt: object = None


@dataclass
class Counts:
    events: int = 0
    ignored: int = 0
    late: int = 0
    deadletters: int = 0
    entities: int = 0
    attempts: int = 0


# The automaton -----------------------------------------------------------------------------------------------------

class Automaton:
    """One funnel over one partition."""

    def __init__(self, funnel):
        self.f = funnel
        self.known = {}            # id -> Entity
        self.stays, self.credits, self.cycles = [], [], []
        self.n = Counts()
        self.reached, self.regressed, self.won_amount = Counter(), Counter(), 0
        self.repeats, self.repeat_amount = 0, 0
        self.lost_reasons = Counter()
        self.first = self.latest = None
        self.trace = []            # (event, time applied at or None, row, late)

    def count(self, e):
        """Every event that matched and whose stage is known, before its fate is decided."""
        self.n.events += 1
        self.first = e.etime if self.first is None else min(self.first, e.etime)
        self.latest = e.etime if self.latest is None else max(self.latest, e.etime)

    def reject(self, e, why, late=False):
        self.n.deadletters += 1
        self.trace.append((e, None, "dead letter: " + why, late))

    def ignore(self, why):
        self.n.ignored += 1
        return "ignored: " + why

    def take(self, e, open_pane=None):
        """An event whose turn it is. `open_pane`: the start of the open pane if it is late, else None."""
        x = self.known.get(e.entity)
        at = e.etime
        if open_pane is not None:
            at = max(at, open_pane, x.attempt.entry if x else at)
        row = self.apply(x, e, at)
        if row == "rejected":
            self.reject(e, "skip", open_pane is not None)
        else:
            self.trace.append((e, at, row, open_pane is not None))

    def apply(self, x, e, at):
        """The table of docs/semantics.md: the first row that fits. Returns the row's name."""
        f = self.f
        k = f.stages.index(e.stage) if e.stage in f.stages else None
        is_delete, is_lost, is_action = e.op == "d", e.stage in f.lost, e.stage in f.actions

        # before every row: step's window passed
        if x:
            self.expire(x.attempt, at)

        # delete, also older
        if is_delete:
            if not x:
                return self.ignore("delete of an unknown entity")
            self.end_attempt(x, max(at, x.attempt.entry), "deleted")
            del self.known[e.entity]
            return "delete"

        # an action is no stage
        if is_action:
            return "action"

        # seed or first event of an entity; an exit stage: counted, no effect
        if not x:
            if is_lost:
                return self.ignore("exit stage of an unknown entity")
            if e.op != "r" and f.strict and k != 0:
                return self.ignore("strict order begins at the first stage")
            x = self.known[e.entity] = Entity(dims={d: NONE for d in f.dims})
            self.n.entities += 1
            self.learn(x, e)
            if e.op == "r":
                self.seed(x, k, e.entered_at, at)
                return "seed"
            self.begin_attempt(x, k, at)
            return "first event"

        a = x.attempt
        older = e.etime < (a.entry if a.closed is None else a.closed)
        t = max(at, a.entry)

        # lost, also older
        if is_lost:
            if a.closed is not None:
                return self.ignore("lost already")
            if not older:
                self.learn(x, e)
            self.end_attempt(x, t, "lost")
            a.closed = t
            self.lost_reasons[NONE if e.reason is None else e.reason] += 1
            return "lost"

        # any stage after lost, or the first stage after won, not older
        if not older and (a.closed is not None or (k == 0 and a.highest >= f.won)):
            if f.reentry == "ignore":
                return self.ignore("re-entry")
            if f.strict and k != 0:
                return self.ignore("strict order begins at the first stage")
            self.learn(x, e)
            self.end_attempt(x, t, "superseded")
            self.begin_attempt(x, k, t)
            return "re-entry"

        # last stage with loop, reached before
        if f.loop and k == f.last and a.highest == f.last:
            self.repeats += 1
            self.repeat_amount += e.amount or 0
            return "repeat"

        # older
        if older:
            if a.closed is None and k > a.highest and not f.strict:
                return self.advance(x, e, k, t, older=True)
            return self.ignore("backfill")

        # same stage as the position
        if k == a.position:
            self.learn(x, e)
            return "refresh"

        # k = highest + 1, k > highest + 1
        if k > a.highest:
            return self.advance(x, e, k, t, older=False)

        # position < k <= highest
        if k > a.position:
            self.learn(x, e)
            a.position, a.entry = k, t
            return "position moves up"

        # k < position
        if f.regress == "ignore":
            return self.ignore("regression")
        self.learn(x, e)
        if f.regress == "new_attempt":
            self.end_attempt(x, t, "superseded")
            self.begin_attempt(x, k, t)
            return "regression to a new attempt"
        self.regressed[a.position] += 1
        a.position, a.entry = k, t
        return "regression"

    def advance(self, x, e, k, t, older):
        """A stage past the highest: the next one, or one further on by the skip policy."""
        f, a = self.f, x.attempt
        skipped = range(a.highest + 1, k)
        if skipped and f.skip == "ignore":
            return self.ignore("skip")
        if skipped and f.skip == "reject":
            return "rejected"
        if not older:
            self.learn(x, e)
        if skipped and f.skip == "direct":
            self.end_stay(a.stay, "skipped", t)
        else:
            self.end_stay(a.stay, "advanced", t)
            for j in skipped:
                self.reached[j] += 1
                self.credits.append(Credit(j, t, self.leaf(x), x.owner))
                if j == f.won:
                    self.win(x, t)
        self.enter(x, k, t)
        if not older or k == f.won:
            a.position, a.entry = k, t
        return ("advance" if not skipped else "skip: " + f.skip) + (", older" if older else "")

    # The parts of an effect

    def learn(self, x, e):
        """The entity's latest amount, owner and dims; what the event lacks keeps its value."""
        x.dims.update((d, e.dims[d]) for d in self.f.dims if d in e.dims)
        x.owner = x.owner if e.owner is None else e.owner
        x.amount = x.amount if e.amount is None else e.amount

    def leaf(self, x):
        return tuple(x.dims[d] for d in self.f.dims)

    def stay(self, x, step, begin, seeded=False):
        window = self.f.overall if step == "overall" else self.f.windows[step]
        self.stays.append(Stay(window, step, begin, self.leaf(x), x.owner, seeded))
        return self.stays[-1]

    def begin_attempt(self, x, k, t):
        self.n.attempts += 1
        x.attempt = Attempt(start=t, position=k, entry=t, highest=k, ordinary=True)
        if k == 0:
            x.attempt.overall = self.stay(x, "overall", t)
        self.enter(x, k, t)

    def seed(self, x, k, entered_at, at):
        f = self.f
        self.n.attempts += 1
        begin = at if entered_at is None or entered_at > at else entered_at
        a = x.attempt = Attempt(start=begin, position=k, entry=begin, highest=k, ordinary=False)
        if entered_at is None or entered_at > at or k == f.last:
            return
        if at - begin <= f.windows[k]:
            a.stay = self.stay(x, k, begin, seeded=True)
        if k == 0 and at - begin <= f.overall:
            a.overall = self.stay(x, "overall", begin, seeded=True)

    def enter(self, x, k, t):
        """Stage k is first reached in this attempt."""
        a = x.attempt
        self.reached[k] += 1
        a.highest = k
        a.stay = self.stay(x, k, t) if k < self.f.last else None
        if k == self.f.won:
            self.win(x, t)

    def win(self, x, t):
        a = x.attempt
        self.won_amount += x.amount
        self.end_stay(a.overall, "advanced", t)
        if a.ordinary:
            self.cycles.append(t - a.start)

    def expire(self, a, at):
        for s in (a.stay, a.overall):
            if s and s.outcome is None and at - s.begin > s.window:
                s.close("expired", at)

    def end_stay(self, s, outcome, t):
        if s and s.outcome is None:
            s.close(outcome, t)
        elif s and s.outcome == "expired" and outcome == "advanced":
            s.late_advance = True

    def end_attempt(self, x, t, outcome):
        self.end_stay(x.attempt.stay, outcome, t)
        self.end_stay(x.attempt.overall, outcome, t)


# The partition: event time -----------------------------------------------------------------------------------------

class Partition:
    """One log, its watermark and its reorder buffer, in front of every funnel's automaton."""

    def __init__(self, conf):
        self.clock = Clock.read(conf.get("time", {}))
        self.automata = [Automaton(Funnel(name, c)) for name, c in conf["funnels"].items()]
        self.waiting = []
        self.max_etime = None

    @property
    def watermark(self):
        return -math.inf if self.max_etime is None else self.max_etime - self.clock.lateness

    def push(self, e):
        wanted = [m for m in self.automata if e.funnel is None or e.funnel == m.f.name]
        takers = [m for m in wanted if e.op == "d" or m.f.knows(e.stage)]
        if wanted and not takers:
            for m in wanted:
                m.reject(e, "unknown stage")
            return
        for m in takers:
            m.count(e)
        if e.etime < self.watermark:
            self.push_late(e, takers)
            return
        self.waiting.append((e, takers))
        self.max_etime = e.etime if self.max_etime is None else max(self.max_etime, e.etime)
        self.release(self.watermark)

    def push_late(self, e, takers):
        pane = self.clock.pane
        for m in takers:
            m.n.late += 1
            if self.clock.late == "deadletter":
                m.reject(e, "late", late=True)
            else:
                m.take(e, open_pane=self.watermark // pane * pane)

    def release(self, until):
        due = sorted((w for w in self.waiting if w[0].etime <= until), key=lambda w: (w[0].etime, w[0].offset))
        self.waiting = [w for w in self.waiting if w[0].etime > until]
        for e, takers in due:
            for m in takers:
                m.take(e)

    def finish(self):
        """End of file. Returns the last closed pane."""
        self.release(math.inf)
        return None if self.max_etime is None else self.max_etime // self.clock.pane - 1


# Who has expired unheard -------------------------------------------------------------------------------------------

def age_bins(window_panes):
    """DETECTION section 2: edges e_0..e_B of the age bins and the columns' shifts s_0..s_{B-1}."""
    e = [0]
    while len(e) <= 24:
        i = len(e)
        e.append(max(e[-1] + 1, math.floor(window_panes ** ((i - 1) / 23) + 0.5)))
        if e[i] >= window_panes or i == 24:
            e[i] = window_panes + 1
            break
    s = [0]
    for j in range(1, len(e) - 1):
        s.append(max(s[-1], math.floor(math.log2(max(1, (e[j + 1] - e[j]) / 16)))))
    return e, s


def leaves_bin(j, entry_pane, window_panes):
    """X_j(p): the pane at whose close a stay entered in pane p leaves bin j."""
    e, s = age_bins(window_panes)
    return ((((entry_pane >> s[j]) + 1) << s[j]) - 1) + e[j + 1]


def expiry_pane(entry_pane, window_panes):
    """The pane at whose close a stay of which nobody hears again turns `expired`: X_{B-1}(p)."""
    return leaves_bin(len(age_bins(window_panes)[0]) - 2, entry_pane, window_panes)


# The report --------------------------------------------------------------------------------------------------------

class Report:
    """Counts what an automaton left behind, at the close of the last pane."""

    def __init__(self, automaton, clock, last_closed):
        self.m, self.f, self.clock, self.last_closed = automaton, automaton.f, clock, last_closed
        self.expiry_panes, self.days, self.day_ends = {}, {}, {}
        self.refuse_forgotten()

    def refuse_forgotten(self):
        for x in self.m.known.values():
            if self.last_closed is not None and (self.last_closed + 2) * self.clock.pane - x.attempt.entry > self.f.forget_after:
                raise ValueError("forget_after would be reached: not part of the reference")

    # Outcome of a stay that no event has ended

    def unheard(self, s):
        """In the totals: by the column rule at the pane of the last event, which time has reached."""
        key = s.begin // self.clock.pane, s.window // self.clock.pane
        if key not in self.expiry_panes:
            self.expiry_panes[key] = expiry_pane(*key)
        return "expired" if self.last_closed + 1 >= self.expiry_panes[key] else "open"

    def unheard_in_cohort(self, s):
        """In a cohort: all of a day's at once, when the window has passed for all of them."""
        end = day_start_ms(self.day(s.begin) + timedelta(1), self.clock.zone)
        return "expired" if (self.last_closed + 1) * self.clock.pane > end + s.window else "open"

    def day(self, ms):
        if ms not in self.days:
            self.days[ms] = day_of(ms, self.clock.zone)
        return self.days[ms]

    # Steps of a set of stays

    def steps(self, stays, credits, unheard):
        out = []
        for k in range(self.f.last):
            row = {"from": self.f.stages[k], "to": self.f.stages[k + 1]}
            row.update(self.step([s for s in stays if s.step == k], [c for c in credits if c.step == k], unheard))
            out.append(row)
        return out

    def step(self, stays, credits, unheard):
        self.assert_conservation(stays, unheard)
        outcome = Counter(s.outcome or unheard(s) for s in stays)
        row = {"entered": sum(not s.seeded for s in stays), "credited": len(credits), "seeded": sum(s.seeded for s in stays)}
        row.update((o, outcome[o]) for o in OUTCOMES + ("open",))
        converted, all_ = row["advanced"] + row["credited"], row["entered"] + row["credited"] + row["seeded"]
        row["rate"], row["low"], row["high"] = wilson(converted, all_)
        row["late_advance"] = sum(s.late_advance for s in stays)
        row["dwell"] = distribution([s.end - s.begin for s in stays if s.outcome == "advanced"])
        return row

    def assert_conservation(self, stays, unheard):
        """Per leaf: what has come in is what has gone out or is open (credited stand on both sides)."""
        for leaf in {s.leaf for s in stays}:
            of = [s for s in stays if s.leaf == leaf]
            outcome = Counter(s.outcome or unheard(s) for s in of)
            came = sum(not s.seeded for s in of) + sum(s.seeded for s in of)
            assert came == sum(outcome[o] for o in OUTCOMES + ("open",)), "conservation at leaf %s" % (leaf,)
        assert all(s.outcome in OUTCOMES + (None,) for s in stays)
        assert not any(s.late_advance and s.outcome != "expired" for s in stays)

    def segments(self, stays, credits, unheard):
        out = []
        for dims in self.f.segments:
            at = [self.f.dims.index(d) for d in dims]
            pick = lambda o: tuple(o.leaf[i] for i in at)
            for values in sorted({pick(o) for o in stays + credits}):
                out.append({"segment": dict(zip(dims, values)),
                            "steps": self.steps([s for s in stays if pick(s) == values],
                                                [c for c in credits if pick(c) == values], unheard)})
        return out

    def breakdowns(self, stays, credits):
        return [{by: owner, "steps": self.steps([s for s in stays if s.owner == owner],
                                                [c for c in credits if c.owner == owner], self.unheard)}
                for by in self.f.breakdowns for owner in sorted({o.owner for o in stays + credits})]

    def cohorts(self, unit, stays, credits):
        of = lambda o: unit_of(self.day(o.begin), unit)
        out = []
        for first, next_, name in sorted({of(o) for o in stays + credits}):
            part = [s for s in stays if of(s)[0] == first], [c for c in credits if of(c)[0] == first]
            out.append({"from": day_start_ms(first, self.clock.zone), "to": day_start_ms(next_, self.clock.zone), "name": name,
                        "steps": self.steps(*part, self.unheard_in_cohort),
                        "segments": self.segments(*part, self.unheard_in_cohort)})
        return out

    # Stages and the whole

    def stages(self):
        m, f = self.m, self.f
        standing = [x for x in m.known.values() if x.attempt.closed is None]
        out = []
        for k, stage in enumerate(f.stages):
            here = [x for x in standing if x.attempt.position == k]
            row = {"stage": stage, "reached": m.reached[k], "stock": len(here),
                   "stock_amount": amount_text(sum(x.amount for x in here)), "regressed": m.regressed[k]}
            if k == f.won:
                row["won_amount"] = amount_text(m.won_amount)
            if k == f.last and f.loop:
                row["repeats"], row["repeat_amount"] = m.repeats, amount_text(m.repeat_amount)
            out.append(row)
        return out

    def whole(self, cohort=None):
        m, n = self.m, self.m.n
        stays, credits = [s for s in m.stays if s.step != "overall"], m.credits
        out = {"funnel": self.f.name, "from": m.first, "to": m.latest, "events": n.events, "entities": n.entities,
               "attempts": n.attempts, "late": n.late, "deadletters": n.deadletters, "ignored": n.ignored,
               "steps": self.steps(stays, credits, self.unheard), "stages": self.stages(),
               "lost_reasons": dict(sorted(m.lost_reasons.items())), "cycle": distribution(m.cycles),
               "segments": self.segments(stays, credits, self.unheard), "breakdowns": self.breakdowns(stays, credits),
               "overall": self.step([s for s in m.stays if s.step == "overall"], [], self.unheard)}
        if cohort:
            out["cohorts"] = self.cohorts(cohort, stays, credits)
        return out


def wilson(k, n, z=1.959963984540054):
    """Rate and its Wilson 95 % interval; nulls where there is nothing."""
    if n == 0:
        return None, None, None
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return p, max(0.0, middle - half), min(1.0, middle + half)


def distribution(ms):
    if not ms:
        return {"n": 0}
    ms = sorted(ms)
    rank = lambda percent: ms[-(-percent * len(ms) // 100) - 1]
    return {"n": len(ms), "mean_s": seconds(sum(ms) / len(ms)), "p50_s": seconds(rank(50)), "p90_s": seconds(rank(90)),
            "min_s": seconds(ms[0]), "max_s": seconds(ms[-1])}


# In and out --------------------------------------------------------------------------------------------------------

def replay(conf, objects):
    """A log (parsed lines, in order) through a partition. Returns the partition and its last closed pane."""
    p = Partition(conf)
    for offset, o in enumerate(objects):
        p.push(Event.read(offset, o))
    return p, p.finish()


def reports(conf, objects, cohort=None):
    """Configuration and log -> {funnel: report object}."""
    p, last_closed = replay(conf, objects)
    return {m.f.name: Report(m, p.clock, last_closed).whole(cohort) for m in p.automata}


def trace_lines(conf, objects, entity=None, funnel=None):
    """What happened to each event, in the order of application: for people."""
    p, _ = replay(conf, objects)
    utc = lambda ms: (EPOCH + ms * MS).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    for m in p.automata:
        for e, at, row, late in m.trace:
            if entity in (None, e.entity) and funnel in (None, m.f.name):
                yield "line %d %s entity %s %s%s at %s%s%s: %s" % (
                    e.offset + 1, m.f.name, e.entity, e.stage, "" if e.op is None else " op " + e.op, utc(e.etime),
                    " late" if late else "", "" if at in (None, e.etime) else ", applied at " + utc(at), row)


def load_events(path):
    with (sys.stdin if path == "-" else open(path, encoding="utf-8")) as lines:
        return [json.loads(line, parse_float=Decimal) for line in lines if line.strip()]


def main():
    args = argparse.ArgumentParser(description="Reference report of a funnel log.")
    args.add_argument("conf")
    args.add_argument("events")
    args.add_argument("--cohort", choices=["day", "week", "month"])
    args.add_argument("--trace", metavar="ENTITY", help="explain one entity instead")
    args = args.parse_args()
    with open(args.conf, encoding="utf-8") as f:
        conf = json.load(f)
    if args.trace:
        print("\n".join(trace_lines(conf, load_events(args.events), args.trace)))
        return
    for report in reports(conf, load_events(args.events), args.cohort).values():
        print(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
