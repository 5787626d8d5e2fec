"""Development defaults: one demo shop, the embedded receiver, and secrets made once.

The secrets are kept in `DIR/dev-secrets.json` (mode 0600), so that they are the same
after a restart. They are shown on a terminal only.
"""

import json
import secrets
from pathlib import Path

from msgspec import Struct, convert, structs, to_builtins

from tillpost.core.outcome import Misconfigured
from tillpost.deliver.contract import EMBEDDED
from tillpost.deliver.destinations import meta
from tillpost.serve.private import write_private
from tillpost.serve.settings import (
    Dataset,
    OrderSettings,
    ReceiverSettings,
    Server,
    ServerKey,
    Settings,
    ShopifySettings,
    ShopSettings,
    StripeSettings,
    WooCommerceSettings,
)

DATASET_ID = "1234567890123456"
SHOP = "demo"
DOMAIN = "demo-shop.myshopify.com"
TIMEZONE = "America/New_York"
CURRENCY = "USD"
FILE = "dev-secrets.json"


class Secrets(Struct, frozen=True):
    """What a development server is opened with."""

    webhook_secret: str
    server_key: str
    access_token: str
    receiver_token: str
    admin_password: str

    def __repr__(self) -> str:
        """Never shows a secret."""
        return "Secrets(...)"


def read_secrets(directory: Path) -> Secrets:
    """The directory's secrets, made at the first call.

    Raises `Misconfigured` if the directory cannot be written or the file was damaged.
    """
    path = directory / FILE
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            write_private(path, json.dumps(to_builtins(_make()), indent=2).encode())
        return convert(json.loads(path.read_text("utf-8")), Secrets)
    except OSError as error:
        raise Misconfigured(
            f"cannot write to {directory} ({error.strerror}): choose another directory with --data"
        ) from None
    except ValueError:
        raise Misconfigured(f"{path} is damaged: delete it, and new secrets are made") from None


def settings(made: Secrets, server: Server) -> Settings:
    """Settings of a server without a configuration file (design 3.2)."""
    return Settings(
        server=server,
        shops=(_shop(made, server),),
        destinations=(
            meta.Settings(
                shop=SHOP,
                dataset_id=DATASET_ID,
                access_token=made.access_token,
                url=EMBEDDED,
            ),
        ),
        receiver=ReceiverSettings(
            datasets=(Dataset(id=DATASET_ID, access_token=made.access_token),),
            token=made.receiver_token,
        ),
        admin_password=made.admin_password,
    )


def with_own_origin(given: Settings, url: str) -> Settings:
    """The settings with the server's own pages among every shop's origins."""
    shops = tuple(structs.replace(s, origins=(*s.origins, url)) for s in given.shops)
    return structs.replace(given, shops=shops)


def _shop(made: Secrets, server: Server) -> ShopSettings:
    own = f"http://{server.host}:{server.port}"
    return ShopSettings(
        name=SHOP,
        domain=DOMAIN,
        currency=CURRENCY,
        timezone=TIMEZONE,
        country="US",
        origins=(f"https://{DOMAIN}", own, f"http://localhost:{server.port}"),
        server_keys=(
            ServerKey(key=made.server_key, scopes=("events", "reports", "costs", "admin")),
        ),
        shopify=ShopifySettings(webhook_secrets=(made.webhook_secret,)),
        woocommerce=WooCommerceSettings(webhook_secrets=(made.webhook_secret,)),
        stripe=StripeSettings(webhook_secrets=(made.webhook_secret,)),
        orders=OrderSettings(join_wait=2.0),
    )


def _make() -> Secrets:
    return Secrets(
        webhook_secret=secrets.token_hex(32),
        server_key=f"tp_{secrets.token_urlsafe(24)}",
        access_token=f"EAAD{secrets.token_urlsafe(48)}",
        receiver_token=f"tr_{secrets.token_urlsafe(24)}",
        admin_password=secrets.token_urlsafe(12),
    )
