"""Run a command beside a real PostgreSQL and a real Redis of its own: `with_servers.py [--tests] -- COMMAND …`.

Both live in a temporary folder on free loopback ports and end with the command. PostgreSQL refuses root, so as root
it runs as `nobody`. The command finds them in DATABASE_URL and REDIS_URL; with --tests, Redis in TESTS_REDIS_URL.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(port: int, what: str, alive: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and alive():
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"{what} did not start; see its log above.")


def postgres(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not binaries:
        sys.exit("PostgreSQL is not installed: apt-get install postgresql")
    bin_dir, data, port = Path(binaries[-1]).parent, folder / "pg", free_port()
    options: dict[str, Any] = {}
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    run = lambda *args: subprocess.run(args, check=True, stdout=subprocess.DEVNULL, cwd=folder, **options)  # noqa: E731
    run(bin_dir / "initdb", "-D", data, "-U", "roundsman", "-A", "trust", "--no-sync", "-E", "UTF8")
    server = subprocess.Popen(
        [bin_dir / "postgres", "-D", data, "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"],
        cwd=folder, stderr=(folder / "pg.log").open("wb"), **options,
    )  # fmt: skip
    wait_for(port, "PostgreSQL", lambda: server.poll() is None)
    for _ in range(100):
        made = subprocess.run(
            [bin_dir / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "roundsman", "roundsman"],
            capture_output=True,
        )
        if made.returncode == 0:
            break
        time.sleep(0.1)
    return server, f"postgres://roundsman@127.0.0.1:{port}/roundsman"


def redis(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    binary = shutil.which("redis-server")
    if binary is None:
        sys.exit("Redis is not installed: apt-get install redis-server")
    port = free_port()
    server = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    wait_for(port, "Redis", lambda: server.poll() is None)
    return server, f"redis://127.0.0.1:{port}/0"


def main() -> int:
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options, command = sys.argv[1:cut], sys.argv[cut + 1 :]
    if not command or set(options) - {"--tests"}:
        sys.exit(__doc__)
    redis_name = "TESTS_REDIS_URL" if "--tests" in options else "REDIS_URL"
    with tempfile.TemporaryDirectory(prefix="roundsman-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        pg, database_url = postgres(folder)
        rd, redis_url = redis(folder)
        try:
            return subprocess.call(command, env={**os.environ, "DATABASE_URL": database_url, redis_name: redis_url})
        finally:
            rd.terminate()
            pg.send_signal(2)
            for server in (rd, pg):
                try:
                    server.wait(10)
                except subprocess.TimeoutExpired:
                    server.kill()


if __name__ == "__main__":
    sys.exit(main())
