"""The processes that should live: started, and started again when they die, as a supervisor does."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from project.chaos.facts import Strike
from project.chaos.mother import Child, Mother

AGAIN_S = 0.5  # one that ended by itself is started again after this; one that was killed at once


@dataclass
class Post:
    """A place to fill. `name` is the post's, "worker-2"; its holders are "worker-2.1", "worker-2.2", …"""

    name: str
    role: str
    arguments: Callable[[str], dict[str, Any]]  # of the holder's name
    child: Child | None = None
    number: int = 0
    not_before: float = 0.0
    frozen_until: float = 0.0  # it was sent SIGSTOP
    over: bool = False  # its holder ended in order and is not wanted again

    @property
    def alive(self) -> bool:
        return self.child is not None and self.child.alive


@dataclass
class Fleet:
    """`exits` counts ends that the run did not cause, by post and code."""

    mother: Mother
    posts: dict[str, Post] = field(default_factory=dict)
    strikes: list[Strike] = field(default_factory=list)
    exits: Counter[str] = field(default_factory=Counter)
    struck: set[str] = field(default_factory=set)

    def add(self, name: str, role: str, arguments: Callable[[str], dict[str, Any]]) -> Post:
        post = self.posts[name] = Post(name, role, arguments)
        return post

    def keep(self) -> None:
        """Notice the dead, and fill their places."""
        for child in self.mother.look():
            post = self.posts[child.name.split(".")[0]]
            if child.name not in self.struck:
                if post.role == "client" and child.code == 0:
                    post.over = True
                    continue
                self.exits[f"{post.role} {child.code}"] += 1
                post.not_before = time.monotonic() + AGAIN_S
        for post in self.posts.values():
            if not post.over and not post.alive and time.monotonic() >= post.not_before:
                self.fill(post)

    def fill(self, post: Post) -> None:
        post.number += 1
        name = f"{post.name}.{post.number}"
        post.frozen_until = 0.0
        post.child = self.mother.start(name, post.role, post.arguments(name))

    def strike(self, name: str, kind: str, sign: signal.Signals) -> bool:
        """Send a signal to the holder of a post. False if there was none alive."""
        post = self.posts[name]
        if post.child is None:
            return False
        at = self.mother.strike(post.child, sign, group=sign != signal.SIGKILL and sign != signal.SIGTERM)
        if at is None:
            return False
        if sign not in (signal.SIGSTOP, signal.SIGCONT):
            self.struck.add(post.child.name)
        if sign != signal.SIGCONT:
            self.strikes.append(Strike(kind, at, post.child.name))
        return True
