from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.redis_url import PURPOSES, Pool, Tls, Waits, options, with_database


def test_a_plain_url_gets_time_outs_and_a_pool() -> None:
    got = options("redis://h:6379/2", pool=Pool(5, 20))
    assert got["url"] == "redis://h:6379/2"
    assert (got["least"], got["max_connections"]) == (5, 20)
    assert (got["socket_timeout"], got["socket_connect_timeout"], got["health_check_interval"]) == (5.0, 10.0, 30)


def test_no_purpose_waits_longer_than_was_asked_for_and_requests_wait_less() -> None:
    assert all(waits.command_s <= 5 and waits.connect_s <= 10 for waits in PURPOSES.values())
    for purpose in ("queue", "session", "cache"):
        assert max(PURPOSES[purpose].command_s, PURPOSES[purpose].connect_s) < 2.0
    assert options("redis://h", waits=Waits(1.5, 2.5))["socket_connect_timeout"] == 2.5


def test_a_pool_keeps_no_more_ready_than_it_may_have() -> None:
    assert options("redis://h", pool=Pool(least=5, most=3))["least"] == 3


def test_tls_verifies_the_hosts_name() -> None:
    got = options("rediss://h:6380/0", tls=Tls(ca_file="/ca.pem"))
    assert got["ssl_cert_reqs"] == "required" and got["ssl_check_hostname"] is True
    assert got["ssl_ca_certs"] == "/ca.pem" and "ssl_certfile" not in got
    assert "ssl_ca_certs" not in options("redis://h:6380/0", tls=Tls(ca_file="/ca.pem"))


@pytest.mark.parametrize(
    "query", ["ssl_check_hostname=false", "ssl_cert_reqs=none", "ssl_check_hostname=", "db=1&ssl_ca_certs=/x.pem"]
)
def test_a_url_cannot_switch_the_verification_off(query: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="TLS verifies certificates and host names, always.*REDIS_CA_FILE"):
        options(f"rediss://h:6380/0?{query}")


def test_a_url_cannot_change_the_pool() -> None:
    with pytest.raises(ImproperlyConfigured, match="max_connections cannot be set in it.*db, password"):
        options("redis://h:6380/0?max_connections=1000")
    assert options("unix:///x.sock?db=3&username=a&password=b")["url"] == "unix:///x.sock?db=3&username=a&password=b"


def test_a_sentinel_url_names_its_sentinels_service_and_database() -> None:
    got = options("redis+sentinel://user:p%40ss@s1:26379,s2:26380/mymaster/3")
    assert got["sentinels"] == [("s1", 26379), ("s2", 26380)]
    assert (got["service"], got["db"], got["username"], got["password"]) == ("mymaster", 3, "user", "p@ss")
    assert got["sentinel_kwargs"] == {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}


def test_with_tls_the_sentinels_are_verified_as_the_master_is() -> None:
    got = options("rediss+sentinel://s1:26379/mymaster", tls=Tls(ca_file="/ca.pem"))
    for which in (got, got["sentinel_kwargs"]):
        assert which["ssl"] is True and which["ssl_check_hostname"] is True
        assert (which["ssl_cert_reqs"], which["ssl_ca_certs"]) == ("required", "/ca.pem")


def test_a_unix_socket_has_no_keep_alive() -> None:
    assert "socket_keepalive" not in options("unix:///run/redis.sock")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://h/0",
        "redis://",
        "redis://h:port/0",
        "unix://",
        "redis+sentinel://s1/mymaster",
        "redis+sentinel://s1:26379",
        "redis+sentinel://s1:26379/m/x",
        "redis+sentinel://s1:26379/m/0?db=1",
    ],
)
def test_a_url_that_cannot_be_used_is_told_with_an_example(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL.*Example"):
        options(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://u:p@h:1/0", "redis://u:p@h:1/3"),
        ("redis://h", "redis://h/3"),
        ("unix:///x.sock", "unix:///x.sock?db=3"),
        ("unix:///x.sock?db=1&password=a", "unix:///x.sock?db=3&password=a"),
        ("redis://h:1/0?db=5&protocol=2", "redis://h:1/3?protocol=2"),
        ("redis+sentinel://u:p@s:1,t:2/m/0", "redis+sentinel://u:p@s:1,t:2/m/3"),
        ("redis+sentinel://s:1/m", "redis+sentinel://s:1/m/3"),
    ],
)
def test_purposes_live_in_databases_of_their_own(url: str, expected: str) -> None:
    assert with_database(url, 3) == expected
