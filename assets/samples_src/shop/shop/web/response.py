"""Pages as bytes with their headers."""

from dataclasses import dataclass

from shop.web.html import escape, layout


@dataclass
class Response:
    text: str
    status: str = "200 OK"
    kind: str = "text/html"

    @property
    def body(self):
        return self.text.encode()

    @property
    def headers(self):
        return [("Content-Type", f"{self.kind}; charset=utf-8")]


def error_page(error):
    return Response(layout("Sorry", f"<p>{escape(str(error))}</p>"), error.status)
