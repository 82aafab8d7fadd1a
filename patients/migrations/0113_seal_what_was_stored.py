import re
from functools import partial

from django.db import migrations

from encryption.convert import Table, convert, seal_value, unseal_value
from encryption.legacy import fernet
from encryption.seal import open_text, seal_text

PLAIN = {"patients.SelfReport", "patients.Event.kind", "patients.Patient.birth_date"}  # not encrypted before
TABLES = (
    Table("patients.Patient", "pk", ("name", "record_number", "birth_date", "sex")),
    Table("patients.Visit", "patient_id", ("note",)),
    Table("patients.Event", "patient_id", ("kind", "label")),
    Table("patients.SelfReport", "visit__patient_id", ("mood", "phq9", "gad7"), row=("visit_id",)),
    Table(
        "patients.Photo",
        "visit__patient_id",
        ("original_name", "excluded_reason", "note"),
        files=(("image", "image_sha256"), ("preview", "preview_sha256")),
        of_picture=("original_name",),
    ),
    Table(
        "inference.Prediction",
        "photo__visit__patient_id",
        ("input_png", "explanation_png"),
        of_picture=("input_png", "explanation_png"),
    ),
    Table("patients.OwnLabel", "photo__visit__patient_id", ("remark",), row=("photo_id", "clinician_id")),
    Table("patients.Import", "patient_id", ("name",)),
    Table("patients.ImportFailure", "imported_in__patient_id", ("file_name",), row=("imported_in_id", "day", "code")),
    Table("patients.Draft", "patient_id", ("fields",), row=("clinician_id", "path")),
    Table("patients.BreakGlass", "patient_id", ("reason",), row=("clinician_id", "opened_at")),
    Table("patients.Task", "pk", ("file_name",), files=(("file", ""),)),
    Table("patients.PatientImport", "pk", ("file_name", "rows")),
)
FERNET = re.compile(r"gAAAAA[\w-]{90,}={0,2}")
SEALED = re.compile(r"YWwx[\w-]{48,}={0,2}")


def seal_all(apps, schema_editor):
    for table in TABLES:
        convert(apps.get_model(table.model), table, seal_value)
    change_factors(apps, FERNET, lambda token: seal_text("second factors", fernet().decrypt(token.encode()).decode()))


def unseal_all(apps, schema_editor):
    def unseal_one(ring, place, value):
        is_plain = place.table in PLAIN or f"{place.table}.{place.field}" in PLAIN
        return unseal_value(ring, place, value, is_plain)

    for table in TABLES:
        convert(apps.get_model(table.model), table, unseal_one)
    change_factors(apps, SEALED, lambda token: fernet().encrypt(open_text("second factors", token).encode()).decode())


def change_factors(apps, token, change):
    for factor in apps.get_model("mfa.Authenticator").objects.all():
        changed = {
            name: token.sub(lambda found: change(found.group()), value) if isinstance(value, str) else [
                token.sub(lambda found: change(found.group()), each) if isinstance(each, str) else each for each in value
            ] if isinstance(value, list) else value
            for name, value in factor.data.items()
        }
        if changed != factor.data:
            factor.data = changed
            factor.save(update_fields=["data"])


class Migration(migrations.Migration):
    """Seal everything with a key of its patient, bound to its row (ADR 0130).

    All of it is done here, while the site is down: afterwards nothing reads the former format. Portions are committed, and what is
    sealed already is skipped: after an interruption, `migrate` goes on.
    """

    atomic = False

    dependencies = [
        ('patients', '0112_seal_by_row'),
        ('inference', '0003_by_state'),
        ('mfa', '0003_authenticator_type_uniq'),
    ]

    operations = [
        migrations.RunPython(seal_all, unseal_all),
    ]
