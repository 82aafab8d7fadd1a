"""The formats of the package: Frictionless CSV, Parquet, BIDS phenotype and REDCap. Each returns files by name."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.util import find_spec
from typing import Any

from patients.reports.study.columns import Column, Table, Value
from patients.reports.study.rows import StudyTables
from patients.reports.study.texts import as_csv, cell_text, codebook, limits

Files = dict[str, bytes]
Json = dict[str, Any]  # Any: JSON
BIDS_VERSION = "1.10.0"
REDCAP_HEADER = (
    *("Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label"),
    *("Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number"),
    *("Text Validation Min", "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)"),
    *("Required Field?", "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?"),
    "Field Annotation",
)


def csv_files(made: StudyTables, tables: Sequence[Table]) -> Files:
    """Return each table as CSV, with a Frictionless data package that describes them."""
    files = {}
    for table in tables:
        columns = table.seen_by(made.study)
        rows = ([cell_text(row.get(column.name)) for column in columns] for row in made.rows[table.name])
        files[f"{table.name}.csv"] = as_csv([column.name for column in columns], rows)
    return files | _data_package(made, tables, files, "csv", "text/csv")


def parquet_files(made: StudyTables, tables: Sequence[Table]) -> Files:
    """Return each table as Parquet, with a data package. Needs pyarrow, from the group `research`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
    files = {}
    for table in tables:
        columns = table.seen_by(made.study)
        schema = pa.schema([(column.name, types[column.kind]) for column in columns])
        rows = [{column.name: _plain(row.get(column.name)) for column in columns} for row in made.rows[table.name]]
        file = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, compression="zstd")
        files[f"{table.name}.parquet"] = file.getvalue()
    return files | _data_package(made, tables, files, "parquet", "application/vnd.apache.parquet")


def bids_files(made: StudyTables, tables: Sequence[Table]) -> Files:
    """Return participants.tsv and phenotype/*.tsv with their JSON sidecars, after the Brain Imaging Data Structure."""
    description: Json = {"Name": made.study.name, "BIDSVersion": BIDS_VERSION, "DatasetType": "raw"}
    description["EthicsApprovals"] = [made.study.ethics_reference]
    files = {"dataset_description.json": _as_json(description)}
    for table in tables:
        columns = table.seen_by(made.study)
        rows = []
        for row in made.rows[table.name]:
            rows.append([_bids_cell(column, row.get(column.name)) for column in columns])
        stem = table.name if table.name == "participants" else f"phenotype/{table.name}"
        files[f"{stem}.tsv"] = as_csv([_bids_name(column) for column in columns], rows, "\t")
        sidecar: Json = {} if table.name == "participants" else {"MeasurementToolMetadata": {"Description": table.title}}
        files[f"{stem}.json"] = _as_json(sidecar | {_bids_name(column): _bids_facts(column) for column in columns})
    return files


def redcap_files(made: StudyTables, tables: Sequence[Table]) -> Files:
    """Return records for a REDCap import, with the data dictionary. Visits, photos and the rest are repeating instruments."""
    arms = [str(arm) for arm in made.study.arms.all()]
    dictionary = [_redcap_field("record_id", tables[0].name, "text", "Study number")]
    header = ["record_id", "redcap_repeat_instrument", "redcap_repeat_instance"]
    for table in tables:
        for column in table.seen_by(made.study):
            if column.name != "participant":
                dictionary.append(_redcap_column(table, column, arms))
                header.append(_redcap_name(table, column))
    records: list[list[str]] = []
    for table in tables:
        columns = [column for column in table.seen_by(made.study) if column.name != "participant"]
        counted: dict[Value, int] = {}
        for row in made.rows[table.name]:
            person = row["participant"]
            counted[person] = counted.get(person, 0) + 1
            repeat = ["", ""] if table.name == "participants" else [table.name, str(counted[person])]
            own = {_redcap_name(table, column): _redcap_cell(column, row.get(column.name), arms) for column in columns}
            records.append([str(person), *repeat, *(own.get(name, "") for name in header[3:])])
    return {"redcap_dictionary.csv": as_csv(REDCAP_HEADER, dictionary), "redcap_records.csv": as_csv(header, records)}


FORMS: dict[str, tuple[str, Callable[[StudyTables, Sequence[Table]], Files]]] = {
    "csv": ("CSV (Frictionless)", csv_files),
    "parquet": ("Parquet", parquet_files),
    "bids": ("BIDS phenotype", bids_files),
    "redcap": ("REDCap", redcap_files),
}


def available_forms() -> dict[str, str]:
    """Return the name of each format that this installation can write."""
    return {key: name for key, (name, _write) in FORMS.items() if key != "parquet" or find_spec("pyarrow")}


