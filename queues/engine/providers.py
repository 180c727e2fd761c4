"""Outside services by name: the only road from a stored call to the code that sends it. Nothing is imported by a name."""

from __future__ import annotations

import difflib

from queues.errors import PermanentError
from queues.outbound import Provider

_providers: dict[str, Provider] = {}


class UnknownProvider(PermanentError):
    """No provider of this name was made known to this process."""

    code = "unknown_provider"

    def __init__(self, name: str, known: list[str]) -> None:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"There is no provider named {name!r}.{hint}")


def provider(provider: Provider) -> Provider:
    """Make a provider known under its name, once, when the application starts. Raises RuntimeError, ValueError."""
    name = provider.name
    if _providers.get(name, provider) is not provider:
        raise RuntimeError(f"The provider {name!r} is there already: {_providers[name]!r}")
    if not 1 <= len(name) <= 40:
        raise ValueError(f"A provider's name has 1 to 40 characters; not {name!r}.")
    if provider.lands_within_s <= 0 or (provider.honours_idempotency_keys and provider.replay_window_s <= 0):
        raise ValueError(f"The times of the provider {name!r} must be over 0 seconds.")
    _providers[name] = provider
    return provider


def get(name: str) -> Provider:
    """Raises UnknownProvider."""
    found = _providers.get(name)
    if found is None:
        raise UnknownProvider(name, sorted(_providers))
    return found


def names() -> list[str]:
    return sorted(_providers)


def forget(name: str) -> None:
    """Take a provider out again: for tests that bring their own."""
    _providers.pop(name, None)
