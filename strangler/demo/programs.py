"""The programs of the demo: their command lines and environments."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from strangler.demo import postgres
from strangler.demo.folder import Folder
from strangler.demo.ports import HOST, Ports
from strangler.demo.process import Program

SIZE = "demo"
KEEP_ALIVE = 75
"""Seconds; far longer than the gateway's `pool_idle`, so that it closes idle connections first."""
SERVICES = ("reviews", "notices")
"""The extracted services. The stream that feeds a service's database has the service's name."""

STRANGLER = (sys.executable, "-c", "from cli import main; main()")
"""The command line, found by the interpreter that runs the demo and not by PATH."""


@dataclass(frozen=True)
class Programs:
    """Every program of one demo; its databases are on the socket in `sockets`."""

    folder: Folder
    ports: Ports
    sockets: Path
    secret: str
    kafka: str | None = None
    """`host:port` of brokers that run already, `apache`, or None for the embedded one."""

    @property
    def own_broker(self) -> bool:
        """Whether the demo starts the broker."""
        return self.kafka in {None, "apache"}

    @property
    def forgetful(self) -> bool:
        """Whether nothing in the broker outlives the demo."""
        return self.kafka is None

    def migrate(self) -> Program:
        """Bring the shop's tables up to date."""
        return self._manage("The shop's `migrate`", "migrate", "migrate", "--no-input")

    def seed(self) -> Program:
        """Fill the shop; whatever a broken attempt left is removed."""
        return self._manage("The shop's `seed`", "seed", "seed", "--size", SIZE, "--reset")

    def schema(self, service: str) -> Program:
        """Create a service's tables, which the applier needs before its first row."""
        return self._service(
            f"`schema` of the {service} service", f"schema-{service}", service, "schema"
        )

    def broker(self) -> Program:
        """The broker that the demo brings itself; in memory or, for `apache`, on disk."""
        kind, data = self.kafka or "embedded", str(self.folder.path / "kafka")
        words = (kind, str(self.ports.kafka), data)
        return self._python("Kafka", "kafka", "cdc.kafka.serve", *words, env={})

    def prepare(self, stream: str) -> Program:
        """Give the shop's database what change data capture needs."""
        return self._cdc(f"`cdc init {stream}`", f"cdc-init-{stream}", "init", stream, "--apply")

    def relay(self, stream: str, *, anew: bool) -> Program:
        """Carry the shop's changes into Kafka; `anew` where its broker has forgotten everything."""
        words = ("--resnapshot",) if anew else ()
        return self._cdc(f"The relay of {stream}", f"relay-{stream}", "run", stream, *words)

    def applier(self, stream: str, *, anew: bool) -> Program:
        """Carry them from Kafka into the service's database."""
        words = ("--restart",) if anew else ()
        return self._cdc(f"The applier of {stream}", f"applier-{stream}", "apply", stream, *words)

    def legacy(self) -> Program:
        """The monolith under gunicorn."""
        return self._python(
            "The shop", "legacy", "gunicorn", "legacy_monolith.wsgi:application",
            "--bind", f"{HOST}:{self.ports.legacy}", "--worker-class", "gthread",
            "--workers", "2", "--threads", "8", "--keep-alive", str(KEEP_ALIVE),
            "--graceful-timeout", "5", "--no-control-socket",
            env=self._shop(),
        )  # fmt: skip

    def service(self, service: str) -> Program:
        """An extracted service."""
        listen = f"{HOST}:{getattr(self.ports, service)}"
        return self._service(f"The {service} service", service, service, "serve",
                             "--listen", listen)  # fmt: skip

    def gateway(self) -> Program:
        """The real gateway, as an operator would start it."""
        listen = ("--listen", f"{HOST}:{self.ports.gateway}")
        return Program(
            name="The gateway",
            command=(*STRANGLER, "serve", *listen, "--admin", f"{HOST}:{self.ports.admin}"),
            cwd=self.folder.path,
            log=self.folder.gateway_log,
            output=self.folder.logs / "access.log",
            env=self.environment(),
        )

    def environment(self) -> dict[str, str]:
        """What routes.yaml and the commands on it ask the environment for."""
        names = ("legacy", *SERVICES)
        urls = {f"{n.upper()}_URL": f"http://{HOST}:{getattr(self.ports, n)}" for n in names}
        databases = {f"{n.upper()}_DATABASE_URL": postgres.url(self.sockets, n) for n in names}
        brokers = f"{HOST}:{self.ports.kafka}" if self.own_broker else str(self.kafka)
        return {**urls, **databases, "STRANGLER_KAFKA": brokers}

    def _cdc(self, name: str, log: str, *words: str) -> Program:
        return Program(
            name=name,
            command=(*STRANGLER, "cdc", *words),
            cwd=self.folder.path,
            log=self.folder.logs / f"{log}.log",
            env=self.environment(),
        )

    def _manage(self, name: str, log: str, *words: str) -> Program:
        return self._python(name, log, "legacy_monolith.manage", *words, env=self._shop())

    def _service(self, name: str, log: str, service: str, *words: str) -> Program:
        env = {"DATABASE_URL": postgres.url(self.sockets, service)}
        return self._python(name, log, f"services.{service}", *words, env=env)

    def _shop(self) -> dict[str, str]:
        return {
            "DATABASE_URL": postgres.url(self.sockets, "legacy"),
            "DJANGO_SETTINGS_MODULE": "legacy_monolith.settings",
            "SHOP_SECRET_KEY": self.secret,
            "SHOP_MEDIA_ROOT": str(self.folder.path / "media"),
        }

    def _python(
        self, name: str, log: str, module: str, *words: str, env: Mapping[str, str]
    ) -> Program:
        return Program(
            name=name,
            command=(sys.executable, "-m", module, *words),
            cwd=self.folder.path,
            log=self.folder.logs / f"{log}.log",
            env=env,
        )
