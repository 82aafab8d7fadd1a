"""Reads photos: the Prediction row, its queue and its worker. Imports nothing from patients."""
