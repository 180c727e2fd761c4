"""Whose address a request has: the peer's, or what the trusted proxies wrote, never what a client wrote."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory

from queues.admin import access
from queues.api.actor import actor_of
from queues.client_address import address_of, client_address, network

PROXY, ONE, OTHER = "10.0.0.5", "192.0.2.1", "198.51.100.7"


@pytest.mark.parametrize(
    ("forwarded", "trusted", "address"),
    [
        ("", 0, PROXY),
        (ONE, 0, PROXY),  # no proxy is trusted: the header is never believed
        (ONE, 1, ONE),
        (f"{OTHER}, {ONE}", 1, ONE),  # what the client wrote stands left of what our proxy appended
        (f"{OTHER},{ONE},10.0.0.4", 2, ONE),
        ("", 1, PROXY),
        (ONE, 2, PROXY),  # too short: it did not come through both of ours
        ("unknown", 1, PROXY),
        (f"{ONE}, _hidden", 1, PROXY),
        (f"{ONE},", 1, PROXY),
        (f"{ONE}:4711", 1, ONE),
        ("[2001:db8::7]:4711", 1, "2001:db8::7"),
        ("2001:DB8:0::7", 1, "2001:db8::7"),
        ("x" * 9000, 1, PROXY),
    ],
)
def test_the_address_is_the_one_that_our_outermost_proxy_saw(forwarded: str, trusted: int, address: str) -> None:
    assert client_address(PROXY, forwarded, trusted) == address


def test_whatever_a_client_writes_before_it_changes_nothing() -> None:
    for spoofed in ("1.2.3.4", "1.2.3.4, 5.6.7.8", ",,,", "unknown", "127.0.0.1", "::1"):
        assert client_address(PROXY, f"{spoofed}, {ONE}", 1) == ONE


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        (ONE, ONE),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", ONE),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_one_who_has_many_addresses_is_counted_as_one(address: str, counted: str) -> None:
    assert network(address) == counted


def test_the_audit_log_has_the_clients_address(settings: Any) -> None:
    class Somebody:
        pk = 7

        def get_username(self) -> str:
            return "ada"

    settings.TRUSTED_PROXIES = 1
    request: Any = RequestFactory().get("/", REMOTE_ADDR=PROXY, headers={"X-Forwarded-For": f"{OTHER}, {ONE}"})
    request.user = Somebody()
    assert address_of(request) == actor_of(request).address == ONE
    settings.TRUSTED_PROXIES = 0
    assert actor_of(request).address == PROXY


@pytest.mark.django_db
def test_the_admin_enters_the_clients_address_into_the_log_too(settings, rf) -> None:  # type: ignore[no-untyped-def]
    settings.TRUSTED_PROXIES = 1
    request = rf.get("/admin/", HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.7")
    request.user = User.objects.create_user("ann", password="a-long-password-7", is_staff=True)
    assert access.actor_of(request).address == "198.51.100.7"
