"""Click ids, click cookies, and addresses that name nobody."""

from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tillpost.core import click
from tillpost.core.click import ClickId, Cookie

SECOND = 1_700_000_000
MS = SECOND * 1000
DAY = 86_400


@pytest.mark.parametrize(
    ("cookie", "parts"),
    [
        ("fb.1.1554763741205.AbCdEfGhIj", Cookie(1, 1554763741205, "AbCdEfGhIj")),
        ("fb.1.1596403881668.1116446470", Cookie(1, 1596403881668, "1116446470")),
        ("fb.2.1700000000000.IwY2xjaw_aem-1", Cookie(2, MS, "IwY2xjaw_aem-1")),
        ("fb.1.1700000000000.X.AQICAQMC", Cookie(1, MS, "X", "AQICAQMC")),
        ("fb.0.1700000000000.X.Bg", Cookie(0, MS, "X", "Bg")),
    ],
)
def test_a_cookies_parts(cookie: str, parts: Cookie) -> None:
    assert click.parse(cookie) == parts
    assert click.is_cookie(cookie)


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "fb",
        "fb.1.X",
        "fb.1.1700000000000",
        "fb.1.1700000000000.",
        "fb.1.1700000000000.X.ZZ",
        "fb.1.1700000000000.X.AQICAQMC.BA",
        "fb.1.1700000000.X",
        "fb.12.1700000000000.X",
        "fb.a.1700000000000.X",
        "xx.1.1700000000000.X",
        "fb.1.1700000000000.a b",
        "fb.1.1700000000000.X\n",
        " fb.1.1700000000000.X",
        "fb.1.\uff11700000000000.X",
        "fb.1.1700000000000." + "x" * 501,
    ],
)
def test_what_is_no_cookie(cookie: str) -> None:
    assert click.parse(cookie) is None
    assert not click.is_cookie(cookie)
    assert click.usable_fbc(cookie, SECOND) is None


def test_no_cookie_at_all() -> None:
    assert click.parse(None) is None
    assert click.usable_fbc(None, SECOND) is None


@pytest.mark.parametrize(
    ("host", "domain", "index"),
    [
        ("example.com", "example.com", 1),
        ("www.shop.example.com", "example.com", 1),
        ("WWW.Example.CO.UK.", "example.co.uk", 2),
        ("some-shop.myshopify.com", "some-shop.myshopify.com", 2),
        ("checkout.some-shop.myshopify.com", "some-shop.myshopify.com", 2),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", 1),
        ("co.uk", None, 1),
        ("com", None, 1),
        ("localhost", None, 1),
        ("192.0.2.7", None, 1),
        ("[2001:db8::1]", None, 1),
        ("localhost:8484", None, 1),
        ("", None, 1),
    ],
)
def test_registrable_domains(host: str, domain: str | None, index: int) -> None:
    assert click.registrable_domain(host) == domain
    assert click.subdomain_index(host) == index


def test_cookies_are_built_with_the_hosts_index() -> None:
    assert click.build_fbc("AbC", 1554763741.205) == "fb.1.1554763741205.AbC"
    assert click.build_fbc("AbC", SECOND, "www.example.co.uk") == f"fb.2.{MS}.AbC"
    assert click.build_fbp(1116446470, 1596403881.668) == "fb.1.1596403881668.1116446470"
    assert click.build_fbp(7, SECOND, "a.example.co.uk") == f"fb.2.{MS}.7"


def test_an_fbc_of_a_landing_page() -> None:
    url = "https://shop.example/p?utm_source=ig&FBCLID=PAaBc_1-2"
    assert click.fbc_of_url(url, SECOND) == f"fb.1.{MS}.PAaBc_1-2"
    assert click.fbc_of_landing_site("/p?fbclid=PAaBc", SECOND) == f"fb.1.{MS}.PAaBc"
    assert click.fbc_of_url("/?gclid=EAIa&fbclid=PAa", SECOND) == f"fb.1.{MS}.PAa"
    assert click.fbc_of_url("https://shop.example/p", SECOND) is None
    assert click.fbc_of_url(None, SECOND) is None
    assert click.fbc_of_landing_site(None, SECOND) is None