def _data_package(made: StudyTables, tables: Sequence[Table], files: Files, form: str, media_type: str) -> Files:
    resources = []
    for table in tables:
        content = files[f"{table.name}.{form}"]
        resource: Json = {
            "name": table.name.replace("_", "-"),
            "type": "table",
            "title": table.title,
            "path": f"{table.name}.{form}",
            "format": form,
            "mediatype": media_type,
            "bytes": len(content),
            "hash": f"sha256:{sha256(content).hexdigest()}",
            "schema": _schema(made, table, tables),
        }
        resources.append(resource | ({"scheme": "file", "encoding": "utf-8"} if form == "csv" else {}))
    package = {
        "name": f"affectline-study-{made.study.pk}",
        "title": made.study.name,
        "description": "Facial expressions and self-reports by visit. See README.md for what was left out and why.",
        "resources": resources,
    }
    return {"datapackage.json": _as_json(package), "codebook.csv": codebook(made.study, tables)}


def _schema(made: StudyTables, table: Table, tables: Sequence[Table]) -> Json:
    fields = []
    for column in table.seen_by(made.study):
        limit: Json = {"required": True} if column.is_required else {}
        if column.kind in ("integer", "number"):
            limit |= {name: each for name, each in (("minimum", column.low), ("maximum", column.high)) if each is not None}
        if column.values:
            limit["enum"] = list(column.values)
        facts = {"name": column.name, "type": column.kind, "description": column.meaning}
        fields.append(facts | ({"constraints": limit} if limit else {}))
    schema: Json = {"fields": fields, "missingValues": [""], "primaryKey": list(table.key)}
    names = {each.name for each in tables}
    links = []
    if table.name != "participants" and "participants" in names:
        links.append({"fields": ["participant"], "reference": {"resource": "participants", "fields": ["participant"]}})
    if table.name in ("photos", "self_reports", "labels") and "visits" in names:
        keys = ["participant", "visit"]
        links.append({"fields": keys, "reference": {"resource": "visits", "fields": keys}})
    return schema | ({"foreignKeys": links} if links else {})


def _plain(value: Value) -> Value:
    """Return the value with as many decimals as in the other formats."""
    return float(cell_text(value)) if isinstance(value, float) else value


def _bids_name(column: Column) -> str:
    return {"participant": "participant_id", "visit": "session_id"}.get(column.name, column.name)


def _bids_cell(column: Column, value: Value) -> str:
    if column.name == "participant":
        return f"sub-{value}"
    return f"ses-{value:02}" if column.name == "visit" and isinstance(value, int) else cell_text(value, "n/a")


def _bids_facts(column: Column) -> Json:
    facts: Json = {"Description": column.meaning}
    if column.unit:
        facts["Units"] = column.unit
    if column.values:
        facts["Levels"] = {value: value.replace("_", " ") for value in column.values}
    if column.low is not None or column.high is not None:
        facts |= {name: each for name, each in (("Minimum", column.low), ("Maximum", column.high)) if each is not None}
    return facts


def _redcap_name(table: Table, column: Column) -> str:
    """Return the name of the variable: unique in the project, small letters, digits and underscores."""
    return f"{table.name}_{column.name}"


def _redcap_field(
    name: str, form: str, kind: str, label: str, choices: str = "", check: tuple[str, str, str] = ("", "", "")
) -> list[str]:
    validation, low, high = check
    return [name, form, "", kind, label, choices, "", validation, low, high, *[""] * (len(REDCAP_HEADER) - 10)]


def _redcap_column(table: Table, column: Column, arms: Sequence[str]) -> list[str]:
    name = _redcap_name(table, column)
    if column.kind == "boolean":
        return _redcap_field(name, table.name, "yesno", column.meaning)
    if column.name == "arm":
        choices = " | ".join(f"{k}, {arm.replace('|', '/')}" for k, arm in enumerate(arms, start=1))
        return _redcap_field(name, table.name, "dropdown", column.meaning, choices)
    if column.values:
        choices = " | ".join(f"{value}, {value.replace('_', ' ')}" for value in column.values)
        return _redcap_field(name, table.name, "dropdown", column.meaning, choices)
    check = ("", "", "") if column.kind == "string" else (column.kind, *limits(column))
    return _redcap_field(name, table.name, "text", column.meaning, check=check)


def _redcap_cell(column: Column, value: Value, arms: Sequence[str]) -> str:
    if column.name == "arm" and value is not None:
        return str(arms.index(str(value)) + 1)
    if isinstance(value, bool):
        return "1" if value else "0"
    return cell_text(value)


def _as_json(facts: Json) -> bytes:
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
