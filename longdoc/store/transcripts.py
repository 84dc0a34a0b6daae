"""Recordings and what was heard in them: rows as they come, edits, names of speakers.

Each step of recognition is one transaction that adds its utterances and moves `until_s`,
so after a kill at any moment what was heard is there, once, and Resume begins at `until_s`.
A new transcription of a recording becomes its transcript when it is complete, and takes
over the hand edits of the former one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longdoc.errors import StoreError, UserError
from longdoc.speech.edits import keep_edits, keep_speakers, with_text
from longdoc.speech.transcript import Heard, Transcript, Utterance, Word
from longdoc.store.codec import build, storable, to_json
from longdoc.store.readings import Readings
from longdoc.types import Document, Source, Warned

MAX_SPEAKER = 80  # characters of a name


@dataclass(frozen=True)
class TranscriptItem:
    """What a list shows of a transcript, without its words."""

    id: int
    source: Source
    engine: str
    engine_note: str
    language: str
    duration_s: float
    until_s: float
    complete: bool
    n_utterances: int
    edited: bool
    options: Mapping[str, Any]  # as SpeechOptions
    document_id: str  # "": none was made yet
    warnings: tuple[Warned, ...]
    created_at: float
    updated_at: float


class Transcripts(Readings):
    """The part of the library that holds recordings and transcripts."""

    def add_recording(self, source: Source, copy_from: Path) -> bool:
        """Keep the bytes of a recording before there is any text of it; False if it was here already.

        Raises StoreError `disk`, SourceError if the file no longer has the bytes of `source.id`.
        """
        with self.exclusive():
            copied = self.blobs.keep(source.id, copy_from)
            try:
                with self.writing() as db:
                    new = not db.execute("SELECT 1 FROM sources WHERE id = ?", [source.id]).fetchone()
                    row = {
                        "id": source.id,
                        "name": storable(source.name),
                        "media_type": source.media_type,
                        "size_bytes": source.size_bytes,
                        "path": storable(source.path),
                        "kept": 1,
                    }
                    db["sources"].insert(row, ignore=True)
                    db.execute("UPDATE sources SET kept = 1 WHERE id = ?", [source.id])
            except BaseException:
                if copied:
                    self.blobs.drop(source.id)
                raise
        return new

    def remove_recording(self, source_id: str) -> list[str]:
        """Delete a recording with its transcripts and documents; return the titles of conversations citing it."""
        titles: list[str] = []
        with self.reading() as db:
            rows = db.execute("SELECT document_id FROM origins WHERE source_id = ?", [source_id]).fetchall()
        for (document_id,) in rows:
            titles += [title for title in self.remove(document_id) if title not in titles]
        with self.exclusive():
            with self.writing() as db:
                db.execute("DELETE FROM sources WHERE id = ?", [source_id])
            self.blobs.drop(source_id)
        return titles

    def begin_transcript(
        self, source_id: str, engine: str, engine_note: str, duration_s: float, options: Mapping[str, Any]
    ) -> int:
        """Begin a transcript and return its id. Raises StoreError `not_found` for an unknown recording."""
        now = time.time()
        with self.writing() as db:
            self.source(source_id)
            row = {
                "source_id": source_id,
                "engine": engine,
                "engine_note": engine_note,
                "language": str(options.get("language", "")),
                "duration_s": duration_s,
                "until_s": 0.0,
                "complete": 0,
                "options": to_json(dict(options)),
                "document_id": "",
                "warnings": "[]",
                "created_at": now,
                "updated_at": now,
            }
            return int(db["transcripts"].insert(row).last_pk)

    def append_heard(self, transcript_id: int, heard: Heard, *, after_s: float) -> None:
        """Add one step of recognition that began at `after_s`.

        Raises StoreError `conflict` if the transcript is no longer there (somebody else continued it),
        so that nothing is ever stored twice; `not_found` if it was removed.
        """
        with self.writing() as db:
            until_s, complete = self._transcript_row(transcript_id, "until_s, complete")
            if complete or abs(until_s - after_s) > 1e-6:
                raise StoreError(
                    "This recording is being transcribed elsewhere as well.",
                    code="conflict",
                    next_step="Wait until that is done.",
                )
            (number,) = db.execute(
                "SELECT coalesce(max(number), -1) + 1 FROM utterances WHERE transcript_id = ?", [transcript_id]
            ).fetchone()
            for at, utterance in enumerate(heard.utterances, number):
                db["utterances"].insert(_utterance_row(transcript_id, at, utterance))
            db.execute("UPDATE transcripts SET until_s = ? WHERE id = ?", [heard.until_s, transcript_id])
            if heard.language:
                db.execute(
                    "UPDATE transcripts SET language = ? WHERE id = ? AND language = ''",
                    [heard.language, transcript_id],
                )
            self._touch(db, transcript_id)

    def finish_transcript(self, transcript_id: int, duration_s: float, warnings: Sequence[Warned] = ()) -> None:
        """Mark a transcript complete; edits and speakers' names of former ones come over, and those go."""
        with self.writing() as db:
            (source_id,) = self._transcript_row(transcript_id, "source_id")
            former = db.execute(
                "SELECT id FROM transcripts WHERE source_id = ? AND id <> ? ORDER BY complete, id",
                [source_id, transcript_id],
            ).fetchall()
            utterances = list(self.transcript(transcript_id).utterances)
            document_id = ""
            for (other_id,) in former:
                other = self.transcript(other_id)
                if other.edited:
                    utterances = keep_speakers(keep_edits(utterances, other.utterances), other.utterances)
                (other_document,) = self._transcript_row(other_id, "document_id")
                document_id = other_document or document_id
                db.execute("DELETE FROM transcripts WHERE id = ?", [other_id])
            if former:
                db.execute("DELETE FROM utterances WHERE transcript_id = ?", [transcript_id])
                for number, utterance in enumerate(utterances):
                    db["utterances"].insert(_utterance_row(transcript_id, number, utterance))
                db.execute(
                    "UPDATE transcripts SET document_id = ? WHERE id = ? AND document_id = ''",
                    [document_id, transcript_id],
                )
            db.execute(
                "UPDATE transcripts SET complete = 1, duration_s = ?, until_s = ?, warnings = ? WHERE id = ?",
                [duration_s, duration_s, to_json(tuple(warnings)), transcript_id],
            )
            self._touch(db, transcript_id)

    def transcript(self, transcript_id: int) -> Transcript:
        """Return a transcript with its utterances in order. Raises StoreError `not_found`, `damaged`."""
        with self.reading() as db:
            row = self._transcript_row(
                transcript_id, "engine, engine_note, language, duration_s, complete, until_s, warnings"
            )
            rows = db.execute(
                "SELECT start_s, end_s, text, speaker, confidence, words, edited, named FROM utterances "
                "WHERE transcript_id = ? ORDER BY number",
                [transcript_id],
            ).fetchall()
        try:
            utterances = tuple(_utterance(u) for u in rows)
            warnings = build(tuple[Warned, ...], json.loads(row[6]))
        except (ValueError, TypeError) as error:
            raise StoreError(
                "This stored transcript is damaged.", code="damaged", next_step="Transcribe the recording again."
            ) from error
        edited = any(utterance.edited or utterance.named for utterance in utterances)
        return Transcript(row[0], row[1], row[2], row[3], utterances, bool(row[4]), edited, row[5], warnings)

    def transcript_items(self) -> list[TranscriptItem]:
        """Return the entries of all transcripts in the order in which they were begun."""
        with self.reading() as db:
            rows = db.execute(f"{_ITEMS} ORDER BY t.id").fetchall()
        return [self._transcript_item(row) for row in rows]

    def transcript_item(self, transcript_id: int) -> TranscriptItem:
        """Return the entry of one transcript. Raises StoreError `not_found`."""
        with self.reading() as db:
            row = db.execute(f"{_ITEMS} WHERE t.id = ?", [transcript_id]).fetchone()
        if row is None:
            raise _no_transcript()
        return self._transcript_item(row)

    def transcript_of(self, source_id: str) -> int | None:
        """Return the id of a recording's transcript: the newest complete one, else the newest, or None."""
        with self.reading() as db:
            row = db.execute(
                "SELECT id FROM transcripts WHERE source_id = ? ORDER BY complete DESC, id DESC LIMIT 1", [source_id]
            ).fetchone()
        return None if row is None else int(row[0])

    def unfinished_transcript(self, source_id: str) -> int | None:
        """Return the id of the newest transcript of a recording that can be resumed, or None."""
        with self.reading() as db:
            row = db.execute(
                "SELECT id FROM transcripts WHERE source_id = ? AND NOT complete ORDER BY id DESC LIMIT 1", [source_id]
            ).fetchone()
        return None if row is None else int(row[0])

    def edit_utterance(self, transcript_id: int, number: int, text: str) -> Utterance:
        """Correct the words of one utterance (its place in `Transcript.utterances`) and return it."""
        with self.writing() as db:
            changed = with_text(self._utterance_at(transcript_id, number), storable(text))
            db["utterances"].upsert(_utterance_row(transcript_id, number, changed), pk=("transcript_id", "number"))
            self._touch(db, transcript_id)
        return changed

    def rename_speaker(self, transcript_id: int, old: str, new: str, number: int | None = None) -> int:
        """Give a speaker another name everywhere, or with `number` in that utterance alone; return how many changed.

        `old` is "" for utterances whose speaker is not known. Raises UserError for an empty name.
        """
        new = " ".join(storable(new).replace(":", " ").split())[:MAX_SPEAKER]
        if not new:
            raise UserError("A speaker needs a name.")
        with self.writing() as db:
            self._transcript_row(transcript_id, "id")
            where, values = "transcript_id = ? AND speaker = ?", [new, transcript_id, old]
            if number is not None:
                self._utterance_at(transcript_id, number)
                where += " AND number = ?"
                values.append(number)
            changed = int(db.execute(f"UPDATE utterances SET speaker = ?, named = 1 WHERE {where}", values).rowcount)
            self._touch(db, transcript_id)
        return changed

    def put_speakers(self, transcript_id: int, names: Sequence[str]) -> None:
        """Name the speaker of every utterance, in order; names that a person gave stay."""
        with self.writing() as db:
            self._transcript_row(transcript_id, "id")
            for number, name in enumerate(names):
                db.execute(
                    "UPDATE utterances SET speaker = ? WHERE transcript_id = ? AND number = ? AND NOT named",
                    [storable(name)[:MAX_SPEAKER], transcript_id, number],
                )
            self._touch(db, transcript_id)

    def remove_transcript(self, transcript_id: int) -> None:
        """Delete a transcript; the recording and documents made of it stay."""
        with self.writing() as db:
            self._transcript_row(transcript_id, "id")
            db.execute("DELETE FROM transcripts WHERE id = ?", [transcript_id])

    def put_transcript_document(self, transcript_id: int, source: Source, document: Document) -> None:
        """Store the document of a transcript in place of the one made before an edit.

        Collections and conversations go on with the new one; answers keep their quotes of the old.
        """
        (before,) = self._transcript_row(transcript_id, "document_id")
        self.add_document(source, document)
        with self.writing() as db:
            db.execute("UPDATE transcripts SET document_id = ? WHERE id = ?", [document.id, transcript_id])
            if before and before != document.id:
                for table in ("collection_documents", "thread_documents"):
                    db.execute(
                        f"UPDATE OR IGNORE {table} SET document_id = ? WHERE document_id = ?", [document.id, before]
                    )
        if before and before != document.id:
            with self.reading() as db:
                here = db.execute("SELECT 1 FROM documents WHERE id = ?", [before]).fetchone()
            if here:
                self.remove(before)

    def _utterance_at(self, transcript_id: int, number: int) -> Utterance:
        with self.reading() as db:
            row = db.execute(
                "SELECT start_s, end_s, text, speaker, confidence, words, edited, named FROM utterances "
                "WHERE transcript_id = ? AND number = ?",
                [transcript_id, number],
            ).fetchone()
        if row is None:
            raise StoreError("There is no such line in the transcript.", code="not_found")
        return _utterance(row)

    def _transcript_row(self, transcript_id: int, columns: str) -> tuple[Any, ...]:
        with self.reading() as db:
            row = db.execute(f"SELECT {columns} FROM transcripts WHERE id = ?", [transcript_id]).fetchone()
        if row is None:
            raise _no_transcript()
        return tuple(row)

    def _touch(self, db: Any, transcript_id: int) -> None:
        db.execute("UPDATE transcripts SET updated_at = ? WHERE id = ?", [time.time(), transcript_id])

    def _transcript_item(self, row: tuple[Any, ...]) -> TranscriptItem:
        return TranscriptItem(
            id=row[6],
            source=self._source(*row[:6]),
            engine=row[7],
            engine_note=row[8],
            language=row[9],
            duration_s=row[10],
            until_s=row[11],
            complete=bool(row[12]),
            n_utterances=row[13],
            edited=bool(row[14]),
            options=json.loads(row[15]),
            document_id=row[16],
            warnings=build(tuple[Warned, ...], json.loads(row[17])),
            created_at=row[18],
            updated_at=row[19],
        )


