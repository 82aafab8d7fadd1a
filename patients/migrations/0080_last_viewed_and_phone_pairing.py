import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Names only: Look becomes LastViewed, HandOff becomes PhonePairing. No row changes."""

    dependencies = [
        ('patients', '0042_tried_number'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='look', name='one_look_per_clinician'),
        migrations.RenameModel(old_name='Look', new_name='LastViewed'),
        migrations.RenameField(model_name='lastviewed', old_name='looked_at', new_name='viewed_at'),
        migrations.AlterField(
            model_name='lastviewed',
            name='clinician',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='last_views', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='lastviewed',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='last_views', to='patients.patient'),
        ),
        migrations.AddConstraint(
            model_name='lastviewed',
            constraint=models.UniqueConstraint(fields=('patient', 'clinician'), name='one_last_view_per_clinician'),
        ),
        migrations.RenameModel(old_name='HandOff', new_name='PhonePairing'),
        migrations.RenameField(model_name='photo', old_name='hand_off', new_name='phone_pairing'),
        migrations.AlterField(
            model_name='phonepairing',
            name='visit',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='phone_pairings', to='patients.visit'),
        ),
    ]
