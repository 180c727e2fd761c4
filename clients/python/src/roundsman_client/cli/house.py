"""What every command shares: the server and who speaks to it, and the options that come again and again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from ..client import Client
from ..errors import NotSignedIn
from .keeping import Keeper, KeptTokens

F = TypeVar("F", bound=Callable[..., Any])
URL, KEY = "ROUNDSMAN_URL", "ROUNDSMAN_API_KEY"
REFUSED = 3  # the exit code
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass
class House:
    """Made once a command."""

    url: str | None = None
    timeout_s: float = 10.0
    keeper: Keeper = field(default_factory=Keeper)

    def client(self) -> Client:
        """For the address and key of the environment, or else those that were kept. What was kept for one address is
        never sent to another. Raises NotSignedIn."""
        kept, key = self.keeper.read(), os.environ.get(KEY, "")
        url = self.url or (kept.url if kept else "")
        if not url:
            raise NotSignedIn(f"Which server? Run `roundsman login --url https://…`, or set {URL} and {KEY}.")
        url = address(url)
        if key:
            return Client(url, api_key=key, timeout_s=self.timeout_s)
        if kept is None or kept.url != url:
            raise NotSignedIn(f"You are not signed in at {url}: run `roundsman login --url {url}`, or set {KEY}.")
        if kept.api_key:
            return Client(url, api_key=kept.api_key, timeout_s=self.timeout_s)
        return Client(url, store=KeptTokens(self.keeper, url), timeout_s=self.timeout_s)


def address(text: str) -> str:
    """The server's address as it is kept. Raises click.UsageError."""
    text = text.strip().rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise click.UsageError(f"{text!r} is no address of a server: give one like https://roundsman.example.org.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        click.echo("Beware: over http:// anybody on the way can read your password and tokens.", err=True)
    return text


pass_house = click.make_pass_decorator(House, ensure=True)


def as_json(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="JSON; of lists and news a line each.")(command)


def why(required: bool = False) -> Callable[[F], F]:
    told = "For the audit log."
    return click.option("--why", required=True, help=told) if required else click.option("--why", default="", help=told)
