"""Where a service listens: the sockets of a host and a port, and whether others than this machine can reach them."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

BACKLOG = 2048  # connections that may wait
ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # the machine has no such address


def addresses_of(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    """Return the addresses that a host stands for; `ValueError` where it stands for none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ValueError(f"--host {host}: no address is known by this name ({error})") from None
    internet = [(family, str(where[0])) for family, _, _, _, where in found if family in (socket.AF_INET, socket.AF_INET6)]
    return list(dict.fromkeys(internet))


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host, by every address that it stands for."""
    return all(ipaddress.ip_address(address).is_loopback for _, address in addresses_of(host, 0))


def listening(host: str, port: int) -> list[socket.socket]:
    """Return a bound socket for each address of a host, all on one port; `ValueError` where that cannot be.

    Addresses that this machine does not have are left out where it has others: `localhost` may name an IPv6 address without
    there being any.
    """
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    for family, address in addresses_of(host, port):
        try:
            sockets.append(_bound(family, address, sockets[0].getsockname()[1] if sockets else port))
        except OSError as error:
            failure = error
            if error.errno not in ABSENT:
                sockets.clear()
                break
    if not sockets:
        raise _cannot(host, port, failure)
    return sockets


def start_listening(sockets: list[socket.socket]) -> None:
    """Let the machine take connections; `ValueError` where another process has begun to at the same place meanwhile."""
    for each in sockets:
        try:
            each.listen(BACKLOG)
        except OSError as error:
            raise _cannot(each.getsockname()[0], each.getsockname()[1], error) from None


def _cannot(host: str, port: int, failure: OSError | None) -> ValueError:
    reason = os.strerror(failure.errno).lower() if failure and failure.errno else "it has no address"
    return ValueError(f"cannot listen at {host}, port {port}: {reason}")


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, asyncio sends small answers at once
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound
