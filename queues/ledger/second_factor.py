"""The second factor of an account: codes of an authenticator application (TOTP), and backup codes for when it is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django_otp.plugins.otp_static.models import StaticToken

from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import audit
from queues.models import Authenticator, BackupCodes
from queues.models.second_factor import code_digest, new_key

CODES = 10
NAME = "authenticator"


@dataclass(frozen=True)
class Confirmed:
    """Made once, and shown once."""

    backup_codes: list[str]


def is_on(user: Any) -> bool:
    """Whether this account signs in with a code. Raises DatabaseError."""
    return bool(Authenticator.objects.filter(user=user, confirmed=True).exists())


def passes(user: Any, code: str) -> bool:
    """Whether the account has no second factor, or this is a code of it. A code works once. Raises DatabaseError."""
    if not is_on(user):
        return True
    cleaned = "".join(code.split()).lower()
    return bool(cleaned) and (_matches(Authenticator, user, cleaned) or _matches(BackupCodes, user, cleaned))


def tell_failure(request: Any, username: str) -> None:
    """What a wrong password does by itself: it counts as a failed sign-in."""
    user_login_failed.send(sender=__name__, credentials={"username": username}, request=request)


def begin(user: Any) -> Authenticator:
    """The device that waits for its first code; the same one until that has come. Raises WrongState (there is one)."""
    if is_on(user):
        raise WrongState("There is a second factor already. Remove it first.")
    with transaction.atomic():
        found: Authenticator | None = (
            Authenticator.objects.select_for_update().filter(user=user, confirmed=False).order_by("pk").first()
        )
        if found is None:
            found = Authenticator(user=user, name=NAME, confirmed=False, key=new_key())
            found.save(force_insert=True)
        return found


def confirm(user: Any, code: str, *, actor: Actor) -> Confirmed | None:
    """From now on the account signs in with codes; None if this is none of the device that waits. Raises WrongState."""
    device = begin(user)
    with transaction.atomic():
        held = Authenticator.objects.select_for_update().get(pk=device.pk)
        if not held.verify_token("".join(code.split())):
            return None
        held.confirmed = True
        held.save(update_fields=["confirmed"])
        BackupCodes.objects.filter(user=user).delete()
        box = BackupCodes.objects.create(user=user, name="backup codes", confirmed=True)
        codes = [StaticToken.random_token() for _ in range(CODES)]
        StaticToken.objects.bulk_create([StaticToken(device=box, token=code_digest(each)) for each in codes])
        _tell(actor, "user.second_factor.add", user, "")
    return Confirmed(codes)


def remove(user: Any, *, actor: Actor, why: str = "") -> None:
    """From now on the password alone does. Raises WrongState (there is none)."""
    with transaction.atomic():
        if not is_on(user):
            raise WrongState("There is no second factor.")
        Authenticator.objects.filter(user=user).delete()
        BackupCodes.objects.filter(user=user).delete()
        _tell(actor, "user.second_factor.remove", user, why)


def backup_codes_left(user: Any) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def _matches(model: type[Authenticator | BackupCodes], user: Any, code: str) -> bool:
    """One at a time: a code that comes twice at once works once, and failures are counted."""
    with transaction.atomic():
        devices = model.objects.select_for_update().filter(user=user, confirmed=True).order_by("pk")
        return any(device.verify_token(code) for device in devices)


def _tell(actor: Actor, action: str, user: Any, why: str) -> None:
    audit.write(actor, action, object_type="user", object_id=str(user.pk), object_label=user.get_username(), why=why)
