"""What the services refuse, in the API's words: which field is wrong, and what somebody's roles do not reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as Invalid
from django.db import IntegrityError, transaction
from rest_framework.exceptions import ErrorDetail, ValidationError

from queues import policy
from queues.errors import FieldError, InvalidParams, NotAllowed
from queues.models import JobDefinition, Queue, Schedule, WebhookEndpoint


@contextmanager
def by_field(row: JobDefinition | Schedule | Queue | WebhookEndpoint) -> Iterator[None]:
    """What a service refuses of a row, as ValidationError (a body's fields) and InvalidParams (fields under "params.").

    Another of the same name may come at the same moment, after both were found valid.
    """
    try:
        with transaction.atomic():
            yield
    except Invalid as wrong:
        raise ValidationError(_details(wrong)) from None
    except InvalidParams as wrong:
        raise InvalidParams(wrong.job, [_under_params(each) for each in wrong.errors]) from None
    except IntegrityError:
        if (
            isinstance(row, WebhookEndpoint)
            or not type(row)._default_manager.filter(name=row.name).exclude(pk=row.pk).exists()
        ):
            raise
        told = f"There is a {row._meta.verbose_name} of this name already."
        raise ValidationError({"name": [ErrorDetail(told, "unique")]}) from None


def require_fields(user: Any, kind: str, fields: Iterable[str], *, queue: str) -> None:
    """Raises NotAllowed with the fields that this user may not change (see policy.CHANGES)."""
    refused = policy.refused(user, kind, fields, queue=queue)
    if refused:
        raise NotAllowed(f"Your roles do not let you change {', '.join(refused)} of a {kind} of the queue {queue}.")


def _details(wrong: Invalid) -> dict[str, list[ErrorDetail]]:
    by_name = wrong.error_dict if hasattr(wrong, "error_dict") else {NON_FIELD_ERRORS: wrong.error_list}
    return {
        "non_field_errors" if name == NON_FIELD_ERRORS else name: [
            ErrorDetail(message, error.code or "invalid") for error in errors for message in error.messages
        ]
        for name, errors in by_name.items()
    }


def _under_params(error: FieldError) -> FieldError:
    return FieldError(f"params.{error.field}" if error.field else "params", error.message, error.code)
