"""A gateway in a process of its own, as `strangler serve` runs it; started by the tests.

Arguments: the upstream's port, and optionally the access log's path. Prints one line of JSON when
it serves, and the word `reload` on SIGHUP.
"""

import json
import sys

import uvloop

from strangler.config.model import (
    AccessLog,
    ClientTimeouts,
    Endpoint,
    Gateway,
    LogFormat,
    Table,
    Upstream,
)
from strangler.proxy.signals import handled
from strangler.proxy.supervisor import Settings, Supervisor
from strangler.telemetry import logs


async def main(port: int, log_path: str | None) -> None:
    log = AccessLog(path=log_path) if log_path else AccessLog(format=LogFormat.OFF)
    gateway = Gateway(access_log=log, timeouts=ClientTimeouts(drain=60.0))
    upstream = Upstream("legacy", (Endpoint("127.0.0.1", port),))
    table = Table(1, {"legacy": upstream}, "legacy", gateway=gateway)
    async with Supervisor(Settings("127.0.0.1:0", 2, b"k" * 32)) as supervisor:
        with handled(supervisor, reload=lambda: print("reload", flush=True)) as stop:
            await supervisor.start(table)
            pids = [process.pid for process in supervisor.processes]
            print(json.dumps({"address": supervisor.address, "pids": pids}), flush=True)
            await stop.wait()
            await supervisor.stop()


if __name__ == "__main__":
    logs.configure()
    uvloop.run(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
