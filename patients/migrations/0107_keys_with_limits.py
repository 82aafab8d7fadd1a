"""API keys get a name, a scope, a day on which they end, and the role that they were made for.

Keys from before keep working, reading and writing, for 90 days from the day this migration runs. Their owners make new ones until then.
"""

from datetime import timedelta

from django.db import migrations, models
from django.db.models import OuterRef, Subquery
from django.utils import timezone

DAYS_FOR_OLD_KEYS = 90


def end_old_keys_later(apps, schema_editor):
    """Give each key from before the role of its owner, and 90 days from now."""
    ApiToken, User = apps.get_model("patients", "ApiToken"), apps.get_model("patients", "User")
    role = Subquery(User.objects.filter(pk=OuterRef("clinician_id")).values("role")[:1])
    ApiToken.objects.update(role=role, scope="write", expires_at=timezone.now() + timedelta(days=DAYS_FOR_OLD_KEYS))


class Migration(migrations.Migration):

    dependencies = [
        ("patients", "0106_patient_import"),
    ]

    operations = [
        migrations.AlterModelOptions(name="apitoken", options={"ordering": ["-created_at"]}),
        migrations.AddField("apitoken", "name", models.CharField(blank=True, max_length=60, default=""), preserve_default=False),
        migrations.AddField("apitoken", "prefix", models.CharField(blank=True, max_length=10, default=""), preserve_default=False),
        migrations.AddField(
            "apitoken",
            "scope",
            models.CharField(choices=[("read", "Read only"), ("write", "Read and write")], default="read", max_length=5),
        ),
        migrations.AddField(
            "apitoken",
            "role",
            models.CharField(
                choices=[("clinician", "Clinician"), ("researcher", "Researcher"), ("administrator", "Administrator")],
                default="clinician",
                max_length=13,
            ),
            preserve_default=False,
        ),
        migrations.AddField("apitoken", "expires_at", models.DateTimeField(default=timezone.now), preserve_default=False),
        migrations.AddField("apitoken", "last_network", models.CharField(blank=True, max_length=43, default=""), preserve_default=False),
        migrations.AddField("apitoken", "minute", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("apitoken", "requests", models.PositiveIntegerField(default=0)),
        migrations.RunPython(end_old_keys_later, migrations.RunPython.noop),
    ]
