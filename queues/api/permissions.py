"""Deny by default: a view declares what each of its methods needs, and nobody else gets in."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from queues import catalogue, policy
from queues.policy import Action


class Open(StrEnum):
    """Needs that are no action of the policy."""

    PUBLIC = "public"  # anybody
    SIGNED_IN = "signed in"  # any account, whatever its roles


Need = Action | Open
NO_RUN = "There is no such run in this queue."


class ByPolicy(BasePermission):
    """A method without a declared need is refused to everybody, superusers included."""

    message = "Your roles do not reach this far."
    code = "not_allowed"

    def has_permission(self, request: Request, view: Any) -> bool:
        needs: Mapping[str, Need] = getattr(view, "needs", {})
        method = "GET" if request.method == "HEAD" else str(request.method)
        need = needs.get(method)
        signed_in = bool(request.user and request.user.is_authenticated)
        if need is None:  # what the view does not do is told as 405, and only to those who may come here at all
            offered = method != "OPTIONS" and hasattr(view, method.lower())
            return not offered and (signed_in or Open.PUBLIC in needs.values())
        if need is Open.PUBLIC:
            return True
        if not signed_in or need is Open.SIGNED_IN:
            return signed_in
        return self._by_action(request.user, Action(need), view)

    def _by_action(self, user: Any, action: Action, view: Any) -> bool:
        """The URL's queue decides where there is one; else the action must be allowed on some queue."""
        given = view.kwargs.get("queue")
        if given is not None:
            queue = catalogue.canonical(given)
            if getattr(view, "hidden", False) and not policy.may(user, Action.READ, queue=queue):
                raise NotFound(NO_RUN)
            return policy.may(user, action, queue=queue)
        if action in policy.OF_A_QUEUE:
            if getattr(view, "hidden", False) and not _any(user, _seeing(action)):
                raise NotFound(getattr(view, "nothing", NO_RUN))
            return _any(user, action)
        return policy.may(user, action)


def _seeing(action: Action) -> Action:
    """What it takes to know that there is such an object at all."""
    return Action.SUBSCRIBE if action is Action.SUBSCRIBE else Action.READ


def _any(user: Any, action: Action) -> bool:
    """Whether there is a queue on which the user may do this; which ones, the view must ask for what it finds."""
    return any(policy.may(user, action, queue=name) for name in catalogue.NAMES)
