"""Telling the owner what is wrong while nobody looks: once when it begins, once when it ends.

What could not be told is tried again a minute later: it counts as told only when a channel
took it.
"""

import asyncio
import shutil
import smtplib
from collections.abc import Iterable, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import TypeAlias

import msgspec
import structlog
from msgspec import Struct, structs

from tillpost.core.outcome import FINAL, Retryable, State
from tillpost.core.wire import Request
from tillpost.ports import Clock, Transport
from tillpost.report import alerts
from tillpost.report.alerts import Limits, Vitals
from tillpost.serve.settings import AlertSettings
from tillpost.serve.tokens import Watch
from tillpost.store.alerts import AlertStore, Told
from tillpost.store.glance import Delivery, Glance, OrderLine
from tillpost.store.sqlite import Database

EVERY_SECONDS = 60.0
WINDOW_SECONDS = 2 * 3600.0
SETTLING_SECONDS = 300.0
"""An order younger than this may still wait for its beacon or a batch."""
LATEST = 20
BEFORE = 100
_SECONDS = 10.0
_EVER = 2**40

Key: TypeAlias = tuple[str, str]
"""A shop, and what is meant of it."""

_log = structlog.get_logger("tillpost.alerts")


class Message(Struct, frozen=True):
    """What a channel is told; nothing in it can name a person."""

    event: str
    """`began` or `ended`."""
    shop: str
    code: str
    words: str
    fix: str

    @property
    def text(self) -> str:
        """One line for people."""
        if self.event == "ended":
            return f"[{self.shop}] over: {self.words}"
        return f"[{self.shop}] {self.words}. {self.fix}"


