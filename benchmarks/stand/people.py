"""`python -m benchmarks.stand.people COUNT`: make so many managers; prints a JSON list of access tokens, one each."""

from __future__ import annotations

import json
import sys

import django


def main(count: int) -> None:
    django.setup()
    from django.contrib.auth.models import Group, User
    from rest_framework_simplejwt.tokens import AccessToken

    from queues.models import Allowance
    from queues.policy import MANAGER

    group, _ = Group.objects.get_or_create(name=MANAGER)
    people = [User.objects.create(username=f"manager-{n}") for n in range(count)]
    group.user_set.add(*people)
    for bucket in (Allowance.Bucket.GENERAL, Allowance.Bucket.CREATION):  # counted as ever, and never in the way
        Allowance.objects.get_or_create(
            kind=Allowance.Kind.ROLE, name=MANAGER, bucket=bucket, defaults={"count": 1_000_000, "per_s": 60}
        )
    print(json.dumps([str(AccessToken.for_user(person)) for person in people]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
