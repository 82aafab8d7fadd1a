"""Readings for people: photo cards, quality checks, summaries, the model card, and agreement with clinicians."""
