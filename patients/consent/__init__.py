"""Consent, and what ends with it: retention and erasure."""
