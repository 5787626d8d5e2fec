import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import windows
from tillpost.core.received import Action, Credit, Touch
from tillpost.core.windows import DAY, SETTINGS

AT = 1_790_000_000

touches = st.lists(
    st.builds(
        Touch,
        at=st.integers(AT - 30 * DAY, AT + DAY),
        action=st.sampled_from(["link_click", "other_click", "video_5s", "impression"]),
        ad=st.integers(1, 5),
    ),
    max_size=8,
)


def touch(action: Action, ago: int, ad: int = 1) -> Touch:
    return Touch(AT - ago, action, ad)


@pytest.mark.parametrize(
    ("action", "ago", "window"),
    [
        ("link_click", 0, "7d_click"),
        ("link_click", 7 * DAY, "7d_click"),
        ("link_click", 7 * DAY + 1, None),
        ("link_click", -1, None),
        ("other_click", DAY, "1d_engage"),
        ("other_click", DAY + 1, None),
        ("video_5s", DAY, "1d_engage"),
        ("video_5s", DAY + 1, None),
        ("impression", DAY, "1d_view"),
        ("impression", DAY + 1, None),
    ],
)
def test_the_second_at_which_a_window_ends(action: Action, ago: int, window: str | None) -> None:
    found = windows.credit([touch(action, ago)], AT)
    assert (found.window if found else None) == window


def test_click_beats_engage_beats_view_however_old() -> None:
    click, engage = touch("link_click", 6 * DAY, 1), touch("video_5s", 3600, 2)
    view = touch("impression", 60, 3)
    assert windows.credit([view, engage, click], AT) == Credit(click, "7d_click")
    assert windows.credit([view, engage], AT) == Credit(engage, "1d_engage")
    assert windows.credit([view], AT) == Credit(view, "1d_view")


def test_the_most_recent_of_a_kind_wins() -> None:
    old, new = touch("link_click", 3 * DAY, 1), touch("link_click", 60, 2)
    assert windows.credit([new, old], AT) == Credit(new, "7d_click")


@pytest.mark.parametrize(
    ("setting", "action", "ago", "window"),
    [
        ("1d_click", "link_click", DAY, "1d_click"),
        ("1d_click", "link_click", DAY + 1, None),
        ("28d_click", "link_click", 28 * DAY, "28d_click"),
        ("28d_click", "link_click", 28 * DAY + 1, None),
        ("all_clicks", "other_click", 6 * DAY, "7d_click"),
        ("all_clicks", "video_5s", 3600, "1d_engage"),
        ("7d_click", "impression", 60, None),
        ("1d_click_1d_view", "impression", 60, "1d_view"),
    ],
)
def test_settings(setting: str, action: Action, ago: int, window: str | None) -> None:
    found = windows.credit([touch(action, ago)], AT, SETTINGS[setting])
    assert (found.window if found else None) == window


@given(touches, st.sampled_from(sorted(SETTINGS)))
def test_contenders_are_enough_for_every_setting(several: list[Touch], setting: str) -> None:
    rule = SETTINGS[setting]
    assert windows.credit(windows.contenders(several, AT), AT, rule) == windows.credit(
        several, AT, rule
    )


@given(touches, st.randoms())
def test_the_order_they_come_in_does_not_matter(several: list[Touch], dice: object) -> None:
    shuffled = sorted(several, key=lambda _: dice.random())  # type: ignore[attr-defined]
    assert windows.credit(shuffled, AT) == windows.credit(several, AT)


@given(touches)
def test_a_credited_touch_lies_inside_its_window(several: list[Touch]) -> None:
    found = windows.credit(several, AT)
    if found is not None:
        longest = 7 * DAY if found.window == "7d_click" else DAY
        assert 0 <= AT - found.touch.at <= longest
