"""Redis over TLS: the certificate's authority and the host's name are verified, always."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.test import override_settings

from project.embedded.process import free_port, spawn, stop
from project.redis_url import Tls, options
from queues.engine import connections

pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None or shutil.which("openssl") is None,
    reason="needs a redis-server with TLS and openssl: apt-get install redis-server openssl",
)


def openssl(*arguments: str, folder: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str) -> Path:
    """A certificate authority of its own."""
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
        "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign", "-keyout", f"{name}.key", "-out", f"{name}.pem", folder=folder,
    )  # fmt: skip
    return folder / f"{name}.pem"


def certificate(folder: Path, name: str, signer: str, subject: str) -> None:
    """`subject` is what it is for, as a subjectAltName: DNS:…"""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
            "-keyout", f"{name}.key", "-out", f"{name}.csr", folder=folder)  # fmt: skip
    (folder / f"{name}.ext").write_text(f"subjectAltName={subject}\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{signer}.pem", "-CAkey", f"{signer}.key", "-days", "1",
            "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem", folder=folder)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls")
    authority(made, "ours")
    authority(made, "strange")
    certificate(made, "here", "ours", "DNS:localhost")
    certificate(made, "elsewhere", "ours", "DNS:redis.example.org")
    certificate(made, "us", "ours", "DNS:roundsman")
    return made


@pytest.fixture(scope="module")
def serve(folder: Path) -> Iterator[Callable[..., int]]:
    """serve(certificate): the port of a server that shows it. `asks`: it wants to see its clients', too."""
    running = []

    def start(name: str, *, asks: bool = False) -> int:
        port = free_port()
        with (folder / f"{name}.log").open("ab") as log:
            running.append(
                spawn(
                    ["redis-server", "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", "",
                     "--dir", str(folder), "--tls-cert-file", f"{name}.pem", "--tls-key-file", f"{name}.key",
                     "--tls-ca-cert-file", "ours.pem", "--tls-auth-clients", "yes" if asks else "no"],
                    log=log,
                )
            )  # fmt: skip
        end_s = time.monotonic() + 10
        while True:
            try:
                _plain(port)
                return port
            except OSError:
                assert time.monotonic() < end_s, (folder / f"{name}.log").read_text()[-1000:]
                time.sleep(0.02)

    yield start
    for process in running:
        stop(process, 5.0)


def _plain(port: int) -> None:
    import socket

    socket.create_connection(("127.0.0.1", port), 1.0).close()


def look(url: str, tls: Tls) -> connections.Health:
    connections.close()
    with override_settings(REDIS={"queue": options(url, tls=tls)}):
        try:
            return connections.ping("queue")
        finally:
            connections.close()


def test_the_right_host_under_a_known_authority_is_accepted(serve: Callable[..., int], folder: Path) -> None:
    found = look(f"rediss://localhost:{serve('here')}/0", Tls(ca_file=str(folder / "ours.pem")))
    assert found.up, found.detail


def test_another_hosts_certificate_is_refused(serve: Callable[..., int], folder: Path) -> None:
    port = serve("elsewhere")
    for host in ("localhost", "127.0.0.1"):
        found = look(f"rediss://{host}:{port}/0", Tls(ca_file=str(folder / "ours.pem")))
        assert not found.up and "CERTIFICATE_VERIFY_FAILED" in found.detail and "match" in found.detail


def test_a_certificate_of_a_strange_authority_is_refused(serve: Callable[..., int], folder: Path) -> None:
    port = serve("here")
    for tls in (Tls(ca_file=str(folder / "strange.pem")), Tls()):
        found = look(f"rediss://localhost:{port}/0", tls)
        assert not found.up and "CERTIFICATE_VERIFY_FAILED" in found.detail


def test_a_server_that_asks_who_we_are_is_shown_our_certificate(serve: Callable[..., int], folder: Path) -> None:
    url = f"rediss://localhost:{serve('here', asks=True)}/0"
    ca, ours, key = (str(folder / name) for name in ("ours.pem", "us.pem", "us.key"))
    assert not look(url, Tls(ca)).up
    assert look(url, Tls(ca, ours, key)).up


def test_without_tls_a_server_with_it_is_told_at_once(serve: Callable[..., int]) -> None:
    began_s = time.monotonic()
    found = look(f"redis://localhost:{serve('here')}/0", Tls())
    assert not found.up and time.monotonic() - began_s < 2.0


def test_djangos_cache_and_rqs_pages_are_verified_alike(serve: Callable[..., int], folder: Path) -> None:
    """They have no connection of their own that could skip it."""
    from django.conf import settings
    from django.core.cache import caches
    from django_rq import get_connection

    connections.close()
    one = options(f"rediss://localhost:{serve('here')}/0", tls=Tls(ca_file=str(folder / "ours.pem")))
    with override_settings(REDIS=dict.fromkeys(settings.REDIS, one)):
        assert get_connection("reports") is connections.connection("queue")
        caches["default"].set("k", 1)
        assert caches["default"].get("k") == 1
        for purpose in ("queue", "cache"):
            kind = connections.connection(purpose).connection_pool.connection_class
            assert issubclass(kind, redis.SSLConnection)
        connections.close()
