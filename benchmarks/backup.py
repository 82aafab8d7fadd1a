"""Backing up and restoring an installation on SQLite: seconds, by `manage.py backup` and `manage.py restore`.

    python -m benchmarks.backup [PHOTOS [BYTES]]

Makes 10,000 photos of 1 MB with their previews in a temporary folder (TMPDIR), which needs room for three times as much.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

PREVIEW_BYTES = 60_000


def prepare(var: Path) -> None:
    """Set Django up for a new installation in a folder."""
    os.environ |= {"AFFECTLINE_VAR": str(var), "DJANGO_SETTINGS_MODULE": "clinic.settings", "LOG_LEVEL": "ERROR"}
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("MEDIA_ROOT", None)
    import django

    from clinic.keys import ensure_keys

    ensure_keys(var)
    django.setup()


def fill(photos: int, size: int) -> None:
    """Add photos with files of random bytes, which are as large and as hard to compress as sealed pictures."""
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone

    from patients.models import Patient, Photo, User, Visit
    from patients.models.photo import private_path

    call_command("migrate", verbosity=0)
    user = User.objects.create_user("ada@clinic.example", None, display_name="Dr Ada Lind")
    patient = Patient.objects.create(name="Ines Moreau", record_number="R-1", birth_date="1991-02-14")
    rows: list[Photo] = []
    for number in range(photos):
        if number % 20 == 0:
            visit = Visit.objects.create(patient=patient, date=timezone.now().date(), created_by=user)
        photo = Photo(visit=visit, width=4000, height=3000, fingerprint=f"{number:064}", uploaded_by=user)
        for field, length in (("image", size), ("preview", PREVIEW_BYTES)):
            name = private_path(photo, "")
            path = Path(settings.MEDIA_ROOT) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(length))
            setattr(photo, field, name)
        rows.append(photo)
    Photo.objects.bulk_create(rows, batch_size=500)


def main() -> None:
    """Fill, back up, restore over it, and print a JSON line."""
    photos = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder) / "var")
        from django.core.management import call_command

        fill(photos, size)
        key, target = Path(folder) / "key", Path(folder) / "backup.age"
        call_command("backup", key, new_key=True)
        began = time.perf_counter()
        call_command("backup", target, to=[key.read_text().split()[3]])
        saved = time.perf_counter()
        call_command("restore", target, key=key, force=True)
        restored = time.perf_counter()
        row = {"photos": photos, "gigabytes": target.stat().st_size / 1e9}
        row |= {"backup_seconds": saved - began, "restore_seconds": restored - saved}
        print(json.dumps({name: round(value, 1) for name, value in row.items()}))


if __name__ == "__main__":
    main()
