"""What a member of staff does on the first day, in a browser on the running demo."""

from __future__ import annotations

import urllib.request

import pytest

from .conftest import Visit

pytestmark = pytest.mark.browser


def test_a_definition_is_made_run_watched_scheduled_paused_and_audited(visit: Visit) -> None:
    page = visit.page
    visit.sign_in("admin")
    visit.shot("dashboard")

    visit.go("/admin/queues/jobdefinition/add/")
    page.get_by_text("Plan routes").first.click()
    page.fill("[name=name]", "Plan by hand")
    page.fill("[name=param_area]", "kim-335")
    page.click("[name=_save]")
    page.get_by_text("Run now").first.wait_for()
    visit.shot("definition")

    page.get_by_text("Run now").first.click()
    page.fill("[name=param_budget_s]", "500")
    page.click("text=Run it")
    page.get_by_text("less than or equal to 120").wait_for()
    visit.shot("run-now-wrong")
    page.fill("[name=param_budget_s]", "8")
    page.fill("[name=why]", "A first look")
    page.click("text=Run it")
    page.wait_for_url("**/admin/queues/run/*/change/**")

    bar = page.locator(".rm-progress progress")
    bar.wait_for(timeout=40_000)
    first = float(bar.get_attribute("value") or 0)
    page.wait_for_function("v => Number(document.querySelector('.rm-progress progress')?.value ?? 1e9) > v", arg=first)
    visit.shot("run-live")
    page.get_by_text("Open the result").wait_for(timeout=60_000)
    visit.shot("run-done")
    page.get_by_text("Open the result").click()
    page.locator("svg.rt-map polyline").first.wait_for()
    assert page.locator("svg.rt-map circle.rt-stop").count() == 330
    visit.shot("plan")

    second = visit.demo.beside("scheduler")
    try:
        visit.go("/admin/queues/schedule/add/")
        page.get_by_text("Plan by hand").first.click()
        page.fill("[name=name]", "Each minute")
        page.fill("[name=cron]", "61 * * * *")
        page.get_by_text("61").last.wait_for()
        page.fill("[name=cron]", "* * * * *")
        page.get_by_text("Every minute").first.wait_for()
        visit.shot("schedule")
        page.click("[name=_continue]")
        page.wait_for_url("**/admin/queues/schedule/*/change/**")
        place = page.url
        for _ in range(80):  # two fires, a minute apart
            page.goto(place)
            if page.locator("text=Fired").count() >= 2:
                break
            page.wait_for_timeout(2000)
        fired = page.locator("tr", has_text="Fired").all_inner_texts()
        assert len(fired) == len(set(fired)) >= 2, fired
        visit.shot("schedule-fired")
        page.click("a.rm-btn:has-text('Pause')")
        page.fill("[name=why]", "Seen enough")
        page.click("text=Pause the schedule")
        page.get_by_text("Seen enough").first.wait_for()
        visit.shot("schedule-paused")
    finally:
        second.terminate()
        second.wait(10)

    visit.go("/admin/queues/auditentry/")
    text = page.inner_text("#result_list")
    for action in ("definition.create", "run.enqueue", "schedule.create", "schedule.pause"):
        assert action in text, text
    visit.shot("audit")
    page.locator("#result_list a", has_text="").first.click()
    visit.shot("audit-entry")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_whole_in_light_and_dark_and_on_a_phone(visit: Visit, scheme: str) -> None:
    page = visit.page
    page.emulate_media(color_scheme=scheme)
    visit.sign_in("admin")
    page.evaluate("s => localStorage.setItem('adminTheme', JSON.stringify(s))", scheme)
    pages = {
        "dashboard": "/admin/", "runs": "/admin/queues/run/", "definitions": "/admin/queues/jobdefinition/",
        "schedules": "/admin/queues/schedule/", "queues": "/admin/queues/queue/", "workers": "/admin/queues/worker/",
        "health": "/admin/queues/queuehealth/", "samples": "/admin/queues/healthsample/", "audit": "/admin/queues/auditentry/",
        "plans": "/admin/routing/plan/", "areas": "/admin/routing/servicearea/", "stops": "/admin/routing/servicestop/",
        "vehicles": "/admin/routing/vehicle/", "errors": "/admin/queues/errorrule/", "error": "/admin/queues/errorrule/judge/", "users": "/admin/auth/user/", "rq": "/admin/rq/",
    }  # fmt: skip
    for name, path in pages.items():
        visit.go(path)
        page.wait_for_load_state("load")
        visit.shot(f"{name}-{scheme}")
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("dashboard", "runs", "health", "plans", "errors", "error"):
        visit.go(pages[name])
        page.wait_for_load_state("load")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 1, f"{name} is {wide} px wider than a phone"
        visit.shot(f"{name}-{scheme}-phone")


def test_a_customer_is_let_into_nothing(visit: Visit) -> None:
    page = visit.page
    visit.go("/admin/login/?next=/admin/")
    page.fill("[name=username]", "customer")
    page.fill("[name=password]", visit.demo.password)
    page.click("button[type=submit]")
    page.get_by_text("staff account").wait_for()


def test_the_api_pages_are_served_from_here(visit: Visit) -> None:
    visit.sign_in("admin")
    visit.go("/api/docs/")
    visit.page.get_by_text("Roundsman").first.wait_for()
    visit.page.locator(".opblock").first.wait_for()
    visit.shot("api-docs")


def test_strangers_learn_up_or_down_alone(visit: Visit) -> None:
    with urllib.request.urlopen(visit.demo.address + "/healthz") as answer:
        assert len(answer.read()) < 40
