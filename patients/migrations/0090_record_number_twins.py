from django.db import migrations, models

import patients.models.names


class Migration(migrations.Migration):
    """Room for patients whose record numbers turn out to be the same one (0091)."""

    dependencies = [
        ('patients', '0080_last_viewed_and_phone_pairing'),
    ]

    operations = [
        migrations.AlterField(
            model_name='patient',
            name='name',
            field=patients.models.names.NameField(verbose_name='name'),
        ),
        migrations.AlterField(
            model_name='patient',
            name='record_number',
            field=patients.models.names.NameField(verbose_name='record number'),
        ),
        migrations.AddField(
            model_name='patient',
            name='record_number_twin',
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AlterField(
            model_name='patient',
            name='record_number_hash',
            field=models.CharField(editable=False, max_length=64),
        ),
        migrations.AddConstraint(
            model_name='patient',
            constraint=models.UniqueConstraint(fields=('record_number_hash', 'record_number_twin'), name='one_patient_per_record_number'),
        ),
    ]
