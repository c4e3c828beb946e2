"""Whether a gateway could listen where a table says, asked before that table becomes a version."""

from __future__ import annotations

from strangler.admin.failures import Failure, Kind
from strangler.proxy.listener import bind_listeners


def check_free(address: str, option: str) -> None:
    """Raises `Failure` if `HOST:PORT` cannot be listened on; `option` is what sets it.

    A first start that fails after its table became version 1 would leave a number behind that
    its author, who only corrects a port, knows nothing of.
    """
    if address.startswith("unix:"):
        return
    try:
        for sock in bind_listeners(address, 1):
            sock.close()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Failure(
            Kind.REFUSED,
            f"cannot listen on {address}: {why}. "
            f"Set another `{option}:` under `gateway:`, or give --{option}",
        ) from error
