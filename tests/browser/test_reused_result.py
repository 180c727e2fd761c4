"""The same plan asked for twice in a browser: the second time it is shown, and made anew when somebody wants it."""

from __future__ import annotations

import pytest

from .conftest import Visit

pytestmark = pytest.mark.browser


def test_a_plan_asked_for_again_is_shown_and_made_anew_on_demand(visit: Visit) -> None:
    page = visit.page
    visit.sign_in("dispatcher")
    visit.go("/admin/queues/jobdefinition/")
    form = page.get_by_text("Run now").first.get_attribute("href")

    def ask() -> str:
        visit.go(form)
        page.fill("[name=param_budget_s]", "2")
        page.click("text=Run it")
        page.wait_for_url("**/admin/queues/run/*/change/**")
        return str(page.url)

    first = ask()
    page.wait_for_selector("#run-result")
    assert ask() == first
    assert page.get_by_text("Nothing was run: here is the result of the same request").is_visible()
    visit.shot("run-reused")
    page.set_viewport_size({"width": 390, "height": 844})
    visit.shot("run-reused-phone")
    visit.go(form)
    visit.shot("run-now-phone")
    page.set_viewport_size({"width": 1360, "height": 900})
    visit.shot("run-now-fresh")
    visit.go(first.removeprefix(visit.demo.address))
    page.wait_for_selector("#run-reuse >> text=Answered 1 further request")
    page.click("#run-anew")
    page.fill("[name=why]", "The roads are free again")
    visit.shot("run-anew")
    page.click("button:has-text('Run it anew')")
    page.wait_for_url("**/admin/queues/run/*/change/**")
    assert page.url != first
