"""Where to find us."""

from shop.web.html import layout
from shop.web.response import Response

TEXT = "Tide & Twine, Shed 9, Old Harbour. The bell is under the lamp. Ask for Astrid or Nils."


def page(request):
    return Response(layout("Contact", f"<p>{TEXT}</p>"))
