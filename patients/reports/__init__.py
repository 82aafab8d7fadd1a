"""Exports: CSV files and the ZIP of a patient."""
