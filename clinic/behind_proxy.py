"""Lets the web server answer only to a proxy on the same host.

A few slow requests occupy all threads of gunicorn, for as long as they like. A proxy waits for the whole request and passes it on
at once.
"""

import ipaddress
import os
import socket
from collections.abc import Sequence

from clinic.environment import env_bool

Address = tuple[object, ...] | str | bytes | int
"""As gunicorn has parsed it: host and port, the path of a socket, or the handle of an open one."""


def refuse_open_addresses(addresses: Sequence[Address]) -> None:
    """Raise SystemExit when another computer could reach one of the addresses, unless WEB_WITHOUT_PROXY=1 accepts it."""
    reached = [address for address in addresses if not is_local(address)]
    if reached and not env_bool("WEB_WITHOUT_PROXY", False):
        raise SystemExit(
            f"{reached[0]!r} can be reached without a proxy, where a few slow requests would silence every page. "
            "Bind to 127.0.0.1 behind nginx (deploy/nginx.conf), or set WEB_WITHOUT_PROXY=1."
        )


def is_local(address: Address) -> bool:
    """Whether only programs on this host reach an address."""
    if isinstance(address, int):
        with socket.socket(fileno=os.dup(address)) as listener:
            address = listener.getsockname()
    if not isinstance(address, tuple):
        return True
    try:
        return ipaddress.ip_address(str(address[0])).is_loopback
    except ValueError:
        return address[0] == "localhost"
