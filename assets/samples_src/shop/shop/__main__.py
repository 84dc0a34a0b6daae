"""Start the shop: python -m shop"""

from wsgiref.simple_server import make_server

from shop.app import application
from shop.settings import PORT

if __name__ == "__main__":
    make_server("127.0.0.1", PORT, application).serve_forever()
