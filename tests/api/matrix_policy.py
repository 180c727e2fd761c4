"""Who may do what at which address: the one list, from which docs/reference/authorisation.md is made.

    python -m tests.api.matrix_policy > docs/reference/authorisation.md

`test_matrix` asks every address of the application with every method as everybody, and fails for an address that is
not here. So whoever adds a route writes down here who may come in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

PEOPLE = ("anonymous", "customer", "driver", "staff", "dispatcher", "manager", "admin", "superuser", "key")
# "key" is an API key of an admin's, for reading and running on billing alone. See KEYS.
# "staff" may sign in to the admin and has no role; customers and drivers are no staff.

Queue = Literal["billing", "notifications"]
QUEUES: tuple[Queue, ...] = ("billing", "notifications")  # one of the manager's, one of the dispatcher's

# A right → who has it. Where it depends on the queue of the job: by queue.
ADMINS = frozenset({"admin", "superuser"})
READERS = ADMINS | {"manager", "dispatcher"}
STAFF = READERS | {"staff"}
SIGNED_IN = STAFF | {"customer", "driver"}
EVERYBODY = SIGNED_IN | {"anonymous"}
OPERATORS: dict[Queue, frozenset[str]] = {
    "billing": ADMINS | {"manager"},
    "notifications": ADMINS | {"dispatcher"},
}
OWNERS: dict[Queue, frozenset[str]] = {  # of the webhooks on the stage
    "billing": ADMINS | {"manager"},
    "notifications": ADMINS | {"dispatcher"},
}
_OF_QUEUE: dict[str, frozenset[str]] = {
    "route-optimization": ADMINS | {"manager", "dispatcher"},
    "billing": ADMINS | {"manager"},
    "notifications": ADMINS | {"dispatcher"},
    "data-sync": ADMINS | {"manager"},
    "maintenance": ADMINS,
}
RIGHTS: dict[str, frozenset[str] | dict[Queue, frozenset[str]]] = {
    "everybody": EVERYBODY,
    "signed in": SIGNED_IN,
    "staff": STAFF,
    "readers": READERS,
    "watchers": READERS,
    "operators": OPERATORS,
    "some operators": READERS,
    "subscribers": READERS,
    "owners": OWNERS,
    **{f"operators of {queue}": people for queue, people in _OF_QUEUE.items()},
    "admins": ADMINS,
    "superusers": frozenset({"superuser"}),
    "nobody": frozenset(),
}
# What that key may, on its queue; nothing of the admin.
KEYS = frozenset({"everybody", "signed in", "readers", "operators", "some operators", "operators of billing"})
WORDS = {
    "everybody": "everybody, signed in or not",
    "signed in": "every account, whatever its roles",
    "staff": "accounts that may sign in to the admin",
    "readers": "who sees the object's queue, or some queue: admin, manager, dispatcher",
    "watchers": "who sees the figures of all queues together: admin, manager, dispatcher",
    "operators": "who runs the jobs of the object's queue: admin; manager for route-optimization, billing, data-sync and "
    "reports; dispatcher for route-optimization, notifications and email",
    "some operators": "who runs the jobs of some queue (admin, manager, dispatcher); which ones, the body decides",
    "subscribers": "who may have a webhook of his own told what happens on some queue: admin, manager, dispatcher",
    "owners": "whose webhook it is, and admins; nobody else learns that there is one",
    **{f"operators of {queue}": ", ".join(sorted(people)) for queue, people in _OF_QUEUE.items()},
    "admins": "admin, and superusers",
    "superusers": "superusers",
    "nobody": "nobody",
}


@dataclass(frozen=True)
class Row:
    """An address: method → (right, status for those who have it). A method that is not named is 405 to whom it answers.

    `refusal`: the status for a signed-in person without the right; `own`: for everybody without it, also those who see
    other things of that queue. 0 as a status: let in, whatever comes of it (the page
    of a library, or one that needs a server).
    """

    route: str
    methods: dict[str, tuple[str, int]]
    refusal: int = 403
    own: bool = False


def get(right: str = "readers", status: int = 200) -> dict[str, tuple[str, int]]:
    return {"GET": (right, status)}


def post(right: str, status: int) -> dict[str, tuple[str, int]]:
    return {"POST": (right, status)}


_RUN = "api/v1/queue/<str:queue>/jobs/<uuid:run_id>"
_BY_ID = "api/v1/runs/<uuid:run_id>"
_HOOK = "api/v1/webhooks/<uuid:pk>"

# The bodies are empty objects: 422 and 428 say that the door was open.
API: tuple[Row, ...] = (
    Row("api/token/", post("everybody", 422)),
    Row("api/token/refresh/", post("everybody", 422)),
    Row("api/token/revoke/", post("everybody", 422)),
    Row("api/schema/", get("signed in")),
    Row("api/docs/", get("signed in")),
    Row("api/v1/queue/status", get("watchers")),
    Row("api/v1/queue/stats", get("watchers")),
    Row("api/v1/queue/stats/<str:queue>", get()),
    Row("api/v1/queue/health", get("watchers")),
    Row("api/v1/queue/error-rules", get("admins") | {"PUT": ("admins", 422), "DELETE": ("admins", 422)}),
    Row("api/v1/queue/jobs", post("some operators", 422)),
    Row("api/v1/queue/jobs/batch", post("some operators", 422)),
    Row("api/v1/queue/jobs/recurring", post("some operators", 422)),
    Row("api/v1/queue/initialize", post("admins", 200)),
    *(Row(f"api/v1/queue/{queue}", post(f"operators of {queue}", 0)) for queue in _OF_QUEUE),
    Row(_RUN, get(), 404),
    Row(f"{_RUN}/cancel", post("operators", 200), 404),
    Row(f"{_RUN}/retry", post("operators", 409), 404),
    Row("api/v1/runs", get()),
    Row(_BY_ID, get(), 404),
    Row(f"{_BY_ID}/progress", get(), 404),
    Row(f"{_BY_ID}/log", get(), 404),
    Row(f"{_BY_ID}/events", get(), 404),
    Row(f"{_BY_ID}/stream", get(), 404),
    Row(f"{_BY_ID}/cancel", post("operators", 200), 404),
    Row(f"{_BY_ID}/retry", post("operators", 409), 404),
    Row("api/v1/queue/all/pause", post("admins", 422)),
    Row("api/v1/queue/all/resume", post("admins", 200)),
    Row("api/v1/queue/<str:queue>/pause", post("admins", 422)),
    Row("api/v1/queue/<str:queue>/resume", post("admins", 409)),
    Row("api/v1/queue/<str:queue>/drain", post("admins", 422)),
    Row("api/v1/queue/<str:queue>/clean", post("admins", 422)),
    Row("api/admin/queue/stats", get("admins")),
    Row("api/admin/queue/retry-failed", post("admins", 422)),
    Row("api/admin/migration-status", get("admins")),
    Row("api/v1/definitions", get() | post("some operators", 422)),
    Row(
        "api/v1/definitions/<int:pk>",
        get() | {"PATCH": ("operators", 428), "DELETE": ("operators", 428)},
        404,
    ),
    Row("api/v1/definitions/<int:pk>/run", post("operators", 202), 404),
    Row("api/v1/schedules", get() | post("some operators", 422)),
    Row("api/v1/schedules/<int:pk>", get() | {"PATCH": ("operators", 428), "DELETE": ("operators", 428)}, 404),
    Row("api/v1/schedules/<int:pk>/pause", post("operators", 422), 404),
    Row("api/v1/schedules/<int:pk>/resume", post("operators", 409), 404),
    Row("api/v1/schedules/<int:pk>/fire", post("operators", 202), 404),
    Row("api/v1/schedules/<int:pk>/next-fires", get(), 404),
    Row("api/v1/queues", get()),
    Row("api/v1/queues/<str:queue>", get() | {"PATCH": ("admins", 428)}),
    Row("api/v1/workers", get("watchers")),
    Row("api/v1/alerts", get()),
    Row("api/v1/alerts/<uuid:pk>", get(), 404),
    Row("api/v1/alerts/<uuid:pk>/acknowledge", post("operators", 200), 404),
    Row("api/v1/webhooks", get("subscribers") | post("subscribers", 422)),
    Row(_HOOK, get("owners") | {"PATCH": ("owners", 428), "DELETE": ("owners", 428)}, 404, own=True),
    Row(f"{_HOOK}/rotate", post("owners", 200), 404, own=True),
    Row(f"{_HOOK}/test", post("owners", 202), 404, own=True),
    Row(f"{_HOOK}/replay", post("owners", 422), 404, own=True),
    Row(f"{_HOOK}/deliveries", get("owners"), 404, own=True),
    Row(f"{_HOOK}/deliveries/<uuid:delivery>", get("owners"), 404, own=True),
    Row(f"{_HOOK}/deliveries/<uuid:delivery>/replay", post("owners", 409), 404, own=True),
    Row("api/v1/audit", get("admins")),
    Row(r"^api(?:/(?P<path>[\s\S]*))?$", dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), ("everybody", 404))),
)

ALL = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OPEN: tuple[Row, ...] = (
    Row("", dict.fromkeys(ALL, ("everybody", 302))),
    Row("favicon.ico", dict.fromkeys(ALL, ("everybody", 301))),
    Row("healthz", get("everybody")),
    Row("metrics", get("staff")),
    Row("webhooks/stripe/", post("everybody", 404)),  # Stripe is off in tests; where it is on, the signature decides
)


def page(route: str, see: str, do: str | None = None) -> Row:
    """A page of the admin. Its forms come with POST; every other method is served as GET, and changes nothing."""
    return Row(route, {"GET": (see, 0), "POST": (see if do is None else do, 0)})


def pages(
    model: str,
    see: str,
    *,
    add: str = "nobody",
    one: str | None = None,
    change: str = "nobody",
    delete: str = "nobody",
    history: str = "staff",
) -> list[Row]:
    """The pages that every model of the admin has. `see`: the list, and `one` object. Its history is the audit log's, to
    which it leads: that asks for itself."""
    each = f"admin/{model}/<path:object_id>"
    return [
        page(f"admin/{model}/", see),
        page(f"admin/{model}/add/", add),
        page(f"{each}/change/", one or see, change),
        page(f"{each}/delete/", delete),
        page(f"{each}/history/", history),
        page(f"{each}/", "staff"),  # leads to change/
    ]


BILLING_OWN = ("billingrun", "document", "payment", "standing")  # their pages take no form
_MODELS: tuple[list[Row], ...] = (
    pages("queues/run", "readers", change="readers"),  # its page takes no form
    pages("queues/jobdefinition", "readers", add="some operators", change="operators", delete="operators"),
    pages("queues/schedule", "readers", add="some operators", change="operators", delete="operators"),
    pages("queues/queue", "readers", change="admins"),
    pages("queues/worker", "readers"),
    pages("queues/queuehealth", "readers"),
    pages("queues/healthsample", "readers"),
    pages("queues/effectrecord", "readers"),
    pages("queues/outboundcall", "readers", change="readers"),  # its page takes no form
    pages("queues/errorrule", "admins", add="admins", change="admins", delete="admins"),
    pages("queues/switch", "admins", add="staff", one="staff", change="staff"),  # these lead to the list
    pages("queues/auditentry", "admins", change="admins"),  # its page takes no form
    pages("queues/allowance", "admins", add="admins", change="admins", delete="admins"),
    pages("queues/alert", "readers", change="readers"),  # its page takes no form
    pages("queues/alertoverride", "admins", add="admins", change="admins", delete="admins"),
    pages("queues/apikey", "admins", add="admins", change="admins"),  # its page takes no form
    pages("queues/webhookendpoint", "readers", add="readers", one="owners", change="owners", delete="owners"),
    pages("queues/webhookdelivery", "readers", one="owners", change="owners"),  # its page takes no form
    pages("auth/user", "admins", add="admins", change="admins"),
    pages("auth/group", "admins"),
    pages("billing/seller", "operators of billing", change="operators of billing"),  # there is one already
    *(
        pages(
            f"billing/{model}",
            "operators of billing",
            **dict.fromkeys(("add", "change", "delete"), "operators of billing"),
        )
        for model in (
            "contract",
            "coupon",
            "customer",
            "exchangerate",
            "fuelindex",
            "holidaycalendar",
            "jurisdiction",
            "pricelist",
            "priceversion",
            "service",
            "site",
            "stay",
            "taxrate",
            "visit",
        )
    ),
    *(
        pages(
            f"billing/{model}",
            "operators of billing",
            change="operators of billing" if model in BILLING_OWN else "nobody",
        )
        for model in (
            "billingrun",
            "document",
            "payment",
            "standing",
            "bankline",
            "bankstatement",
            "dispute",
            "providerevent",
            "entry",
            "reminder",
            "dunning",
        )
    ),
    *(
        pages(f"routing/{model}", "readers", history="readers", change="readers" if model == "plan" else "nobody")
        for model in ("plan", "servicearea", "vehicle", "servicestop", "depot", "disposalsite")
    ),
)
_RQ = (
    "", "queues/<int:queue_index>/", "queues/<int:queue_index>/details/", "queues/<int:queue_index>/finished/",
    "queues/<int:queue_index>/failed/", "queues/<int:queue_index>/failed/clear/", "queues/<int:queue_index>/scheduled/",
    "queues/<int:queue_index>/started/", "queues/<int:queue_index>/deferred/", "queues/<int:queue_index>/empty/",
    "queues/<int:queue_index>/requeue-all/", "queues/<int:queue_index>/<str:job_id>/",
    "queues/<int:queue_index>/<str:job_id>/results/<str:result_id>/", "queues/<int:queue_index>/<str:job_id>/delete/",
    "queues/<int:queue_index>/<str:job_id>/requeue/", "queues/<int:queue_index>/<str:job_id>/enqueue/",
    "queues/<int:queue_index>/<str:job_id>/stop/", "queues/confirm-action/<int:queue_index>/",
    "queues/actions/<int:queue_index>/", "workers/<int:queue_index>/", "workers/<int:queue_index>/<str:key>/",
    "schedulers/<int:scheduler_index>/", "cron-schedulers/<int:connection_index>/<str:scheduler_name>/",
    "cron-schedulers/<int:connection_index>/<str:scheduler_name>/jobs/<path:cron_job_name>/", "^stats.json/?$",
    r"^stats.json/(?P<token>[\w]+)?/?$", "^metrics/?$",
)  # fmt: skip

ADMIN: tuple[Row, ...] = (
    page("admin/", "staff"),
    page("admin/login/", "everybody"),
    page("admin/logout/", "everybody"),
    page("admin/password_change/", "staff"),
    page("admin/password_change/done/", "staff"),
    page("admin/second-factor/", "staff"),
    page("admin/second-factor/remove/", "staff"),
    page("admin/search/", "staff"),
    Row("admin/autocomplete/", {"GET": ("nobody", 0), **dict.fromkeys(ALL[1:], ("staff", 0))}),  # those do nothing
    page("admin/jsi18n/", "staff"),
    page("admin/r/<path:content_type_id>/<path:object_id>/", "staff"),
    page("admin/^(?P<app_label>queues|auth|routing|billing)/$", "readers"),
    page("admin/(?P<url>.*)$", "staff"),
    *(row for model in _MODELS for row in model),
    page("admin/queues/run/dashboard/", "staff"),
    page("admin/queues/run/retry-dead/", "some operators"),
    page("admin/queues/run/<uuid:run_id>/live/", "readers"),
    page("admin/queues/run/<uuid:run_id>/progress/", "readers"),
    page("admin/queues/run/<uuid:run_id>/cancel/", "operators"),
    page("admin/queues/run/<uuid:run_id>/retry/", "operators"),
    page("admin/queues/run/<uuid:run_id>/anew/", "operators"),
    page("admin/queues/jobdefinition/<int:pk>/run/", "operators"),
    page("admin/queues/schedule/preview/", "readers"),
    page("admin/queues/schedule/<int:pk>/pause/", "operators"),
    page("admin/queues/schedule/<int:pk>/resume/", "operators"),
    *(page(f"admin/queues/queue/all/{verb}/", "admins") for verb in ("pause", "resume")),
    *(page(f"admin/queues/queue/<slug:name>/{verb}/", "admins") for verb in ("pause", "resume", "drain", "clean")),
    *(page(f"admin/queues/switch/<slug:name>/{word}/", "admins") for word in ("on", "off", "environment")),
    *(page(f"admin/queues/errorrule/{verb}/", "admins") for verb in ("judge", "preview")),
    page("admin/queues/alert/<uuid:pk>/acknowledge/", "operators"),
    page("admin/queues/outboundcall/<uuid:call_id>/resolve/<str:outcome>/", "admins"),
    page("admin/queues/auditentry/export/<str:form>/", "admins"),
    *(page(f"admin/queues/apikey/<int:pk>/{verb}/", "admins") for verb in ("rotate", "revoke")),
    *(
        page(f"admin/queues/webhookendpoint/<uuid:pk>/{verb}/", "owners")
        for verb in ("rotate", "pause", "resume", "test")
    ),
    page("admin/queues/webhookdelivery/<uuid:pk>/replay/", "owners"),
    page("admin/auth/user/<id>/password/", "admins"),
    page("admin/routing/plan/<uuid:pk>/export/", "readers"),
    *(
        page(f"admin/billing/{place}/", "operators of billing")
        for place in (
            "billingrun/prepare",
            "billingrun/item/<int:pk>/send-back",
            "billingrun/item/<int:pk>/redraft",
            *(
                f"billingrun/<int:pk>/{verb}"
                for verb in ("approve", "finalise", "collect", "files", "discard", "renew")
            ),
            "document/overview",
            "document/<uuid:pk>/file/<str:kind>",
            *(f"document/<uuid:pk>/{verb}" for verb in ("credit", "void", "write-off", "pay", "charge", "promise")),
            *(f"document/<uuid:pk>/{verb}" for verb in ("recover", "set-off", "pay-out")),
            "customer/<int:pk>/settle",
            "customer/<int:pk>/pay",
            "customer/<int:pk>/save-method",
            "customer/method/<int:pk>/prefer",
            "customer/method/<int:pk>/drop",
            "payment/<uuid:pk>/refund",
            "payment/<uuid:pk>/allocate",
            "payment/allocation/<int:pk>/undo",
            "bankline/import",
            "bankline/<int:pk>/assign",
            "bankline/<int:pk>/ignore",
            "standing/customer/<int:pk>",
            "standing/customer/<int:pk>/pdf",
        )
    ),
    *(page(f"admin/rq/{place}", "admins") for place in _RQ),
)
ROWS: dict[str, Row] = {row.route: row for row in (*API, *OPEN, *ADMIN)}


def holders(right: str, queue: Queue) -> frozenset[str]:
    """Who has a right, on an object of this queue."""
    found = RIGHTS[right]
    return found[queue] if isinstance(found, dict) else found


def by_queue(row: Row) -> bool:
    """Whether it matters of which queue the object is."""
    return any(isinstance(RIGHTS[right], dict) for right, _ in row.methods.values())


def lines() -> Iterator[str]:
    """docs/reference/authorisation.md."""
    yield from (
        "# Who may do what",
        "",
        "This page is made from `tests/api/matrix_policy.py`, with `python -m tests.api.matrix_policy >",
        "docs/reference/authorisation.md`. The test `tests/api/test_matrix.py` asks every address of the application with",
        "every method as everybody named here; an address that is not in the list fails it. What roles may do on which queue",
        "is in `queues/policy.py`, which the API, the admin and RQ's pages ask; what is declared nowhere is refused.",
        "",
        "| right | who has it |",
        "|---|---|",
        *(f"| {right} | {words} |" for right, words in WORDS.items()),
        "",
        "An API key has what its owner has, as far as its actions and queues reach, in the API alone.",
        "Superusers are admins. Customers and drivers see nothing but the API's own description. Changing a queue's settings",
        "(concurrency, memory limit, rate limit, executor, enabled) is for admins, whoever may see the queue; the fields of",
        "definitions and schedules are for the operators of their job's queue. A method that is not listed is 405. HEAD is as GET.",
        "",
    )
    for title, rows, said in (
        (
            "The API",
            API,
            "Without a valid token: 401. Without the right: 403; but 404 where the last column says so, for an object that "
            "one may not see is told like one that does not exist.",
        ),
        (
            "Beside it",
            OPEN,
            "`/metrics` also takes the metrics token. `/webhooks/stripe/` answers whoever asks, and believes Stripe's signature alone.",
        ),
        (
            "The admin",
            ADMIN,
            "Who may not sign in to the admin is led to the login page; without the right: 403, or 404. A page's form is sent with "
            "POST; other methods are served as GET and change nothing.",
        ),
    ):
        yield from (f"## {title}", "", said, "", "| address | method | right | otherwise |", "|---|---|---|---|")
        for row in rows:
            yield from _told(row)
        yield ""


def _told(row: Row) -> Iterator[str]:
    by_right: dict[str, list[str]] = {}
    for method, (right, _) in row.methods.items():
        by_right.setdefault(right, []).append(method)
    address = "/" + row.route.replace("|", "\\|")
    for right, methods in by_right.items():
        yield f"| `{address}` | {', '.join(methods)} | {right} | {404 if row.refusal == 404 else ''} |"


def page_text() -> str:
    return "\n".join(lines()).rstrip() + "\n"


if __name__ == "__main__":
    print(page_text(), end="")  # noqa: T201
