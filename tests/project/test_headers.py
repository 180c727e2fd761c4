"""What every address says to browsers, whoever asks: the headers, on pages, API, static files and errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client, override_settings
from django.urls import get_resolver

from queues import registry
from queues.ledger.queue_settings import ensure_queues
from tests.api import test_matrix as matrix
from tests.api.matrix_policy import ROWS

pytestmark = pytest.mark.django_db
HTTPS = {
    "SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 31_536_000, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_HSTS_PRELOAD": True, "SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True,
    "SESSION_COOKIE_NAME": "__Host-sessionid", "CSRF_COOKIE_NAME": "__Host-csrftoken",
}  # fmt: skip
ALWAYS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
Stage = tuple[dict[str, Client], dict[str, Any]]


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any) -> Iterator[Stage]:
    """A stranger and a superuser, and one object of each kind. All is rolled back."""
    job = "tests.headers"
    registry.spec(job, queue="billing", params=registry.NoParams)
    with django_db_blocker.unblock(), override_settings(**HTTPS), transaction.atomic():
        ensure_queues()
        User.objects.create_user("matrix-manager")  # whose the objects of this queue are
        objects = matrix._objects("billing", job)
        clients = {who: Client(raise_request_exception=False) for who in ("anonymous", "superuser")}
        clients["superuser"].force_login(User.objects.create_user("headers", is_staff=True, is_superuser=True))
        yield clients, objects
        transaction.set_rollback(True)
    registry.forget(job)


def wrong(answer: HttpResponseBase) -> list[str]:
    """What is missing in an answer's headers, or too wide."""
    headers = answer.headers
    found = [f"{name}: {headers.get(name)}" for name, value in ALWAYS.items() if headers.get(name) != value]
    policy = dict(part.strip().partition(" ")[::2] for part in headers.get("Content-Security-Policy", "").split(";"))
    for directive in ("default-src", "frame-ancestors", "base-uri"):
        if policy.get(directive) != "'none'":
            found.append(f"{directive}: {policy.get(directive)}")
    found += [f"{each} is allowed" for each in ("'unsafe-inline'", "http:", "https:", "*") if each in str(policy)]
    if not headers.get("Content-Type", "").startswith("text/html") and set(policy) - {
        "default-src",
        "frame-ancestors",
        "base-uri",
        "form-action",
    }:
        found.append(f"a page's policy on {headers.get('Content-Type')}")
    if "geolocation=()" not in headers.get("Permissions-Policy", ""):
        found.append("no Permissions-Policy")
    if "no-store" not in headers.get("Cache-Control", ""):
        found.append(f"Cache-Control: {headers.get('Cache-Control')}")
    found += [f"it says {name}" for name in ("Server", "X-Powered-By") if name in headers]
    return found + [f"cookie {name}" for name, cookie in answer.cookies.items() if not shut(name, cookie)]


def shut(name: str, cookie: Any) -> bool:
    """Whether a cookie is sent over HTTPS alone, to this host alone, and is no script's to read; or is taken away."""
    if not cookie.value:
        return True
    named = name.startswith("__Host-") and cookie["path"] == "/" and not cookie["domain"]
    return bool(cookie["secure"] and cookie["httponly"] and cookie["samesite"] and (named or name == "messages"))


@pytest.mark.parametrize("route", sorted(set(matrix.routes(get_resolver().url_patterns))))
def test_every_address_answers_with_every_header(route: str, stage: Stage) -> None:
    clients, objects = stage
    where, found = matrix.address(route, "billing", objects), {}
    for who, client in clients.items():
        for method in ("GET", "POST", "OPTIONS"):
            kept = client.cookies.output(header="", sep=";")
            with transaction.atomic():
                answer = client.generic(method, where, b"{}", content_type="application/json", secure=True)
                transaction.set_rollback(True)
            if trouble := wrong(answer):
                found[who, method, answer.status_code] = trouble
            client.cookies.load(kept)  # one of the addresses signs out
    assert route in ROWS and not found, found


@pytest.mark.parametrize("path", ["/static/none.js", "/x/y", "/", "/favicon.ico"])
def test_errors_and_redirects_have_them_too(path: str, stage: Stage) -> None:
    assert wrong(stage[0]["anonymous"].get(path, secure=True)) == []


def test_plain_http_is_sent_to_https(stage: Stage) -> None:
    answer = stage[0]["anonymous"].get("/admin/login/")
    assert answer.status_code == 301 and answer["Location"].startswith("https://")
    assert wrong(answer) == ["Strict-Transport-Security: None"]  # which counts over HTTPS alone


def test_an_error_of_ours_tells_nothing_and_has_them_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("Zq8vX3kT9wLm2NpR")

    monkeypatch.setattr("queues.admin.dashboard.dashboard_context", broken)
    monkeypatch.setattr("queues.api.reads.database_up", broken)
    for path in ("/admin/", "/healthz"):
        answer = stage[0]["superuser"].get(path, secure=True)
        body = answer.content.decode()
        assert answer.status_code == 500 and wrong(answer) == []
        assert not [word for word in ("Zq8v", "RuntimeError", "Traceback", "queues.", "django") if word in body]


def test_a_header_that_is_missing_is_found(stage: Stage) -> None:
    """The tests above can fail."""
    answer = stage[0]["anonymous"].get("/healthz", secure=True)
    for name in (*ALWAYS, "Content-Security-Policy", "Permissions-Policy", "Cache-Control"):
        kept = answer.headers[name]
        del answer.headers[name]
        assert wrong(answer), name
        answer.headers[name] = kept
    answer.set_cookie("sessionid", "x")
    assert wrong(answer) == ["cookie sessionid"]
