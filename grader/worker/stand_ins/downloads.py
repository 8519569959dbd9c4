"""What a script hears that wants something from a network that is not there."""

from __future__ import annotations

from urllib.error import URLError


def no_network(wanted: object) -> URLError:
    """The error to raise: a script that expects a download to fail expects this one."""
    return URLError(f"there is no network here, so this cannot be had: {wanted}")
