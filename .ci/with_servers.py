"""Run a command beside a real PostgreSQL and a real Redis of its own: `with_servers.py [--tests] -- COMMAND …`.

Both live in a temporary folder on free loopback ports and end with the command. The command finds them in DATABASE_URL
and REDIS_URL; with --tests there is a Redis for each of four test processes, in TESTS_REDIS_URLS (the databases are made by
the tests, one each), and PostgreSQL does not wait for the disk: tests drop whole databases, which is a checkpoint each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redis

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from project.embedded.postgres import EmbeddedPostgres
from project.embedded.process import free_port, spawn, stop


def real_redis(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    binary = shutil.which("redis-server")
    if binary is None:
        sys.exit("Redis is not installed: apt-get install redis-server")
    port = free_port()
    with (folder / "redis.log").open("ab") as log:
        server = spawn(
            [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)], log=log
        )
    client, end = redis.Redis(port=port), time.monotonic() + 20
    while True:
        try:
            client.ping()
            return server, f"redis://127.0.0.1:{port}/0"
        except redis.exceptions.RedisError:
            if server.poll() is not None or time.monotonic() > end:
                sys.exit(f"Redis did not start:\n{(folder / 'redis.log').read_text(errors='replace')[-1500:]}")
            time.sleep(0.05)


def main() -> int:
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options, command = sys.argv[1:cut], sys.argv[cut + 1 :]
    if not command or set(options) - {"--tests"}:
        sys.exit(__doc__)
    tests = "--tests" in options
    count, redis_name = (4, "TESTS_REDIS_URLS") if tests else (1, "REDIS_URL")
    with tempfile.TemporaryDirectory(prefix="roundsman-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "postgres", fsync=not tests) as database:
            servers = [real_redis(folder) for _ in range(count)]
            urls = " ".join(url for _, url in servers)
            try:
                return subprocess.call(command, env={**os.environ, "DATABASE_URL": database.url, redis_name: urls})
            finally:
                for server, _ in servers:
                    stop(server, 5.0)


if __name__ == "__main__":
    sys.exit(main())
