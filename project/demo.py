"""`manage.py demo`: everything on this machine with one command, and nothing left behind when it ends."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import IO, Any

from project.cannot_start import CannotStart

ROOT = Path(__file__).resolve().parents[1]
STOP_WITHIN_S = 8.0
CHECK_BUDGET_S = 18


def main(argv: list[str]) -> int:
    """Returns the exit code; what is wrong is told in a line, without a traceback."""
    options = parse(argv)
    temporary = Path(tempfile.mkdtemp(prefix="roundsman-")) if options.check and options.data_dir is None else None
    data_dir = (temporary or options.data_dir or ROOT / ".demo").resolve()
    try:
        return Demo(options, data_dir).run()
    except CannotStart as trouble:
        print(trouble, file=sys.stderr)
        return 2
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="manage.py demo", description="Start Roundsman with a sample hauler on this machine."
    )
    parser.add_argument("--check", action="store_true", help="run the main job to its end, print its result, and exit")
    parser.add_argument("--port", type=int, default=8000, help="the web's port on 127.0.0.1 (%(default)s)")
    parser.add_argument("--data-dir", type=Path, help="where everything is kept (.demo)")
    parser.add_argument("--reset", action="store_true", help="begin anew: what the data folder holds is removed")
    parser.add_argument("--instance", type=Path, help="plan this waste-collection file instead of the sample")
    parser.add_argument("--plan-out", type=Path, help="write the plan as JSON routes of node ids")
    parser.add_argument("--budget", type=int, help="seconds to plan for")
    return parser.parse_args(argv)


class Demo:
    """One run of the demo in `data_dir`."""

    def __init__(self, options: argparse.Namespace, data_dir: Path) -> None:
        self.options, self.data_dir = options, data_dir
        self.stopping = threading.Event()
        self.server: Any = None
        self.lock: IO[str] | None = None
        self.secrets: dict[str, str] = {}

    def run(self) -> int:
        self._instance()
        self._lock()
        try:
            self._reset()
            port = self._port()
            self._environment()
            for sign in (signal.SIGINT, signal.SIGTERM):
                signal.signal(sign, lambda *_: self.stopping.set())
            self._redis()
            area = self._prepare()
            supervisor = self._processes(port)
            try:
                supervisor.start()
                self._wait_for_web(port, supervisor)
                return self._check(area, supervisor) if self.options.check else self._stay(area, port, supervisor)
            finally:
                supervisor.stop(STOP_WITHIN_S)
        finally:
            if self.server is not None:
                self.server.stop()
            if self.lock is not None:
                self.lock.close()

    # --- before anything starts ---

    def _instance(self) -> None:
        """Whether it can be read is told at once, not when the rest is up."""
        if self.options.instance is None:
            return
        from routing import instances
        from routing.errors import InstanceUnreadable

        try:
            instances.load(self.options.instance)
        except InstanceUnreadable as error:
            raise CannotStart(str(error)) from None

    def _lock(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        path = self.data_dir / "demo.lock"
        self.lock = path.open("a+")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.lock.seek(0)
            told = self.lock.read().strip()
            raise CannotStart(
                f"The demo runs already{f' ({told})' if told else ''}. End it with Ctrl-C in its terminal, or give this one --data-dir and --port of its own."
            ) from None
        self.lock.seek(0)
        self.lock.truncate()
        self.lock.write(
            f"process {os.getpid()}" + ("" if self.options.check else f", http://127.0.0.1:{self.options.port}/")
        )
        self.lock.flush()

    def _reset(self) -> None:
        if self.options.reset:
            for path in self.data_dir.iterdir():
                if path.name != "demo.lock":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _port(self) -> int:
        wanted = 0 if self.options.check else self.options.port
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except (OSError, OverflowError):
                raise CannotStart(
                    f"Port {wanted} is in use. Choose another one: manage.py demo --port {wanted + 1}"
                ) from None
            return int(probe.getsockname()[1])

    def _environment(self) -> None:
        """Secrets are made once and kept in the data folder, readable by their owner alone."""
        path = self.data_dir / "secrets.json"
        path.touch(mode=0o600)
        kept = json.loads(path.read_text() or "{}")
        self.secrets = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "JWT_SIGNING_KEY": secrets.token_urlsafe(50),
            "ENCRYPTION_KEYS": secrets.token_urlsafe(50),
            "METRICS_TOKEN": secrets.token_urlsafe(24),
            "password": f"hauler-{secrets.token_hex(3)}",
            **kept,  # an older version's folder lacks what came later
        }
        if self.secrets != kept:
            path.write_text(json.dumps(self.secrets))
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings.demo"
        for name in ("SECRET_KEY", "JWT_SIGNING_KEY", "ENCRYPTION_KEYS", "METRICS_TOKEN"):
            os.environ.setdefault(name, self.secrets[name])
        os.environ["DATA_DIR"] = str(self.data_dir)
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{self.data_dir}/roundsman.sqlite3")

    def _redis(self) -> None:
        if os.environ.get("REDIS_URL"):
            return
        from project.embedded.valkey import EmbeddedValkey

        self.server = EmbeddedValkey(self.data_dir / "valkey")
        try:
            self.server.start()
        except RuntimeError as error:
            raise CannotStart(str(error)) from None
        os.environ["REDIS_URL"] = self.server.url

    def _prepare(self) -> Any:
        """Settings, database, static files, the sample."""
        import django
        from django.core.exceptions import ImproperlyConfigured
        from django.db import DatabaseError, connections

        try:
            django.setup()
        except ImproperlyConfigured as error:
            raise CannotStart(f"Roundsman cannot start: {error}") from None
        from django.core.management import call_command

        from project import sample
        from queues.engine.broker import ping
        from routing.errors import InstanceUnreadable

        health = ping()
        if not health.up:
            raise CannotStart(f"Redis does not answer: {health.detail}\nIs REDIS_URL right, and the server up?")
        self._say("Preparing the database …")
        try:
            call_command("migrate", verbosity=0)
            call_command("collectstatic", interactive=False, verbosity=0)
            area = sample.load(self.options.instance or sample.HAULER, self.secrets["password"])
        except InstanceUnreadable as error:
            raise CannotStart(str(error)) from None
        except DatabaseError as error:
            raise CannotStart(
                f"The database does not answer: {' '.join(str(error).split())}\nIs DATABASE_URL right, and the server up?"
            ) from None
        connections.close_all()
        return area

    def _processes(self, port: int) -> Any:
        from django.conf import settings

        from project.supervisor import Child, Supervisor, manage

        supervisor = Supervisor(dict(os.environ), self.data_dir / "logs", self._say)
        web = [sys.executable, "-m", "uvicorn", "project.asgi:application", "--host", "127.0.0.1", "--port", str(port),
               "--timeout-graceful-shutdown", "2", "--log-level", "warning", "--no-proxy-headers", "--no-server-header", "--app-dir", str(ROOT)]  # fmt: skip
        workers = [
            Child(f"worker {number + 1}", manage("rqworker", "--name", f"demo-{number + 1}"), stop_s=6.5)
            for number in range(settings.WORKER_POOL_SIZE)
        ]
        supervisor.add(Child("web", web))
        supervisor.add(*workers, Child("scheduler", manage("scheduler")))
        return supervisor

    def _wait_for_web(self, port: int, supervisor: Any) -> None:
        end = time.monotonic() + 60
        while not self.stopping.is_set():
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()  # nosec B310 # http alone
                return
            except OSError:
                if time.monotonic() > end:
                    raise CannotStart(
                        f"The web server did not come up; its log is in {self.data_dir / 'logs'}."
                    ) from None
                supervisor.look()
                self.stopping.wait(0.1)

    # --- the two ways to go on ---

    def _stay(self, area: Any, port: int, supervisor: Any) -> int:
        from queues.models import Run

        self._say(f"\n  Roundsman is at  http://127.0.0.1:{port}/\n")
        self._say(f"  Sign in as admin, manager or dispatcher; the password is {self.secrets['password']}")
        self._say("  (customer and driver have accounts too, and see nothing here: that is their role.)")
        self._say("  End it with Ctrl-C.\n")
        if not Run.objects.filter(job="routing.plan_routes").exists():
            self._follow(self._ask(area), supervisor)
        while not self.stopping.wait(0.5):
            self._look(supervisor)
        self._say("\nEnding …")
        return 0

    def _look(self, supervisor: Any) -> None:
        """Start again what has died."""
        supervisor.look()
        if self.server is not None and self.server.process.poll() is not None:
            self._say("The embedded Valkey ended; it starts again. Nothing is lost: the database has every run.")
            self.server.start()

    def _check(self, area: Any, supervisor: Any) -> int:
        from queues.models import Run

        began = time.monotonic()
        run_id = self._ask(area)
        self._follow(run_id, supervisor)
        run = Run.objects.get(pk=run_id)
        answer = {"run": str(run.id), "state": run.state, "job": run.job, "seconds": round(time.monotonic() - began, 1)}
        answer |= {key: value for key, value in (run.result or {}).items() if key != "plan"}
        answer |= {"health": self._health(run.queue)}
        if run.state != "succeeded":
            answer |= {"error": run.error_message}
        elif self.options.plan_out and run.result:
            self._write_plan(run.result["plan"])
        print(json.dumps(answer), flush=True)
        return 0 if run.state == "succeeded" else 1

    def _ask(self, area: Any) -> Any:
        from project.sample import ACTOR
        from routing.jobspecs import PlanRoutes, plan_routes

        budget = self.options.budget or (28 if self.options.instance else CHECK_BUDGET_S)
        asked = PlanRoutes(area=area.slug, budget_s=budget, seed=1)
        return plan_routes.enqueue(asked, actor=ACTOR, fresh=True).id  # to show it done, not to look up the last one

    def _follow(self, run_id: Any, supervisor: Any) -> None:
        """Show the run's progress until it ends, or somebody ends the demo."""
        from django.db import DatabaseError, connections

        from queues.models import Run

        seen = ""
        self._say(f"Planning the sample hauler's day (run {run_id}) …")
        while not self.stopping.wait(0.5):
            self._look(supervisor)
            try:
                run = Run.objects.get(pk=run_id)
            except DatabaseError as error:
                connections.close_all()
                line = f"  The database does not answer ({' '.join(str(error).split())}); waiting for it."
            else:
                if run.finished_at is not None:
                    self._say(_told(run))
                    return
                line = f"  {_progress(run)}"
            if line != seen:
                self._say(line)
            seen = line

    def _health(self, queue: str) -> dict[str, Any]:
        from queues.watch.health import sample_queue

        sample = sample_queue(queue)
        return {"queue": queue, "score": sample.score, "grade": sample.grade, "reasons": sample.reasons}

    def _write_plan(self, plan_id: str) -> None:
        from routing.models import Plan
        from routing.selectors import plan_as_nodes

        self.options.plan_out.write_text(json.dumps(plan_as_nodes(Plan.objects.get(pk=plan_id))))
        self._say(f"The plan is in {self.options.plan_out}.")

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


def _progress(run: Any) -> str:
    """How far the run is; where nobody watches, every five seconds are enough."""
    if run.progress_done is None or not run.progress_total:
        return str(run.state)
    done = run.progress_done if sys.stderr.isatty() else run.progress_done // 5 * 5
    return f"{done:.0f} of {run.progress_total:.0f} s" + (f", {run.progress_note}" if sys.stderr.isatty() else "")


def _told(run: Any) -> str:
    """What the run did, for a person."""
    if run.state != "succeeded":
        return f"The run ended {run.state}: {run.error_message}"
    told = run.result
    return (
        f"Planned {told['served']} of {told['stops']} stops on {told['routes']} routes: {told['distance_km']} km instead of "
        f"{told['baseline_km']} km by nearest neighbour, {told['improvement_percent']} % less. Unserved: {told['unserved']}."
    )
