"""People who log in, write reviews and place orders, while the reading is moved around them."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from random import Random
from typing import Any

from strangler.demo.tour.people import Person, Site, WrongAnswerError
from strangler.demo.tour.reference import WRITTEN

PASSWORD = "shop-demo"  # noqa: S105 - of made-up accounts, in the docs
PAUSE = 0.4
"""Seconds between two things that a shopper does."""
_FORM_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')
_ORDERED = range(10, 100)
"""Products with plenty in stock."""


@dataclass
class Shopper:
    """One member: logs in, then reviews and orders until the tour ends."""

    member: str
    site: Site
    random: Random
    stop: asyncio.Event
    placed: int = 0
    """Orders that the shop confirmed."""
    before: int = 0
    """Orders that the member had."""

    async def shop(self) -> None:
        """Everything, from the login to counting the orders at the end."""
        person = self.site.person()
        try:
            token = await self._log_in(person)
            self.before = await self._count(person)
            while not self.stop.is_set():
                await self._write_review(person, token)
                await self._order(person, token)
                await asyncio.sleep(PAUSE)
            after = await self._count(person)
            if after != self.before + self.placed:
                raise person.wrong(
                    f"{self.member} had {self.before} orders, placed {self.placed}, has {after}"
                )
        except WrongAnswerError:
            return  # in the ledger; without a session there is nothing more to do
        finally:
            await person.close()

    async def _log_in(self, person: Person) -> str:
        """Fill in the form as a browser would; the token for the API."""
        path = "/accounts/login/"
        form = await person.ask("GET", path, expect=200)
        found = _FORM_TOKEN.search(form.body)
        if not found:
            raise person.wrong(f"{path} has no CSRF token in its form")
        data = {
            "csrfmiddlewaretoken": found[1].decode(),
            "username": self.member,
            "password": PASSWORD,
        }
        await person.ask("POST", path, expect=302, data=data)
        me = await self._json(person, "GET", "/api/members/me")
        if me["username"] != self.member:
            raise person.wrong(f"{self.member} is logged in as {me['username']}")
        return str((await self._json(person, "GET", "/api/csrf"))["token"])

    async def _write_review(self, person: Person, token: str) -> None:
        review = {
            "product_id": self.random.choice(WRITTEN),
            "rating": self.random.randint(1, 5),
            "title": "Seen on the tour",
            "body": "Written while the reviews were being moved.",
        }
        made = await self._json(person, "POST", "/api/reviews", 201, token, review)
        if any(made[name] != value for name, value in review.items()):
            raise person.wrong("POST /api/reviews answered another review than was sent")

    async def _order(self, person: Person, token: str) -> None:
        line = {"product_id": self.random.choice(_ORDERED), "quantity": 1}
        made = await self._json(person, "POST", "/api/orders", 201, token, {"lines": [line]})
        self.placed += 1
        if [each["product_id"] for each in made["lines"]] != [line["product_id"]]:
            raise person.wrong("POST /api/orders answered another order than was sent")

    async def _count(self, person: Person) -> int:
        return int((await self._json(person, "GET", "/api/orders"))["count"])

    async def _json(
        self,
        person: Person,
        method: str,
        path: str,
        expect: int = 200,
        token: str = "",
        body: object = None,
    ) -> Any:
        options = {} if body is None else {"json": body, "headers": {"X-CSRFToken": token}}
        answer = await person.ask(method, path, expect=expect, **options)
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise person.wrong(f"{method} {path} answered no JSON") from error
