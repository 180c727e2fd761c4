"""Final documents and the journal cannot be changed, from their first row on."""

from django.db import migrations

from billing.migrations._guards import Guard


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [Guard()]
