"""The first settings of a shop: a commented `tillpost.toml`, and its secrets in files apart.

Nothing that is there is ever written over, so that a second run changes nothing and a run
that was cut short is finished by the next.
"""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from tillpost.core.outcome import Misconfigured
from tillpost.serve import configure
from tillpost.serve.private import write_private

FILE = "tillpost.toml"
SECRETS = "secrets"


class Answers(Struct, frozen=True, kw_only=True):
    """What a shop's owner is asked."""

    domain: str
    """Its address at the shop system, e.g. acme.myshopify.com."""
    name: str
    """Its name in paths."""
    system: str = "shopify"
    """`shopify`, `woocommerce`, `stripe`, or `events` for a back end of one's own."""
    currency: str = "USD"
    timezone: str = "UTC"
    country: str | None = None
    site: str | None = None
    """Address of its pages, e.g. https://www.acme.com."""
    public_url: str | None = None
    dataset_id: str | None = None
    """Meta's dataset; without one the events go to the embedded receiver."""
    webhook_secret: str | None = None
    access_token: str | None = None

    def __repr__(self) -> str:
        """Never shows a secret."""
        return f"Answers(domain={self.domain!r})"


class Made(Struct, frozen=True):
    """What a run wrote, and what was there already."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def name_of(domain: str) -> str:
    """A shop's name, from its address: `acme.myshopify.com` is `acme`."""
    host = urlsplit(domain if "//" in domain else f"//{domain}").hostname or domain
    return host.removeprefix("www.").split(".")[0]


def write(folder: Path, answers: Answers) -> Made:
    """Write what is not there yet under `folder`; raises `Misconfigured` if it cannot be.

    Answers that no server could run with are refused before anything is written.
    """
    place = folder / FILE
    wanted = secrets_of(answers)
    made = {folder / SECRETS / name: secret for name, secret in wanted.items()}
    there = [path for path in (place, *made) if path.exists()]
    if place in there:
        return Made((), tuple(str(path) for path in there))
    try:
        text = _checked(settings_text(answers), place)
        (folder / SECRETS).mkdir(parents=True, exist_ok=True, mode=0o700)
        for path, secret in made.items():
            if path not in there:
                write_private(path, f"{secret}\n".encode())
        write_private(place, text.encode())
    except OSError as error:
        raise Misconfigured(
            f"cannot write to {folder} ({error.strerror}): name another directory"
        ) from None
    written = [path for path in (place, *made) if path not in there]
    return Made(tuple(map(str, written)), tuple(map(str, there)))


def _checked(text: str, place: Path) -> str:
    """The settings, if a server could run with them; its secrets are not there yet."""
    try:
        configure.parse(text, place, {}, read=lambda _: "secret")
    except Misconfigured as error:
        raise Misconfigured(f"the answers make no good settings: {error}") from None
    return text


def secrets_of(answers: Answers) -> dict[str, str]:
    """The secrets by the name of their file; what nobody gave is made up."""
    made: Mapping[str, Callable[[], str]] = {
        "server_key": lambda: f"tp_{secrets.token_urlsafe(24)}",
        "receiver_token": lambda: f"tr_{secrets.token_urlsafe(24)}",
    }
    found = {name: make() for name, make in made.items()}
    found["access_token"] = answers.access_token or f"EAAD{secrets.token_urlsafe(48)}"
    if answers.system != "events":
        found["webhook_secret"] = answers.webhook_secret or secrets.token_hex(32)
    return found


def settings_text(answers: Answers) -> str:
    """The text of `tillpost.toml`."""
    site = answers.site or f"https://{answers.domain}"
    blocks = [
        _SERVER.format(url=_setting("public_url", answers.public_url, "https://tp.example.com")),
        _SHOP.format(
            name=_quoted(answers.name),
            domain=_quoted(answers.domain),
            currency=_quoted(answers.currency.upper()),
            timezone=_quoted(answers.timezone),
            country=_setting("country", answers.country and answers.country.upper(), "US"),
            site=_quoted(site),
        ),
        _SYSTEM.format(system=answers.system) if answers.system != "events" else "",
        _META.format(shop=_quoted(answers.name), dataset=_quoted(answers.dataset_id))
        if answers.dataset_id
        else _EMBEDDED.format(shop=_quoted(answers.name)),
    ]
    return "\n".join(block for block in blocks if block)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _setting(key: str, value: str | None, example: str) -> str:
    """The line of a setting; as a comment where it is not known."""
    return f"{key} = {_quoted(value)}" if value else f"# {key} = {_quoted(example)}"


_SERVER = """\
# Settings of Tillpost. Secrets stand in files of their own under secrets/: a key that ends
# in `_file` names one, from here. Check this file with `tillpost config check`.

[server]
host = "127.0.0.1"  # 0.0.0.0 only behind a proxy that speaks TLS
port = 8484
{url}  # where browsers and the shop reach it
# trusted_proxies = ["127.0.0.0/8"]  # whose X-Forwarded-For is believed
# mode = "shadow"  # build and compare everything, send nothing
"""

_SHOP = """\
[[shops]]
name = {name}  # in paths: /webhooks/SYSTEM/NAME
domain = {domain}
currency = {currency}
timezone = {timezone}  # of the days in reports
{country}  # where telephone numbers without a country code are dialled
origins = [{site}]  # pages that may send browser events
server_keys = [
  {{ key_file = "secrets/server_key", scopes = ["events", "reports", "costs", "admin"] }},
]

  [shops.orders]
  purchase_on = "created"  # or "paid": wait for the money
  join_wait = 90  # seconds that a Purchase waits for its browser event

  [shops.consent]
  unknown = "region"  # without a banner's word: by the law of the buyer's region
"""

_SYSTEM = """\
  [shops.{system}]
  webhook_secrets_file = "secrets/webhook_secret"  # one a line, the current one first
"""

_META = """\
[[destinations]]
kind = "meta"
shop = {shop}
dataset_id = {dataset}
access_token_file = "secrets/access_token"
# mode = "shadow"  # build and keep every payload, send none
# test_event_code = "TEST12345"  # of the Test Events tab; such events count all the same
"""

_EMBEDDED = """\
# Events go to the receiver in this process, which stands in for Meta. To go live, take the
# `url` away, put your own `dataset_id` here and your token into the file.
[[destinations]]
kind = "meta"
shop = {shop}
dataset_id = "1234567890123456"
access_token_file = "secrets/access_token"
url = "embedded"

[receiver]
token_file = "secrets/receiver_token"

[[receiver.datasets]]
id = "1234567890123456"
access_token_file = "secrets/access_token"
"""
