"""A local model is asked as the product asks: read once, answers as if read anew, passages when chunked."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from standin import StandIn, plan_for

from longdoc.backends import Constraint, Decoded
from longdoc.cache.segment import Reading
from longdoc.engine import Engine
from longdoc.errors import Stopped
from longdoc.evaluation.asking import LocalModel, Way
from longdoc.evaluation.items import make_document
from longdoc.evaluation.opening import in_memory, open_model
from longdoc.evaluation.remote_model import RemoteModel
from longdoc.settings import Settings
from longdoc.types import Generation, Mode, ReadingPlan, Usage

LEASE = make_document("lease.txt", "The rent is 1,240 euros. The tenant is Mara Quist.\n\n" + "Nothing else. \n\n" * 90)
LETTER = make_document("letter.txt", "Bay 14 belongs to the flat.\n\n" + "Kind regards and more of that.\n\n" * 60)


class Quoting(StandIn):
    """Quotes the first sentence that may be quoted, then gives the first words of it that may be the answer."""

    def decode(
        self,
        question_ids: Sequence[int],
        reading: Reading,
        plan: ReadingPlan,
        *,
        max_new_tokens: int,
        stop_ids: frozenset[int],
        stop: threading.Event,
        constraint: Constraint | None = None,
        evidence_tokens: int = 64,
    ) -> Iterator[Decoded]:
        special = self.frame.special
        assert special is not None
        assert constraint is not None
        written: list[int] = []

        def allowed() -> Sequence[int]:
            return constraint.allowed(written) or ()

        def copied(text: Sequence[int], closing: int) -> Iterator[int]:
            """Copy from the first place that is open until `closing` may be written."""
            word = self.tokenizer.decode
            openings = (at for at in range(len(text)) if at == 0 or word([text[at - 1]]).isspace())
            for token in text[next(at for at in openings if text[at] in allowed()) :]:
                if closing in allowed():
                    break
                assert token in allowed()
                yield token
            yield closing

        def answer() -> Iterator[int]:
            yield from (*self.tokenizer.ids("[1]"), special.quote)
            start = reading.token_ids.index(self.tokenizer.ids("\n")[0]) + 1  # behind the first header
            yield from copied(reading.token_ids[start:], special.then)
            yield from copied(written[written.index(special.quote) + 1 : -1], special.end)

        for token in answer():
            written.append(token)
            yield Decoded(token, ((0, 1.0),) if evidence_tokens else ())


def model(tmp_path: Path, backend: StandIn | None = None) -> tuple[LocalModel, StandIn]:
    made = backend or StandIn()
    retriever = in_memory(Settings(home=tmp_path))
    return LocalModel("m", made, lambda way, n: plan_for(made, n, step=512), retriever), made


def ask(asked: LocalModel, way: Way, *questions: str) -> list[str]:
    session = asked.session([LEASE, LETTER], way, asked.plan(way, 4000), threading.Event())
    return [session.ask(question, 40).text for question in questions]


def test_documents_are_read_once_and_answers_are_those_of_a_fresh_reading(tmp_path: Path) -> None:
    asked, backend = model(tmp_path)
    together = ask(asked, Way(), "Who?", "Where?", "Who?")
    n_read = sum(backend.steps)
    assert n_read == asked.prefix_tokens([LEASE, LETTER])
    assert [ask(asked, Way(), "Who?")[0], ask(asked, Way(), "Where?")[0]] == together[:2]
    assert together[0] == together[2] != together[1]


def test_quote_and_answer_are_taken_apart_and_cited_at_their_place(tmp_path: Path) -> None:
    asked, _ = model(tmp_path, Quoting())
    session = asked.session([LEASE], Way(), asked.plan(Way(), 4000), threading.Event())
    reply = session.ask("How much is the rent?", 60)
    assert (reply.text, reply.quote) == ("is", "The rent is 1,240 euros.")
    assert reply.stop_reason == "end"
    best = reply.citations[0]
    assert (best.document_id, best.status) == (LEASE.id, "verified")
    assert LEASE.text[best.start : best.end] == best.quote


def test_chunked_reads_only_passages_that_bear_on_the_question(tmp_path: Path) -> None:
    asked, backend = model(tmp_path, Quoting())
    session = asked.session([LEASE, LETTER], Way(mode="chunked", top_k=1), asked.plan(Way(), 4000), threading.Event())
    reply = session.ask("Which bay belongs to the flat?", 60)
    assert sum(backend.steps) < 1200
    assert [citation.document_id for citation in reply.citations] == [LETTER.id]
    assert "Bay 14" in reply.citations[0].quote


def test_without_documents_nothing_is_read(tmp_path: Path) -> None:
    asked, backend = model(tmp_path)
    assert ask(asked, Way(mode="none"), "Who?") != ask(asked, Way(), "Who?")
    assert backend.steps[0] < 20


def test_short_asks_for_the_answer_alone(tmp_path: Path) -> None:
    asked, _ = model(tmp_path)
    assert ask(asked, Way(short=True), "Who?") != ask(asked, Way(), "Who?")


def test_stop_ends_the_reading(tmp_path: Path) -> None:
    asked, _ = model(tmp_path)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        asked.session([LEASE], Way(), asked.plan(Way(), 4000), stop).ask("Who?", 5)


class Server:
    """A server that always quotes the same sentence and remembers what it was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def generate_remote(
        self,
        model: str,
        messages: Sequence[Mapping[str, str]],
        *,
        max_new_tokens: int = 256,
        stop: threading.Event | None = None,
    ) -> Generation:
        self.sent.append(messages[-1]["content"])
        return Generation((), '"The rent is 1,240 euros."', "end", Usage())


