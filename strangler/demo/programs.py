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
SERVICES: Mapping[str, tuple[str, ...]] = {"reviews": ("reviews",), "notices": ("notices", "faq")}
"""The extracted services, and the parts of the shop's seed that each is filled from."""

STRANGLER = (sys.executable, "-c", "from cli import main; main()")
"""The command line, found by the interpreter that runs the demo and not by PATH."""


@dataclass(frozen=True)
class Programs:
    """Every program of one demo; its databases are on the socket in `sockets`."""

    folder: Folder
    ports: Ports
    sockets: Path
    secret: str

    def migrate(self) -> Program:
        """Bring the shop's tables up to date."""
        return self._manage("The shop's `migrate`", "migrate", "migrate", "--no-input")

    def seed(self) -> Program:
        """Fill the shop; whatever a broken attempt left is removed."""
        return self._manage("The shop's `seed`", "seed", "seed", "--size", SIZE, "--reset")

    def export(self, part: str) -> Program:
        """Write a part of the seed as JSON lines; needs no database."""
        words = ("export_seed", part, "--size", SIZE)
        output = self.exported(part)
        output.unlink(missing_ok=True)
        return self._manage(
            f"The shop's `export_seed {part}`", f"export-{part}", *words, output=output
        )

    def exported(self, part: str) -> Path:
        """The file that `export` writes."""
        return self.folder.seed / f"{part}.jsonl"

    def fill(self, service: str) -> Program:
        """Put the exported rows into a service's database."""
        parts = SERVICES[service]
        files = [str(self.exported(part)) for part in parts]
        words = files
        if len(parts) > 1:
            words = [
                w for part, file in zip(parts, files, strict=True) for w in (f"--{part}", file)
            ]
        return self._service(f"`fill` of the {service} service", f"fill-{service}", service,
                             "fill", *words)  # fmt: skip

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
            env=self.upstreams(),
        )

    def upstreams(self) -> dict[str, str]:
        """What routes.yaml asks the environment for."""
        names = ("legacy", "reviews", "notices")
        return {f"{n.upper()}_URL": f"http://{HOST}:{getattr(self.ports, n)}" for n in names}

    def _manage(self, name: str, log: str, *words: str, output: Path | None = None) -> Program:
        return self._python(
            name, log, "legacy_monolith.manage", *words, env=self._shop(), output=output
        )

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
        self,
        name: str,
        log: str,
        module: str,
        *words: str,
        env: Mapping[str, str],
        output: Path | None = None,
    ) -> Program:
        return Program(
            name=name,
            command=(sys.executable, "-m", module, *words),
            cwd=self.folder.path,
            log=self.folder.logs / f"{log}.log",
            output=output,
            env=env,
        )
