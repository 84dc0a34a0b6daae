"""longdoc/engine: read once, answer often, one at a time, and say what happens meanwhile."""

import dataclasses
import threading
import time
import weakref
from pathlib import Path

import pytest
from standin import ANSWER_TOKENS, StandIn, document_id, plan_for, prompt_of, settings_in, stored_bytes, text_of

from longdoc.engine import Engine
from longdoc.errors import ModelError, Stopped, UserError
from longdoc.planning import Measurements, memory
from longdoc.settings import Settings
from longdoc.store import Library

LEASE, ANNEX, LETTER = text_of(3000, "lease"), text_of(700, "annex"), text_of(500, "letter")


class Bench:
    """Engines over one home, each with stand-ins of its own, as processes that come one after the other."""

    def __init__(self, folder: Path, **fields) -> None:
        self.settings: Settings = settings_in(folder, **fields)
        self.engines: list[Engine] = []
        self.backend = StandIn()

    def engine(self, backend: StandIn | None = None, library: Library | None = None) -> Engine:
        self.backend = backend or StandIn()
        engine = Engine(self.settings, library, load=lambda model, settings: self.backend)
        self.engines.append(engine)
        return engine

    def ask(self, engine: Engine, *texts: str, question: str = "who?", **options):
        prompt = prompt_of(*texts, question=question)
        return engine.generate("m", prompt, plan_for(self.backend, len(prompt.token_ids)), **options)

    def close(self) -> None:
        for engine in self.engines:
            engine.close()


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def cold(tmp_path: Path, *texts: str, question: str = "who?") -> str:
    """Return the answer of an engine that has never read anything."""
    fresh = Bench(tmp_path / f"cold-{time.monotonic_ns()}")
    try:
        return fresh.ask(fresh.engine(), *texts, question=question).text
    finally:
        fresh.close()


def test_a_second_question_reads_nothing_of_the_documents_again(bench, tmp_path):
    engine = bench.engine()
    first = bench.ask(engine, LEASE, ANNEX)
    assert first.usage.cached_tokens == 0
    steps = len(bench.backend.steps)
    second = bench.ask(engine, LEASE, ANNEX, question="when?")
    assert second.usage.cached_tokens == prompt_of(LEASE, ANNEX).prefix_len
    assert len(bench.backend.steps) == steps
    assert second.text == cold(tmp_path, LEASE, ANNEX, question="when?") != first.text


def test_a_new_process_reads_nothing_of_the_documents_again(bench, tmp_path):
    bench.ask(bench.engine(), LEASE, ANNEX)
    found = bench.ask(bench.engine(), LEASE, ANNEX, question="when?")
    assert found.usage.cached_tokens == prompt_of(LEASE, ANNEX).prefix_len
    assert bench.backend.steps == []
    assert found.text == cold(tmp_path, LEASE, ANNEX, question="when?")
    assert found.warnings == ()


@pytest.mark.parametrize("same_process", [True, False])
def test_adding_a_document_at_the_end_reads_that_document_only(bench, tmp_path, same_process):
    engine = bench.engine()
    bench.ask(engine, LEASE, ANNEX)
    engine = engine if same_process else bench.engine()
    before = sum(bench.backend.steps)
    found = bench.ask(engine, LEASE, ANNEX, LETTER)
    known, whole = prompt_of(LEASE, ANNEX).prefix_len, prompt_of(LEASE, ANNEX, LETTER).prefix_len
    assert found.usage.cached_tokens == known
    assert sum(bench.backend.steps) - before == whole - known
    assert found.text == cold(tmp_path, LEASE, ANNEX, LETTER)


@pytest.mark.parametrize("same_process", [True, False])
def test_leaving_out_the_last_document_reads_nothing(bench, tmp_path, same_process):
    engine = bench.engine()
    bench.ask(engine, LEASE, ANNEX)
    engine = engine if same_process else bench.engine()
    found = bench.ask(engine, LEASE)
    assert found.usage.cached_tokens == prompt_of(LEASE).prefix_len
    assert found.text == cold(tmp_path, LEASE)


