"""The one reader of the environment. Every variable is in `VARIABLES`: typed, explained, with an example.

docs/reference/settings.md is made from this table (`python -m project.env > docs/reference/settings.md`) and a test
holds the two together. A wrong value stops the start with a message that names the variable and a value that would do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from integrations.stripe import values as stripe
from queues import encryption, rates, web_address
from queues.errors import PermanentError

REQUIRED = object()
Value = str | int | float | bool


@dataclass(frozen=True)
class Variable:
    """`kind` is str, int, float, bool or list; `default` REQUIRED where there is none; `least` the smallest number."""

    name: str
    kind: type
    default: Any
    meaning: str
    example: str
    secret: bool = False
    aliases: tuple[str, ...] = ()
    least: float | None = None
    among: tuple[str, ...] = ()  # the only words that will do
    check: Callable[[str], object] | None = None  # raises ValueError or a PermanentError that says what is wrong


V = Variable
VARIABLES: tuple[Variable, ...] = (
    V("SECRET_KEY", str, REQUIRED, "Django's signing key: 50 random characters or more.", "$(openssl rand -base64 48)", secret=True),
    V("JWT_SIGNING_KEY", str, REQUIRED, "Signs API tokens: 32 bytes or more, not SECRET_KEY.", "$(openssl rand -base64 48)", secret=True),
    V("ENCRYPTION_KEYS", list, REQUIRED, "Seal secrets and personal values at rest: the first one seals, the others still open what they sealed. 32 characters or more each, by commas.", "$(openssl rand -base64 48 | tr -d =)", secret=True, check=encryption.check),
    V("METRICS_TOKEN", str, "", "What Prometheus sends as bearer token to /metrics. Empty: staff sessions only.", "a-long-random-word", secret=True),
    V("ALLOWED_HOSTS", list, [], "Host names this site answers to, by commas.", "roundsman.example.org"),
    V("CSRF_TRUSTED_ORIGINS", list, [], "Origins that forms may come from, by commas.", "https://roundsman.example.org"),
    V("DEBUG", bool, False, "Tracebacks in the browser. Never in production.", "false"),
    V("INSECURE_HTTP", bool, False, "Serve plain HTTP (cookies not restricted to HTTPS): for a loopback demo only.", "false"),
    V("DATABASE_URL", str, REQUIRED, "PostgreSQL, or SQLite for one host.", "postgres://roundsman:secret@db.example.org:5432/roundsman", secret=True),
    V("REDIS_URL", str, REQUIRED, "Redis or Valkey 7.0+: redis://, rediss:// (TLS), unix://, or redis+sentinel://host:port,host:port/service/db.",
      "redis://redis.example.org:6379/0", secret=True),
    V("REDIS_CA_FILE", str, "", "Who may have signed the certificate of a rediss:// server, in PEM form. Empty: whom the system trusts. Host names are always verified.", "/etc/ssl/redis-ca.pem"),
    V("REDIS_CERT_FILE", str, "", "Our own certificate for a Redis that asks for one, in PEM form.", "/etc/ssl/roundsman.pem"),
    V("REDIS_KEY_FILE", str, "", "The key of REDIS_CERT_FILE. Empty: it is in the same file.", "/etc/ssl/roundsman.key"),
    V("DATA_DIR", str, "", "A folder for static files and the like. Empty: beside manage.py.", "/var/lib/roundsman"),
    V("LOG_LEVEL", str, "INFO", "DEBUG, INFO, WARNING or ERROR.", "INFO"),
    V("LOG_FORMAT", str, "json", "How the log is written: json, an object a line; or line, for people.", "json", among=("json", "line")),
    V("TIME_ZONE", str, "UTC", "The zone in which the admin shows times; stored times are UTC.", "Europe/Vienna"),
    V("WORKER_CONCURRENCY", int, 10, "Slots of one worker process.", "10", aliases=("QUEUE_CONCURRENCY",), least=1),
    V("WORKER_POOL_SIZE", int, 1, "Worker processes a host runs (demo, deployment units).", "2", least=1),
    V("WORKER_LEASE_S", float, 5.0, "A worker whose heartbeat stands still for so long is lost; its runs go on elsewhere.", "5", least=2),
    V("WORKER_GRACE_S", float, 30.0, "Seconds a stopping worker lets its runs finish in.", "30", least=0),
    V("WORKER_CHILD_MAX_JOBS", int, 1000, "Runs after which a child process is replaced.", "1000", least=1),
    V("QUEUES_ENABLED", bool, True, "false: workers take nothing from any queue; jobs can still be asked for. The switch `queues` goes above it.", "true"),
    V("QUEUE_OPTIMIZATION_ENABLED", bool, True, "false: plain settings (3 slots, 10 jobs/s a queue, no batching) at the next heartbeat. The switch `optimization` goes above it, at run time.", "true"),
    V("QUEUE_RATE_LIMIT", str, "30/s", "Rate of the queues that call outside.", "100/min", check=rates.parse),
    V("QUEUE_BATCH_SIZE", int, 10, "Runs that a slot takes at once from a queue that batches, while nothing is known of how long they take; afterwards as many as fill a quarter of a second.", "10", least=1),
    V("QUEUE_BATCH_TIMEOUT", int, 50, "Milliseconds in which a busy worker gathers outcomes to write them together; 50 of them, and one that somebody waits for, are written at once.", "50", least=0),
    V("RATE_LIMIT_GENERAL", str, "100/15min", "What each user, or API key, may ask of the API. `none`: no limit. For roles, users and keys the admin says otherwise, under Access → Rate limits.", "100/15min", check=rates.parse_limit),
    V("RATE_LIMIT_CREATION", str, "20/min", "Jobs that each user, or API key, may ask for; a batch counts its jobs.", "20/min", check=rates.parse_limit),
    V("RATE_LIMIT_ADMINISTRATION", str, "50/5min", "What each user, or API key, may ask of the operations for admins.", "50/5min", check=rates.parse_limit),
    V("RATE_LIMIT_LOGIN", str, "20/min", "Attempts to sign in to the API from one address; and, counted apart, requests without a valid token.", "20/min", check=rates.parse_limit),
    V("TRUSTED_PROXIES", int, 0, "Proxies of your own that a request passes through, each of which appends to `X-Forwarded-For`: the client's address is that many from the right. 0: the header is never believed.", "1", least=0),
    V("STAFF_TOTP_REQUIRED", bool, False, "true: staff without a second factor must set one up after signing in to the admin.", "true"),
    V("SIGN_IN_MAX_DAYS", int, 30, "Days after which a client of the API must sign in again with the password, however often it has refreshed its tokens.", "30", least=1),
    V("SESSION_IDLE_S", int, 1800, "Seconds without use after which a session in the admin ends; twelve hours after signing in it ends anyway.", "1800", least=60),
    V("WEBHOOK_ALLOWED_PRIVATE", list, [], "Networks and host names that webhooks may lead to although they are not public, by commas. Link-local addresses and metadata services are refused all the same; plain http:// only to a loopback host named here.", "10.20.0.0/16,hooks.internal", check=web_address.entry_of),
    V("WEBHOOK_CA_FILE", str, "", "Who may have signed the certificates of webhooks' receivers, in PEM form, beside the public authorities.", "/etc/ssl/our-ca.pem"),
    V("STRIPE_API_KEY", str, "", "Stripe's secret or restricted key. Empty: Stripe is off, and nobody's saved card is charged.", "sk_live_51Nf…", secret=True, check=stripe.check_key),
    V("STRIPE_WEBHOOK_SECRET", list, [], "What signs the events of our endpoint at Stripe; while it is rolled, the new one and the old, by commas.", "whsec_2tVnY0w7…aQ1x", secret=True, check=stripe.check_secret),
    V("STRIPE_API_BASE", str, stripe.BASE, "Where Stripe is asked: another address for a stand-in alone. Encrypted, but for this machine.", stripe.BASE, check=stripe.check_base),
    V("REDIS_POOL_ENABLED", bool, True, "false: every command makes a connection of its own. The switch `redis_pool` goes above it, at run time.", "true"),
    V("REDIS_POOL_MAX_CONNECTIONS", int, 20, "Connections of each purpose (queue, session, cache, metrics) at most, for each process; 5 to 25 do. Who finds all used waits a second for one.", "20", least=1),
    V("REDIS_POOL_MIN_CONNECTIONS", int, 5, "Connections of each purpose kept open and answering in long-lived processes.", "5", least=0),
    V("DATABASE_POOL_MAX", int, 10, "PostgreSQL connections of one process at most; a worker has one for each slot and six more, if that is more.", "10", least=1),
    V("DATABASE_POOL_MIN", int, 2, "PostgreSQL connections kept ready.", "2", least=0),
    V("DATABASE_IDLE_TIMEOUT", float, 30.0, "Seconds after which an idle PostgreSQL connection is closed.", "30", least=1),
    V("DATABASE_STATEMENT_TIMEOUT", float, 10.0, "Seconds a statement may take. 0: no limit.", "10", least=0),
    V("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT", float, 60.0, "Seconds a transaction may stand open with nothing asked in it. 0: no limit.", "60", least=0),
    V("SLA_WARNING_THRESHOLD", int, 10_000, "Milliseconds from created to finished that warn.", "10000", least=1),
    V("SLA_CRITICAL_THRESHOLD", int, 30_000, "Milliseconds from created to finished that alarm.", "30000", least=1),
    V("METRICS_ENABLED", bool, True, "false: no durations are gathered and /metrics answers 404. The switch `metrics` goes above it, at run time.", "true"),
    V("METRICS_BATCH_ENABLED", bool, True, "false: durations are sent to Redis as they come. The switch `metrics_batch` goes above it, at run time.", "true"),
    V("METRICS_BATCH_SIZE", int, 50, "Runs whose durations are sent to Redis together.", "50", least=1),
    V("METRICS_FLUSH_INTERVAL", int, 100, "Milliseconds after which durations are sent, however few.", "100", least=1),
)  # fmt: skip
BY_NAME = {variable.name: variable for variable in VARIABLES}
QUEUE_FIELDS: dict[str, tuple[type, str]] = {
    "CONCURRENCY": (int, "4"),
    "MEMORY_LIMIT_MB": (int, "512"),
    "RATE_LIMIT": (str, "30/s"),
    "ENABLED": (bool, "true"),
    "BATCH": (bool, "true"),
    "EXECUTOR": (str, "children"),
}
QUEUE_WORDS = {"EXECUTOR": ("threads", "asyncio", "children")}
QUEUE_CHECKS: dict[str, Callable[[str], object]] = {"RATE_LIMIT": rates.parse}


_overlay: dict[str, Any] = {}


def overlay(defaults: Mapping[str, Any]) -> None:
    """An overlay's own defaults (demo, test), in force for every Environment made from now on."""
    _overlay.update(defaults)


