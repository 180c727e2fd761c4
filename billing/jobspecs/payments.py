"""The jobs about payments and reminders. `billing.collect` is the billing run's: see runs.py."""

from __future__ import annotations

import pydantic

from queues.registry import NoParams, spec


class _Params(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class ChargeDocument(_Params):
    """Which attempt at which document: the same one again charges nothing twice."""

    document: str = pydantic.Field(title="Document", description="Its number.", min_length=1, max_length=40)
    attempt: int = pydantic.Field(
        default=1,
        ge=1,
        le=1000,
        title="Attempt",
        description="1 for the first. Only the one after those that were made is made.",
    )


class OfRefund(_Params):
    refund: str = pydantic.Field(title="Refund", description="Its key.", min_length=1, max_length=200)


METHOD_ID = r"^[A-Za-z]+_\w{1,90}$"  # a provider's id: letters first, so that no card's number is one


class SaveMethod(_Params):
    customer: str = pydantic.Field(title="Customer", description="The customer's code.", min_length=1, max_length=40)
    provider: str = pydantic.Field(default="stripe", title="Provider", min_length=1, max_length=20)
    method: str = pydantic.Field(
        title="Method",
        description="The provider's id of it, e.g. pm_…; never the number of a card.",
        pattern=METHOD_ID,
    )


class DropMethod(_Params):
    provider: str = pydantic.Field(default="stripe", title="Provider", min_length=1, max_length=20)
    method: str = pydantic.Field(title="Method", description="The provider's id of it.", min_length=1, max_length=100)
    why: str = pydantic.Field(min_length=1, max_length=300, description="For the audit log.")


charge_document = spec(
    "billing.charge_document", queue="billing", params=ChargeDocument, title="Charge a document",
    description="Charges the customer's saved method for what is open on one invoice.",
    impact="Charges the customer, once for each attempt.",
    timeout_s=300,
)  # fmt: skip
refund_payment = spec(
    "billing.refund_payment", queue="billing", params=OfRefund, title="Refund a payment",
    description="Has a provider give back what staff decided. Asked for by the payment's page.",
    impact="Gives money back to a customer, once for each refund.",
    timeout_s=300,
)  # fmt: skip
save_method = spec(
    "billing.save_method", queue="billing", params=SaveMethod, title="Save a way to pay",
    description="Makes a method that a customer made at the provider the customer's, so that it can be charged.",
    impact="Makes the customer known to the provider, if need be. Charges nothing.",
    timeout_s=300,
)  # fmt: skip
drop_method = spec(
    "billing.drop_method", queue="billing", params=DropMethod, title="Drop a way to pay",
    description="A saved method is never charged again.",
    impact="The method cannot be charged any more, here and at the provider.",
    timeout_s=300,
)  # fmt: skip
settle_payments = spec(
    "billing.settle_payments", queue="billing", params=NoParams, title="Settle open payments",
    description="Finds out about charges and refunds whose outcome is not known, and sends what a worker that died did not send.",
    impact="Nothing is charged twice: what was sent is looked up.",
    timeout_s=900, max_attempts=3, retention_days=3, recurs="*/10 * * * *",
)  # fmt: skip
apply_events = spec(
    "billing.apply_events", queue="billing", params=NoParams, title="Apply providers' events",
    description="Takes up again what providers told us before we knew what it was about.",
    impact="Payments, refunds and disputes stand as the provider says.",
    timeout_s=900, max_attempts=3, retention_days=3, recurs="5-59/10 * * * *",
)  # fmt: skip
remind = spec(
    "billing.remind", queue="billing", params=NoParams, title="Remind of what is overdue",
    description="Takes the next step of the reminders' calendar for each invoice that is overdue, one a day at most.",
    impact="Records reminders, and has saved methods charged again where a step says so.",
    timeout_s=1800, max_attempts=3, recurs="0 6 * * *",
)  # fmt: skip
