"""Patients out of a file: CSV, or a bundle of FHIR R4. Nothing is written before a person has seen every row."""