def test_a_change_within_a_document_is_read_from_there_on(bench, tmp_path):
    bench.ask(bench.engine(), LEASE, ANNEX)
    changed = LEASE[:2000] + "X" + LEASE[2001:]
    found = bench.ask(bench.engine(), changed, ANNEX)
    assert found.usage.cached_tokens == prompt_of(LEASE).prefix_len - 1000
    assert found.text == cold(tmp_path, changed, ANNEX)


def test_another_model_or_method_shares_nothing_and_says_so(bench, tmp_path):
    bench.ask(bench.engine(), LEASE)
    other = StandIn(weights="b")
    found = bench.ask(bench.engine(other), LEASE)
    assert found.usage.cached_tokens == 0
    assert "read before" in found.warnings[0]
    engine = bench.engine()
    prompt = prompt_of(LEASE)
    stretched = plan_for(bench.backend, len(prompt.token_ids), method="yarn", factor=4.0)
    assert engine.generate("m", prompt, stretched).usage.cached_tokens == 0
    assert bench.ask(engine, LEASE).usage.cached_tokens == prompt.prefix_len


def test_reading_ahead_serves_the_question(bench):
    engine = bench.engine()
    prompt = prompt_of(LEASE)
    usage = engine.read("m", prompt, plan_for(bench.backend, len(prompt.token_ids)))
    assert (usage.cached_tokens, usage.output_tokens) == (0, 0)
    assert usage.peak_bytes > 1 << 20
    assert bench.ask(bench.engine(), LEASE).usage.cached_tokens == prompt.prefix_len


def test_passages_neither_use_nor_displace_what_is_kept(bench, tmp_path):
    engine = bench.engine()
    bench.ask(engine, LEASE)
    entries = len(engine.keeper.disk.entries())
    passage = bench.ask(engine, LEASE[:500], keep=False)
    assert passage.text == cold(tmp_path, LEASE[:500])
    assert len(engine.keeper.disk.entries()) == entries
    steps = len(bench.backend.steps)
    assert bench.ask(engine, LEASE).usage.cached_tokens == prompt_of(LEASE).prefix_len
    assert len(bench.backend.steps) == steps


def test_a_question_without_documents_is_answered_and_nothing_is_kept(bench):
    engine = bench.engine()
    prompt = dataclasses.replace(prompt_of(), prefix_len=0)
    found = engine.generate("m", prompt, plan_for(bench.backend, len(prompt.token_ids)))
    assert found.text
    assert found.evidence == ((),) * len(found.output_ids)
    assert engine.keeper.disk.entries() == []


def test_the_answer_counts_tokens_and_carries_evidence_for_each(bench):
    found = bench.ask(bench.engine(), LEASE)
    assert found.stop_reason == "end"
    assert len(found.output_ids) == found.usage.output_tokens == ANSWER_TOKENS - 1  # without the end mark
    assert len(found.evidence) == len(found.output_ids)
    assert all(0 <= block < prompt_of(LEASE).prefix_len / found.block_tokens for ((block, _),) in found.evidence)
    assert 0 < found.usage.read_s <= found.usage.first_token_s <= found.usage.total_s
    assert found.usage.prompt_tokens == len(prompt_of(LEASE).token_ids)


def test_an_answer_as_long_as_allowed_says_so_and_a_shorter_one_does_not(bench):
    engine = bench.engine()
    assert bench.ask(engine, LEASE, max_new_tokens=5).stop_reason == "length"
    assert bench.ask(engine, LEASE, max_new_tokens=ANSWER_TOKENS).stop_reason == "end"


