"""Settings that a running gateway cannot take over: they wait for its next start."""

from __future__ import annotations

from collections.abc import Mapping

from strangler.config.model import Gateway
from strangler.rollout.document import Document, unlike_parts


def changed(before: Gateway, after: Gateway) -> tuple[str, ...]:
    """The settings that differ and need a restart, as `gateway.listen`."""
    return _unlike(_of_gateway(before), _of_gateway(after))


def changed_in_text(before: str, after: str) -> tuple[str, ...]:
    """As `changed`, for two texts, references to variables compared as they are written."""
    old, new = unlike_parts(before, after)
    return _unlike(_of_document(old), _of_document(new))


def advice(settings: tuple[str, ...]) -> tuple[str, ...]:
    """A sentence for each."""
    return tuple(f"`{name}` takes effect when a gateway is started again" for name in settings)


def _of_gateway(gateway: Gateway) -> dict[str, object]:
    return {
        "gateway.listen": gateway.listen,
        "gateway.admin": gateway.admin,
        "gateway.tls": gateway.tls is not None,
    }


def _of_document(data: Document) -> dict[str, object]:
    section, usual = data.get("gateway"), Gateway()
    said = section if isinstance(section, dict) else {}
    return {
        "gateway.listen": said.get("listen", usual.listen),
        "gateway.admin": said.get("admin", usual.admin),
        "gateway.tls": said.get("tls") is not None,
    }


def _unlike(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(name for name, value in after.items() if before[name] != value)
