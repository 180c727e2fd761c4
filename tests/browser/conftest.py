"""The demo as a person gets it, with a stand-in for Stripe beside it, and a browser that remembers what went wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.billing.payments.stand_in import KEY, SECRET, Desk, localstripe, serving

ROOT = Path(__file__).resolve().parents[2]
SHOTS = Path(os.environ.get("ROUNDSMAN_SHOTS") or tempfile.gettempdir()) / "roundsman-shots"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@dataclass
class RunningDemo:
    """A demo process, its address and its environment."""

    process: subprocess.Popen[str]
    address: str
    data_dir: Path
    password: str

    def beside(self, *command: str) -> subprocess.Popen[bytes]:
        """Another management command on the demo's database and server."""
        secrets = json.loads((self.data_dir / "secrets.json").read_text())
        environment = {
            **os.environ,
            **{name: value for name, value in secrets.items() if name.isupper()},
            "DJANGO_SETTINGS_MODULE": "project.settings.demo",
            "DATABASE_URL": f"sqlite:///{self.data_dir}/roundsman.sqlite3",
            "REDIS_URL": f"unix://{self.data_dir}/valkey/valkey.sock",
            "DATA_DIR": str(self.data_dir),
        }
        return subprocess.Popen([sys.executable, "manage.py", *command], cwd=ROOT, env=environment)


@pytest.fixture(scope="session")
def stripe() -> Iterator[Desk]:
    with localstripe() as port, serving(Desk(port)) as desk:
        yield desk


@pytest.fixture(scope="session")
def demo(stripe: Desk) -> Iterator[RunningDemo]:
    data_dir = Path(tempfile.mkdtemp(prefix="rb-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "manage.py", "demo", "--port", str(port), "--data-dir", str(data_dir), "--budget", "6"]
    environment = {
        k: v for k, v in os.environ.items() if k not in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL")
    }
    environment |= {"STRIPE_API_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_API_BASE": stripe.address}
    with (data_dir / "demo.out").open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=out, stdout=out, text=True)
    end = time.monotonic() + 90
    while "End it with Ctrl-C" not in (data_dir / "demo.out").read_text():
        assert process.poll() is None and time.monotonic() < end, (data_dir / "demo.out").read_text()
        time.sleep(0.2)
    password = json.loads((data_dir / "secrets.json").read_text())["password"]
    yield RunningDemo(process, f"http://127.0.0.1:{port}", data_dir, password)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert time.monotonic() - began < 10, "the demo took too long to end"
    shutil.rmtree(data_dir, ignore_errors=True)


@dataclass
class Visit:
    """A browser page; `troubles` are console errors, answers of 400 and above, and requests that left the machine."""

    page: Any
    demo: RunningDemo
    troubles: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda m: m.type == "error" and self.troubles.append(f"console: {m.text} {m.location}"))
        self.page.on("pageerror", lambda e: self.troubles.append(f"script: {e}"))
        self.page.on("response", lambda r: r.status >= 400 and self.troubles.append(f"{r.status}: {r.url}"))
        self.page.on("request", lambda r: self._stays(r.url))

    def _stays(self, url: str) -> None:
        if not url.startswith((self.demo.address, "data:", "blob:")):
            self.troubles.append(f"a request left the machine: {url}")

    def go(self, path: str) -> None:
        self.page.goto(self.demo.address + path)

    def sign_in(self, name: str) -> None:
        self.go("/admin/login/?next=/admin/")
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password]", self.demo.password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url("**/admin/")

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


@pytest.fixture
def visit(demo: RunningDemo) -> Iterator[Visit]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "Chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1360, "height": 900})
        page.set_default_timeout(20_000)
        made = Visit(page, demo)
        made.watch()
        yield made
        browser.close()
    assert not made.troubles, made.troubles
