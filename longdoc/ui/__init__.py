"""The web app, on Gradio, over the same verbs as the terminal.

server.py      builds and starts it; perimeter.py says who may talk to it
pages.py       which pages there are and what each may ask (calls.py)
library.py conversation.py comparing.py evaluating.py model_page.py reader_calls.py   one column or page each
jobs.py work.py measuring.py  the work, owned by the server
selection.py models.py tree.py reader.py page_image.py views.py render.py export.py   what pages show
routes.py api.py  what is fetched by address; what other programs may call

Importing this package loads none of it: the terminal works whatever happens here.
"""

from __future__ import annotations

from longdoc.settings import Settings

__all__ = ["serve"]


def serve(settings: Settings, *, host: str = "127.0.0.1", port: int = 7860, auth: str | None = None) -> None:
    """Start the web app and run until interrupted. `auth` is "USER:PASSWORD".

    Raises UserError for an address beyond this computer without a password, or a port in use.
    """
    from longdoc.ui.server import serve as run

    run(settings, host=host, port=port, auth=auth)
