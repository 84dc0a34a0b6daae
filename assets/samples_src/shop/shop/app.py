"""The WSGI application: request in, page out."""

from shop.errors import ShopError
from shop.web.request import Request
from shop.web.response import Response, error_page
from shop.web.routes import find_page


def application(environ, start_response):
    request = Request(environ)
    try:
        response: Response = find_page(request.path)(request)
    except ShopError as error:
        response = error_page(error)
    start_response(response.status, response.headers)
    return [response.body]
