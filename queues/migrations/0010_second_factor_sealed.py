"""Keys of authenticators are sealed, backup codes become digests. Few rows; whoever signs in meanwhile comes again."""

from typing import Any

from django.db import migrations

from queues import encryption
from queues.models.second_factor import code_digest, sealed_key


def seal(apps: Any, schema_editor: Any) -> None:
    for device in apps.get_model("otp_totp", "TOTPDevice").objects.all():
        if not encryption.is_sealed(device.key):
            device.key = sealed_key(device.key)
            device.save(update_fields=["key"])
    for token in apps.get_model("otp_static", "StaticToken").objects.all():
        token.token = code_digest(token.token)
        token.save(update_fields=["token"])


class Migration(migrations.Migration):
    dependencies = [
        ("queues", "0009_run_list_indexes"),
        ("otp_totp", "0003_add_timestamps"),
        ("otp_static", "0003_add_timestamps"),
    ]
    operations = [
        migrations.CreateModel(
            name="Authenticator", fields=[], options={"proxy": True, "indexes": [], "constraints": []}, bases=("otp_totp.totpdevice",)
        ),
        migrations.CreateModel(
            name="BackupCodes", fields=[], options={"proxy": True, "indexes": [], "constraints": []}, bases=("otp_static.staticdevice",)
        ),
        migrations.RunPython(seal),  # there is no way back: digests do not tell the codes
    ]
