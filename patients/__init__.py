"""Patients, visits and photos, and everything a clinician sees of them."""
