"""The receiver in your own tests: the fixture `capi_receiver`.

    def test_a_sale_is_reported(capi_receiver):
        my_shop.api_url = capi_receiver.url          # instead of https://graph.facebook.com
        my_shop.token, my_shop.dataset = capi_receiver.token, capi_receiver.dataset_id
        my_shop.sell()
        assert len(capi_receiver.events("Purchase")) == 1

pytest finds it by itself where Tillpost is installed. Nothing is loaded and no port is
opened until a test asks for it; each test begins with an empty receiver.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tillpost.capi_receiver import CapiReceiver


@pytest.fixture(scope="session")
def capi_receiver_server() -> Iterator["CapiReceiver"]:
    """One receiver for the whole run; use `capi_receiver`, which is empty for each test."""
    from tillpost.capi_receiver import CapiReceiver

    receiver = CapiReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def capi_receiver(capi_receiver_server: "CapiReceiver") -> Iterator["CapiReceiver"]:
    """A Conversions API that has received nothing yet."""
    yield capi_receiver_server
    capi_receiver_server.reset()
