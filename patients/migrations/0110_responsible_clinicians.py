from django.db import migrations
from django.db.models import OuterRef, Subquery


def choose_responsible(apps, schema_editor):
    Patient, Assignment = apps.get_model('patients', 'Patient'), apps.get_model('patients', 'Assignment')
    able = Assignment.objects.filter(patient=OuterRef('pk'), clinician__is_active=True, clinician__role='clinician')
    first = able.order_by('assigned_at', 'pk').values('clinician')[:1]
    Patient.objects.filter(responsible=None).exclude(name='').update(responsible=Subquery(first))


class Migration(migrations.Migration):
    """Make the clinician who was assigned first responsible for each patient."""

    dependencies = [
        ('patients', '0109_second_person'),
    ]

    operations = [
        migrations.RunPython(choose_responsible, migrations.RunPython.noop),
    ]