class Channels:
    """Every channel of the settings; one that takes a message is enough."""

    def __init__(self, settings: AlertSettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport

    async def tell(self, message: Message) -> bool:
        """Whether anybody was told."""
        given = self._settings
        taken = []
        if given.slack_url:
            body = msgspec.json.encode({"text": message.text})
            taken.append(await self._post(given.slack_url, body))
        if given.webhook_url:
            taken.append(await self._post(given.webhook_url, msgspec.json.encode(message)))
        if given.email_to:
            taken.append(await asyncio.to_thread(self._mail, message))
        return any(taken)

    async def _post(self, url: str, body: bytes) -> bool:
        request = Request("POST", url, {"content-type": "application/json"}, body)
        try:
            answer = await self._transport.send(request, _SECONDS)
        except Retryable as error:
            _log.warning("alert_not_told", channel="post", why=str(error))
            return False
        return answer.status < 300

    def _mail(self, message: Message) -> bool:
        given = self._settings
        mail = EmailMessage()
        mail["From"], mail["To"] = given.email_from, ", ".join(given.email_to)
        mail["Subject"] = f"Tillpost: {message.shop}: {message.code} {message.event}"
        mail.set_content(f"{message.text}\n")
        try:
            with smtplib.SMTP(given.smtp_host, given.smtp_port, timeout=_SECONDS) as server:
                if given.smtp_user:
                    server.starttls()
                    server.login(given.smtp_user, given.smtp_password or "")
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            _log.warning("alert_not_told", channel="email", why=type(error).__name__)
            return False
        return True


class Alerter:
    """Looks at every shop once a minute; a worker's round."""

    def __init__(  # the composition root hands over every part
        self,
        settings: AlertSettings,
        shops: Iterable[str],
        databases: tuple[Path, Path],
        store: AlertStore,
        channels: Channels,
        clock: Clock,
        tokens: Watch,
    ) -> None:
        self._tokens = tokens
        self._settings = settings
        self._shops = tuple(shops)
        self._databases = databases
        self._store = store
        self._channels = channels
        self._clock = clock
        self._looked_at = float("-inf")

    async def round(self) -> int:
        """Tell what began and what ended; returns how many messages were taken."""
        now = self._clock.now()
        if now - self._looked_at < EVERY_SECONDS:
            return 0
        self._looked_at = now
        ends = await self._tokens.ends(now)
        found = await asyncio.to_thread(self._look, now, ends)
        known = {(told.shop, told.code): told for told in self._store.open()}
        told = 0
        for key, words in found.items():
            if key not in known:
                told += await self._begin(Told(*key, now, words))
        for key, one in known.items():
            if key not in found and not self._is_unsure(*key):
                told += await self._end(one)
        return told

    async def _begin(self, one: Told) -> bool:
        taken = await self._channels.tell(_message("began", one))
        if taken:
            await asyncio.to_thread(self._store.begin, one)
        return taken

    async def _end(self, one: Told) -> bool:
        taken = await self._channels.tell(_message("ended", one))
        if taken:
            await asyncio.to_thread(self._store.end, one)
        return taken

    def _is_unsure(self, shop: str, code: str) -> bool:
        """Whether nobody can say that it is over: the platform did not answer."""
        return code in alerts.OF_TOKENS and shop in self._tokens.unsure

    def _look(self, now: float, ends: Mapping[Key, float]) -> dict[Key, str]:
        """(shop, code) -> what is wrong, of every shop."""
        gateway = Database(self._databases[0], "gateway", readonly=True)
        receiver = Database(self._databases[1], "receiver", readonly=True)
        free = shutil.disk_usage(self._databases[0].parent).free / (1 << 20)
        found: dict[Key, str] = {}
        try:
            for shop in self._shops:
                own = {name: at for (of, name), at in ends.items() if of == shop}
                with Glance(gateway, receiver, shop, 0, _EVER) as glance:
                    signs = vitals(glance, now, free, self._settings.limits)
                seen = structs.replace(signs, token_ends=own)
                broken = alerts.alerts(seen, self._settings.limits)
                found |= {(shop, code): words for code, words in broken.items()}
        finally:
            gateway.close()
            receiver.close()
        return found


def vitals(glance: Glance, now: float, free_mib: float, limits: Limits) -> Vitals:
    """The signs of one shop as its books show them."""
    orders = glance.latest_orders(LATEST + BEFORE)
    due = [order for order in orders if _is_due(order, now)]
    went = glance.deliveries([order.order_id for order in due])
    troubles = glance.troubles()
    ending = glance.expiring(now + limits.expires_hours * 3600.0, now - SETTLING_SECONDS)
    heard = [at for source, at in glance.last_heard().items() if source != "pixel"]
    return Vitals(
        now=now,
        heard_at=max(heard, default=None),
        orders=len(due),
        accounted=sum(_accounted(order, went.get(order.order_id, [])) for order in due),
        seen_now=_seen(orders[:LATEST]),
        seen_before=_seen(orders[LATEST:]),
        overdue_since=min((since for _, _, since in glance.overdue(now)), default=None),
        expiring=sum(events for _, events, _ in ending),
        dead=sum(row.events for row in troubles if row.state == "dead"),
        missing=glance.missing(),
        paused={row.destination: row.reason or "" for row in troubles if row.state == "paused"},
        free_mib=free_mib,
    )


def _is_due(order: OrderLine, now: float) -> bool:
    return SETTLING_SECONDS < now - order.first_received_at < WINDOW_SECONDS


def _accounted(order: OrderLine, deliveries: Sequence[Delivery]) -> bool:
    """Whether the order was left out on purpose, or every delivery of it came to a good end."""
    good = FINAL - {State.DEAD, State.EXPIRED}
    return not order.eligible or (bool(deliveries) and all(d.state in good for d in deliveries))


def _seen(orders: Sequence[OrderLine]) -> tuple[int, int]:
    web = [order for order in orders if order.kind == "web"]
    return sum(order.browser for order in web), len(web)


def _message(event: str, one: Told) -> Message:
    return Message(event, one.shop, one.code, one.words, alerts.FIXES[one.code])
