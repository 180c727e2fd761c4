"""/metrics: well-formed, complete, guarded, and quick whatever is away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import OperationalError
from django.test import RequestFactory
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from queues import catalogue
from queues.contract import RunRef
from queues.engine import broker
from queues.engine.reuse_figures import ReuseFigures
from queues.ledger import clock, states, webhook_deliveries
from queues.ledger.facts import Finished
from queues.models import Alert, AlertWatch, QueueHealth, Slot, WebhookDelivery
from queues.watch import allowed, health, table, views
from queues.watch.look import Look
from queues.watch.metrics import LedgerPart, QueueCollector, RedisPart
from queues.watch.refusals import Refusals
from queues.watch.score import judge
from queues.watch.timings import Timings

from .conftest import NOON

REUSED = RunRef(uuid4(), "succeeded", created=False, cached=True)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(page: str) -> Samples:
    """Every sample once, every family with its help and type: what promtool would insist on."""
    found: Samples = {}
    names = [line.split()[2] for line in page.splitlines() if line.startswith("# TYPE ")]
    assert len(names) == len(set(names)), "a family comes twice"
    for family in text_string_to_metric_families(page):
        assert family.documentation
        assert family.type != "unknown", family.name
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} comes twice"
            found[key] = sample.value
    return found


def scraped(collector: QueueCollector | None = None) -> Samples:
    registry = CollectorRegistry()
    registry.register(collector or QueueCollector())
    return parsed(generate_latest(registry).decode())


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


@pytest.fixture
def scene(transactional_db: None, server: object, at_noon: clock.Fake, run: Any, worker: Any, ended: Any) -> Any:
    """A queue with a bit of everything."""
    run("email", "pending", due_s=-42)
    run("email", "scheduled", due_s=60)
    held = run("email", "running")
    Slot.objects.create(token=held.lease_token, queue="email", worker_id=held.worker_id, claimed_at=NOON)
    for _ in range(30):
        run("email", "succeeded")
    run("billing", "dead")
    worker("email")
    worker("email", "billing")  # the same name again
    health.record_finished([ended("email"), ended("email"), ended("email", states.SCHEDULED)])
    timings = Timings()
    timings.add([ended("email", took_s=0.3), ended("email", took_s=3)])
    timings.close()
    figures = ReuseFigures(delay_s=1000)
    for ref in (REUSED, REUSED, REUSED, RunRef(uuid4(), "pending")):
        figures.add("tests.look", ref)
    figures.flush()
    QueueHealth.objects.filter(pk="email").update(sampled_at=NOON - timedelta(seconds=12))
    for name, slots in (("host.1", 3), ("host.2", 1)):
        allowed.publish(name, broker.connection("metrics"), NOON, {"email": slots})
    counts = {"queue_wait|warning": 3, "backlog|critical": 1}
    AlertWatch.objects.create(looked_at=NOON - timedelta(seconds=7), counts=counts)
    for queue in ("email", "billing"):
        Alert.objects.create(
            id=uuid4(), rule="queue_wait", queue=queue, level="warning", text="t", value=6, threshold=5, peak=6,
            opened_at=NOON, level_at=NOON, last_seen_at=NOON,
        )  # fmt: skip
    counted = Refusals(delay_s=1000)
    for code, bucket in (("invalid", ""), ("invalid", ""), ("rate_limited", "creation")):
        counted.add(code, bucket)
    counted.flush()
    broker.connection("queue").hincrby(broker.INTRUDERS, broker.queue_key("email"), 2)
    return at_noon


def test_a_scrape_tells_what_the_ledger_and_redis_hold(scene: Any) -> None:
    samples = scraped()
    assert value(samples, "queue_size", queue="email", state="pending") == 1
    assert value(samples, "queue_size", queue="email", state="scheduled") == 1
    assert value(samples, "queue_size", queue="email", state="running") == 1
    assert value(samples, "queue_oldest_wait_seconds", queue="email") == 42
    assert value(samples, "queue_jobs_per_second", queue="email") == 0.5
    assert value(samples, "queue_jobs_processed_total", queue="email", state="succeeded") == 2
    assert value(samples, "queue_jobs_processed_total", queue="email", state="retried") == 1
    assert value(samples, "queue_jobs_processed_total", queue="reports", state="dead") == 0
    assert value(samples, "queue_dead_letters", queue="billing") == 1
    assert value(samples, "queue_workers", queue="email") == 2
    assert value(samples, "queue_slots_busy", queue="email") == 1
    assert value(samples, "queue_slots_limit", queue="email") == catalogue.get("email").concurrency
    assert value(samples, "queue_health_score", queue="email") == judge(health.facts("email")).score
    assert value(samples, "queue_health_sample_age_seconds", queue="email") == 12
    assert value(samples, "queue_memory_usage_bytes", worker="host.1") == 200e6
    assert value(samples, "queue_alerts_open", rule="queue_wait", level="warning") == 2
    assert value(samples, "queue_alerts_open", rule="sla", level="critical") == 0
    assert value(samples, "queue_alerts_total", rule="queue_wait", level="warning") == 3
    assert value(samples, "queue_alerts_total", rule="pool_use", level="warning") == 0
    assert value(samples, "queue_alerts_look_age_seconds") == 7
    assert value(samples, "queue_job_processing_duration_seconds_bucket", queue="email", le="0.5") == 1
    assert value(samples, "queue_job_processing_duration_seconds_count", queue="email") == 2
    assert value(samples, "queue_job_processing_duration_seconds_sum", queue="email") == pytest.approx(3.3)
    assert value(samples, "queue_cache_requests_total", job="tests.look", answer="result") == 3
    assert value(samples, "queue_cache_requests_total", job="tests.look", answer="fresh") == 0
    assert value(samples, "queue_cache_hit_rate_percent", job="tests.look") == 75
    assert value(samples, "queue_concurrency_allowed", queue="email") == 4
    assert value(samples, "queue_api_refusals_total", code="invalid") == 2
    assert value(samples, "queue_api_refusals_total", code="rate_limited") == 1
    assert value(samples, "queue_api_rate_limited_total", bucket="creation") == 1
    assert value(samples, "queue_intruders_total", queue="email") == 2
    assert value(samples, "queue_intruders_total", queue="billing") == 0
    assert value(samples, "redis_up") == value(samples, "database_up") == 1


def test_a_job_that_nobody_asked_for_today_has_no_hit_rate(scene: Any) -> None:
    client = broker.connection("metrics")
    client.delete(*client.zrange("roundsman:cache:hours", 0, -1))  # as Redis does when a day is over
    samples = scraped()
    assert value(samples, "queue_cache_requests_total", job="tests.look", answer="run") == 1
    assert not [name for name, _ in samples if name == "queue_cache_hit_rate_percent"]


def test_a_scrape_holds_every_metric_of_the_table_with_its_labels_and_no_other(scene: Any) -> None:
    labels: dict[str, set[str]] = {}
    for name, pairs in scraped():
        for ending in ("_bucket", "_count", "_sum"):
            name = name.removesuffix(ending)
        labels.setdefault(name, set()).update(label for label, _ in pairs if label != "le")
    assert labels == {spec.name: set(spec.labels) for spec in table.METRICS}


def test_histograms_are_cumulative_in_every_queue_from_the_start(scene: Any) -> None:
    samples = scraped()
    for name in ("queue_job_processing_duration_seconds", "queue_job_wait_seconds"):
        for queue in catalogue.NAMES:
            buckets = sorted(
                (float(dict(pairs)["le"]), count)
                for (sample, pairs), count in samples.items()
                if sample == f"{name}_bucket" and dict(pairs)["queue"] == queue
            )
            counts = [count for _, count in buckets]
            assert counts == sorted(counts)
            assert buckets[-1] == (float("inf"), value(samples, f"{name}_count", queue=queue))


def test_without_redis_the_ledgers_part_comes_and_the_score_knows_it(scene: Any, server: Any) -> None:
    before = value(scraped(), "queue_health_score", queue="reports")
    server.stop()
    samples = scraped()
    assert (value(samples, "redis_up"), value(samples, "database_up")) == (0, 1)
    assert value(samples, "queue_size", queue="email", state="pending") == 1
    assert value(samples, "queue_health_score", queue="reports") == before - 20
    assert not [name for name, _ in samples if name.startswith(("queue_job_wait", "queue_window", "redis_latency"))]


def test_without_the_database_redis_part_comes(server: object) -> None:
    def away() -> LedgerPart:
        raise OperationalError("away")

    samples = scraped(QueueCollector(ledger=away))
    assert (value(samples, "redis_up"), value(samples, "database_up")) == (1, 0)
    assert value(samples, "queue_job_wait_seconds_count", queue="email") == 0


def test_a_part_that_hangs_is_left_out_in_time_and_holds_one_thread() -> None:
    over = threading.Event()

    def hang() -> Any:
        over.wait(10)
        raise OperationalError("at last")

    collector = QueueCollector(ledger=hang, redis_part=lambda: RedisPart(0.001), deadline_s=0.2)
    begun, threads = time.monotonic(), threading.active_count()
    for _ in range(3):
        samples = scraped(collector)
        assert (value(samples, "redis_up"), value(samples, "database_up")) == (1, 0)
    assert time.monotonic() - begun < 2
    assert threading.active_count() <= threads + 1
    over.set()


def test_a_server_that_accepts_and_says_nothing_does_not_hold_the_scrape(
    transactional_db: None, settings: Any, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        settings.REDIS = {
            purpose: {"url": f"unix://{tmp_path / 's'}", "socket_timeout": 3.0} for purpose in ("queue", "metrics")
        }
        broker.connection.cache_clear()
        begun = time.monotonic()
        samples = scraped()
        assert time.monotonic() - begun < 2
    broker.connection.cache_clear()
    assert (value(samples, "redis_up"), value(samples, "database_up")) == (0, 1)


def test_the_reference_page_is_the_tables() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
    assert page.read_text() == table.markdown(), "run: python -m queues.watch.table > docs/reference/metrics.md"


# --- who may see it ---


@pytest.fixture
def get(server: object, transactional_db: None, settings: Any) -> Callable[..., Any]:
    settings.METRICS_TOKEN = "a-token-of-some-length"
    settings.METRICS_ENABLED = True

    def ask(user: Any = None, **headers: str) -> Any:
        request = RequestFactory().get("/metrics", headers=headers)
        request.user = user or AnonymousUser()
        return views.metrics(request)

    return ask


def test_staff_and_the_token_see_our_metrics_and_the_process_own(get: Callable[..., Any]) -> None:
    staff = User(username="staff", is_staff=True)
    for answer in (get(staff), get(authorization="Bearer a-token-of-some-length")):
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/plain")
        assert "no-store" in answer["Cache-Control"]
        names = {name for name, _ in parsed(answer.content.decode())}
        assert {"queue_size", "redis_up", "python_info"} <= names


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a-token",
        "Bearer a-token-of-some-lengthX",
        "Basic a-token-of-some-length",
        "Bearer é",
    ],
)
def test_nobody_else_is_told_anything(get: Callable[..., Any], sent: str) -> None:
    for user in (None, User(username="driver"), User(username="left", is_staff=True, is_active=False)):
        answer = get(user, authorization=sent)
        assert answer.status_code == 403
        assert answer["Content-Type"].startswith("text/plain")
        assert b"queue_size" not in answer.content


def test_an_empty_token_lets_nobody_in(get: Callable[..., Any], settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert get(authorization="Bearer ").status_code == 403
    assert get(authorization="Bearer").status_code == 403


def test_switched_off_there_is_no_page(get: Callable[..., Any], settings: Any) -> None:
    settings.METRICS_ENABLED = False
    assert get(authorization="Bearer a-token-of-some-length").status_code == 404


def test_a_session_that_cannot_be_read_is_told_plainly(get: Callable[..., Any]) -> None:
    class Away:
        @property
        def is_active(self) -> bool:
            raise OperationalError("away")

    answer = get(Away())
    assert answer.status_code == 503
    assert b"metrics token" in answer.content


def test_the_page_comes_within_two_seconds_when_redis_is_away(get: Callable[..., Any], server: Any) -> None:
    server.stop()
    begun = time.monotonic()
    answer = get(authorization="Bearer a-token-of-some-length")
    assert time.monotonic() - begun < 2
    assert "redis_up 0.0" in answer.content.decode()
    assert "database_up 1.0" in answer.content.decode()


def test_endings_of_the_writer_fit_what_the_watch_takes(server: object, ended: Callable[..., Finished]) -> None:
    timings = Timings()
    timings.add([ended(queue) for queue in catalogue.NAMES])
    timings.close()
    assert value(scraped(QueueCollector(ledger=lambda: LedgerPart(Look(NOON)))), "redis_up") == 1


def test_webhooks_are_told_by_outcome_and_by_what_waits(transactional_db: None) -> None:
    for number, state in enumerate(("pending", "sending", "dead", "delivered")):
        WebhookDelivery.objects.create(
            id=uuid4(), endpoint_id=uuid4(), event="run.dead", key=str(number), payload="{}", state=state, token=uuid4(),
            created_at=NOON,
        )  # fmt: skip
    webhook_deliveries.count({"delivered": 2})
    webhook_deliveries.count({"delivered": 3, "dead": 1})
    found = scraped()
    assert found["queue_webhook_deliveries_pending", ()] == 2 and found["queue_webhook_deliveries_dead", ()] == 1
    totals = {o: found["queue_webhook_deliveries_total", (("outcome", o),)] for o in ("delivered", "retried", "dead")}
    assert totals == {"delivered": 5, "retried": 0, "dead": 1}