class Environment:
    """Reads `VARIABLES` out of a mapping. Raises ImproperlyConfigured with the variable's name and an example."""

    def __init__(self, source: Mapping[str, str] | None = None, defaults: Mapping[str, Any] | None = None) -> None:
        self.source = os.environ if source is None else source
        self.defaults = dict(_overlay if defaults is None else defaults)

    def __call__(self, name: str) -> Any:
        variable = BY_NAME[name]
        for key in (variable.name, *variable.aliases):
            if self.source.get(key, "").strip():
                return self._checked(variable, key)
        value = self.defaults.get(name, variable.default)
        if value is REQUIRED:
            raise ImproperlyConfigured(f"{name} is not set. {variable.meaning} Example: {name}={variable.example}")
        return value

    def queue_overrides(self, queues: tuple[str, ...]) -> dict[str, dict[str, Value]]:
        """`QUEUE_<NAME>_<FIELD>` of each queue that has any, by queue and field in lower case."""
        overrides: dict[str, dict[str, Value]] = {}
        for queue in queues:
            for field, (kind, example) in QUEUE_FIELDS.items():
                key = f"QUEUE_{queue.upper().replace('-', '_')}_{field}"
                if self.source.get(key, "").strip():
                    least, among = 1 if kind is int else None, QUEUE_WORDS.get(field, ())
                    check = QUEUE_CHECKS.get(field)
                    variable = Variable(key, kind, None, "", example, least=least, among=among, check=check)
                    overrides.setdefault(queue, {})[field.lower()] = self._checked(variable, key)
        return overrides

    def _checked(self, variable: Variable, key: str) -> Any:
        raw = self.source[key].strip()
        wrong = f"{key}={'…' if variable.secret else raw!r} is not valid. Example: {key}={variable.example}"
        if variable.kind is list:
            parts = [part.strip() for part in raw.split(",") if part.strip()]
            for part in parts:
                self._prove(variable, part, wrong)
            return parts
        if variable.kind is bool:
            words = {
                "true": True,
                "1": True,
                "yes": True,
                "on": True,
                "false": False,
                "0": False,
                "no": False,
                "off": False,
            }
            if raw.lower() not in words:
                raise ImproperlyConfigured(f"{wrong} (true or false)")
            return words[raw.lower()]
        try:
            value = variable.kind(raw)
        except ValueError:
            raise ImproperlyConfigured(f"{wrong} (a number)") from None
        if variable.among and value not in variable.among:
            raise ImproperlyConfigured(f"{wrong} (one of {', '.join(variable.among)})")
        if variable.least is not None and not value >= variable.least:
            raise ImproperlyConfigured(f"{wrong} ({variable.least:g} or more)")
        self._prove(variable, value, wrong)
        return value

    @staticmethod
    def _prove(variable: Variable, value: Any, wrong: str) -> None:
        if variable.check is not None:
            try:
                variable.check(value)
            except (ValueError, PermanentError) as error:
                raise ImproperlyConfigured(f"{wrong} ({error})") from None

    def secret_texts(self) -> list[str]:
        """What must not be told anywhere: the values of secret variables, each of a list; of URLs, their passwords."""
        found: list[str] = []
        for v in (v for v in VARIABLES if v.secret):
            value = str(self.source.get(v.name) or self.defaults.get(v.name) or "")
            parts = value.split(",") if v.kind is list else [value]
            found += (_password(part) if "://" in part else part.strip() for part in parts)
        return [text for text in found if text]

    def file(self, name: str) -> str:
        """The path of a file that can be read; "" where none is set."""
        path: str = self(name)
        try:
            if path:
                Path(path).open("rb").close()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}={path!r} cannot be read: {error.strerror}. Example: {name}={BY_NAME[name].example}"
            ) from None
        return path

    def range(self, least: str, most: str) -> tuple[int, int]:
        """Two variables, of which one may not be above the other. Where only `most` is given, it bounds the other's default."""
        low, high = int(self(least)), int(self(most))
        if not self.source.get(least, "").strip():
            low = min(low, high)
        if low > high:
            raise ImproperlyConfigured(
                f"{least}={low} is more than {most}={high}. Example: {least}={BY_NAME[least].example} {most}={BY_NAME[most].example}"
            )
        return low, high


