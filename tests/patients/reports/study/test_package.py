"""The data package of a study: what is in it, that others can read it, and that nothing in it names anyone."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command

from inference.models import Prediction
from patients.models import AccessLog, Event, OwnLabel, Participation, Patient, Photo, Study, User
from patients.reports.study.forms import REDCAP_HEADER, available_forms
from patients.reports.study.package import package_files, study_package
from patients.reports.study.rows import TooFewPeople, study_tables
from tests.patients.studies.groups import make_group

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(ada: User) -> Study:
    """Return a study of six people in each arm, with an event, a label, an excluded photo and texts everywhere."""
    study = make_group(ada, people=6, visits=3)
    patient = Participation.objects.all()[0].patient
    for visit in patient.visits.all():
        visit.note = "NOTEMARK"
        visit.save()
    photo = Photo.objects.filter(visit__patient=patient).earliest("uploaded_at")
    photo.exclude("REASONMARK", ada)
    OwnLabel.objects.create(photo=photo, clinician=ada, label="sad", remark="REMARKMARK")
    for start, end in ((date(2025, 5, 1), date(2025, 6, 1)), (date(2025, 12, 1), date(2026, 1, 20)), (date(2026, 2, 1), None)):
        Event.objects.create(
            patient=patient, kind="therapy", label="EVENTMARK", starts_on=start, ends_on=end, goes_on=end is None, created_by=ada
        )
    return study


def opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def unpack(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def table(files: dict[str, bytes], name: str, separator: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode()), delimiter=separator))


def test_package_has_every_table_and_its_explanations(study: Study) -> None:
    files = opened(study_package(study))
    tables = ["participants", "visits", "photos", "self_reports", "events", "labels"]
    rest = ["README.md", "SHA256SUMS", "codebook.csv", "datapackage.json", "model-card.md"]
    assert sorted(files) == sorted([*(f"{name}.csv" for name in tables), *rest])
    assert [len(table(files, f"{name}.csv")) for name in tables] == [12, 36, 72, 36, 2, 1]
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert sha256(files[name]).hexdigest() == digest
    columns = {(row["table"], row["column"]) for row in table(files, "codebook.csv")}
    for name in tables:
        header = files[f"{name}.csv"].decode().splitlines()[0].split(",")
        assert {column for each, column in columns if each == name} == set(header)


@pytest.mark.parametrize("form", ["csv", "bids", "redcap", "parquet"])
def test_photos_carry_the_probabilities_of_both_heads(study: Study, form: str) -> None:
    other = (0.2, 0.1, 0.0, 0.4, 0.1, 0.05, 0.15)
    first = Photo.objects.filter(visit__patient=Participation.objects.order_by("number")[0].patient).earliest("uploaded_at", "id")
    Prediction.objects.filter(photo=first).update(fer2013=other)
    files = opened(study_package(study, form))
    if form == "parquet":
        import pyarrow.parquet as pq

        rows = pq.read_table(io.BytesIO(files["photos.parquet"])).to_pylist()
    elif form == "redcap":
        records = table(files, "redcap_records.csv")
        rows = [
            {name.removeprefix("photos_"): value for name, value in row.items()}
            for row in records
            if row["redcap_repeat_instrument"] == "photos"
        ]
    else:
        name, separator = ("photos.csv", ",") if form == "csv" else ("phenotype/photos.tsv", "\t")
        rows = table(files, name, separator)
    names = [f"fer2013_{name}" for name in ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")]
    assert [float(rows[0][name]) for name in names] == list(other)
    assert {rows[1][name] for name in names} == {{"csv": "", "bids": "n/a", "redcap": "", "parquet": None}[form]}
    assert float(rows[0]["happy"]) != 0.4  # the head that serves has its own columns


def test_events_are_days_within_the_study(study: Study) -> None:
    number = Participation.objects.all()[0].number
    assert table(opened(study_package(study)), "events.csv") == [
        {"participant": number, "event": "1", "kind": "therapy", "start_day": "", "end_day": "15"},
        {"participant": number, "event": "2", "kind": "therapy", "start_day": "27", "end_day": ""},
    ]


@pytest.mark.parametrize("form", ["csv", "bids", "redcap", "parquet"])
def test_no_name_no_date_and_no_text_is_in_it(study: Study, form: str) -> None:
    content = b"\n".join(content for name, content in opened(study_package(study, form)).items() if name != "model-card.md")
    content = re.sub(rb"[0-9a-f]{64}", b"", content)  # any four digits may stand in a checksum
    for mark in ("NOTEMARK", "REASONMARK", "REMARKMARK", "EVENTMARK", "2026-0", "2025-", "1961", "treatment 0"):
        assert mark.encode() not in content, mark
    for patient in Patient.objects.all():
        for secret in (patient.name, patient.record_number, str(patient.pk)):
            assert secret.encode() not in content


@pytest.mark.parametrize("form", ["csv", "bids", "redcap", "parquet"])
def test_same_data_and_key_make_the_same_bytes(study: Study, form: str) -> None:
    first = study_package(study, form)
    assert study_package(Study.objects.get(pk=study.pk), form) == first
    project_key = Study.objects.get(pk=study.pk)
    Participation.objects.withdraw(Participation.objects.all()[0].patient)
    assert study_package(project_key, form) != first


def test_frictionless_finds_no_fault(study: Study, tmp_path: Path) -> None:
    import frictionless

    unpack(package_files(study_tables(study), "csv"), tmp_path)
    with frictionless.system.use_context(trusted=True):
        report = frictionless.validate(str(tmp_path / "datapackage.json"))
    assert report.flatten(["rowNumber", "fieldName", "message"]) == []
    assert report.stats["tasks"] == 6


def test_frictionless_finds_what_is_damaged(study: Study, tmp_path: Path) -> None:
    import frictionless

    unpack(package_files(study_tables(study), "csv"), tmp_path)
    with (tmp_path / "visits.csv").open("a") as file:
        file.write("UNKNOWN,99,-3\n")
    with frictionless.system.use_context(trusted=True):
        report = frictionless.validate(str(tmp_path / "datapackage.json"))
    assert not report.valid


def test_parquet_holds_the_same_values(study: Study) -> None:
    import pyarrow.parquet as pq

    rows = table(opened(study_package(study, "csv")), "visits.csv")
    stored = pq.read_table(io.BytesIO(opened(study_package(study, "parquet"))["visits.parquet"])).to_pylist()
    assert [(row["participant"], row["visit"], row["day"]) for row in stored] == [
        (row["participant"], int(row["visit"]), int(row["day"])) for row in rows
    ]
    assert [row["valence"] for row in stored] == [float(row["valence"]) for row in rows]


def test_bids_tables_have_sidecars_for_every_column(study: Study) -> None:
    files = opened(study_package(study, "bids"))
    assert json.loads(files["dataset_description.json"])["BIDSVersion"] == "1.10.0"
    tables = [name for name in files if name.endswith(".tsv")]
    assert sorted(tables) == sorted(
        ["participants.tsv", *(f"phenotype/{name}.tsv" for name in ("visits", "photos", "self_reports", "events", "labels"))]
    )
    for name in tables:
        rows = table(files, name, "\t")
        sidecar: dict[str, Any] = json.loads(files[name.replace(".tsv", ".json")])
        assert set(rows[0]) == set(sidecar) - {"MeasurementToolMetadata"}
        assert all(row["participant_id"].startswith("sub-") for row in rows)
        assert all(cell for row in rows for cell in row.values())  # n/a, never empty


def test_redcap_dictionary_describes_every_variable_of_the_records(study: Study) -> None:
    files = opened(study_package(study, "redcap"))
    dictionary, records = table(files, "redcap_dictionary.csv"), table(files, "redcap_records.csv")
    assert tuple(dictionary[0]) == REDCAP_HEADER
    names = [row["Variable / Field Name"] for row in dictionary]
    assert len(set(names)) == len(names)
    assert set(records[0]) - {"redcap_repeat_instrument", "redcap_repeat_instance"} == set(names)
    assert [
        row["Choices, Calculations, OR Slider Labels"] for row in dictionary if row["Variable / Field Name"] == "participants_arm"
    ] == ["1, treatment | 2, waiting list"]
    assert {row["redcap_repeat_instrument"] for row in records} == {"", "visits", "photos", "self_reports", "events", "labels"}


def test_small_arm_and_small_bands_are_not_told(ada: User) -> None:
    study = make_group(ada, people=6, visits=2)
    for each in Participation.objects.filter(arm__name="waiting list")[:3]:
        Participation.objects.withdraw(each.patient)
    files = opened(study_package(study))
    rows = table(files, "participants.csv")
    assert {row["arm"] for row in rows} == {""}
    bands: dict[str, int] = {}
    for row in rows:
        bands[row["age_band"]] = bands.get(row["age_band"], 0) + 1
    assert min(bands.values()) >= study.smallest_cell or set(bands) == {""}
    assert "People who withdrew consent to research: 3." in files["README.md"].decode()


def test_sex_is_told_only_where_no_cell_is_small(ada: User) -> None:
    study = make_group(ada, people=10, visits=1)
    for k, participation in enumerate(Participation.objects.select_related("patient")):
        participation.patient.sex = "female" if k % 2 else "male"
        participation.patient.save(update_fields=["sex"])
    rows = table(opened(study_package(study)), "participants.csv")
    cells: dict[tuple[str, ...], int] = {}
    for row in rows:
        if row["sex"]:
            key = (row["arm"], row["age_band"], row["sex"])
            cells[key] = cells.get(key, 0) + 1
    assert all(n >= study.smallest_cell for n in cells.values())


def test_fields_that_the_study_does_not_use_are_left_out(ada: User) -> None:
    study = make_group(ada, people=6, visits=2, fields=["self_reports"])
    files = opened(study_package(study))
    assert sorted(name for name in files if name.endswith(".csv")) == [
        "codebook.csv",
        "participants.csv",
        "self_reports.csv",
        "visits.csv",
    ]
    assert files["visits.csv"].decode().splitlines()[0] == "participant,visit,day"
    assert "Fields that the study does not use: expressions, quality, events, age_band, sex, labels." in files["README.md"].decode()


def test_few_people_are_not_exported(ada: User) -> None:
    with pytest.raises(TooFewPeople):
        study_package(make_group(ada, people=2, visits=1))


@pytest.mark.slow("a program of its own loads pandas and plotly")
def test_example_loads_the_package_and_draws_the_means(study: Study, tmp_path: Path) -> None:
    unpack(package_files(study_tables(study), "csv"), tmp_path)
    example = Path(project.BASE_DIR) / "docs" / "examples" / "group_figure.py"
    figure = tmp_path / "figure.html"
    done = subprocess.run((sys.executable, str(example), str(tmp_path), str(figure)), check=True, capture_output=True, text=True)
    assert "waiting list" in figure.read_text()
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [(line[0], line[-4], line[-1]) for line in lines] == [
        (arm, week, "6") for arm in ("treatment", "waiting") for week in ("0", "4", "8")
    ]


@pytest.mark.slow("programs of their own load pandas and R")
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_example_in_r_prints_what_the_one_in_python_prints(study: Study, tmp_path: Path) -> None:
    unpack(package_files(study_tables(study), "csv"), tmp_path)
    examples = Path(project.BASE_DIR) / "docs" / "examples"
    printed = []
    for command in ((sys.executable, "group_figure.py"), ("Rscript", "group_figure.R", tmp_path / "figure.pdf")):
        script, *rest = command[1:]
        arguments = (command[0], examples / script, tmp_path, *rest)
        done = subprocess.run([str(each) for each in arguments], check=True, capture_output=True, text=True)
        rows = [line.replace("waiting list", "waiting").split() for line in done.stdout.splitlines()[1:]]
        printed.append([(arm, week, round(float(mean), 4), round(float(se), 4), people) for arm, week, mean, se, people in rows])
    assert printed[0] == printed[1]
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")


def test_command_writes_the_file_for_a_member_who_may_export(study: Study, ada: User, bo: User, tmp_path: Path) -> None:
    out = tmp_path / "study.zip"
    with pytest.raises(CommandError, match="may not export"):
        call_command("export_study", study.name, "--for", bo.email, "--out", str(out))
    call_command("export_study", str(study.pk), "--for", ada.email, "--out", str(out))
    assert out.read_bytes() == study_package(study)
    assert out.stat().st_mode & 0o777 == 0o600
    entries = AccessLog.objects.filter(action="export")
    assert entries.values("patient").distinct().count() == 12
    assert {entry.detail["page"] for entry in entries} == {"task_study_export"}


def test_every_format_is_there() -> None:
    assert list(available_forms()) == ["csv", "parquet", "bids", "redcap"]
