"""Questions of people and data sets: token F1, exact match, evidence hit, "Not stated." right and wrong.

Scores answerable questions, the set's own unanswerable ones and questions about
absent documents apart, because always refusing flatters a mixed figure. Which
text is put before the model is decided in `qa_haystacks.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from longdoc.errors import UserError
from longdoc.evaluation import qa_data, scoring
from longdoc.evaluation.asking import Way
from longdoc.evaluation.choice_files import read_choices
from longdoc.evaluation.evidence import Cited, evidence_hit
from longdoc.evaluation.items import Haystack, Item, Label, Reply, Scores
from longdoc.evaluation.qa_data import QaSet
from longdoc.evaluation.qa_haystacks import Gold, Shape, haystacks
from longdoc.evaluation.report import measured, row
from longdoc.evaluation.results import Record, Row
from longdoc.evaluation.runner import Run, run_haystacks
from longdoc.evaluation.statistics import macro

HUMAN = ("xquad_en", "nq_oracle", "qed", "squad2", "covidqa")  # human-written, extractive
RESERVE_TOKENS = 320  # question and answer
_ANSWERED = {
    "extractive": ("f1", "exact"),
    "abstractive": ("f1", "exact"),
    "summary": ("rouge_l",),
    "multiple_choice": ("accuracy",),
}


@dataclass(frozen=True)
class QaTask:
    """Which questions, put how before the model, and how many of each set."""

    data: Path
    sets: Sequence[str] = ()
    split: str = "dev"
    tasks: Sequence[str] = ()  # extractive, ...; none: extractive where a set has any, else all
    shape: Shape = field(default_factory=Shape)
    limit: int = 100
    seed: int = 0
    max_new_tokens: int = 192

    name = "qa"

    def load(self) -> list[QaSet]:
        """Return the chosen sets with the chosen questions. Raises UserError where one is missing or empty."""
        found = [self._chosen(data) for data in self._read()]
        if not any(data.questions for data in found):
            raise UserError("There is no question to ask.", next_step="Choose other --sets, --split or --tasks.")
        return found

    def _read(self) -> list[QaSet]:
        if self.data.is_file():
            return [read_choices(self.data) if self.data.suffix == ".json" else qa_data.read_set(self.data)]
        folder = self.data / "qa" if (self.data / "qa").is_dir() else self.data
        there = qa_data.set_names(folder, self.split)
        names = self.sets or [name for name in HUMAN if name in there] or there
        if not names:
            raise UserError(
                f"{self.data} holds no {self.split} questions.", next_step="Name a question file or folder with --data."
            )
        return [qa_data.read_set(qa_data.set_path(folder, name, self.split)) for name in names]

    def _chosen(self, data: QaSet) -> QaSet:
        tasks = self.tasks or (
            ("extractive",) if any(question.task == "extractive" for question in data.questions) else tuple(_ANSWERED)
        )
        fitting = tuple(question for question in data.questions if question.task in tasks)
        return QaSet(data.name.split(".")[0], qa_data.sample(fitting, self.limit, str(self.seed)), data.documents)

    def run(self, run: Run, ways: Sequence[Way]) -> list[Record]:
        """Ask everything and return the records."""
        records: list[Record] = []
        for data in self.load():
            count: Callable[[str], int] = lambda text: len(run.model.tokenizer.ids(text))  # noqa: E731  # it is passed on where a def would be longer
            made = haystacks(data, data.questions, self.shape, count, self.max_new_tokens, self.seed)
            n_asked = sum(len(haystack.items) for haystack in made)
            run.say(f"qa {data.name}: {n_asked} questions of {len(made)} texts")
            left_out = len(data.questions) - sum(_own(haystack.items) for haystack in made)
            if left_out:
                run.skip(f"{data.name}: {left_out} questions left out, no passage can be cut for them.")
            for way in ways:
                fitting = made if way.mode != "none" else _answerable(made)
                score_one = score if way.mode != "none" else _without_evidence
                records += run_haystacks(run, self.name, fitting, [way], score_one, RESERVE_TOKENS)
        return records


def _answerable(made: Sequence[Haystack]) -> list[Haystack]:
    """Without documents nothing is absent: only what can be answered from them is asked."""
    only = [replace(one, items=tuple(i for i in one.items if i.labels["kind"] == "answerable")) for one in made]
    return [one for one in only if one.items]


def _own(items: Iterable[Item]) -> int:
    return sum(item.labels["kind"] != "absent" for item in items)


def score(item: Item, reply: Reply) -> Scores:
    """Return every metric that applies to the item: how it was answered, whether it was refused, its evidence."""
    gold: Gold = item.details
    refused = float(scoring.is_not_stated(reply.text))
    if gold.kind != "answerable":
        return {"refused": refused}
    scores: dict[str, float] = {}
    for metric in _ANSWERED.get(gold.task, ("f1", "exact")):
        scores[metric] = _answered(metric, gold, reply.text)
    scores["refused"] = refused
    if gold.task in ("extractive", "abstractive") or gold.evidence:
        scores["evidence_hit"] = float(_hit(gold, reply))
    return scores


def _without_evidence(item: Item, reply: Reply) -> Scores:
    return {metric: value for metric, value in score(item, reply).items() if metric != "evidence_hit"}


def _answered(metric: str, gold: Gold, answer: str) -> float:
    match metric:
        case "f1":
            return scoring.token_f1(answer, gold.answers)
        case "exact":
            return scoring.exact(answer, gold.answers)
        case "rouge_l":
            return scoring.rouge_l(answer, gold.answers)
    letter = scoring.chosen_letter(answer, gold.choices)
    chosen = gold.choices["ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter)] if letter else ""
    return float(bool(letter) and scoring.normalised(chosen) == scoring.normalised(gold.answers[0]))


def _hit(gold: Gold, reply: Reply) -> bool:
    cited = [Cited(one.document_id, one.start, one.end, one.quote) for one in reply.citations]
    return evidence_hit(
        cited,
        document_id=gold.document_id,
        answers=gold.answers,
        evidence=gold.evidence,
        answer_start=gold.answer_start,
    )


def rows(records: Sequence[Record]) -> list[Row]:
    """Return rows for each set, and over sets (each set counts the same), for every way of reading."""
    found: list[Row] = []
    ways: dict[tuple[Label, ...], list[Record]] = {}
    # Prompts of different sizes may be read by different methods: what was asked for decides the group.
    names = ("length", "requested", "attention", "mode", "kv_dtype", "documents", "names")
    for record in records:
        ways.setdefault(tuple(record.labels.get(name) for name in names), []).append(record)
    for key, members in ways.items():
        labels = dict(zip(names, key, strict=True))
        methods = {record.labels["position_method"] for record in members}
        labels["position_method"] = methods.pop() if len(methods) == 1 else labels["requested"]
        del labels["requested"]
        sets = list(dict.fromkeys(str(record.labels["set"]) for record in members))
        for metric, part in _parts(members).items():
            estimates = [(name, measured(_of(part, name), "value")) for name in sets]
            found += [row({**labels, "set": name}, metric, value) for name, value in estimates if value.n]
            if sum(value.n > 0 for _, value in estimates) > 1:
                found.append(row({**labels, "set": "mean of sets"}, metric, macro([value for _, value in estimates])))
    return sorted(found, key=lambda one: [str(one["mode"]), sets_order(str(one["set"]))])


def sets_order(name: str) -> str:
    return "~" if name == "mean of sets" else name


def _of(records: Sequence[Record], name: str) -> list[Record]:
    return [record for record in records if record.labels["set"] == name]


def _parts(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return for each metric the records that count for it, their score under `value`."""
    parts: dict[str, list[Record]] = {}
    for record in records:
        kind = record.labels["kind"]
        for metric, value in record.scores.items():
            if metric != "refused":
                parts.setdefault(metric, []).append(_valued(record, value))
        refused = record.scores["refused"]
        recall = {"answerable": "false_refusals", "absent": "absent_not_stated", "unanswerable": "not_stated_recall"}
        parts.setdefault(recall[str(kind)], []).append(_valued(record, refused))
        if refused:  # of what was refused, how much is truly not there
            parts.setdefault("not_stated_precision", []).append(_valued(record, float(kind != "answerable")))
    return parts


def _valued(record: Record, value: float) -> Record:
    return Record(**{**vars(record), "scores": {"value": value}})
