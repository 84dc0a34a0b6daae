from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench import MODEL, Bench, Scripted, ScriptedChat

from longdoc.answer import How, ask
from longdoc.errors import PromptTooLong, Stopped, UserError
from longdoc.packing import Included
from longdoc.types import Progress

FACT = "The tenant must give thirty days of written notice."
FILLER = "The harbour lay quiet under grey clouds and nobody spoke for a long while. " * 30


def lease(bench: Bench, tmp_path: Path) -> Included:
    return bench.write(tmp_path / "lease.txt", f"{FILLER}\n\n{FACT}\n\n{FILLER}\n")


def test_a_single_pass_reads_everything_and_cites_the_quote(bench: Bench, tmp_path: Path) -> None:
    item = lease(bench, tmp_path)
    bench.model.script["What notice?"] = f"[1]<|quote|> {FACT}<|then|> thirty days<|end|>"
    answer = ask(bench.desk, [item], "  What notice?\n", "single", bench.how)
    assert (answer.mode, answer.text, answer.stop_reason) == ("single", "thirty days", "end")
    assert answer.citations[0].quote == FACT
    assert answer.omitted == ()
    assert answer.plan is not None
    assert answer.plan.n_tokens == answer.usage.prompt_tokens > len(FILLER) * 2
    assert item.document.text in bench.model.prompts[-1]
    assert bench.model.constraints[-1] is not None


def test_a_second_question_does_not_read_the_documents_again(bench: Bench, tmp_path: Path) -> None:
    item = lease(bench, tmp_path)
    first = ask(bench.desk, [item], "What notice?", "single", bench.how)
    second = ask(bench.desk, [item], "Another question?", "single", bench.how)
    assert first.usage.cached_tokens == 0
    assert second.usage.cached_tokens >= len(item.document.text)
    assert bench.seen.count("reused") == 1


def test_chunked_reads_only_passages_in_the_same_format(bench: Bench, tmp_path: Path) -> None:
    item = lease(bench, tmp_path)
    bench.model.script["What notice must the tenant give?"] = f"[1]<|quote|> {FACT}<|then|> thirty days<|end|>"
    answer = ask(bench.desk, [item], "What notice must the tenant give?", "chunked", replace(bench.how, top_k=2))
    assert answer.text == "thirty days"
    assert 1 <= len(answer.passages) <= 2
    prompt = bench.model.prompts[-1]
    assert prompt.startswith("<|bos|><|doc|>[1] lease.txt, line")
    assert FACT in prompt
    assert len(prompt) < len(item.document.text)
    assert [o.source for o in answer.omitted] == ["lease.txt"]
    assert "of the text" in answer.omitted[0].what


def test_without_a_document_only_the_question_is_read_and_nothing_cited(bench: Bench, tmp_path: Path) -> None:
    bench.model.script["What notice?"] = " thirty days<|end|>"
    answer = ask(bench.desk, [lease(bench, tmp_path)], "What notice?", "none", bench.how)
    assert bench.model.prompts[-1] == "<|bos|>"
    assert (answer.text, answer.citations) == ("thirty days", ())


def test_what_the_documents_do_not_say_is_said_with_the_nearest_passages(bench: Bench, tmp_path: Path) -> None:
    answer = ask(bench.desk, [lease(bench, tmp_path)], "Does the tenant own dogs?", "single", bench.how)
    assert (answer.text, answer.stop_reason) == ("Not stated.", "not_stated")
    assert answer.citations
    assert {(c.status, c.origin) for c in answer.citations} == {("attended", "retrieval")}
    assert "tenant" in answer.citations[0].quote


def test_chunked_without_a_passage_does_not_answer_from_memory(bench: Bench, tmp_path: Path) -> None:
    item = bench.write(tmp_path / "a.txt", "Nothing of that kind.\n")
    answer = ask(bench.desk, [item], "Xylophones?", "chunked", bench.how)
    assert answer.stop_reason == "not_stated"
    assert answer.citations == ()
    assert bench.model.prompts == []


def test_a_chosen_part_is_all_that_is_read_retrieved_or_cited(bench: Bench, tmp_path: Path) -> None:
    whole = lease(bench, tmp_path)
    part = replace(whole, ranges=((0, len(FILLER)),))
    bench.model.script["What notice?"] = f"[1]<|quote|> {FACT}<|then|> thirty days<|end|>"
    single = ask(bench.desk, [part], "What notice?", "single", bench.how)
    assert FACT not in bench.model.prompts[-1]
    assert [c.status for c in single.citations] == ["not_found"]
    assert single.omitted[0].reason == "left out by choice"
    chunked = ask(bench.desk, [part], "What notice must the tenant give?", "chunked", bench.how)
    assert all(p.end <= len(FILLER) for p in chunked.passages)


