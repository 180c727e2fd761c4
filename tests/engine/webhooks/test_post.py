"""One message over the network: signed, to public addresses and what is allowed, and to an end in any case."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from queues.engine import webhook_post, webhook_resolve
from queues.engine.webhook_post import KEPT_BYTES, READ_BYTES, Poster
from queues.ledger.webhook_deliveries import Sent, Taken
from queues.web_address import Allowed

from ..receiver import Receiver, receiving
from ..test_tls import authority, certificate

HERE = Allowed.of(["127.0.0.1"])
NEW, OLD = "whsec_" + "bmV3" * 8, "whsec_" + "b2xk" * 8
BODY = '{"type":"run.succeeded","timestamp":"2026-11-26T12:00:00.000Z","data":{}}'
Answers = list[tuple[Any, ...]]


def message(url: str, secrets: tuple[str, ...] = (NEW,)) -> Taken:
    return Taken(uuid4(), uuid4(), uuid4(), url, secrets, BODY, 1)


def post(url: str, allowed: Allowed = HERE, ca_file: str = "", secrets: tuple[str, ...] = (NEW,)) -> Sent:
    return posted(message(url, secrets), allowed, ca_file)


def posted(taken: Taken, allowed: Allowed = HERE, ca_file: str = "") -> Sent:
    async def once() -> Sent:
        async with Poster(allowed, ca_file) as poster:
            return await poster(taken)

    return asyncio.run(once())


def answering(monkeypatch: pytest.MonkeyPatch, *turns: list[str]) -> list[str]:
    """The system's resolver answers so, turn by turn (the last one again and again). What it was asked for."""
    asked: list[str] = []

    def resolve(host: str, port: int, *args: Any) -> Answers:
        asked.append(host)
        addresses = turns[min(len(asked), len(turns)) - 1]
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(webhook_resolve.socket, "getaddrinfo", resolve)
    return asked


