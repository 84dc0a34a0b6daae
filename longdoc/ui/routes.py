"""What the pages fetch by address: scripts and styles, pictures of pages, original files.

Each asks for the same password as the pages. Names of files come from a fixed list
or from the library, never from the address.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from longdoc.errors import LongDocError
from longdoc.ui.context import Context
from longdoc.ui.page_image import page_image
from longdoc.ui.pages import ASSETS

Handler = Callable[[Request], Awaitable[Response]]
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def routes(context: Context) -> list[Route]:
    """Return the routes; they lie beside Gradio's own and are met first."""

    async def asset(request: Request) -> Response:
        known = {path.name: path for path in ASSETS.iterdir() if path.suffix in _TYPES}
        path = known.get(request.path_params["name"])
        if path is None:
            return PlainTextResponse("There is no such file.", 404)
        return FileResponse(path, media_type=_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})

    async def picture(request: Request) -> Response:
        def make() -> bytes:
            document = context.library.document(request.path_params["document"])
            source = context.library.source(document.source_id)
            number = int(request.path_params["page"])
            if document.loader != "pdf" or not 1 <= number <= len(document.details.get("pages", [])):
                raise LongDocError("There is no such page.")
            from pathlib import Path

            width = request.query_params.get("width", "900")
            return page_image(Path(source.path), number, int(width) if width.isdigit() else 900)

        try:
            data = await to_thread.run_sync(make)
        except LongDocError as error:
            return PlainTextResponse(error.message, 404)
        return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    async def original(request: Request) -> Response:
        try:
            item = context.library.item(request.path_params["document"])
            context.library.blobs.path(item.source.id)
        except LongDocError as error:
            return PlainTextResponse(error.message, 404)
        path = context.library.blobs.path(item.source.id)
        if not path.is_file():
            return PlainTextResponse("The original of this source is not kept here.", 404)
        headers = {  # never shown by the browser, whatever it holds
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(item.source.name, safe='')}",
            "Content-Security-Policy": "sandbox",
        }
        return FileResponse(path, media_type="application/octet-stream", headers=headers)

    async def sound(request: Request) -> Response:
        try:
            source = context.library.source(request.path_params["source"])
        except LongDocError as error:
            return PlainTextResponse(error.message, 404)
        path = context.library.blobs.path(source.id)
        if not source.media_type.startswith(("audio/", "video/")) or not path.is_file():
            return PlainTextResponse("The sound of this recording is not kept here.", 404)
        # Answers ranges, so that a player can begin anywhere without reading all before.
        headers = {"Content-Security-Policy": "sandbox", "Cache-Control": "private, max-age=3600"}
        return FileResponse(path, media_type=source.media_type, headers=headers)

    return [
        Route("/longdoc/ui/{name}", asset),  # nothing personal: the page that asks for a password may load it
        Route("/longdoc/page/{document}/{page:int}.png", guarded(picture)),
        Route("/longdoc/original/{document}", guarded(original)),
        Route("/longdoc/sound/{source}", guarded(sound)),
    ]


def guarded(handler: Handler) -> Handler:
    """Return a handler that asks for what Gradio's own routes ask for."""

    async def checked(request: Request) -> Response:
        if not await signed_in(request):
            return PlainTextResponse("Sign in first.", 401)
        return await handler(request)

    return checked


async def signed_in(request: Request) -> bool:
    """Return whether the request carries the cookie of someone who gave the password, or none is asked for."""
    app: Any = request.app
    if app.auth is None and app.auth_dependency is None:
        return True
    if app.auth_dependency is not None:
        user = app.auth_dependency(request)
        return (await user if inspect.isawaitable(user) else user) is not None
    for name in (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}"):
        if app.tokens.get(request.cookies.get(name)) is not None:
            return True
    return False