def test_documents_over_the_window_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "home", Scripted(window=3000))
    try:
        small = bench.write(tmp_path / "small.txt", "Short.\n")
        big = lease(bench, tmp_path)
        with pytest.raises(PromptTooLong, match=r"Without lease\.txt they fit") as caught:
            ask(bench.desk, [small, big], "What notice?", "single", replace(bench.how, window=3000))
        assert caught.value.over_tokens > 0
        assert bench.model.steps == []
        with pytest.raises(PromptTooLong, match=r"--top-k"):
            ask(bench.desk, [big], "What grey clouds?", "chunked", replace(bench.how, window=600))
    finally:
        bench.close()


@pytest.mark.parametrize("question", ["", " \n ", "?!", "x" * 20_001])
def test_an_empty_or_endless_question_is_refused(bench: Bench, tmp_path: Path, question: str) -> None:
    item = bench.write(tmp_path / "a.txt", "Some words.\n")
    with pytest.raises(UserError, match=r"question"):
        ask(bench.desk, [item], question, "single", bench.how)


def test_stop_while_reading_ends_the_request(bench: Bench, tmp_path: Path) -> None:
    item = lease(bench, tmp_path)
    bench.desk.stop.set()
    with pytest.raises(Stopped):
        ask(bench.desk, [item], "What notice?", "single", bench.how)


def test_counts_of_whole_documents_are_kept_for_budgets(bench: Bench, tmp_path: Path) -> None:
    item = lease(bench, tmp_path)
    ask(bench.desk, [item], "What notice?", "single", How(MODEL))
    count = bench.library.token_count(item.document.id, bench.model.tokenizer.fingerprint)
    assert count is not None
    assert count > len(item.document.text)


def test_a_library_that_cannot_be_written_does_not_keep_anyone_from_asking(bench: Bench, tmp_path: Path) -> None:
    item = lease(bench, tmp_path)
    memory_only = replace(bench.desk, library=None)
    bench.model.script["What notice must the tenant give?"] = f"[1]<|quote|> {FACT}<|then|> thirty days<|end|>"
    for mode in ("single", "chunked"):
        answer = ask(memory_only, [item], "What notice must the tenant give?", mode, bench.how)  # type: ignore[arg-type]
        assert answer.citations[0].status == "verified"


def test_times_count_from_the_request(bench: Bench, tmp_path: Path) -> None:
    item = lease(bench, tmp_path)
    bench.model.script["What notice?"] = " thirty days<|end|>"
    usage = ask(bench.desk, [item], "What notice?", "single", bench.how).usage
    assert 0 < usage.read_s <= usage.first_token_s <= usage.total_s
    assert usage.output_tokens == len(" thirty days")
    assert usage.peak_bytes > 0


def test_text_shown_while_answering_is_what_a_person_reads(bench: Bench, tmp_path: Path) -> None:
    item = lease(bench, tmp_path)
    bench.model.script["What notice?"] = f"[1]<|quote|> {FACT}<|then|> thirty days<|end|>"
    texts: list[str] = []

    def watch(progress: Progress) -> None:
        if progress.stage == "answering":
            texts.append(progress.text)

    ask(replace(bench.desk, on_progress=watch), [item], "What notice?", "single", bench.how)
    assert texts[-1] == f"“{FACT}” thirty days"


def test_a_chat_model_gets_marked_documents_and_each_sentence_its_own_evidence(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "home", ScriptedChat())
    try:
        item = lease(bench, tmp_path)
        question = "What notice?"
        bench.model.script[question] = f'Thirty days are due. The lease says "{FACT}"'
        bench.model.attends[question] = "nobody spoke"
        answer = ask(bench.desk, [item], question, "single", bench.how)
        assert answer.text == bench.model.script[question]
        prompt = bench.model.prompts[-1]
        assert prompt.count(item.marker) == 2
        assert "never an instruction" in prompt
        assert bench.model.constraints[-1] is None
        assert (answer.citations[0].quote, answer.citations[0].status) == (FACT, "verified")
        assert "attended" in {c.status for c in answer.citations}
        for citation in answer.citations:
            assert item.document.text[citation.start : citation.end] == citation.quote
    finally:
        bench.close()


def test_a_chat_model_on_this_machine_writes_summaries_on_one_reading(tmp_path: Path) -> None:
    from longdoc.summarize import summarize
    from longdoc.summarize.templates import GENERAL

    bench = Bench(tmp_path / "home", ScriptedChat())
    try:
        item = lease(bench, tmp_path)
        shown = ask(bench.desk, [item], "Warm up?", "single", bench.how)
        assert shown.usage.cached_tokens == 0

        class Anything(dict[str, str]):
            def get(self, key: str, default: object = None) -> str:  # type: ignore[override]
                return f'- Notice is thirty days. "{FACT}"' if key.startswith(GENERAL[0].question) else "None stated"

        bench.model.script = Anything()
        found = summarize(bench.desk, item, "general", bench.how)
        assert found.method == "written"
        assert [section.items[0].text for section in found.sections] == [
            "Notice is thirty days.",
            *["None stated"] * (len(GENERAL) - 1),
        ]
        assert found.sections[0].items[0].citations[0].quote == FACT
        assert found.usage.cached_tokens >= len(item.document.text)
    finally:
        bench.close()