def test_nothing_is_taken_from_a_landing_site_that_was_cut() -> None:
    whole = "/p?fbclid=" + "a" * (254 - len("/p?fbclid="))
    assert click.fbc_of_landing_site(whole, SECOND) == f"fb.1.{MS}.{whole[10:]}"
    assert click.fbc_of_landing_site(whole + "a", SECOND) is None
    assert click.fbc_of_url(whole + "a", SECOND) == f"fb.1.{MS}.{whole[10:]}a"


@pytest.mark.parametrize("value", ["a.b", "a%20b", "{{fbclid}}", "x" * 501, ""])
def test_a_click_id_that_cannot_be_whole_makes_no_cookie(value: str) -> None:
    assert click.fbclid_of(f"https://shop.example/?fbclid={value}") is None


def test_the_same_click_keeps_its_first_time_and_its_suffix() -> None:
    first = f"fb.1.{MS}.AbC.AQICAQMC"
    again = "https://shop.example/?fbclid=AbC"
    assert click.newer_fbc(first, again, SECOND + 5) == first
    assert click.newer_fbc(first, "https://shop.example/", SECOND + 5) == first
    assert click.newer_fbc(first, "https://shop.example/?fbclid=abc", SECOND) == f"fb.1.{MS}.abc"
    assert click.newer_fbc(None, again, SECOND) == f"fb.1.{MS}.AbC"
    assert click.newer_fbc("junk", again, SECOND) == f"fb.1.{MS}.AbC"
    assert click.newer_fbc("junk", None, SECOND) is None
    assert click.newer_fbc(None, None, SECOND) is None


def test_of_one_click_the_first_sight_counts() -> None:
    early, late = "fb.1.1763890000000.AbC", "fb.1.1763890000009.AbC"
    other = "fb.1.1763880000000.XyZ"
    assert click.first_seen(late, early) == early
    assert click.first_seen(early, late) == early
    assert click.first_seen(late, other) == late
    assert click.first_seen(None, early) == click.first_seen(early, None) == early
    assert click.first_seen("fb.1.1000", early) == early
    assert click.first_seen(None, None) is None


@pytest.mark.parametrize(
    ("event_time", "sent"),
    [
        (SECOND, True),
        (SECOND + 90 * DAY, True),
        (SECOND + 90 * DAY + 1, False),
        (SECOND - 1, False),
    ],
)
def test_a_click_is_sent_for_90_days_and_never_before_it_happened(
    event_time: int, *, sent: bool
) -> None:
    fbc = f"fb.1.{MS + 999}.AbC.Bg"
    assert click.usable_fbc(fbc, event_time) == (fbc if sent else None)


def test_click_ids_keep_their_case_and_order() -> None:
    url = "https://shop.example/?ScCid=Ab-C&gclid=EAIaI%5FQob&GCLID=second&fbclid=&_kx=me&x=1"
    assert click.click_ids(url) == (
        ClickId("sccid", "Ab-C", "snapchat", paid=True, personal=False),
        ClickId("gclid", "EAIaI_Qob", "google", paid=True, personal=False),
        ClickId("_kx", "me", "klaviyo", paid=False, personal=True),
    )
    assert click.click_ids(None) == ()
    assert click.click_ids("/?gclid={gclid}") == ()


