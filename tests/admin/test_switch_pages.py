"""Switches in the admin and on the command line: for admins, with a reason, audited."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from queues.contract import Actor
from queues.ledger import switches
from queues.models import AuditEntry, Switch

LIST = "/admin/queues/switch/"
OFF = f"{LIST}optimization/off/"


def shown(page: str, name: str) -> str:
    found = re.search(rf'id="switch-{name}".*?</section>', page, re.S)
    assert found
    return found[0]


def test_every_switch_is_shown_with_whose_word_it_is(as_: Callable[[str], Client]) -> None:
    browser = as_("admin")
    for spec in switches.SWITCHES:
        card = shown(browser.get(LIST).content.decode(), spec.name)
        assert ">On<" in card and spec.variable in card and "Switch off" in card
        assert "As the environment says" not in card
    switches.throw("optimization", False, actor=Actor.system("ada"), why="<b>Losses</b>")
    card = shown(browser.get(LIST).content.decode(), "optimization")
    assert ">Off<" in card and "by ada: &lt;b&gt;Losses" in card
    assert "Switch on" in card and "As the environment says" in card


def test_a_switch_is_thrown_with_a_reason_and_put_back(as_: Callable[[str], Client]) -> None:
    browser = as_("admin")
    assert "at most 3 slots and 10 jobs/s" in browser.get(OFF).content.decode()
    assert "Say why" in browser.post(OFF, {"why": " "}).content.decode()
    assert not Switch.objects.exists()
    told = browser.post(OFF, {"why": "Losses are suspected."}, follow=True).content.decode()
    assert "Optimised settings: off. In force on every worker within two seconds." in told
    again = browser.post(OFF, {"why": "Once more"}).content.decode()
    assert "thrown off already, by admin: Losses are suspected." in again
    told = browser.post(
        f"{LIST}optimization/environment/", {"why": "It was the network."}, follow=True
    ).content.decode()
    assert "as the environment says" in told and not Switch.objects.exists()
    assert list(AuditEntry.objects.order_by("id").values_list("action", "why", "source")) == [
        ("switch.off", "Losses are suspected.", "admin"),
        ("switch.environment", "It was the network.", "admin"),
    ]


def test_the_queues_page_says_that_the_plain_settings_are_in_force(as_: Callable[[str], Client]) -> None:
    browser = as_("manager")
    assert "plain settings" not in browser.get("/admin/queues/queue/").content.decode()
    switches.throw("optimization", False, actor=Actor.system("ada"), why="x")
    switches.throw("queues", False, actor=Actor.system("ada"), why="x")
    page = browser.get("/admin/queues/queue/").content.decode()
    assert "The plain settings are in force" in page and "All queues are switched off" in page
    assert LIST not in page  # a manager cannot go there
    assert "Plain settings" in browser.get("/admin/queues/queue/email/change/").content.decode()


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403), ("driver", 302)])
@pytest.mark.parametrize("page", [LIST, OFF])
def test_switches_are_for_administrators(as_: Callable[[str], Client], role: str, status: int, page: str) -> None:
    browser = as_(role)
    assert browser.get(page).status_code == status
    if role == "manager":
        assert browser.post(OFF, {"why": "Mine"}).status_code == 403 and not Switch.objects.exists()
        assert LIST not in browser.get("/admin/").content.decode()


def test_an_unknown_switch_has_no_page(as_: Callable[[str], Client]) -> None:
    assert as_("admin").get(f"{LIST}gravity/off/").status_code == 404
    assert as_("admin").get(f"{LIST}optimization/change/").status_code == 302


def test_a_rate_that_is_none_is_refused_on_a_queues_page(as_: Callable[[str], Client]) -> None:
    answer: Any = as_("admin").post("/admin/queues/queue/email/change/", {"enabled": "on", "rate_limit": "often"})
    assert "is not a rate. Write e.g. 30/s" in answer.content.decode()


# --- manage.py switch ---


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("switch", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_shows_throws_and_puts_back() -> None:
    assert re.search(r"^optimization +on +by QUEUE_OPTIMIZATION_ENABLED$", said(), re.M)
    told = said("QUEUE_OPTIMIZATION_ENABLED", "off", "--reason", "Losses are suspected.")
    assert re.search(r"^optimization +off +thrown by .+ \(manage.py\) at .+: Losses are suspected\.$", told, re.M)
    assert not switches.on("optimization")
    said("optimization", "environment", "--reason", "It was the network.")
    assert switches.on("optimization")
    assert set(AuditEntry.objects.values_list("source", flat=True)) == {"command"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["optimization", "off"], "Say why.*Add --reason WHY"),
        (["optimization"], "Say where to: manage.py switch optimization on.off.environment"),
        (["optimisation", "off", "--reason", "x"], "Did you mean 'optimization'"),
        (["optimization", "down"], "invalid choice: 'down'"),
    ],
)
def test_what_the_command_cannot_do_it_says_with_what_to_write(arguments: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        said(*arguments)
    assert not Switch.objects.exists()
