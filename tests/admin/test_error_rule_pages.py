"""Error rules in the admin: seen with where they come from, written with what they would change, taken back with a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from queues.admin import error_rules_rows as told
from queues.contract import Actor
from queues.ledger import clock, error_rules
from queues.ledger.error_counts import Lately, Times
from queues.ledger.error_defaults import SHIPPED
from queues.ledger.error_table import Rule, Table
from queues.models import AuditEntry, ErrorRule, Run, RunEvent

LIST, JUDGE, PREVIEW = (f"/admin/queues/errorrule/{path}" for path in ("", "judge/", "preview/"))


@pytest.fixture
def failed(run: Callable[..., Run]) -> Callable[..., Run]:
    """A dead run and how its attempts failed, an hour ago."""

    def make(error_type: str, error_code: str = "", retried: int = 0, dead: int = 1) -> Run:
        one = run("dead", error_type=error_type, error_code=error_code)
        data, at = {"error_type": error_type, "error_code": error_code}, clock.now() - timedelta(hours=1)
        kinds = [RunEvent.Kind.RETRY] * retried + [RunEvent.Kind.FAILED] * dead
        RunEvent.objects.bulk_create([RunEvent(run=one, at=at, kind=kind, data=data) for kind in kinds])
        return one

    return make


@pytest.fixture
def rule(db: None, actor: Actor) -> ErrorRule:
    return error_rules.save_rule("StoreAway", "gone", permanent=True, note="It moved to another town", actor=actor)[0]


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 403), ("dispatcher", 403), ("customer", 302)])
def test_the_pages_are_for_administrators(
    as_: Callable[[str], Client], role: str, status: int, rule: ErrorRule
) -> None:
    browser = as_(role)
    assert [browser.get(path).status_code for path in (LIST, JUDGE)] == [status] * 2
    assert browser.post(PREVIEW, {}).status_code == status
    assert browser.post(f"{LIST}{rule.pk}/delete/", {"why": ""}).status_code == (302 if status == 200 else status)
    assert ErrorRule.objects.exists() == (status != 200)
    assert ("Error rules" in browser.get("/admin/", follow=True).content.decode()) == (role == "admin")


def test_the_list_shows_what_staff_wrote_and_what_failed_lately(as_: Any, rule: ErrorRule, failed: Any) -> None:
    failed("HTTPError", "404", retried=0, dead=1234)
    failed("WriteTimeout", retried=7, dead=0)
    page = as_("admin").get(LIST).content.decode()
    assert "It moved to another town" in page and "1,234" in page and "Not named" in page
    assert "OutOfMemoryError" not in page
    shipped = as_("admin").get(LIST, {"tab": "shipped"}).content.decode()
    assert "OutOfMemoryError" in shipped and "StoreAway" not in shipped


def test_the_search_finds_by_type_code_and_note(as_: Any, rule: ErrorRule) -> None:
    found = as_("admin").get(LIST, {"tab": "shipped", "q": "httpstatus 429"}).content.decode()
    assert "HTTPStatusError" in found and "TwilioRestException" not in found
    assert "StoreAway" in as_("admin").get(LIST, {"q": "another TOWN"}).content.decode()
    assert "Nothing matches" in as_("admin").get(LIST, {"q": "no such thing"}).content.decode()


def test_the_list_takes_as_many_queries_for_many_rules_as_for_few(
    as_: Any, rule: ErrorRule, actor: Actor, failed: Any, django_assert_max_num_queries: Any
) -> None:
    browser = as_("admin")
    for n in range(30):
        error_rules.save_rule(f"Error{n}", permanent=True, actor=actor)
        failed(f"Error{n}")
    with django_assert_max_num_queries(10):
        browser.get(LIST)


def test_a_rule_is_written_changed_and_taken_back_with_its_reasons(as_: Any, user: Any) -> None:
    browser = as_("admin")
    answer = browser.post(JUDGE, {"error_type": "StoreAway", "permanent": "True", "note": "", "why": "It is gone"}, follow=True)  # fmt: skip
    assert "StoreAway is permanent from now on" in answer.content.decode()
    browser.post(JUDGE, {"error_type": "StoreAway", "error_code": "", "permanent": "False", "why": "It is back"})
    rule = ErrorRule.objects.get()
    assert (rule.permanent, rule.version) == (False, 2)
    question = browser.get(f"{LIST}{rule.pk}/delete/").content.decode()
    assert "decides again" in question
    browser.post(f"{LIST}{rule.pk}/delete/", {"why": "Enough"})
    assert not ErrorRule.objects.exists()
    entries = AuditEntry.objects.filter(object_type="error_rule").order_by("id")
    assert list(entries.values_list("action", "actor", "source", "why")) == [
        ("error_rule.create", "admin", "admin", "It is gone"),
        ("error_rule.change", "admin", "admin", "It is back"),
        ("error_rule.delete", "admin", "admin", "Enough"),
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"error_type": "requests.ConnectTimeout", "permanent": "True"}, "Perhaps ConnectTimeout?"),
        ({"error_type": "StoreAway", "error_code": "a b", "permanent": "True"}, "A code has no spaces"),
        ({"error_type": "StoreAway"}, "Say whether another attempt could help"),
        ({"error_type": "StoreAway", "permanent": "maybe"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(as_: Any, values: dict[str, str], said: str) -> None:
    page = as_("admin").post(JUDGE, values)
    assert page.status_code == 200 and said in page.content.decode()
    assert not ErrorRule.objects.exists()


def test_the_form_of_a_rule_holds_what_there_is(as_: Any, rule: ErrorRule) -> None:
    page = as_("admin").get(f"{LIST}{rule.pk}/change/", follow=True)
    form = page.context["form"]
    assert (form["error_type"].value(), form["error_code"].value(), form["permanent"].value()) == ("StoreAway", "gone", "True")  # fmt: skip
    assert "Take it back" in page.content.decode() and "staff&#x27;s own rule" in page.content.decode()
    assert as_("admin").get(f"{LIST}99999/change/").status_code == 302


def test_a_dead_letter_leads_to_the_form_about_its_error(as_: Any, failed: Any) -> None:
    one = failed("HTTPError", "404", dead=3)
    page = as_("admin").get(f"/admin/queues/run/{one.pk}/change/").content.decode()
    assert f"{JUDGE}?error_type=HTTPError&amp;error_code=404" in page
    form = as_("admin").get(JUDGE, {"error_type": "HTTPError", "error_code": "404"})
    assert form.context["form"]["error_code"].value() == "404"
    assert as_("admin").get(JUDGE, {"error_type": "HTTP\0Error"}).context["form"]["error_type"].value() == "HTTPError"
    assert JUDGE not in as_("dispatcher").get(f"/admin/queues/run/{one.pk}/change/").content.decode()


def test_the_preview_tells_what_would_change_and_stores_nothing(as_: Any, failed: Any) -> None:
    failed("HTTPError", "404", retried=0, dead=3)
    page = as_("admin").post(PREVIEW, {"error_type": "HTTPError", "error_code": "404", "permanent": "False"}).content.decode()  # fmt: skip
    assert "the shipped rule for HTTPError 4xx" in page and "3 made a dead letter" in page
    assert "Perhaps" in as_("admin").post(PREVIEW, {"error_type": "a.B", "permanent": "False"}).content.decode()
    assert "Name the error" in as_("admin").post(PREVIEW, {"error_type": "HTTPError"}).content.decode()
    assert not ErrorRule.objects.exists()


# --- pure ---

LATELY = Lately({("HTTPError", "404"): Times(0, 3), ("HTTPError", "429"): Times(11, 2), ("WriteTimeout", ""): Times(4)})


@pytest.mark.parametrize(
    ("staff", "key", "permanent", "said", "unsaid"),
    [
        ({}, ("HTTPError", "429"), True, ["the shipped rule for HTTPError 429", "13 attempts failed so; 11 of them would not"], ["goes before"]),
        ({}, ("HTTPError", ""), False, ["goes before the shipped rules for 408, 409,", "5 made a dead letter"], []),
        ({}, ("HTTPError", "4xx"), False, ["goes before the shipped rules for 408, 409, 423, 425, 429."], ["503"]),
        ({("HTTPError", "404"): Rule(True)}, ("HTTPError", ""), False, ["Staff's own rules stay in force for 404.", "2 made a dead letter"], []),
        ({("WriteTimeout", ""): Rule(True)}, ("WriteTimeout", ""), False, ["permanent, by staff's own rule", "all were to be tried again"], []),
        ({}, ("WriteTimeout", ""), True, ["no rule names it", "4 of them would not have been tried again"], []),
        ({}, ("StoreAway", ""), True, ["nothing failed so"], []),
    ],
)  # fmt: skip
def test_the_forecast_says_what_is_what_will_be_and_whom_it_meets(
    staff: Any, key: Any, permanent: bool, said: list[str], unsaid: list[str]
) -> None:
    text = " ".join(told.forecast(Table(staff, SHIPPED), LATELY, key, permanent))
    assert [part for part in said if part not in text] == [], text
    assert [part for part in unsaid if part in text] == [], text


def test_counts_that_are_not_whole_are_told_so() -> None:
    text = " ".join(told.forecast(Table({}, SHIPPED), Lately(LATELY.by_error, whole=False), ("HTTPError", "404"), True))
    assert "Of the newest failures" in text and "24 hours" not in text


def test_a_shipped_rule_leads_to_the_form_with_the_other_answer() -> None:
    rows = told.rows(Table({}, SHIPPED), [], Lately())
    row = next(row for row in rows if (row.error_type, row.error_code) == ("HTTPError", "4xx"))
    assert row.query == "error_type=HTTPError&error_code=4xx&permanent=False"
