"""Reading a data directory beside its running server, or without one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tillpost.serve import configure, development
from tillpost.serve.node import GATEWAY_FILE, RECEIVER_FILE, bases
from tillpost.serve.reading import Reading, ShopBasis
from tillpost.serve.receiver import ReceiverReading
from tillpost.serve.seal import AesSealer
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.sqlite import Database

_NO_KEY = bytes(32)
"""Reports open no sealed box, so that reading needs no key."""


@contextmanager
def reading(config_file: Path | None, data: Path | None) -> Iterator[Reading]:
    """The directory's stores, opened for reading only."""
    flags = {"server.data": str(data) if data else None}
    settings = configure.load(config_file, configure.environment(), flags)
    directory = configure.data_directory(settings, configure.environment())
    shops = bases(settings)
    if config_file is None:
        own = frozenset({development.DATASET_ID})
        shops = {development.SHOP: ShopBasis(development.TIMEZONE, development.CURRENCY, own)}
    gateway = Database(directory / GATEWAY_FILE, "gateway", readonly=True)
    platform = ReceiverReading(directory / RECEIVER_FILE)
    try:
        yield Reading(GatewayStore(gateway, AesSealer(_NO_KEY)), platform, shops)
    finally:
        gateway.close()
        platform.close()