def test_a_constraint_is_obeyed_and_may_end_the_answer(bench):
    class OnlyThreeA:
        def allowed(self, output_ids):
            return bench.backend.tokenizer.ids("a") if len(output_ids) < 3 else []

        def raised(self, output_ids):
            return {}

    found = bench.ask(bench.engine(), LEASE, constraint=OnlyThreeA())
    assert (found.text, found.stop_reason) == ("aaa", "end")


def test_progress_goes_from_loading_over_reading_to_the_growing_answer(bench):
    seen = []
    found = bench.ask(bench.engine(), LEASE, on_progress=seen.append)
    stages = [progress.stage for progress in seen]
    assert list(dict.fromkeys(stages)) == ["loading", "reading", "answering"]
    reading = [progress for progress in seen if progress.stage == "reading"]
    assert [p.done for p in reading] == sorted({p.done for p in reading})
    assert reading[-1].done == reading[-1].total == prompt_of(LEASE).prefix_len
    assert reading[0].left_s is None
    assert reading[-2].left_s > 0
    assert [p.text for p in seen if p.stage == "answering"] == [
        found.text[: n + 1] for n in range(len(found.output_ids))
    ]


def test_progress_of_a_follow_up_says_what_was_read_already(bench):
    engine, seen = bench.engine(), []
    bench.ask(engine, LEASE)
    bench.ask(engine, LEASE, on_progress=seen.append)
    assert (seen[0].stage, seen[0].done) == ("reused", prompt_of(LEASE).prefix_len)
    assert "reading" not in {progress.stage for progress in seen}


def test_the_text_can_be_shown_in_another_form_than_the_tokenizers(bench):
    seen = []
    found = bench.ask(bench.engine(), LEASE, render=lambda ids: f"{len(ids)} tokens", on_progress=seen.append)
    assert found.text == f"{ANSWER_TOKENS - 1} tokens"
    assert seen[-1].text == found.text


def test_speed_is_measured_and_predicts_the_next_read(bench):
    engine = bench.engine(StandIn(step_s=0.002))
    engine.backend("m")
    prompt = prompt_of(LEASE)
    assert engine.plan("m", prompt).predicted_s is None
    bench.ask(engine, LEASE)
    assert engine.plan("m", prompt).predicted_s > 0
    assert Measurements.of(bench.settings, bench.backend.info).token_s > 0


def test_speed_can_be_measured_without_documents(bench):
    engine = bench.engine()
    engine.measure("m")
    assert engine.plan("m", 5000).predicted_s is not None
    assert engine.keeper.disk.entries() == []


def test_a_model_is_loaded_once_and_given_back_at_the_end(bench):
    engine = bench.engine()
    assert engine.backend("m") is engine.backend("m")
    engine.close()
    assert bench.backend.closed


# stop


def test_stop_while_reading_ends_within_a_step_and_what_was_read_is_kept(bench, tmp_path):
    stop = threading.Event()
    engine = bench.engine()

    def press(progress):
        if progress.stage == "reading" and progress.done >= 1000:
            stop.set()

    with pytest.raises(Stopped):
        bench.ask(engine, LEASE, stop=stop, on_progress=press)
    read = sum(bench.backend.steps)
    assert 1000 <= read < 1000 + 256
    again = bench.ask(bench.engines[0], LEASE)
    assert again.usage.cached_tokens == read
    assert again.text == cold(tmp_path, LEASE)


def test_stop_gives_the_readings_memory_back(bench):
    stop, engine = threading.Event(), bench.engine()
    with pytest.raises(Stopped):
        bench.ask(engine, LEASE, stop=stop, on_progress=lambda p: p.stage == "reading" and stop.set())
    assert engine.keeper.held_bytes == 0


def test_stop_while_answering_returns_what_there_is_and_loses_no_reading(bench, tmp_path):
    stop, engine = threading.Event(), bench.engine()
    whole = cold(tmp_path, LEASE)
    found = bench.ask(engine, LEASE, stop=stop, on_progress=lambda p: len(p.text) == 4 and stop.set())
    assert (found.text, found.stop_reason) == (whole[:4], "stopped")
    engine.close()  # saving went on beside
    assert bench.ask(bench.engine(), LEASE).usage.cached_tokens == prompt_of(LEASE).prefix_len


