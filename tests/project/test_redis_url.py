from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.redis_url import options, with_database


def test_a_plain_url_gets_time_outs_and_a_pool() -> None:
    got = options("redis://h:6379/2", pool_size=20)
    assert got["url"] == "redis://h:6379/2"
    assert (got["max_connections"], got["socket_timeout"], got["socket_connect_timeout"]) == (20, 5.0, 10.0)


def test_tls_verifies_the_hosts_name() -> None:
    got = options("rediss://h:6380/0", pool_size=5)
    assert got["ssl_cert_reqs"] == "required" and got["ssl_check_hostname"] is True


def test_a_sentinel_url_names_its_sentinels_service_and_database() -> None:
    got = options("redis+sentinel://user:p%40ss@s1:26379,s2:26380/mymaster/3", pool_size=5)
    assert got["sentinels"] == [("s1", 26379), ("s2", 26380)]
    assert (got["service"], got["db"], got["username"], got["password"]) == ("mymaster", 3, "user", "p@ss")


def test_a_unix_socket_has_no_keep_alive() -> None:
    assert "socket_keepalive" not in options("unix:///run/redis.sock", pool_size=5)


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
    ],
)
def test_a_url_that_cannot_be_used_is_told_with_an_example(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL.*Example"):
        options(url, pool_size=5)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://u:p@h:1/0", "redis://u:p@h:1/3"),
        ("redis://h", "redis://h/3"),
        ("unix:///x.sock", "unix:///x.sock?db=3"),
        ("unix:///x.sock?db=1&password=a", "unix:///x.sock?db=3&password=a"),
        ("redis+sentinel://s:1/m/0", "redis+sentinel://s:1/m/0"),
    ],
)
def test_purposes_live_in_databases_of_their_own(url: str, expected: str) -> None:
    assert with_database(url, 3) == expected
