"""Forms as `multipart/form-data`, read whole from memory."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header


class FormError(ValueError):
    """A form that cannot be read; the message says what is wrong with it."""


class _Form:
    """Collects the parts while the parser walks through the body."""

    def __init__(self, most: int) -> None:
        self.fields: dict[str, str] = {}
        self._most = most
        self._headers: dict[str, str] = {}
        self._name = bytearray()
        self._value = bytearray()
        self._data = bytearray()

    def begin(self) -> None:
        self._headers = {}
        self._data = bytearray()
        if len(self.fields) >= self._most:
            raise FormError(f"it has more than {self._most} fields")

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name, self._value = bytearray(), bytearray()

    def data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def end(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition"))
        name = options.get(b"name")
        if name is None:
            raise FormError("a part has no name")
        self.fields[name.decode("utf-8", "replace")] = self._data.decode("utf-8")


def read_form(body: bytes, content_type: str, *, most: int) -> dict[str, str]:
    """The fields of the form, files among them, as text; the last of one name stands.

    Raises `FormError` for a form that is broken, not UTF-8, or has more than `most` fields.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise FormError("Content-Type names no boundary")
    form = _Form(most)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.begin,
                "on_part_data": form.data,
                "on_part_end": form.end,
                "on_header_field": form.header_field,
                "on_header_value": form.header_value,
                "on_header_end": form.header_end,
            },
        )
        parser.write(body)
        parser.finalize()
    except UnicodeDecodeError:
        raise FormError("a field is not UTF-8") from None
    except FormParserError:
        raise FormError("a boundary or a header is broken") from None
    if parser.state != MultipartState.END:
        raise FormError("it is cut short")
    return form.fields