def _password(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:  # whoever reads the URL says what is wrong with it
        return ""


def database(url: str, env: Environment) -> dict[str, Any]:
    """Django's DATABASES entry for DATABASE_URL. Raises ImproperlyConfigured."""
    if not url.startswith(("postgres://", "postgresql://", "sqlite://")):
        raise ImproperlyConfigured(
            f"DATABASE_URL is not valid: it begins with neither postgres:// nor sqlite://. Example: DATABASE_URL={BY_NAME['DATABASE_URL'].example}"
        )
    try:
        config: dict[str, Any] = environ.Env.db_url_config(url)
    except (ValueError, KeyError, environ.ImproperlyConfigured) as error:
        raise ImproperlyConfigured(
            f"DATABASE_URL cannot be read ({error}). Example: DATABASE_URL={BY_NAME['DATABASE_URL'].example}"
        ) from None
    if url.startswith("sqlite"):
        pragmas = (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; PRAGMA foreign_keys=ON;"
        )
        return {**config, "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas}}
    from queues.engine.pool import pool_options  # needs psycopg, which SQLite does not

    least, most = env.range("DATABASE_POOL_MIN", "DATABASE_POOL_MAX")
    statement_s, idle_s = env("DATABASE_STATEMENT_TIMEOUT"), env("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT")
    limits = {"statement_timeout": statement_s, "idle_in_transaction_session_timeout": idle_s}
    # The server's own keepalives: a host that vanished holds no lock for longer than half a minute.
    alive = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=4 -c tcp_keepalives_count=4"
    options = {
        "pool": pool_options(
            statement_s,
            min_size=least,
            max_size=most,
            max_idle=env("DATABASE_IDLE_TIMEOUT"),
        ),
        "connect_timeout": 4,
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,  # ms in which the peer must acknowledge what was sent
        "application_name": "roundsman",
        "prepare_threshold": 3,  # Django leaves it off; the engine asks the same few questions all the time
        "options": " ".join([*(f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items()), alive]),
    }
    return {
        **config,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**config.get("OPTIONS", {}), **options},
    }


def document() -> str:
    """docs/reference/settings.md."""
    lines = [
        "# Settings", "",
        "All settings come from the environment; this table is made from `project/env.py`. A wrong value stops the start with a message that names it.", "",
        "| variable | type | default | meaning | example |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for v in VARIABLES:
        default = (
            "**required**"
            if v.default is REQUIRED
            else ""
            if v.default in ("", [])
            else f"`{str(v.default).lower() if v.kind is bool else v.default}`"
        )
        also = f" (or `{'`, `'.join(v.aliases)}`)" if v.aliases else ""
        lines.append(f"| `{v.name}`{also} | {v.kind.__name__} | {default} | {v.meaning} | `{v.example}` |")
    lines += ["", "## For each queue", "", "`QUEUE_<NAME>_<FIELD>` overrides the catalogue for one queue, e.g. `QUEUE_ROUTE_OPTIMIZATION_CONCURRENCY=4`; a value set in the admin goes above it.", "",
              "| field | type | example |", "|---|---|---|"]  # fmt: skip
    lines += [f"| `{field}` | {kind.__name__} | `{example}` |" for field, (kind, example) in QUEUE_FIELDS.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(document(), end="")
