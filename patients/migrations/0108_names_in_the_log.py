from django.db import migrations, models

from patients.audit.triggers import guard, lift


def guard_log(apps, schema_editor):
    guard(schema_editor.connection, "patients_accesslog")


def lift_guard(apps, schema_editor):
    lift(schema_editor.connection, "patients_accesslog")


class Migration(migrations.Migration):
    """Keep the name of the account in each entry. SQLite makes the table anew for it, so the triggers are put back."""

    dependencies = [
        ('patients', '0107_keys_with_limits'),
    ]

    operations = [
        migrations.RunPython(lift_guard, guard_log),
        migrations.AddField(
            model_name='accesslog',
            name='actor_name',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.RunPython(guard_log, lift_guard),
    ]