def test_stop_before_it_begins_reads_nothing(bench):
    stop, engine = threading.Event(), bench.engine()
    stop.set()
    with pytest.raises(Stopped):
        bench.ask(engine, LEASE, stop=stop)
    assert bench.backend.steps == []


def test_checkpoints_are_written_while_reading(tmp_path):
    bench = Bench(tmp_path, checkpoint_every_s=0.0)
    engine = bench.engine()
    saved = []

    def look(progress):
        if progress.stage == "reading":
            engine.keeper.settle()
            saved.extend(entry.n_tokens for entry in engine.keeper.disk.entries())

    bench.ask(engine, LEASE, on_progress=look)
    assert saved[:2] == [256, 512]
    bench.close()


# memory


def test_a_reading_that_cannot_fit_is_refused_before_it_begins_and_the_next_question_works(bench, monkeypatch):
    engine = bench.engine()
    monkeypatch.setattr(memory, "available_bytes", lambda: 10_000_000)
    with pytest.raises(ModelError, match="needs about") as error:
        bench.ask(engine, LEASE)
    assert error.value.code == "too_large"
    assert error.value.next_step
    assert bench.backend.steps == []
    monkeypatch.undo()
    assert bench.ask(engine, LEASE).text


def test_the_reading_held_for_later_gives_way_to_one_that_needs_the_memory(bench, monkeypatch):
    engine = bench.engine()
    bench.ask(engine, LEASE)
    free = iter([10_000_000, 10_000_000_000])
    monkeypatch.setattr(memory, "available_bytes", lambda: next(free))
    held = []
    engine.keeper.drop_held, drop = lambda: (held.append(engine.keeper.held_bytes), drop()), engine.keeper.drop_held
    assert bench.ask(engine, ANNEX, keep=False).text
    assert held[0] > 0
    assert engine.keeper.held_bytes == 0


def test_out_of_memory_is_tried_once_more_with_smaller_steps_from_where_it_was(bench, tmp_path):
    engine = bench.engine(StandIn(memory_step=64))
    assert bench.ask(engine, LEASE).text == cold(tmp_path, LEASE)
    assert set(bench.backend.steps) <= {64, bench.backend.steps[-1]}


def test_out_of_memory_twice_is_one_clear_error_and_the_next_question_works(bench, tmp_path):
    engine = bench.engine(StandIn(memory_step=16))
    with pytest.raises(ModelError, match="not enough memory") as error:
        bench.ask(engine, LEASE)
    assert error.value.code == "memory"
    assert engine.keeper.held_bytes == 0
    bench.backend.memory_step = None
    assert bench.ask(engine, LEASE).text == cold(tmp_path, LEASE)


def test_the_memory_of_a_failed_reading_is_back_before_the_next_attempt_and_at_the_end(bench):
    backend, made, alive = StandIn(memory_step=16), [], []
    new_cache = backend.new_cache

    def watched(plan, n_prefix):
        alive.append(sum(reading() is not None for reading in made))
        reading = new_cache(plan, n_prefix)
        made.append(weakref.ref(reading))
        return reading

    backend.new_cache = watched
    engine = bench.engine(backend)
    with pytest.raises(ModelError) as error:
        bench.ask(engine, LEASE)
    assert alive == [0, 0]
    assert [reading() for reading in made] == [None, None], error


def test_other_model_errors_are_not_tried_again(bench):
    backend = StandIn()
    backend.new_cache = lambda plan, n: (_ for _ in ()).throw(ModelError("damaged", code="damaged"))
    engine = bench.engine(backend)
    with pytest.raises(ModelError, match="damaged"):
        bench.ask(engine, LEASE)


