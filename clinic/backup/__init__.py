"""Backups: database and pictures, without the keys, in one file that only the holder of another key opens."""
