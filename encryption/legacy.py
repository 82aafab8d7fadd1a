"""The seals of before: Fernet (AES-128-CBC with HMAC-SHA256), bound to no row. Only migrations, and their models, read them."""

from cryptography.fernet import Fernet, MultiFernet

from encryption.keys import field_keys

START = b"gAAAA"  # version 0x80 and the zeros of a 64-bit time, in base64


def fernet() -> MultiFernet:
    """Return the field keys as Fernet keys."""
    return MultiFernet([Fernet(key) for key in field_keys()])
