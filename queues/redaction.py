"""Secrets out of texts: of what a log, or whatever else is read by many, is about to tell. Pure but for `remember`.

Three nets, for each has holes: this process' own secrets wherever they stand; what looks like a secret (keys, tokens,
passwords in URLs); and what stands under a name that says so. Too much hidden is no harm, too little is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

HIDDEN = "[hidden]"
LEAST = 8  # characters of a secret that is looked for as such: shorter ones are words
DEPTH = 6

_NAME = (
    r"(?:password|passwd|passphrase|(?<![a-z])pass(?![a-z])|pwd|secret|token|authori[sz]ation|cookie|api[_-]?key|private[_-]?key|"
    r"signing[_-]?key|credential|session[_-]?id|csrf|(?<![a-z])t?otp(?![a-z]))"
)
_NAMED = re.compile(_NAME, re.IGNORECASE)
# name, then = or : or (a pair in a tuple) a comma after its quote; then a quoted value, or all up to the next gap.
_PAIR = re.compile(
    rf"""(?P<name>{_NAME}[\w-]{{0,40}})(?P<sign>\\?["']?[ \t]{{0,4}}[=:][ \t]{{0,4}}|["']\)?,[ \t]{{0,4}})"""
    r"""(?!\[hidden\])(?:(?P<quote>\\?b?["'])(?P<quoted>(?:(?!(?P=quote)|\n).){0,8192})(?:(?P=quote))?"""
    r"""|(?P<scheme>(?:bearer|basic|token|digest)[ \t]{1,4})?(?P<bare>[^\s"'&,;)}\]]{1,8192}))""",
    re.IGNORECASE,
)
_HEADER = re.compile(r"((?:^|\n)[ \t]*(?:authorization|cookie|set-cookie|x-api-key)[ \t]*:)[^\n]+", re.IGNORECASE)
_SCHEME = re.compile(r"\b(bearer|basic)[ \t]+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_SHAPES = re.compile(
    r"\brm_[a-z0-9]{4,12}_[A-Za-z0-9_-]{6,}"  # our API keys
    r"|\bwhsec_[A-Za-z0-9+/=_-]{4,}"  # secrets that webhooks are signed with
    r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"  # JSON web tokens
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:(?!-----END)[\s\S]){0,8192}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
)
_URL = re.compile(r"([a-z][a-z0-9+.-]{1,30}://[^\s/@:]{0,128}:)[^\s\"'<>]{1,1024}@", re.IGNORECASE)

# Most lines have none of these, and so are looked at no further: that is ten times as fast.
_NAMES = (
    "pass",
    "pwd",
    "secret",
    "token",
    "authori",
    "cookie",
    "api",
    "private",
    "signing",
    "credential",
    "session",
    "csrf",
    "otp",
)
_MARKS = ("rm_", "whsec_", "eyj", "-----begin")
_SCHEMES = ("bearer", "basic")

_known: re.Pattern[str] | None = None


def remember(secrets: Iterable[str]) -> None:
    """This process' own secrets: from now on `text` hides them wherever they stand, as they are or as in a URL."""
    global _known
    kept = {form for each in secrets if len(each) >= LEAST for form in (each, quote(each, safe=""))}
    longest_first = sorted(kept, key=len, reverse=True)
    _known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def text(told: str) -> str:
    """A text without the secrets in it."""
    if _known is not None:
        told = _known.sub(HIDDEN, told)
    if "://" in told:
        told = _URL.sub(rf"\g<1>{HIDDEN}@", told)
    low = told.lower()
    if any(mark in low for mark in _MARKS):
        told = _SHAPES.sub(HIDDEN, told)
    if any(name in low for name in _NAMES):
        told = _PAIR.sub(_without_value, _HEADER.sub(rf"\1 {HIDDEN}", told))
    if any(scheme in low for scheme in _SCHEMES):
        told = _SCHEME.sub(rf"\1 {HIDDEN}", told)
    return told


def value(told: Any, depth: int = DEPTH) -> Any:
    """As `text`, all through mappings and lists: what stands under a secret's name is hidden whole. Deeper than `depth`
    all is told as one text."""
    if isinstance(told, str):
        return text(told)
    if told is None or isinstance(told, bool | int | float):
        return told
    if depth and isinstance(told, Mapping):
        return {
            text(str(name)): HIDDEN if names_secret(str(name)) else value(held, depth - 1)
            for name, held in told.items()
        }
    if depth and isinstance(told, list | tuple | set | frozenset):
        return [value(held, depth - 1) for held in told]
    return text(str(told))


def names_secret(name: str) -> bool:
    """Whether what stands under this name is nobody's to read."""
    return _NAMED.search(name) is not None


def _without_value(found: re.Match[str]) -> str:
    quote_mark = found["quote"] or ""
    return f"{found['name']}{found['sign']}{quote_mark}{HIDDEN}{quote_mark.removeprefix('b') if quote_mark else ''}"
