"""What is declared wrongly is told by `manage.py check`, and the roles are groups from the first migration on."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection

from queues import catalogue, checks, policy, registry


@pytest.fixture
def loose() -> Iterator[str]:
    registry.spec("tests.loose", queue="nowhere", params=registry.NoParams)
    yield "tests.loose"
    registry.forget("tests.loose")


def test_the_house_as_it_is_has_no_faults() -> None:
    assert checks.jobs_can_run() == []
    assert checks.queue_names_are_free() == []


def test_a_job_without_queue_or_handler_is_told_with_what_to_do(loose: str) -> None:
    found = checks.jobs_can_run()
    assert [(each.id, each.obj) for each in found] == [("queues.E001", loose), ("queues.E002", loose)]
    assert all(each.hint and loose in each.msg for each in found)


@pytest.mark.parametrize("name", sorted(catalogue.RESERVED))
def test_a_queue_named_like_a_path_is_told(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(catalogue, "ALIASES", {name: "billing"})
    assert [each.id for each in checks.queue_names_are_free()] == ["queues.E003"]


def test_an_alias_of_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "ALIASES", {"bills": "billings"})
    assert [each.id for each in checks.queue_names_are_free()] == ["queues.E004"]


@pytest.mark.django_db
def test_every_role_is_a_group_without_permissions_of_djangos() -> None:
    Group.objects.all().delete()  # (a test that commits has emptied the tables, perhaps)
    import_module("queues.migrations.0002_roles").make_groups(apps, SimpleNamespace(connection=connection))
    groups = Group.objects.all()
    assert {group.name for group in groups} == set(policy.ROLES)
    assert not any(group.permissions.exists() for group in groups)