_ITEMS = (
    "SELECT s.id, s.name, s.media_type, s.size_bytes, s.path, s.kept, t.id, t.engine, t.engine_note, t.language, "
    "t.duration_s, t.until_s, t.complete, (SELECT count(*) FROM utterances u WHERE u.transcript_id = t.id), "
    "EXISTS (SELECT 1 FROM utterances u WHERE u.transcript_id = t.id AND (u.edited OR u.named)), t.options, "
    "t.document_id, t.warnings, t.created_at, t.updated_at FROM transcripts t JOIN sources s ON s.id = t.source_id"
)


def _utterance_row(transcript_id: int, number: int, utterance: Utterance) -> dict[str, Any]:
    return {
        "transcript_id": transcript_id,
        "number": number,
        "start_s": utterance.start_s,
        "end_s": utterance.end_s,
        "text": storable(utterance.text),
        "speaker": storable(utterance.speaker),
        "confidence": utterance.confidence,
        "words": to_json([list(word) for word in utterance.words]),
        "edited": int(utterance.edited),
        "named": int(utterance.named),
    }


def _utterance(row: tuple[Any, ...]) -> Utterance:
    words = tuple(Word(float(w[0]), float(w[1]), str(w[2]), float(w[3])) for w in json.loads(row[5]))
    return Utterance(row[0], row[1], row[2], row[3], row[4], words, bool(row[6]), bool(row[7]))


def _no_transcript() -> StoreError:
    return StoreError("There is no such transcript in the library.", code="not_found")
