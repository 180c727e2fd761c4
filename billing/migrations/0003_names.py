"""What a model is called on pages. Nothing changes in the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_guards")]
    operations = [
        migrations.AlterModelOptions(
            name="entry",
            options={"ordering": ["id"], "verbose_name": "journal entry", "verbose_name_plural": "journal entries"},
        ),
    ]
