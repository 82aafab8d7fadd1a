from django.db import migrations

from encryption.convert import Table
from encryption.fields import Sealed
from encryption.keys import first_hash, keyed_hash
from encryption.patient_keys import find
from encryption.seal import SealBroken, from_text, unseal
from patients.models.identifiers import canonical_number

AT_ONCE = 500
STORED = (
    ("patients.Patient", "record_number_hash", "record numbers"),
    ("patients.Photo", "fingerprint", "files"),
    ("patients.Photo", "sha_fingerprint", "SHA-256 of files"),
    ("patients.ApiToken", "key_hash", "API keys"),
)
HEX = frozenset("0123456789abcdef")


def is_hash(value):
    return len(value) == 64 and HEX.issuperset(value)


def change(model, field, change_one):
    rows = model.objects.exclude(**{field: ""}).order_by("pk").only("pk", field)
    changed = []
    for row in rows.iterator(chunk_size=AT_ONCE):
        new = change_one(row)
        if new is not None:
            setattr(row, field, new)
            changed.append(row)
    model.objects.bulk_update(changed, [field], batch_size=AT_ONCE)


def hash_again(apps, schema_editor):
    for label, field, purpose in STORED:
        def one(row, field=field, purpose=purpose):
            value = getattr(row, field)
            return keyed_hash(purpose, value.encode()) if is_hash(value) else None  # "erased ..." is no hash

        change(apps.get_model(label), field, one)


def hash_as_before(apps, schema_editor):
    patients = Table("patients.Patient", "pk", ("record_number",))

    def one(row):
        held = row.__dict__["record_number"]
        if not isinstance(held, Sealed):
            return None
        place = patients.place("record_number", (row.pk,), row.pk)
        try:
            number = unseal(find(row.pk).record_ring, place, from_text(held.value)).decode()
        except SealBroken:
            return None
        return first_hash(canonical_number(number).encode())

    model = apps.get_model("patients.Patient")
    changed = []
    for row in model.objects.order_by("pk").only("pk", "record_number", "record_number_hash").iterator(chunk_size=AT_ONCE):
        new = one(row)
        if new is not None:
            changed.append(model(pk=row.pk, record_number_hash=new))
    model.objects.bulk_update(changed, ["record_number_hash"], batch_size=AT_ONCE)


class Migration(migrations.Migration):
    """Hash what is stored with a key for each purpose (ADR 0131), in one transaction.

    Taken back, record numbers are found again. API keys must then be made anew, and files from before are not recognised: their hashes
    cannot be taken back.
    """

    dependencies = [
        ('patients', '0113_seal_what_was_stored'),
    ]

    operations = [
        migrations.RunPython(hash_again, hash_as_before),
    ]
