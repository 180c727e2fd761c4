"""The worker class that plain `manage.py rqworker` uses: to RQ's tools a worker, inside a `Shop` on the ledger.

RQ's part is identity alone: birth, heartbeat, state, `rq suspend`, and the commands shutdown and stop-job. Redis being
away stops none of the work: the record in Redis is made again when it is back.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from types import FrameType
from typing import Any
from uuid import UUID

from django.db import connections
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.command import parse_payload
from rq.suspension import is_suspended
from rq.worker import WorkerStatus

from queues.contract import Actor
from queues.engine import memory
from queues.engine.broker import QUEUES_KEY
from queues.engine.rules import Rules
from queues.engine.shop import Shop
from queues.ledger import runs

log = logging.getLogger("roundsman.worker")
RECORD_EVERY_S = 5.0
LISTEN_S = 5.0  # how often the thread that hears RQ's commands looks after its own connection
DEAF_AFTER = 2  # questions of its that nobody answered


class LedgerWorker(SimpleWorker):
    """`rules` may be set before `work()`; its other arguments are RQ's own."""

    rules: Rules | None = None
    shop: Shop | None = None
    _recorder: threading.Thread | None = None
    _recorded_at = 0.0
    _told_away = False

    def _set_ip_address(self, connection: Any) -> None:
        try:
            super()._set_ip_address(connection)
        except (RedisError, OSError):
            self.ip_address = "unknown"

    def work(
        self,
        burst: bool = False,
        logging_level: str | None = None,
        date_format: str = "%H:%M:%S",
        log_format: str = "%(asctime)s %(message)s",
        max_jobs: int | None = None,
        max_idle_time: int | None = None,
        with_scheduler: bool = False,
        dequeue_strategy: Any = None,
    ) -> bool:
        """Work until stopped (or, in burst mode, until nothing is due). Returns whether anything was done."""
        rules = self.rules or Rules(queues=self.queue_names())
        rules.burst, rules.max_jobs, rules.max_idle_s = burst, max_jobs, max_idle_time
        rules.on_beat = self._on_beat
        memory.few_arenas()
        self.shop = Shop(self.name, rules)
        self.shop.nursery.start()  # before there are threads and connections
        self._install_signal_handlers()
        self.bootstrap(logging_level, date_format, log_format)
        try:
            return self.shop.run() > 0
        finally:
            self.teardown()

    def bootstrap(self, logging_level: str | None = None, date_format: str = "", log_format: str = "") -> None:
        """Enter into RQ's registry, if Redis is there; the heartbeat does it later otherwise."""
        self._record(self._birth)
        log.info("Worker %s started on %s.", self.name, ", ".join(self.queue_names()))

    def teardown(self) -> None:
        if self._recorder is not None:
            self._recorder.join(RECORD_EVERY_S)
        self._record(self.register_death)
        self._record(self.unsubscribe)
        log.info("Worker %s stopped.", self.name)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """The first signal: finish and go. The second: go."""
        if self.shop is not None:
            self.shop.stop()
            log.info(
                "%s: %s", signal.Signals(signum).name, "ending at once" if self.shop.hurry.is_set() else "finishing"
            )

    request_force_stop = request_stop

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)

    def subscribe(self) -> None:
        """Hear RQ's commands, on a thread of its own."""
        self.pubsub = self.connection.pubsub()  # type: ignore[no-untyped-call]
        self.pubsub.subscribe(**{self.pubsub_channel_name: self.handle_payload})
        self.pubsub_thread: Any = self.pubsub.run_in_thread(
            sleep_time=LISTEN_S, daemon=True, exception_handler=self._pubsub_exception_handler
        )

    def _pubsub_exception_handler(self, exc: BaseException, pubsub: Any, pubsub_thread: Any) -> None:
        """Whatever it was, the thread goes on; redis-py subscribes again when it has connected."""
        log.debug("RQ's commands are not heard: %s", exc)
        time.sleep(2.0)

    def handle_payload(self, message: Any) -> None:
        """Commands sent through RQ: `shutdown` and `stop-job`; others are refused with a line in the log."""
        try:
            payload = parse_payload(message)
            command = payload.get("command")
            if command == "shutdown":
                os.kill(os.getpid(), signal.SIGTERM)
            elif command == "stop-job":
                runs.request_cancel(UUID(payload["job_id"]), actor=Actor.system("rq stop-job"))
            else:
                log.warning("The RQ command %r does not apply to this worker.", command)
        except Exception as error:  # anybody may have sent anything; the database may be away
            log.warning("An RQ command was refused: %s: %s", type(error).__name__, error)
        finally:
            connections.close_all()

    def _birth(self) -> None:
        self.hostname, self.pid = socket.gethostname(), os.getpid()
        try:
            self.register_birth()  # type: ignore[no-untyped-call]
        except ValueError:  # the record of one that was killed under this name, not yet expired
            self.connection.delete(self.key)
            self.register_birth()  # type: ignore[no-untyped-call]
        self.connection.sadd(QUEUES_KEY, *(queue.key for queue in self.queues))  # shown by `rq info` even when empty
        if self.pubsub_thread is None:
            self.subscribe()
        self.set_state(WorkerStatus.STARTED)

    def _on_beat(self) -> None:
        """Called once a second by the heart, whose lease must not wait for Redis: the record has a thread of its own."""
        recording = self._recorder is not None and self._recorder.is_alive()
        if self.shop is None or recording or time.monotonic() - self._recorded_at < RECORD_EVERY_S:
            return
        self._recorded_at = time.monotonic()
        recorder = threading.Thread(target=self._record, args=(self._refresh,), name="record", daemon=True)
        recorder.start()
        self._recorder = recorder

    def _refresh(self) -> None:
        shop = self.shop
        if shop is None:
            return
        if not self.connection.exists(self.key):
            self._birth()
        if self.pubsub is not None and self.pubsub.health_check_response_counter >= DEAF_AFTER:
            self._listen_again()
        shop.paused = bool(is_suspended(self.connection, self))
        state = WorkerStatus.SUSPENDED if shop.paused else WorkerStatus.BUSY if shop.crew.busy else WorkerStatus.IDLE
        self.successful_job_count = shop.writer.recorded
        with self.connection.pipeline(transaction=False) as pipe:
            pipe.hset(self.key, mapping={"state": state, "successful_job_count": shop.writer.recorded})
            self.heartbeat(60, pipeline=pipe)
            pipe.execute()

    def _listen_again(self) -> None:
        """Its connection lets us ask and does not answer: the peer is gone without a word."""
        if self.pubsub_thread is not None:
            self.pubsub_thread.stop()
        self.subscribe()

    def _record(self, call: Any) -> None:
        try:
            call()
            self._told_away = False
        except (RedisError, OSError) as error:
            if not self._told_away:
                log.error("Redis does not answer (%s); this worker goes on with the ledger alone.", error)
            self._told_away = True