def test_each_parameter_is_found_and_kept_unless_it_is_personal() -> None:
    assert len({row.name for row in click.PARAMETERS}) == len(click.PARAMETERS)
    for row in click.PARAMETERS:
        url = f"https://shop.example/a?{row.name}=V-1"
        assert click.click_ids(url) == (
            ClickId(row.name, "V-1", row.platform, paid=row.paid, personal=row.personal),
        )
        assert click.strip_query(url) == ("https://shop.example/a" if row.personal else url)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("", ""),
        ("/", "/"),
        ("https://shop.example/a/b?", "https://shop.example/a/b"),
        ("https://shop.example/?q=shoes&utm_source=ig", "https://shop.example/?utm_source=ig"),
        ("/p?utm_source=a%2Bb&UTM_Medium=c+d&token=t", "/p?utm_source=a%2Bb&UTM_Medium=c+d"),
        ("/p?utm_source=x?utm_medium=y&key=z", "/p?utm_source=x?utm_medium=y"),
        ("/p?key=z?utm_medium=y", "/p?utm_medium=y"),
        ("/p?utm_source=x&amp;utm_medium=y", "/p?utm_source=x&amp;utm_medium=y"),
        ("/p#utm_source=x&name=Eve", "/p#utm_source=x"),
        ("/p?name=Eve#/route?utm_source=x", "/p#utm_source=x"),
        ("/p#top", "/p"),
        ("/p?utm_source", "/p"),
        ("/p?email=a@example.org&fbclid=X", "/p?fbclid=X"),
        ("/p?utm_term=a%40example.org&fbclid=X", "/p?fbclid=X"),
        ("/p?utm_term=a%2540example.org", "/p"),
        ("/p?utm_term=50%25", "/p?utm_term=50%25"),
        ("https://eve:secret@shop.example/p", "https://shop.example/p"),
        ("//eve@example.org", "//removed"),
        ("eve@example.org", "example.org"),
        ("https://shop.example/u/eve@example.org/x", "https://shop.example/u/removed/x"),
        ("https://shop.example/@eve", "https://shop.example/@eve"),
        ("android-app://com.google.android.gm/", "android-app://com.google.android.gm/"),
    ],
)
def test_addresses_keep_what_names_nobody(url: str, kept: str) -> None:
    assert click.strip_query(url) == kept


def test_the_allow_list_is_the_callers_to_choose() -> None:
    assert click.strip_query("/p?a=1&b=2&utm_source=x", {"b"}) == "/p?b=2"


def test_ids_that_are_never_hashed() -> None:
    assert {"madid", "lead_id", "ctwa_clid", "subscription_id"} <= click.PLAIN_IDS
    assert not click.PLAIN_IDS & {"em", "fbc", "fbp", "client_ip_address"}


@given(st.text(max_size=80))
@example("http://[::1?utm_source=%")
def test_any_text_may_be_an_address(text: str) -> None:
    kept = click.strip_query(text)
    assert click.strip_query(kept) == kept
    assert len(kept) <= len(text) + len("removed") * text.count("@")
    assert all(row.value for row in click.click_ids(text))
    assert click.parse(text) is None or click.is_cookie(text)


names = st.sampled_from(
    [*sorted(click.ALLOWED)[:20], "email", "token", "key", "name", "mc_eid", ""]
)


values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@"), max_size=12)


@given(st.lists(st.tuples(names, values), max_size=8))
def test_only_allowed_parameters_are_left(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    kept = click.strip_query(f"https://shop.example/p?{query}")
    left = parse_qsl(kept.partition("?")[2], keep_blank_values=True)
    assert left == [pair for pair in pairs if pair[0] in click.ALLOWED]


@given(
    st.from_regex(r"[A-Za-z0-9_-]{1,500}", fullmatch=True),
    st.integers(1_000_000_000, 9_000_000_000),
)
def test_what_is_built_can_be_read(fbclid: str, second: int) -> None:
    fbc = click.build_fbc(fbclid, second, "www.example.co.uk")
    assert click.parse(fbc) == Cookie(2, second * 1000, fbclid)
    assert click.usable_fbc(fbc, second) == fbc
    assert click.fbclid_of(f"/?fbclid={fbclid}") == fbclid


def test_an_fbc_of_a_bare_click_id() -> None:
    assert click.fbc_of_click("IwAR0a-cDeF_HiJkLmN", SECOND) == f"fb.1.{MS}.IwAR0a-cDeF_HiJkLmN"
    assert click.fbc_of_click("undefined", SECOND) is None
    assert click.fbc_of_click("fb.1.1700000000000.", SECOND) is None
