"""Refresh tokens in the library's list lose their signature: what is kept says which they were, and opens nothing."""

from typing import Any

from django.db import migrations


def strip(apps: Any, schema_editor: Any) -> None:
    tokens = apps.get_model("token_blacklist", "OutstandingToken").objects
    signed = tokens.exclude(token__endswith=".")  # nosec B106 # no password
    for token in signed.only("id", "token").iterator(chunk_size=500):
        tokens.filter(pk=token.pk).update(token=f"{token.token.rpartition('.')[0]}.")


class Migration(migrations.Migration):
    dependencies = [
        ("queues", "0011_outbound_sealed"),
        ("token_blacklist", "0013_alter_blacklistedtoken_options_and_more"),
    ]
    operations = [migrations.RunPython(strip, migrations.RunPython.noop)]
