"""The text of a file that somebody exported."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE

from tillpost.core.outcome import Misconfigured


def decoded(body: bytes) -> str:
    """The file's text: UTF-8, or UTF-16 that says so at its start, as Excel's and Google's do.

    Raises `Misconfigured` for bytes that are neither, since a name that is read wrongly would
    stand for another campaign.
    """
    name = "utf-16" if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return body.decode(name)
    except UnicodeDecodeError:
        raise Misconfigured("the file is not UTF-8 text: export it as CSV UTF-8") from None
