"""The table of `affectline-read` and the photo table of the server say the same of the same file."""

import csv
from pathlib import Path

import pytest

from inference import tasks
from inference.models import Prediction
from ml.read import read_photos
from ml.read.tables import COLUMNS as OF_READER
from ml.read.tables import CsvTable
from patients.models import Visit
from patients.photos.receive import receive_photo
from patients.reports.columns import COLUMNS
from patients.reports.csv_export import photos_csv
from patients.reports.scope import Scope
from tests.cohort import FOLDER
from tests.factories import upload

SHARED = [column.name for column in OF_READER if column.on_server]


def test_shared_columns_have_the_servers_names_and_order() -> None:
    assert [column.name for column in COLUMNS if column.name in SHARED] == SHARED


@pytest.mark.django_db
@pytest.mark.slow("opens and reads two photos twice")
def test_reader_and_server_read_the_same_file_alike(visit: Visit) -> None:
    names = ("amara-01-1.jpg", "jonas-05-two-faces.jpg")
    paths = [FOLDER / "portraits" / name for name in names]
    for path in paths:
        receive_photo(visit, upload(path.read_bytes()), visit.created_by)
    for prediction in Prediction.objects.all():
        tasks.predict(str(prediction.pk))
    on_server = list(csv.DictReader(photos_csv(Scope([visit.patient], visit), visit.created_by)))
    lines = [CsvTable.header, *(CsvTable().rows(photo) for photo in read_photos(paths))]
    of_reader = list(csv.DictReader(lines))
    assert [row["state"] for row in of_reader] == ["done", "choose_face"]
    assert [[row[name] for name in SHARED] for row in of_reader] == [[row[name] for name in SHARED] for row in on_server]


def test_file_that_does_not_exist_is_a_row(tmp_path: Path) -> None:
    (photo,) = read_photos([tmp_path / "missing.jpg"])
    assert (photo.state, photo.reason) == ("failed", "cannot_open")