def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whatever address anybody connects to."""
    made: list[str] = []
    connect = asyncio.selector_events.BaseSelectorEventLoop.sock_connect

    async def noted(loop: Any, sock: socket.socket, address: Any) -> Any:
        made.append(address[0])
        return await connect(loop, sock, address)

    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", noted)
    return made


def test_what_is_sent_is_signed_as_the_standard_has_it(receiver: Receiver) -> None:
    taken = message(receiver.url)
    sent = posted(taken)
    (seen,) = receiver.seen
    assert (sent.status, sent.error, sent.arrived) == (204, "", True)
    assert seen.verified(NEW) == {"type": "run.succeeded", "timestamp": "2026-11-26T12:00:00.000Z", "data": {}}
    assert seen.id == str(taken.id) and seen.body == BODY.encode()
    assert seen.headers["content-type"] == "application/json" and seen.headers["user-agent"] == "Roundsman-Webhooks/1"
    assert seen.headers["host"] == f"127.0.0.1:{receiver.port}" and seen.path == "/hook"
    with pytest.raises(WebhookVerificationError):
        seen.verified(OLD)


def test_during_a_rotation_both_secrets_verify(receiver: Receiver) -> None:
    post(receiver.url, secrets=(NEW, OLD))
    (seen,) = receiver.seen
    assert len(seen.headers["webhook-signature"].split(" ")) == 2
    for secret in (NEW, OLD):
        assert seen.verified(secret)["type"] == "run.succeeded"
    seen.body = seen.body.replace(b"succeeded", b"cancelled")
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(seen.body, seen.headers)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.usual, receiver.headers = status, {"Location": receiver.url + "/elsewhere"}
    sent = post(receiver.url)
    assert (sent.status, sent.arrived) == (status, False)
    assert "redirects are not followed" in sent.error and len(receiver.seen) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
def test_another_answer_is_a_failure_with_an_excerpt(receiver: Receiver, status: int) -> None:
    receiver.usual, receiver.headers = status, {"Retry-After": "77"}
    sent = post(receiver.url)
    assert (sent.status, sent.error, sent.excerpt) == (status, f"It answered {status}.", "It is as it is.")
    assert sent.retry_after_s == (77 if status in (429, 503) else None)


def test_a_receiver_that_drips_is_left_when_the_time_is_over(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_post, "LIMIT_S", 0.5)
    receiver.usual = "drip"
    begun_s = time.perf_counter()
    sent = post(receiver.url)
    assert time.perf_counter() - begun_s < 3
    assert (sent.status, sent.error) == (None, "It did not answer within 0.5 seconds.")


def test_an_answer_without_end_is_read_to_a_limit(receiver: Receiver) -> None:
    receiver.usual = "flood"
    sent = post(receiver.url)
    assert (sent.status, sent.error) == (200, "") and sent.excerpt == "x" * KEPT_BYTES
    assert READ_BYTES > KEPT_BYTES


@pytest.mark.parametrize(("mood", "words"), [("drop", "broke off"), ("hang", "did not answer within")])
def test_a_receiver_that_says_nothing_is_told_in_words(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, mood: str, words: str
) -> None:
    monkeypatch.setattr(webhook_post, "LIMIT_S", 0.5)
    receiver.usual = mood
    assert words in post(receiver.url).error


def test_nobody_there_is_told_in_words(receiver: Receiver) -> None:
    assert post("http://127.0.0.1:1024/").error == "It could not be connected to."


def test_cookies_are_not_kept_and_no_proxy_of_the_environment_is_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    receiver.headers = {"Set-Cookie": "a=b; Path=/"}

    async def twice() -> list[Sent]:
        async with Poster(HERE) as poster:
            return [await poster(message(receiver.url)) for _ in range(2)]

    assert [sent.status for sent in asyncio.run(twice())] == [204, 204]
    assert [("cookie" in seen.headers, "authorization" in seen.headers) for seen in receiver.seen] == [
        (False, False)
    ] * 2


def test_neither_secret_nor_url_gets_into_the_log(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    taken = message(receiver.url + "?token=private")
    posted(taken)
    said = caplog.text + repr(taken)
    assert len(receiver.seen) == 1 and "private" not in said and NEW not in said and "webhook-signature" not in said


# --- where it goes ---


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["100.64.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["64:ff9b::a9fe:a9fe"],
        ["fd00:ec2::254"], ["0.0.0.0"], ["224.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["2606:4700::1111", "::1"], [],
    ],
)  # fmt: skip
def test_a_name_with_any_forbidden_address_is_refused_before_anybody_connects(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, addresses)
    made = connections(monkeypatch)
    sent = post("https://hooks.example/", Allowed())
    assert (sent.status, sent.error) == (None, "There is no public address of hooks.example.")
    assert made == []


def test_a_name_that_changes_its_mind_is_asked_once_and_taken_at_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    made = connections(monkeypatch)
    sent = post("https://rebinding.example/", Allowed())
    assert sent.status is None  # this machine has no way out, in tests
    assert asked.count("rebinding.example") == 1 and made == ["93.184.216.34"]


def test_the_library_refuses_by_itself_what_slipped_through(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    """Should our own look fail one day: the connection is refused all the same."""

    async def anything(*args: Any) -> list[Any]:
        return [webhook_resolve.ipaddress.ip_address("127.0.0.1")]

    monkeypatch.setattr(webhook_post, "addresses_of", anything)
    monkeypatch.setattr(webhook_post, "is_public", lambda address: True)
    made = connections(monkeypatch)
    sent = post(f"https://hooks.example:{receiver.port}/", Allowed())
    assert sent.error == "Its address is not public."
    assert made == [] and receiver.seen == []


def test_metadata_is_refused_whatever_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["169.254.169.254"])
    made = connections(monkeypatch)
    assert "no public address" in post("https://hooks.example/", Allowed.of(["0.0.0.0/0", "hooks.example"])).error
    assert made == []


def test_plain_http_does_not_leave_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["93.184.216.34"])
    made = connections(monkeypatch)
    assert "no public address" in post("http://localhost:8000/", Allowed.of(["localhost", "0.0.0.0/0"])).error
    assert made == []


def test_a_resolver_that_never_answers_is_left_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_post, "LIMIT_S", 0.2)
    monkeypatch.setattr(webhook_resolve.socket, "getaddrinfo", lambda *args: time.sleep(4))
    begun_s = time.perf_counter()
    assert "did not answer within" in post("https://slow.example/", Allowed()).error
    assert time.perf_counter() - begun_s < 3


def test_the_next_address_is_tried_where_the_first_takes_no_connection(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, ["::1", "127.0.0.1"])
    sent = post(f"http://localhost:{receiver.port}/", Allowed.of(["127.0.0.1", "::1", "localhost"]))
    assert sent.status == 204 and len(receiver.seen) == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_over_tls_the_certificate_is_proved_for_the_name_and_not_the_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority(tmp_path, "ours")
    certificate(tmp_path, "here", "ours", "DNS:hooks.internal")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "here.pem", tmp_path / "here.key")
    answering(monkeypatch, ["127.0.0.1"])
    allowed, ours = Allowed.of(["hooks.internal", "other.internal"]), str(tmp_path / "ours.pem")
    with receiving(Receiver(), context) as receiver:
        assert post(f"https://hooks.internal:{receiver.port}/", allowed, ours).status == 204
        assert receiver.seen[0].headers["host"] == f"hooks.internal:{receiver.port}"
        assert "certificate is not valid" in post(f"https://other.internal:{receiver.port}/", allowed, ours).error
        assert "certificate is not valid" in post(f"https://hooks.internal:{receiver.port}/", allowed).error
        assert len(receiver.seen) == 1
