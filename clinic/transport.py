"""Which connections stay on this host, and what the others use unless the environment says otherwise."""

import ipaddress

ENCRYPTED = {"require", "verify-ca", "verify-full"}
"""The values of PostgreSQL's sslmode that never fall back to plain text."""


def is_near(host: str) -> bool:
    """Whether a connection stays on this host: a loopback address, or the folder of a Unix socket."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.startswith("/")
