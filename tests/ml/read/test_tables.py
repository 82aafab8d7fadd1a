"""The three ways to write a reading, as literals that one can read."""

import csv
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from ml.read.faces import FaceReading, PhotoReading
from ml.read.tables import COLUMNS, CsvTable, JsonLines, Sentences
from ml.serve.card import load_card
from ml.serve.expressions import EXPRESSIONS, FaceBox, QualityCheck, Reason
from ml.serve.reader import WEIGHTS
from tests.ml.read.conftest import made_reading

CHECK = QualityCheck("sharpness", 0.05, 0.2, False, Reason.TOO_BLURRED)
BLURRED = FaceReading(1, FaceBox(1, 2, 3, 4), 0.6, 0.0, "rejected", Reason.TOO_BLURRED, quality=(CHECK,))
FAILED = PhotoReading("x.jpg", "failed", "animated", "ef" * 32)
UNDECIDED = PhotoReading(
    "g.jpg",
    "choose_face",
    width=9,
    height=9,
    faces=(FaceReading(1, FaceBox(0, 0, 5, 5), 0.9, 0.0), FaceReading(2, FaceBox(4, 4, 5, 5), 0.9, 0.0)),
    model_version="0.5.0",
)


def test_csv_has_one_row_for_each_face_that_was_read() -> None:
    photo = replace(made_reading("a.jpg", faces=2), taken_at=datetime(2026, 3, 2, 9, 46))
    shares = "0.0313,0.0000,0.0000,0.7500,0.0000,0.0000,0.2188,0.7188"
    end = f"8,6,24,30,{'ab' * 32},all"
    assert CsvTable.header == (
        "file,face,taken_at,width,height,state,reason,too_close_to_call,faces_found,detector_score,angry,disgust,fear,happy,sad,"
        "surprise,neutral,valence_index,model_version,face_left,face_top,face_width,face_height,sha256,face_choice\r\n"
    )
    assert CsvTable().rows(photo) == (
        f"a.jpg,1,2026-03-02T09:46:00,640,480,done,,no,2,0.9000,{shares},0.5.0,{end}\r\n"
        f"a.jpg,2,2026-03-02T09:46:00,640,480,done,,no,2,0.9000,{shares},0.5.0,{end}\r\n"
    )


def test_csv_has_one_row_for_a_photo_without_a_result() -> None:
    assert CsvTable().rows(FAILED) == f"x.jpg,,,,,failed,animated,,,,,,,,,,,,,,,,,{'ef' * 32},clear\r\n"
    assert CsvTable().rows(UNDECIDED) == "g.jpg,,,9,9,choose_face,,,2,,,,,,,,,,0.5.0,,,,,,clear\r\n"
    rejected = replace(UNDECIDED, state="rejected", reason="too_blurred", faces=(BLURRED,))
    assert CsvTable().rows(rejected) == "g.jpg,1,,9,9,rejected,too_blurred,,1,,,,,,,,,,0.5.0,1,2,3,4,,clear\r\n"


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0.jpg", "+1.jpg", "-1.jpg", "@SUM(A1).jpg", "a;=1+1.jpg", 'x";=1.jpg'])
def test_no_file_name_is_run_by_a_spreadsheet(name: str) -> None:
    (cells,) = csv.reader([CsvTable().rows(made_reading(name))])
    assert cells[0] != name
    assert cells[0].replace("'", "") == name.replace("'", "")
    assert cells[0] == CsvTable().name_of(name)


def test_json_line_holds_all_faces_and_the_facts_of_the_model() -> None:
    card = load_card(WEIGHTS)
    line = json.loads(JsonLines(WEIGHTS).rows(made_reading("Zoë.jpg", faces=2)))
    assert (line["file"], line["state"], line["faces_found"], line["face_choice"]) == ("Zoë.jpg", "done", 2, "all")
    assert line["faces"][1]["box"] == {"left": 8.4, "top": 6.5, "width": 24, "height": 30}
    assert line["faces"][1]["probabilities"]["happy"] == 0.75
    model = line["model"]
    assert (model["version"], model["sha256"], model["too_close_below"]) == (card.version, card.onnx_sha256, card.abstain_below)
    for estimate in ("accuracy", "calibration_error", "share_called", "accuracy_when_called"):
        assert model[estimate]["low"] <= model[estimate]["value"] <= model[estimate]["high"]


def test_sentences_say_what_came_of_a_photo() -> None:
    say = Sentences().rows
    assert say(made_reading("a.jpg")) == "a.jpg: happy 75%, neutral 22%\n"
    assert say(made_reading("a.jpg", faces=2)).splitlines()[1] == "a.jpg: face 2 of 2: happy 75%, neutral 22%"
    assert say(FAILED) == "x.jpg: cannot be read (animated)\n"
    assert say(UNDECIDED) == "g.jpg: 2 faces of a similar size; choose with --face\n"
    assert say(replace(UNDECIDED, state="no_face", faces=())) == "g.jpg: no face was found\n"
    assert say(replace(UNDECIDED, faces=(BLURRED,))) == "g.jpg: not read, sharpness 0.05 (limit 0.2)\n"


def test_document_names_every_column() -> None:
    document = (Path(__file__).parents[3] / "docs" / "researchers.md").read_text()
    part = document.split("\n## Photos in, table out\n")[1].split("\n## ")[0]
    assert [column.name for column in COLUMNS if column.name not in EXPRESSIONS and f"`{column.name}`" not in part] == []
