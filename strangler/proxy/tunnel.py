"""An upgraded connection: bytes go through both ways as they are (RFC 9110, 7.8; RFC 6455).

A tunnel exists only after the upstream's 101. It counts as a write of its group for as long as it
is open, and a fence of the group closes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from strangler.proxy.counters import TUNNELS, TUNNELS_TOTAL
from strangler.proxy.deadlines import Phase

if TYPE_CHECKING:
    from strangler.proxy.exchange import Exchange
    from strangler.proxy.upstream import UpstreamConnection


class Tunnel:
    """Two connections joined. Ends when both sides have said so, or one is gone."""

    def __init__(self, exchange: Exchange, upstream: UpstreamConnection) -> None:
        self.exchange = exchange
        self.group = exchange.plan.group
        self._client = exchange.client
        self._upstream = upstream
        self._client_ended = False
        self._upstream_ended = False
        self._plane = exchange.client.plane
        self._plane.tunnels.add(self)
        self._plane.cells[TUNNELS] += 1
        self._plane.cells[TUNNELS_TOTAL] += 1
        self._touch()

    def from_client(self, data: bytes) -> None:
        """Bytes to the upstream."""
        self.exchange.bytes_in += len(data)
        self._upstream.transport.write(data)
        self._touch()

    def from_upstream(self, data: bytes) -> None:
        """Bytes to the client."""
        self.exchange.bytes_out += len(data)
        self._client.transport.write(data)
        self._touch()

    def client_ended(self) -> bool:
        """The client sends no more; True keeps its connection open for the other direction."""
        self._client_ended = True
        if self._upstream_ended or not self._upstream.transport.can_write_eof():
            self.close()
            return False
        self._upstream.transport.write_eof()
        return True

    def upstream_ended(self) -> bool:
        """The upstream sends no more; True keeps its connection open for the other direction."""
        self._upstream_ended = True
        if self._client_ended or not self._client.transport.can_write_eof():
            self.close()
            return False
        self._client.transport.write_eof()
        return True

    def close(self) -> None:
        """Close both connections; bytes already taken are still sent."""
        if self not in self._plane.tunnels:
            return
        self._plane.tunnels.discard(self)
        self._plane.cells[TUNNELS] -= 1
        self._upstream.tunnel = self._client.tunnel = None
        self._upstream.close()
        self._client.shut()
        self.exchange.tunnel_closed()

    def _touch(self) -> None:
        if not self._client.full:
            self._client.expect(Phase.TUNNEL, self.exchange.side.idle)
