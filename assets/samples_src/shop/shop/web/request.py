"""What a page needs to know of a request."""

from http.cookies import SimpleCookie
from urllib.parse import parse_qs


class Request:
    def __init__(self, environ):
        self.path = environ.get("PATH_INFO", "/")
        self.query = {key: values[-1] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        cookies = SimpleCookie(environ.get("HTTP_COOKIE", ""))
        self.session = cookies["session"].value if "session" in cookies else "new"
