from django.db import migrations

from encryption.keys import first_hash
from patients.models.identifiers import canonical_number
from patients.models.number_twins import rehash


def give_canonical_hashes(apps, schema_editor):
    rehash(apps.get_model('patients', 'Patient'), lambda number: first_hash(canonical_number(number).encode()))


class Migration(migrations.Migration):
    """Hash record numbers in their canonical form. Patients who turn out to have the same number all stay, as twins."""

    dependencies = [
        ('patients', '0090_record_number_twins'),
    ]

    operations = [
        migrations.RunPython(give_canonical_hashes, migrations.RunPython.noop),
    ]
