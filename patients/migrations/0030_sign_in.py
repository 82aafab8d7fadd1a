import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.core.management import call_command
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models

import encryption.fields


def make_cache_table(apps, schema_editor):
    call_command("createcachetable", "cache", database=schema_editor.connection.alias, verbosity=0)


def drop_cache_table(apps, schema_editor):
    schema_editor.execute("DROP TABLE %s" % schema_editor.quote_name("cache"))


class Migration(migrations.Migration):
    dependencies = [("patients", "0020_access_log")]

    operations = [
        migrations.RunPython(make_cache_table, drop_cache_table),
        migrations.AddField(
            "user",
            "idle_minutes",
            models.PositiveSmallIntegerField(
                default=15,
                validators=[MinValueValidator(5), MaxValueValidator(30)],
                verbose_name="sign me out after minutes without activity",
            ),
        ),
        migrations.AddConstraint(
            "user",
            models.CheckConstraint(
                condition=models.Q(idle_minutes__gte=5, idle_minutes__lte=30), name="idle_limit_in_range"
            ),
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.CharField(max_length=200)),
                ("fields", encryption.fields.EncryptedTextField(verbose_name="fields")),
                ("saved_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "clinician",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to="patients.patient"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("clinician", "path"), name="one_draft_per_page")],
            },
        ),
    ]
