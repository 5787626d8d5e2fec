"""A kept call holds everything but its tokens."""

import pytest

from tillpost.receive.calls import without_body_tokens

TOKEN = b"EAAsecret-token"


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"event_name":"Lead"}],"access_token":"EAAsecret-token","x":1}',
        b'{"access_token" : "EAAsecret-token"}',
        b"data=%5B%5D&access_token=EAAsecret-token&test_event_code=T1",
        b"access_token=EAAsecret-token",
        b'--b\r\nx: form-data; name="access_token"\r\n\r\nEAAsecret-token\r\n--b--',
    ],
    ids=["json", "spaced", "form", "alone", "multipart"],
)
def test_a_token_in_a_body_is_left_out_and_nothing_else(body: bytes) -> None:
    kept = without_body_tokens(body)
    assert kept == body.replace(TOKEN, b"")