def test_a_server_gets_the_documents_the_passages_or_nothing(tmp_path: Path) -> None:
    server, backend = Server(), StandIn()
    retriever = in_memory(Settings(home=tmp_path))
    remote = RemoteModel("http://host/v1", server, lambda way, n: plan_for(backend, n), retriever, backend.tokenizer)
    modes: tuple[Mode, ...] = ("single", "chunked", "none")
    for mode in modes:
        way = Way(mode=mode)
        session = remote.session([LEASE, LETTER], way, remote.plan(way, 4000), threading.Event())
        reply = session.ask("How much is the rent?", 40)
        if mode != "none":
            assert any(citation.status == "verified" for citation in reply.citations)
    whole, passages, nothing = server.sent
    assert LEASE.text in whole
    assert "1,240" in passages
    assert len(passages) < len(whole)
    assert "1,240" not in nothing


def test_a_length_is_the_whole_prompt_with_its_answer(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, answer_reserve_tokens=256)
    backend = StandIn(native_context=2048)
    with open_model("m", settings, lambda chosen: Engine(chosen, load=lambda name, _: backend)) as opened:
        assert opened.plan(Way(), 2048).position_method == "none"
        assert opened.plan(Way(), 2049).position_method != "none"
        assert opened.plan(Way(position="string"), 2049).position_method == "string"
        assert opened.name == "m"
    assert backend.closed


def test_answers_by_other_copying_rules_are_not_taken_for_these(tmp_path: Path, monkeypatch) -> None:
    local, backend = model(tmp_path)
    plan = plan_for(backend, 100)
    before = local.fingerprint(plan)
    monkeypatch.setattr("longdoc.evaluation.asking.COPYING_RULES", -1)
    assert local.fingerprint(plan) != before


def test_answers_by_another_choice_of_blocks_are_not_taken_for_these(tmp_path: Path, monkeypatch) -> None:
    local, backend = model(tmp_path)
    dense = plan_for(backend, 100)
    sparse = replace(dense, attention="sparse", attention_budget=2048)
    before = [local.fingerprint(plan) for plan in (dense, sparse)]
    monkeypatch.setattr("longdoc.evaluation.asking.CHOICE_RULES", -1)
    after = [local.fingerprint(plan) for plan in (dense, sparse)]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)
