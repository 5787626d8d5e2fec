import pytest

from tillpost.core.browsers import browser

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) Mobile/15E148 Safari/604.1"
PAD = "Mozilla/5.0 (iPad; CPU OS 18_5) Mobile/15E148 Safari/604.1"
DROID = "Mozilla/5.0 (Linux; Android 10; K) Chrome/140 Mobile Safari/537.36"
DROID_TABLET = "Mozilla/5.0 (Linux; Android 10; K) Chrome/140 Safari/537.36"
EDGE = "Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537.36 Edg/140"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Firefox/143.0"
LINUX = "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0"


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (PHONE, ("mobile", "iOS", "Safari")),
        (PAD, ("tablet", "iOS", "Safari")),
        (DROID, ("mobile", "Android", "Chrome")),
        (DROID_TABLET, ("tablet", "Android", "Chrome")),
        (EDGE, ("desktop", "Windows", "Edge")),
        (MAC, ("desktop", "macOS", "Firefox")),
        (LINUX, ("desktop", "Linux", "Firefox")),
        ("curl/8.5", ("other", "other", "other")),
    ],
)
def test_what_a_user_agent_tells(agent: str, told: tuple[str, str, str]) -> None:
    assert browser(agent) == told
