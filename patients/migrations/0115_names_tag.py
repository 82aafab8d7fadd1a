"""The tag of names in the summary of each patient, and indexes for lists of thousands."""

from hashlib import sha256

from django.conf import settings
from django.db import migrations, models

from patients.models.summary_triggers import put_triggers


def tag_everyone(apps, schema_editor):
    """Put the tags in the summaries, and have the missing ones made. From now on the triggers also mark new patients and names."""
    put_triggers(schema_editor.connection)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, name, record_number FROM patients_patient")
        # As patients/timeline/summaries.py makes them.
        tags = [(int.from_bytes(sha256(f"{name}\n{number}".encode()).digest()[:5]), key) for key, name, number in cursor.fetchall()]
        cursor.executemany("UPDATE patients_patientsummary SET names_tag = %s WHERE patient_id = %s", tags)
        cursor.execute(
            "INSERT INTO patients_outdated (patient_id) SELECT id FROM patients_patient"
            " WHERE id NOT IN (SELECT patient_id FROM patients_patientsummary)"
        )


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("patients", "0114_a_key_for_each_hash"),
    ]

    operations = [
        migrations.AddField(model_name="patientsummary", name="names_tag", field=models.BigIntegerField(default=0)),
        migrations.AddIndex(
            model_name="lastviewed", index=models.Index(fields=["clinician", "-viewed_at"], name="last_views_of_clinician")
        ),
        migrations.AddIndex(
            model_name="assignment", index=models.Index(fields=["clinician", "patient"], name="patients_of_clinician")
        ),
        migrations.AddIndex(
            model_name="patientsummary",
            index=models.Index(
                fields=["patient", "read_at", "last_on", "names_tag", "to_choose", "refused", "on_the_way"], name="what_a_list_counts"
            ),
        ),
        migrations.RunPython(tag_everyone, migrations.RunPython.noop),
    ]
