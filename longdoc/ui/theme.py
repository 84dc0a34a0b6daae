"""The look that Gradio's own parts share with the pages: system fonts, calm greys, one green.

Colours of the pages themselves are CSS variables in `assets/ui/longdoc.css`.
"""

from __future__ import annotations

from typing import Any

SANS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "DejaVu Sans Mono", "monospace"]


def theme() -> Any:
    """Return a Gradio theme without web fonts."""
    import gradio as gr

    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        font=SANS,
        font_mono=MONO,
        radius_size=gr.themes.sizes.radius_sm,
    ).set(
        body_background_fill="#faf9f7",
        body_background_fill_dark="#161614",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1e1d1b",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
    )
