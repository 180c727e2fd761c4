"""A service's pattern is chosen by the names of the days, and kept in digits."""

from __future__ import annotations

import re
from typing import Any

import pytest

from billing.models import Service
from tests.billing import makers

pytestmark = pytest.mark.django_db
CHECKED = re.compile(r'name="weekdays" value="(\d)"[^>]* checked>')


@pytest.fixture
def service() -> Service:
    return makers.a_service(makers.a_contract(), weekdays="03")


def url(service: Service) -> str:
    return f"/admin/billing/service/{service.pk}/change/"


def form(service: Service, **over: Any) -> dict[str, Any]:
    return {
        "code": service.code, "contract": service.contract_id, "site": service.site_id, "price_list": service.price_list_id,
        "title": "Paper", "container_type": "bin", "size": "240 l", "containers": "1", "pattern": "weekly", "weekdays": ["0", "3"],
        "interval": "1", "shift": "none", "starts_on": "2026-01-01", **over,
    }  # fmt: skip


def test_the_form_names_the_days_and_ticks_those_that_are_kept(service: Service, as_: Any) -> None:
    shown = as_("manager").get(url(service)).content.decode()
    assert all(re.search(rf"<span[^>]*>\s*{day}\s*</span>", shown) for day in ("Monday", "Thursday", "Sunday"))
    assert CHECKED.findall(shown) == ["0", "3"]


def test_days_are_kept_as_digits_in_the_order_of_the_week(service: Service, as_: Any) -> None:
    answer = as_("manager").post(url(service), form(service, weekdays=["5", "1", "1"]))
    service.refresh_from_db()
    assert (answer.status_code, service.weekdays) == (302, "15")


def test_what_is_ticked_stays_ticked_where_something_else_is_wrong(service: Service, as_: Any) -> None:
    answer = as_("manager").post(url(service), form(service, weekdays=["2", "4"], interval="0"))
    assert CHECKED.findall(answer.content.decode()) == ["2", "4"]
    service.refresh_from_db()
    assert service.weekdays == "03"


@pytest.mark.parametrize(("days", "told"), [([], "one weekday at least"), (["7"], "Select a valid choice"), (["x"], "Select a valid choice")])  # fmt: skip
def test_no_day_and_no_such_day_are_told_beside_the_days(
    service: Service, as_: Any, days: list[str], told: str
) -> None:
    assert told in as_("manager").post(url(service), form(service, weekdays=days)).content.decode()
    service.refresh_from_db()
    assert (service.weekdays, service.title) == ("03", "Residual waste")


def test_a_day_of_the_month_by_its_weekday_is_chosen_by_name(service: Service, as_: Any) -> None:
    monthly = form(service, pattern="monthly", weekdays=[], nth="-1", weekday="4")
    assert as_("manager").post(url(service), monthly).status_code == 302
    service.refresh_from_db()
    assert (service.nth, service.weekday, service.weekdays) == (-1, 4, "")
    shown = as_("manager").get(url(service)).content.decode()
    assert (
        '<option value="-1" selected>Last</option>' in shown and '<option value="4" selected>Friday</option>' in shown
    )
