"""Whatever can be added, changed or deleted in the admin leaves an entry: who, from where, in which request, what and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.test import Client, RequestFactory

import project.urls  # noqa: F401  (finds the pages: without it there would be none to try)
from billing import ports as billing
from project.chaos import till
from queues.contract import Actor
from queues.ledger import clock, error_rules, webhook_endpoints
from queues.ledger.requests import new_id
from queues.models import AlertOverride, AuditEntry, JobDefinition, Queue, Run, Schedule, WebhookDelivery
from queues.timetable import schedules
from tests.admin import billing_scenes, money_scenes
from tests.api import matrix_policy

PLAN = {"name": "Monday", "enabled": "on", "param_day": "2026-11-30", "param_depot": "MAIN", "param_objective": "time", "param_mood": "calm"}  # fmt: skip
NIGHTLY = {"name": "Each night", "enabled": "on", "kind": "cron", "cron": "0 1 * * *", "timezone": "UTC", "misfire": "once", "overlap": "queue"}  # fmt: skip
SECRET = "a-long-Enough-password-7"
RULE = {"error_type": "StoreAway", "error_code": "gone", "permanent": "False", "note": "", "why": "It is back"}
LIMIT = {"kind": "role", "name": "dispatcher", "bucket": "creation", "count": "60", "per_s": "60", "note": ""}
LINE = {"rule": "queue_wait", "queue": "email", "warning": "8", "critical": "", "muted_until": "", "reason": "Mailings"}
HOOK = {
    "owner": "{admin}",
    "url": "https://hooks.example.org/",
    "description": "Ops",
    "events": ["run.dead"],
    "queues": ["billing"],
    "why": "Asked for",
}
WHY = {"why": "No longer needed"}

# By model and verb: the page below the model's own, what is posted, and the action that is entered.
SCENES: dict[str, tuple[str, dict[str, Any], str]] = {
    "queues.jobdefinition add": ("add/?job=tests.admin_plan", PLAN, "definition.create"),
    "queues.jobdefinition change": ("{pk}/change/", PLAN, "definition.change"),
    "queues.jobdefinition delete": ("{pk}/delete/", WHY, "definition.delete"),
    "queues.schedule add": ("add/?definition={definition}", NIGHTLY, "schedule.create"),
    "queues.schedule change": ("{pk}/change/", {**NIGHTLY, "cron": "0 2 * * *"}, "schedule.change"),
    "queues.schedule delete": ("{pk}/delete/", WHY, "schedule.delete"),
    "queues.queue change": ("{pk}/change/", {"enabled": "on", "concurrency": "5", "executor": ""}, "queue.change"),
    "queues.errorrule add": ("judge/", {**RULE, "error_code": "else"}, "error_rule.create"),
    "queues.errorrule change": ("judge/", RULE, "error_rule.change"),
    "queues.errorrule delete": ("{pk}/delete/", WHY, "error_rule.delete"),
    "queues.run change": ("{pk}/cancel/", WHY, "run.cancel"),  # its page changes nothing, its buttons do
    "queues.apikey add": ("add/", {"name": "Depot gate", "owner": "{admin}", "actions": ["read"], "queues": ["billing"], "why": "New scales"}, "api_key.create"),
    "queues.allowance add": ("add/", LIMIT, "allowance.create"),
    "queues.allowance change": ("{pk}/change/", {**LIMIT, "count": "61"}, "allowance.change"),
    "queues.allowance delete": ("{pk}/delete/", WHY, "allowance.delete"),
    "queues.alertoverride add": ("add/", LINE, "alert_override.create"),
    "queues.alertoverride change": ("{pk}/change/", {**LINE, "warning": "9"}, "alert_override.change"),
    "queues.alertoverride delete": ("{pk}/delete/", WHY, "alert_override.delete"),
    "queues.webhookendpoint add": ("add/", HOOK, "webhook.create"),
    "queues.webhookendpoint change": ("{pk}/change/", {**HOOK, "events": ["run.cancelled"]}, "webhook.change"),
    "queues.webhookendpoint delete": ("{pk}/delete/", WHY, "webhook.delete"),
    "queues.webhookdelivery change": ("{pk}/replay/", WHY, "webhook.replay"),  # its page changes nothing, its button does
    "auth.user add": ("add/", {"username": "zoe", "password1": SECRET, "password2": SECRET, "usable_password": "true"}, "user.create"),
    "auth.user change": ("{pk}/change/", {"username": "driver", "first_name": "Zoe", "is_active": "on"}, "user.change"),
    # Verbs that have pages of their own:
    "queues.queue pause": ("{pk}/pause/", {"why": "Move", "until": ""}, "queue.pause"),
    "queues.schedule pause": ("{pk}/pause/", {"why": "Holiday"}, "schedule.pause"),
    "queues.switch off": ("optimization/off/", {"why": "Losses"}, "switch.off"),
    "auth.user password": ("{pk}/password/", {"password1": SECRET, "password2": SECRET, "usable_password": "true"}, "user.password"),
    **billing_scenes.SCENES,
}  # fmt: skip

ONLY_TOLD = {"billing.document overview", "billing.standing pdf"}  # pages that change nothing


@pytest.fixture(autouse=True)
def a_provider() -> Iterator[None]:
    """Of the saved method in money_scenes."""
    billing.register(till.Till())
    yield
    billing.forget(till.NAME)


@pytest.fixture
def rows(
    definition: JobDefinition, actor: Actor, run: Callable[..., Run], user: Callable[[str], User]
) -> dict[str, Any]:
    """One of each, by model; and the audit log as it was then."""
    found: dict[str, Any] = {
        "queues.jobdefinition": definition,
        "queues.schedule": schedules.save_schedule(
            Schedule(name="Nightly", definition=definition, cron="30 5 * * 1-5", timezone="UTC"), actor=actor
        ),
        "queues.errorrule": error_rules.save_rule("StoreAway", "gone", permanent=True, actor=actor)[0],
        "queues.run": run("pending"),
        "auth.user": user("driver"),
    }
    found["queues.alertoverride"] = AlertOverride.objects.create(
        rule="queue_wait", queue="billing", warning=7, reason="r"
    )
    admin_ = user("admin")
    found["queues.webhookendpoint"] = webhook = webhook_endpoints.make(
        admin_,
        url="https://hooks.example.org/",
        description="Ops",
        events=["run.dead"],
        queues=["billing"],
        by=admin_,
        actor=actor,
    )
    found["queues.webhookdelivery"] = WebhookDelivery.objects.create(
        id=new_id(), endpoint=webhook, event="run.dead", key="k", payload="{}", state="dead", created_at=clock.now()
    )
    found["queues.queue"] = Queue.objects.get(pk="billing")
    found |= billing_scenes.rows()
    for model in admin.site._registry:
        if model._meta.label_lower == "queues.allowance":
            found["queues.allowance"] = model._default_manager.create(kind="role", name="dispatcher", bucket="creation", count=3, per_s=60)  # fmt: skip
    return found


def editable(rows: dict[str, Any], browser: Client, someone: User) -> Iterator[str]:
    """What the admin lets an administrator do: a model and a verb each."""
    request = RequestFactory().get("/admin/")
    request.user = someone
    for model, page in admin.site._registry.items():
        label = model._meta.label_lower
        row: Any = rows.get(label)
        if page.has_add_permission(request):
            yield f"{label} add"
        for verb, may in (("change", page.has_change_permission), ("delete", page.has_delete_permission)):
            if may(request) if row is None else may(request, row):
                yield f"{label} {verb}"


def test_everything_that_can_be_changed_is_a_scene_here(rows: dict[str, Any], as_: Any, user: Any) -> None:
    """Who registers a page that changes something proves below that it is audited."""
    found = set(editable(rows, as_("admin"), user("admin")))
    assert found - set(SCENES) == set()


def test_every_verb_of_billing_is_a_scene_here() -> None:
    """As the addresses have it: what is neither one of the admin's own pages nor only told."""
    routes = [route for route in matrix_policy.ROWS if route.startswith("admin/billing/")]
    known = ("add", "change", "delete", "history")
    verbs = {
        f"billing.{parts[2]} {parts[-2]}"
        for parts in (route.split("/") for route in routes)
        if len(parts) > 4 and not parts[-2].startswith("<") and parts[-2] not in known
    }
    assert verbs - set(SCENES) == ONLY_TOLD


