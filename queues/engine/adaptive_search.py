"""The search for how many calls at once somebody outside can take. Pure; time is given. One thread.

The limit falls by a fifth and more when errors tell of overload, or when everything takes longer and half the load
shows that the load is why. It grows by steps while all is well and what is allowed is used; what was too much is tried
again, rarely. The reasons are in docs/explanation/adaptive-limits.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from queues.engine.adaptive_usual import Seen, Usual

FALL, DEEPEST = 0.8, 0.5  # what is left of the limit after a fall; the deep one where half of all went wrong
SHARE = 0.1  # of endings that tell of overload: more, and more than chance would bring, is too much
LONGER, MUCH_LONGER = 1.3, 1.6  # times the usual duration: no more growth; too long
BETTER = 1.2  # times shorter under half the load: so the load is why
LEAST, MOST = 6, 50  # endings to decide by; between them as many as there are slots
LEAST_S = 0.25  # for them to come in
SURE, ENOUGH = 0.12, 100  # durations are gathered until their mean is so well known, or so many are there
PATIENCE = 8  # times as many endings as a decision needs, and a trial is over, whatever is known
DOUBTS = 3  # windows in a row in which all takes longer: then half the load is tried
LIGHT_EVERY, LIGHT_S = 100, 60.0  # and it is tried anyway after so many windows and seconds
FIRST_LIGHT = 2  # windows before the first time, for what was heard so far may be of an overload
PROBE, PROBE_S = 10, 15.0  # good windows, and seconds since the fall, before what was too much is tried again
KNEE_S = 300.0  # how long it is remembered what was too much


@dataclass
class Window:
    """What was heard since the last decision. `busy_s`: the sum of durations."""

    began_s: float
    count: int = 0
    overloads: int = 0
    busy_s: float = 0.0
    seen: Seen = field(default_factory=Seen)

    def too_many(self, of: int) -> bool:
        """Whether more of them (of so many at least) tell of overload than may be; by chance, two deviations more."""
        of = max(of, self.count)
        return self.overloads > SHARE * of + 2 * math.sqrt(SHARE * (1 - SHARE) * of)

    def used(self, now_s: float) -> float:
        """Slots in use, on average."""
        return self.busy_s / max(now_s - self.began_s, LEAST_S)


class Search:
    """`most`: what is allowed anyway. `allowed`: what should be used at once, between 1 and `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._limit = most
        self._usual = Usual()
        self._window: Window | None = None
        self._since_s = -math.inf  # the last time that less was allowed
        self._full: Seen | None = None  # what was seen before the trial with half the load that is under way
        self._light_s = -math.inf  # the last such trial
        self._knee: int | None = None  # where it last was too much
        self._proven: int | None = None  # where it stood well for long, before it tried the knee again
        self._falling = False  # in the last window
        self._good = self._doubts = 0  # windows in a row
        self._windows = LIGHT_EVERY - FIRST_LIGHT  # since the last such trial

    @property
    def allowed(self) -> int:
        limit = self._limit if self._full is None else self._limit // 2
        return max(1, min(self.most, limit))

    def heard(self, duration_s: float, overloaded: bool, now_s: float, job: str, timed: bool, claimed_s: float) -> None:
        """An execution ended at `now_s`. Not `timed`: its duration says nothing (it failed, or was cancelled)."""
        if self._window is None:
            self._window = Window(now_s - duration_s)
        if claimed_s < self._since_s:
            return  # claimed while more was allowed: it tells of what was, and that is decided
        self._limit = min(self._limit, self.most)
        window = self._window
        window.count += 1
        window.busy_s += duration_s
        window.overloads += overloaded
        if timed and not overloaded and (ratio := self._usual.ratio(job, duration_s)) is not None:
            window.seen.add(job, ratio)
        need = min(MOST, max(LEAST, self.allowed))
        if window.too_many(need):
            self._fall(now_s, FALL if window.overloads < window.count / 2 else DEEPEST)
        elif window.count >= need and now_s - window.began_s >= LEAST_S:
            self._end(window, now_s, patience=PATIENCE * need)

    def _end(self, window: Window, now_s: float, patience: int) -> None:
        sure = window.seen.error <= SURE or window.seen.count >= ENOUGH
        if self._full is not None:
            if sure or window.count >= patience:
                self._window = Window(now_s)
                self._tried(self._full, window.seen, now_s)
            return
        self._window = Window(now_s, seen=Seen() if sure else window.seen)
        if self._limit >= 2 and self._asks(window, now_s):
            self._full, self._since_s, self._window = window.seen, now_s, Window(now_s)
            self._light_s, self._windows = now_s, 0
        elif window.seen.above(LONGER):
            self._falling = False
        else:
            self._well(window, now_s, sure)

    def _asks(self, window: Window, now_s: float) -> bool:
        """Whether to try half the load: to learn if all takes longer because of the load, or how long is usual now."""
        self._windows += 1
        self._doubts = self._doubts + 1 if window.seen.above(LONGER) else 0
        doubtful = window.seen.above(MUCH_LONGER) or self._doubts >= DOUBTS
        long_ago = self._windows > LIGHT_EVERY and now_s - self._light_s > LIGHT_S
        due = long_ago and window.used(now_s) > self._limit / 2
        return due or doubtful

    def _tried(self, full: Seen, light: Seen, now_s: float) -> None:
        self._full, self._doubts = None, 0
        if light.count:
            self._usual.measured(light)
        if light.count and full.above(BETTER, than=light):
            times = math.exp(full.mean - light.mean)
            self._fall(now_s, min(FALL, max(DEEPEST, LONGER / times)) if times > MUCH_LONGER else None)
        else:
            self._falling = False

    def _fall(self, now_s: float, to: float | None) -> None:
        """To this part of the limit; None: by a step."""
        if not self._falling:  # of several in a row the first says where too much began
            self._knee = self._limit
        less = self._limit - self._step() if to is None else int(self._limit * to)
        if self._proven is not None and self._proven < self._limit:
            less = max(less, self._proven)  # it was a step too far
        self._limit, self._proven = max(1, less), None
        self._since_s, self._window, self._full = now_s, Window(now_s), None
        self._falling = True
        self._good = self._doubts = 0

    def _well(self, window: Window, now_s: float, sure: bool) -> None:
        if sure:
            light = window.used(now_s) < self._limit / 2 or self._limit < 2
            self._usual.learn(window.seen, light=light)
        self._falling = False
        self._good += 1
        if self._knee is not None and (self._limit > self._knee or now_s - self._since_s > KNEE_S):
            self._knee = None
        if window.used(now_s) >= self._limit / 2:
            self._grow(proven=self._good >= PROBE and now_s - self._since_s > PROBE_S)

    def _grow(self, proven: bool) -> None:
        step = self._step()
        if self._knee is not None and self._limit < self._knee / 2:
            grown = min(self._limit * 2, self._knee // 2 + step)
        elif self._knee is not None and self._limit + step >= self._knee and not proven:
            return
        else:
            grown = self._limit + step
            self._proven = self._limit if proven else self._proven
        self._limit, self._good = min(self.most, grown), 0

    def _step(self) -> int:
        return max(1, self._limit // 10)