def test_only_the_last_reading_is_held_in_memory(bench):
    engine = bench.engine()
    bench.ask(engine, LEASE)
    bench.ask(engine, ANNEX)
    assert engine.keeper.held_bytes < prompt_of(LEASE).prefix_len * 128
    engine.release()
    assert engine.keeper.held_bytes == 0
    assert bench.ask(engine, ANNEX).usage.cached_tokens == prompt_of(ANNEX).prefix_len


# deletion and index


def test_forgetting_a_document_deletes_its_readings_everywhere(bench):
    engine = bench.engine()
    bench.ask(engine, ANNEX)
    bench.ask(engine, LEASE, ANNEX)
    assert engine.forget(document_id(LEASE)) == 1
    assert engine.keeper.held_bytes == 0
    assert bench.ask(engine, LEASE, ANNEX).usage.cached_tokens == 0
    assert bench.ask(engine, ANNEX).usage.cached_tokens == prompt_of(ANNEX).prefix_len


def test_the_library_lists_the_readings_that_are_on_disk(bench):
    with Library(bench.settings) as library:
        engine = bench.engine(library=library)
        bench.ask(engine, LEASE)
        (row,) = library.cache_entries(document_id(LEASE))
        (entry,) = engine.keeper.disk.entries()
        assert (row.key, row.n_tokens, row.path) == (entry.key, entry.n_tokens, str(entry.path))
        engine.forget(document_id(LEASE))
        assert library.cache_entries() == []


def test_what_is_held_in_memory_equals_what_is_on_disk(bench):
    engine = bench.engine()
    bench.ask(engine, LEASE)
    _, held = engine.keeper._held
    match = engine.keeper.disk.find(engine.keeper._held[0].fingerprint, held.token_ids).match
    restored = bench.backend.new_cache(plan_for(bench.backend, held.n_tokens), held.n_tokens)
    engine.keeper.disk.load(match, restored)
    assert stored_bytes(restored) == stored_bytes(held)


# several people


def test_closing_stops_what_runs_and_keeps_what_was_read(bench):
    engine = bench.engine(StandIn(step_s=0.01))
    reading, ended = threading.Event(), []

    def work():
        try:
            bench.ask(engine, LEASE, on_progress=lambda p: p.stage == "reading" and reading.set())
        except Stopped:
            ended.append("stopped")

    thread = threading.Thread(target=work)
    thread.start()
    assert reading.wait(30)
    engine.close()
    thread.join(30)
    assert ended == ["stopped"]
    assert bench.backend.closed
    with pytest.raises(ModelError, match="closing"):
        bench.ask(engine, LEASE)
    assert bench.ask(bench.engine(), LEASE).usage.cached_tokens >= 256


def test_two_people_share_the_worker_and_neither_sees_the_others_text(bench, tmp_path):
    engine = bench.engine()
    texts = {"ann": LEASE, "bob": ANNEX}
    right = {name: [cold(tmp_path, text, question=str(n)) for n in range(3)] for name, text in texts.items()}
    got: dict[str, list[str]] = {"ann": [], "bob": []}

    def work(name):
        for n in range(20):
            got[name].append(bench.ask(engine, texts[name], question=str(n % 3), owner=name).text)

    threads = [threading.Thread(target=work, args=(name,)) for name in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in texts:
        assert got[name] == [right[name][n % 3] for n in range(20)]


def test_an_error_in_one_request_frees_the_worker(bench):
    engine = bench.engine()
    with pytest.raises(ZeroDivisionError):
        bench.ask(engine, LEASE, on_progress=lambda progress: 1 / 0)
    assert bench.ask(engine, LEASE).text


def test_an_unknown_override_of_the_plan_is_explained(bench):
    engine = bench.engine()
    engine.backend("m")
    with pytest.raises(UserError, match="attention"):
        engine.plan("m", 100, attention="telepathic")
