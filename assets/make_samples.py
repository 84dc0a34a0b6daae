"""Write the samples: python -m assets.make_samples [--out FOLDER] [--speak]

Makes every file of assets/samples but the recording, byte for byte the same each time, and
facts.json with what is asked about each, what is right and where it stands. meeting.wav is
unpacked from the committed meeting.opus; --speak has that spoken anew by espeak-ng.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from assets.samples_src import annex, chronicle, lease, meeting, meeting_sound, questions, shop_zip

DEFAULT_OUT = Path(__file__).resolve().parent / "samples"
_CHRONICLE_QUESTIONS = 200


def samples() -> dict[str, bytes]:
    """Return the bytes of every sample by file name."""
    text, found = chronicle.chronicle()
    files = {
        "lease.pdf": lease.lease(),
        "annex.docx": annex.annex(),
        "locked.pdf": lease.locked(),
        "meeting.vtt": meeting.meeting().encode(),
        "shop.zip": shop_zip.shop(),
        "chronicle.txt": text.encode(),
    }
    facts = {
        "lease.pdf": _lease_facts(),
        "annex.docx": {"headings": 2, "questions": [_row(row, _quotes) for row in questions.ANNEX]},
        "locked.pdf": {"password": lease.PASSWORD},
        "meeting.vtt": _meeting_facts(),
        "shop.zip": _shop_facts(),
        "chronicle.txt": {"questions": _chronicle_questions(text, found)},
    }
    files["facts.json"] = (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    return files


def _row(row: questions.Row, evidence: Any) -> dict[str, Any]:
    question, answers, quotes = row
    return {
        "question": question,
        "answers": list(answers),
        "answerable": bool(answers),
        "evidence": [evidence(quote) for quote in quotes],
    }


def _quotes(quote: str) -> dict[str, Any]:
    return {"quote": quote}


def _lease_facts() -> dict[str, Any]:
    """Evidence names the page by its place in the file, 1-based, and by its printed label."""
    pages = lease.pages()

    def place(quote: str) -> dict[str, Any]:
        (number,) = (number for number, (_, text) in enumerate(pages, 1) if quote in text)
        return {"page": number, "label": f"p. {pages[number - 1][0]}", "quote": quote}

    return {
        "pages": len(pages),
        "pages_without_text": [number for number, (_, text) in enumerate(pages, 1) if text == "[plan]"],
        "questions": [_row(row, place) for row in questions.LEASE],
    }


def _meeting_facts() -> dict[str, Any]:
    lines = meeting.lines()

    def place(quote: str) -> dict[str, Any]:
        (line,) = (line for line in lines if quote in line.text)
        return {"start_s": line.start_s, "end_s": line.end_s, "speaker": line.speaker, "quote": quote}

    rows = [_row(row, place) for row in questions.MEETING]
    return {
        "duration_s": meeting.DURATION_S,
        "silence_s": list(meeting.SILENCE_S),
        "speakers": sorted({line.speaker for line in lines}),
        "unusual_name": "Tjorven Aakre",
        "decisions": [row["evidence"][0] for row in rows[:3]],
        "actions": [
            {"owner": "Hanne", "task": "order the fourteen display cases from Lindqvist", "due": "2 April"}
            | rows[3]["evidence"][0],
            {"owner": "Ruben", "task": "send the revised floor plan to Tjorven Aakre", "due": "27 March"}
            | rows[4]["evidence"][0],
        ],
        "questions": rows,
    }


def _shop_facts() -> dict[str, Any]:
    files = shop_zip.source_files()

    def place(named: tuple[str, str]) -> dict[str, Any]:
        path, quote = named
        start = files[path].index(quote)
        line = files[path].count("\n", 0, start) + 1
        return {"path": path, "line_start": line, "line_end": line + quote.count("\n"), "quote": quote}

    return {
        "source_files": len(files),
        "test_files": sum(path.startswith("tests/") for path in files),
        "secret": {"path": shop_zip.SECRET_PATH, "line": shop_zip.SECRET_LINE},
        "questions": [
            {
                "question": q,
                "answers": list(answers),
                "answerable": bool(answers),
                "evidence": [place(p) for p in places],
            }
            for q, answers, places in questions.SHOP
        ],
    }


def _chronicle_questions(text: str, found: list[chronicle.Found]) -> list[dict[str, Any]]:
    """Return questions spread evenly over the book, with offsets into its text, and some that it does not answer."""
    chosen = [found[k * len(found) // _CHRONICLE_QUESTIONS] for k in range(_CHRONICLE_QUESTIONS)]
    rows: list[dict[str, Any]] = [
        {
            "question": item.fact.question,
            "answers": [item.fact.answer],
            "answerable": True,
            "evidence": [
                {
                    "chapter": item.chapter,
                    "start": item.start,
                    "end": item.end,
                    "quote": text[item.start : item.end],
                }
            ],
        }
        for item in chosen
    ]
    return rows + [
        {"question": question, "answers": [], "answerable": False, "evidence": []}
        for question in questions.CHRONICLE_UNANSWERABLE
    ]


def main() -> None:
    """Write all samples."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder to write to (default: assets/samples)")
    parser.add_argument("--speak", action="store_true", help="make meeting.opus anew (needs espeak-ng)")
    args = parser.parse_args()
    out: Path = args.out
    out.mkdir(parents=True, exist_ok=True)
    if args.speak and not meeting_sound.can_speak():
        parser.error("espeak-ng is not installed (apt-get install espeak-ng)")
    recording = meeting_sound.opus() if args.speak else (DEFAULT_OUT / "meeting.opus").read_bytes()
    recordings = {"meeting.opus": recording, "meeting.wav": meeting_sound.wav(recording)}
    for name, data in {**samples(), **recordings}.items():
        (out / name).write_bytes(data)
        print(f"{len(data):>9,} bytes  {name}")


if __name__ == "__main__":
    main()
