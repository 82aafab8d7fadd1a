"""Summaries of visits and patients, with the triggers that mark them as outdated. All that exist are computed when first read."""

import django.db.models.deletion
from django.db import migrations, models

from patients.models.summary_triggers import put_triggers, remove_triggers


def mark_everyone(apps, schema_editor):
    put_triggers(schema_editor.connection)
    schema_editor.execute("INSERT INTO patients_outdated (patient_id) SELECT id FROM patients_patient")


def go_back(apps, schema_editor):
    remove_triggers(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ('inference', '0004_fer2013'),
        ('patients', '0110_responsible_clinicians'),
    ]

    operations = [
        migrations.CreateModel(
            name='PatientSummary',
            fields=[
                ('patient', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='summary', serialize=False, to='patients.patient')),
                ('version', models.BigIntegerField(default=0)),
                ('visited_on', models.DateField(null=True)),
                ('last_on', models.DateField(null=True)),
                ('last_visit', models.UUIDField(null=True)),
                ('valence', models.FloatField(null=True)),
                ('place', models.SmallIntegerField(null=True)),
                ('range_low', models.FloatField(null=True)),
                ('range_high', models.FloatField(null=True)),
                ('chosen_that_count', models.PositiveIntegerField(null=True)),
                ('to_choose', models.PositiveIntegerField(default=0)),
                ('refused', models.PositiveIntegerField(default=0)),
                ('on_the_way', models.PositiveIntegerField(default=0)),
                ('read_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='VisitSummary',
            fields=[
                ('visit', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='summary', serialize=False, to='patients.visit')),
                ('used', models.PositiveIntegerField(default=0)),
                ('excluded', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('to_choose', models.PositiveIntegerField(default=0)),
                ('too_close', models.PositiveIntegerField(default=0)),
                ('unfinished', models.PositiveIntegerField(default=0)),
                ('model_versions', models.JSONField(default=list)),
                ('numbers', models.BinaryField()),
                ('photos', models.BinaryField()),
                ('open_to_choose', models.PositiveIntegerField(default=0)),
                ('open_refused', models.PositiveIntegerField(default=0)),
                ('open_on_the_way', models.PositiveIntegerField(default=0)),
                ('read_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Outdated',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('patient', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='patients.patient')),
                ('photo', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='patients.photo')),
                ('visit', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='patients.visit')),
            ],
        ),
        migrations.RunPython(mark_everyone, go_back),
    ]
