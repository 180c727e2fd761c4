"""What of a call is kept encrypted. One column with a default of the database's: nothing running waits."""

from django.db import migrations

from queues.models.encrypted import EncryptedTextField


class Migration(migrations.Migration):
    dependencies = [("queues", "0010_second_factor_sealed")]
    operations = [
        migrations.AddField(
            model_name="outboundcall",
            name="sealed",
            field=EncryptedTextField(blank=True, db_default="", default="", editable=False),
        ),
    ]