@pytest.mark.parametrize("scene", SCENES)
def test_it_is_audited_with_who_from_where_in_which_request_and_what(
    scene: str, rows: dict[str, Any], as_: Any, user: Any
) -> None:
    model, verb = scene.split(" ")
    if model not in {registered._meta.label_lower for registered in admin.site._registry}:
        pytest.skip("there is no such page in this house")
    path, posted, action = SCENES[scene]
    row: models.Model | None = rows.get(model)
    address = f"/admin/{model.replace('.', '/')}/" + path.format(
        pk=row.pk if row else "",
        definition=rows["queues.jobdefinition"].pk,
        price_list=rows["billing.pricelist"].pk,
        **money_scenes.places(rows),
    )
    if scene == "queues.allowance add":
        rows["queues.allowance"].delete()
    seen = AuditEntry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    sent = {name: str(user("admin").pk) if value == "{admin}" else value for name, value in posted.items()}
    sent = billing_scenes.filled(sent, rows)
    answer: Any = as_("admin").post(address, sent, headers={"X-Request-ID": "r-7"})
    assert answer.status_code in (200, 302)  # 200: a page that shows once what was made, or a form that is refused
    entries = list(AuditEntry.objects.filter(id__gt=seen).order_by("id"))
    assert " + ".join(each.action for each in entries) == action
    who = user("admin")
    for entry in entries:
        assert (entry.actor, entry.actor_id, entry.source) == (who.username, who.pk, "admin")
        assert (entry.address, entry.request_id) == ("127.0.0.1", "r-7")
        assert entry.object_id and entry.object_label
    assert entry.why == posted.get("why", "")
    if verb != "password":
        assert entry.before or entry.after, "what was changed is told"
    assert verb != "add" or entry.before is None
    assert verb != "delete" or entry.after is None
    assert SECRET not in str((entry.before, entry.after))


def test_ones_own_password_is_audited(as_: Any, user: Any) -> None:
    someone = user("dispatcher")
    someone.set_password("an-Old-password-7")
    someone.save()
    browser = as_("dispatcher")
    form = {"old_password": "an-Old-password-7", "new_password1": SECRET, "new_password2": SECRET}
    assert browser.post("/admin/password_change/", {**form, "old_password": "x"}).status_code == 200
    assert not AuditEntry.objects.exists()
    assert browser.post("/admin/password_change/", form).status_code == 302
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.object_id) == ("user.password", "dispatcher", str(someone.pk))
