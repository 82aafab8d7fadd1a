"""Patients in a CSV file, as spreadsheets of any of our languages write it."""

import csv
import io
from collections.abc import Iterator, Sequence

from patients.forms.patient_import.checks import checked
from patients.forms.patient_import.codes import MOST_ROWS, UnreadableFile
from patients.models.names import folded
from patients.models.patient_import import FoundPatient

HEADERS = {
    "record_number": "record number|mrn|aktennummer|patientennummer|numero de historia|numero de dossier",
    "given": "given name|first name|vorname|prenom",
    "full": "name|nombre|nom",
    "family": "family name|last name|surname|nachname|familienname|apellidos|apellido|nom de famille",
    "birth_date": "birth date|birthdate|date of birth|dob|geburtsdatum|fecha de nacimiento|date de naissance",
    "sex": "sex|gender|sex as recorded|geschlecht|sexo|sexe",
}
"""How the first line may name each column, folded. “Nombre” beside “Apellidos” is a given name, “Nom” beside “Prénom” is not."""
SEXES = {
    "female": "female|f|w|weiblich|mujer|femenino|feminin|femme",
    "male": "male|m|mannlich|hombre|varon|masculino|masculin|homme",
    "other": "other|o|d|x|divers|otro|autre",
    "": "|unknown|u|unbekannt|desconocido|inconnu",
}


def read_csv(text: str) -> list[FoundPatient]:
    """Return one row per patient. Raises UnreadableFile."""
    separator = next((each for each in ",;\t" if {"record_number", "birth_date"} <= set(_columns(text, each))), None)
    columns = _columns(text, separator) if separator else {}
    if separator is None or not {"full", "given", "family"} & set(columns):
        raise UnreadableFile("no_columns")
    try:
        lines = list(_lines(text, separator))
    except csv.Error:
        raise UnreadableFile("broken_quotes") from None
    if len(lines) > MOST_ROWS:
        raise UnreadableFile("too_many_rows")
    sexes = _sexes([_cell(cells, columns.get("sex")) for _number, _width, cells in lines])
    return [_found(number, width, cells, columns, sexes) for number, width, cells in lines]


def _columns(text: str, separator: str) -> dict[str, int]:
    """Return the places of the columns that the first line names."""
    try:
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:
        return {}
    names = [folded(cell.replace("_", " ")) for cell in first]
    words = {name: known.split("|") for name, known in HEADERS.items()}
    return {name: place for name in words for place, cell in reversed(list(enumerate(names))) if cell in words[name]}


def _lines(text: str, separator: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield number, width of the first line and cells of each line that is not empty. Raises csv.Error."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    width = len(next(reader))
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, width, cells


def _cell(cells: Sequence[str], place: int | None) -> str:
    return cells[place].strip() if place is not None and place < len(cells) else ""


def _sexes(cells: Sequence[str]) -> dict[str, str]:
    """Return the meaning of each way to write a sex. In a Spanish file with H, M is a woman."""
    meanings = {word: sex for sex, words in SEXES.items() for word in words.split("|")}
    return meanings | ({"h": "male", "m": "female"} if "h" in map(folded, cells) else {})


def _found(number: int, width: int, cells: list[str], columns: dict[str, int], sexes: dict[str, str]) -> FoundPatient:
    names = [_cell(cells, columns.get(part)) for part in ("given", "full", "family")]
    sex = _cell(cells, columns.get("sex"))
    row = FoundPatient(
        line=number,
        name=" ".join(filter(None, names)),
        record_number=_cell(cells, columns["record_number"]),
        birth_date=_cell(cells, columns["birth_date"]),
        sex=sexes.get(folded(sex), sex),
        code="cells" if any(cell.strip() for cell in cells[width:]) else "",
    )
    return checked(row, is_typed=True)
