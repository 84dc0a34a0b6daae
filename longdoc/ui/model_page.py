"""Models & memory: which models there are, what each can take, what a length would cost.

Folders and addresses that a person adds are kept as a small JSON file beside the
library, so that every page and every visit lists them.
"""

from __future__ import annotations

import json
import shutil
from typing import Any

from longdoc.backends import hub
from longdoc.backends.remote import is_address
from longdoc.errors import UserError
from longdoc.files import atomic_write
from longdoc.planning import ATTENTIONS, TIERS, memory
from longdoc.positions import METHODS
from longdoc.ui.context import Context
from longdoc.ui.models import MAX_NAME, overrides_of
from longdoc.ui.render import inert
from longdoc.ui.views import job_view

_MOST = 50
_MOST_TOKENS = 1 << 31


class ModelCalls:
    """What the Models & memory page may ask of the server."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._path = context.settings.home / "models.json"

    def models(self) -> dict[str, Any]:
        """Return all models as rows, and which one is the usual one."""
        return {
            "rows": self.context.models.listed(self._added()),
            "usual": self.context.settings.model,
            "choices": {"position": list(METHODS), "attention": list(ATTENTIONS), "tier": list(TIERS)},
        }

    def preview(
        self, model: str, tokens: int, window: int | None = None, how: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what reading so many tokens would take."""
        if not 0 < tokens < _MOST_TOKENS or (window is not None and not 0 < window < _MOST_TOKENS):
            raise UserError("This is not a length.", next_step="Choose a number of tokens above zero.")
        return self.context.models.preview(model, tokens, window, overrides_of(how))

    def add_model(self, name: str) -> dict[str, Any]:
        """Add a model by folder, hub name or server address; one that cannot be used is refused with the reason."""
        name = name.strip()
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise UserError("Write a folder, a name such as Qwen/Qwen3-4B, or the address of a server.")
        if not self.context.local and not is_address(name):
            raise UserError("Folders can be named only on the computer that LongDoc runs on.")
        self.context.models.kit(name)  # raises when it cannot be used
        row = self.context.models.row(name)
        added = [*(n for n in self._added() if n != name), name][-_MOST:]
        atomic_write(self._path, json.dumps(added).encode())
        return row

    def look_up(self, name: str) -> dict[str, Any]:
        """Ask the hub what a model weighs and may be used for; nothing is downloaded. Raises UserError, ModelError."""
        offer = hub.look_up(name.strip(), self.context.settings)
        free = shutil.disk_usage(self.context.settings.home).free
        return {
            "name": offer.name,
            "size": memory.size(offer.size_bytes),
            "licence": inert(offer.licence),
            "files": len(offer.files),
            "free": memory.size(free),
        }

    def download(self, name: str) -> int:
        """Begin to fetch a model and return the job; one that is being fetched already is not begun again."""
        hub.look_up(name.strip(), self.context.settings)  # raises what would fail at once
        for job in self.context.library.jobs(("queued", "running")):
            if job.kind == "download" and job.request.get("model") == name.strip():
                return job.id
        return self.context.worker.submit("download", {"model": name.strip()})

    def downloads(self) -> list[dict[str, Any]]:
        """Return downloads that run, and those that ended badly until they are dismissed."""
        rows = []
        for job in self.context.library.jobs(limit=300):
            shown = job.state != "done" and not job.result.get("dismissed")
            if job.kind == "download" and shown:
                rows.append(job_view(job, self.context.worker.progress(job), 0))
        return rows

    def dismiss_download(self, job: int) -> bool:
        """Take an ended download off the list."""
        found = self.context.library.job(job)
        if found.kind != "download" or found.state in ("queued", "running"):
            raise UserError("This is not a download that has ended.")
        self.context.library.update_job(job, result={**found.result, "dismissed": True})
        return True

    def forget_model(self, name: str) -> bool:
        """Take an added model off the list; its files stay."""
        atomic_write(self._path, json.dumps([n for n in self._added() if n != name]).encode())
        return True

    def _added(self) -> list[str]:
        try:
            names = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return []
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
