"""Job name → its declaration and handler. The only road from a stored name to code: nothing is imported by a name.

A domain declares in `jobspecs.py` and binds in `jobs.py`:

    plan_routes = spec("routing.plan_routes", queue="route-optimization", params=PlanRoutes, title="Plan routes")

    @plan_routes.handler
    def _(ctx: JobContext, params: PlanRoutes) -> Outcome: ...

Names are data (rows, messages and clients hold them): never rename one, add an alias.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import pydantic

from queues import sealing
from queues.blotting import Blotter
from queues.contract import Actor, JobContext, Json, Outcome, RunRef, RunRequest, ports
from queues.errors import FieldError, InvalidParams, TooLarge, UnknownJob

MAX_PARAMS_BYTES = 64 * 1024
P = TypeVar("P", bound=pydantic.BaseModel)
Handler = Callable[[JobContext, P], Outcome | Awaitable[Outcome] | None]


class NoParams(pydantic.BaseModel):
    """For jobs that take no parameters."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


@dataclass
class JobSpec(Generic[P]):
    """A job's declaration. Durations in seconds. Each value is a default that a definition may override."""

    name: str
    queue: str
    params: type[P]
    title: str
    description: str = ""
    impact: str = ""  # what a run changes in the world, in words, shown before "run now"
    timeout_s: float = 300
    max_attempts: int = 6  # the first and five retries
    backoff_base_s: float = 2
    backoff_cap_s: float = 60
    priority: int = 0  # higher first
    retention_days: int = 30
    sla_warning_s: float | None = None
    sla_critical_s: float | None = None
    key_limit: int | None = None  # how many runs of one concurrency key may run at once
    result_link: Callable[[Mapping[str, Json]], str | None] | None = None  # result → the page that shows it
    recurs: str | None = None  # cron in UTC, for a job that every installation needs: initialize makes its schedule
    cache_ttl_s: float | None = None  # how long a result answers the same request; None or 0: never
    cache_version: int = 1  # count up when the handler would answer otherwise than before: old results end to count
    cache_holds: Callable[[Mapping[str, Json]], bool] | None = None  # result → whether it still stands; None: it does
    aliases: tuple[str, ...] = ()
    run: Handler[P] | None = field(default=None, repr=False)
    sealed: sealing.Plan = field(init=False, repr=False)  # which parameters are kept encrypted

    def __post_init__(self) -> None:
        self.sealed = sealing.plan_of(self.params)

    def handler(self, function: Handler[P]) -> Handler[P]:
        """Bind the function that does the work; once."""
        if self.run is not None and self.run is not function:
            raise RuntimeError(f"{self.name} has a handler already: {self.run!r}")
        self.run = function
        return function

    def validate(self, values: Mapping[str, Any]) -> P:
        """Raw values (form, JSON), sealed or not → parameters. Raises InvalidParams naming every wrong field."""
        try:
            return self.params.model_validate(self.opened(values))
        except pydantic.ValidationError as error:
            raise InvalidParams(self.name, list(_field_errors(error))) from None

    def read(self, text: str) -> P:
        """Stored parameters, as JSON text → parameters. Raises InvalidParams naming every wrong field."""
        if self.sealed:
            text = json.dumps(self.opened(json.loads(text)))
        try:
            return self.params.model_validate_json(text)
        except pydantic.ValidationError as error:
            raise InvalidParams(self.name, list(_field_errors(error))) from None

    def opened(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Values with what is sealed in them opened. Raises InvalidParams for what does not open."""
        try:
            return sealing.unseal(self.sealed, values, self.name) if self.sealed else dict(values)
        except sealing.Unopened as error:
            raise InvalidParams(self.name, error.errors) from None

    def blotter(self, text: str) -> Blotter:
        """What makes the sealed values of stored parameters unreadable. Raises InvalidParams."""
        return Blotter(sealing.values(self.sealed, self.opened(json.loads(text))))

    def dump(self, params: P) -> dict[str, Json]:
        """Parameters → the JSON that is stored, sealed where it is declared so. Raises TooLarge over 64 KB (unsealed)."""
        data: dict[str, Json] = params.model_dump(mode="json")
        text = json.dumps(data, separators=(",", ":"))
        size = len(text)
        if "\\u0000" in text:
            raise InvalidParams(self.name, list(_nul_errors(data)))
        if size > MAX_PARAMS_BYTES:
            raise TooLarge(f"The parameters of {self.name} take {size:,} bytes; at most {MAX_PARAMS_BYTES:,} are kept.")
        return sealing.seal(self.sealed, data, self.name) if self.sealed else data

    def cache_key(self, data: Mapping[str, Json]) -> str:
        """What requests with the same answer have in common: 64 hex digits over name, version and stored parameters.

        The order of the parameters does not matter; every value and its type does.
        """
        text = json.dumps([self.name, self.cache_version, data], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def json_schema(self) -> dict[str, Json]:
        """The parameters' JSON Schema, as the API and the admin's form use it."""
        return self.params.model_json_schema()

    def request(self, params: P, *, actor: Actor | None = None, **options: Any) -> RunRequest:
        """A RunRequest for these parameters; options are RunRequest's fields."""
        if not isinstance(params, self.params):
            raise TypeError(f"{self.name} takes {self.params.__name__}, not {type(params).__name__}")
        return RunRequest(job=self.name, params=self.dump(params), actor=actor or Actor.system(), **options)

    def enqueue(self, params: P, *, actor: Actor | None = None, at: datetime | None = None, **options: Any) -> RunRef:
        """Ask for one run, inside the caller's transaction if there is one.

        Options: priority, dedupe_key, concurrency_key, idempotency_key, timeout_s, max_attempts, cache_ttl_s, fresh, why
        (see RunRequest).
        With an idempotency key, raises IdempotencyConflict where it came before with other contents, WrongState where
        the run that it was answered with is deleted, ValueError for a key that is empty or over 255 characters.
        """
        return ports.dispatcher()([self.request(params, actor=actor, at=at, **options)])[0]

    def enqueue_many(self, many: Iterable[P], *, actor: Actor | None = None, **options: Any) -> list[RunRef]:
        """Ask for many runs at once, with the same options: one insert a couple of thousand, and one release.

        Raises ValueError for a dedupe_key or idempotency_key: a key is one run's.
        """
        texts = [self._checked_text(params) for params in many]
        request = RunRequest(job=self.name, params={}, actor=actor or Actor.system(), **options)
        return ports.batch_dispatcher()(request, texts) if texts else []

    def _checked_text(self, params: P) -> str:
        if not isinstance(params, self.params):
            raise TypeError(f"{self.name} takes {self.params.__name__}, not {type(params).__name__}")
        if self.sealed:
            return json.dumps(self.dump(params), separators=(",", ":"))
        text = params.model_dump_json()
        if len(text) > MAX_PARAMS_BYTES or "\\u0000" in text:
            self.dump(params)  # tells what is wrong
        return text


_specs: dict[str, JobSpec[Any]] = {}
_aliases: dict[str, str] = {}


def spec(name: str, *, queue: str, params: type[P], title: str = "", **options: Any) -> JobSpec[P]:
    """Declare a job. `name` is "domain.verb_noun"; `params` a frozen pydantic model. Raises on a name taken twice."""
    if name in _specs or name in _aliases:
        raise RuntimeError(f"The job name {name!r} is declared twice.")
    declared = JobSpec(
        name=name,
        queue=queue,
        params=params,
        title=title or name.split(".")[-1].replace("_", " ").capitalize(),
        **options,
    )
    _specs[name] = declared
    for alias in declared.aliases:
        _aliases[alias] = name
    return declared


def get(name: str) -> JobSpec[Any]:
    """The declaration of a job by name or alias. Raises UnknownJob with the nearest name."""
    found = _specs.get(_aliases.get(name, name))
    if found is None:
        near = difflib.get_close_matches(name, list(_specs), n=1)
        raise UnknownJob(name, near[0] if near else None)
    return found


def specs() -> list[JobSpec[Any]]:
    """All declarations, by name."""
    return [_specs[name] for name in sorted(_specs)]


def forget(name: str) -> None:
    """Take a declaration out again: for tests that declare their own jobs."""
    declared = _specs.pop(name, None)
    for alias in declared.aliases if declared else ():
        _aliases.pop(alias, None)


def _nul_errors(value: Json, path: str = "") -> Iterable[FieldError]:
    if isinstance(value, str) and "\0" in value:
        yield FieldError(path, "A text cannot hold the NUL character: take it out.", "nul")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, held in items:
        yield from _nul_errors(held, f"{path}.{name}" if path else str(name))


def _field_errors(error: pydantic.ValidationError) -> Iterable[FieldError]:
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(str(part) for part in item["loc"])
        message = item["msg"]
        if item["type"] == "missing":
            message = "This value is required."
        elif item["type"] == "extra_forbidden":
            message = "There is no parameter of this name."
        yield FieldError(field=path, message=message, code=item["type"])
