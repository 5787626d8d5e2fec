import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import channel, links, utm
from tillpost.core.outcome import Misconfigured

PAGE = "https://shop.example/tea?colour=green&utm_source=old#taste"


def test_a_link_in_the_one_spelling() -> None:
    tags = {"source": "News Letter", "medium": "Email", "campaign": "Frühling 2026!", "term": " "}
    assert links.build(PAGE, tags) == (
        "https://shop.example/tea?colour=green&utm_source=news-letter&utm_medium=email"
        "&utm_campaign=fr%C3%BChling-2026#taste"
    )


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_what_is_built_is_read_back_without_any_fault(source: str, medium: str) -> None:
    try:
        url = links.build("https://shop.example/", {"source": source, "medium": medium})
    except Misconfigured:
        return
    found = channel.classify(url, None, frozenset())
    assert found is not None
    read = utm.parse(url)
    assert read.raw.source == links.spelled(source)
    assert not {"upper_case", "duplicate_utm", "double_encoded"} & set(found.flags)


@pytest.mark.parametrize(
    ("url", "tags", "words"),
    [
        ("shop.example", {"source": "a", "medium": "b"}, "is no address"),
        ("ftp://shop.example", {"source": "a", "medium": "b"}, "is no address"),
        (PAGE, {"source": "a"}, "needs a medium"),
        (PAGE, {"medium": "a"}, "needs a source"),
        (PAGE, {"source": "!", "medium": "a"}, "needs a source"),
        (PAGE, {"source": "a", "medium": "b", "colour": "c"}, "there is no tag 'colour'"),
        (PAGE, {"source": "ann@mail.example", "medium": "b"}, "no e-mail belongs in a link"),
    ],
)
def test_a_link_that_cannot_be(url: str, tags: dict[str, str], words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        links.build(url, tags)


@pytest.mark.parametrize("platform", links.TEMPLATES)
def test_a_filled_template_lands_in_the_platforms_channel(platform: str) -> None:
    raw = f"https://shop.example/?{links.TEMPLATES[platform].tags}"
    empty = channel.classify(raw, None, frozenset())
    assert empty is not None
    assert "macro_unexpanded" in empty.flags
    filled = utm.MACRO.sub("1234567", raw)
    found = channel.classify(filled, None, frozenset())
    assert found is not None
    assert found.flags == ()
    wanted = {"google": "Paid Search", "microsoft": "Paid Search", "klaviyo": "Email"}
    assert found.channel == wanted.get(platform, "Paid Social")
    if platform != "klaviyo":
        assert (found.campaign_id, found.adset_id, found.ad_id) == ("1234567",) * 3
