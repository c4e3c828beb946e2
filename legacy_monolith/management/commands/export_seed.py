"""`export_seed`: prints seed data as JSON lines, for services that take a part of it over.

ASCII only, whatever the locale of the terminal or pipe is."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from legacy_monolith import seeding


class Command(BaseCommand):
    help = "Prints seed data as JSON lines; needs no database."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("part", choices=seeding.EXPORTS)
        parser.add_argument("--size", choices=seeding.SIZES, default="demo")
        parser.add_argument("--seed", type=int, default=seeding.SEED)

    def handle(self, *args: Any, **options: Any) -> None:
        records = seeding.EXPORTS[options["part"]](seeding.SIZES[options["size"]], options["seed"])
        for record in records:
            self.stdout.write(json.dumps(record, separators=(",", ":")))
