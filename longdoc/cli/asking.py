"""`ask`, `read`, `plan`, `compare`: from arguments to printed answers."""

from __future__ import annotations

import argparse
import threading
from typing import Any

from longdoc.answer import checked_question, kit_of
from longdoc.backends.remote import is_address
from longdoc.cli import output
from longdoc.cli.faults import one_line
from longdoc.cli.session import Session, how, opened, tell_where_documents_go
from longdoc.compare import Comparison, ask_each
from longdoc.compare import compare as compare_ways
from longdoc.errors import UserError
from longdoc.packing import KeptEncodings, fit
from longdoc.settings import Settings
from longdoc.types import Answer, Mode

_MODES: dict[str, tuple[Mode, ...]] = {"single": ("single",), "chunked": ("chunked",), "both": ("single", "chunked")}


def ask(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Answer a question."""
    question = checked_question(args.question, settings)
    chosen = how(args, settings)
    with opened(args, settings, stop) as session:
        session.desk.engine.info(chosen.model)  # a wrong name is told before anything is read
        included = session.sources(args)
        tell_where_documents_go(session, chosen.model)
        answers, failed = ask_each(session.desk, included, question, _MODES[args.mode], chosen, _announce(session))
        for answer in answers:
            _tell(session, answer)
        for mode, error in failed.items():
            session.warn(f"{output.MODES[mode]}: {error}")
        session.line.done()
        if args.json:
            found = {"question": question, "model": chosen.model, "answers": [output.answer_json(a) for a in answers]}
            output.print_json(found | {"warnings": session.warnings})
        else:
            output.print_text("\n\n".join(output.answer_text(answer) for answer in answers))
    return 0


def read(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Read documents and keep what was read."""
    chosen = how(args, settings)
    if is_address(chosen.model):
        raise UserError("A server keeps its own readings.", next_step="Choose a local model.")
    with opened(args, settings, stop) as session:
        engine = session.desk.engine
        engine.info(chosen.model)
        included = session.sources(args)
        kit = kit_of(engine, chosen.model)
        prompt = kit.pack(included, None, encode=KeptEncodings(settings.cache / "tokens"))
        planned = engine.plan(chosen.model, prompt, **chosen.overrides())
        fit(prompt, planned.window, chosen.max_new_tokens, included)
        usage = engine.read(chosen.model, prompt, planned, stop, session.line, on_warning=session.warn)
        session.line.done()
        if args.json:
            output.print_json(
                {
                    "plan": output.plan_json(planned),
                    "usage": output.usage_json(usage),
                    "omitted": output.omitted_json(prompt.omitted),
                    "warnings": session.warnings,
                }
            )
        else:
            output.print_text(output.plan_text(planned))
            output.print_text(output.read_text(usage))
    return 0


def plan(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Say how documents would be read."""
    chosen = how(args, settings)
    with opened(args, settings, stop) as session:
        engine = session.desk.engine
        engine.info(chosen.model)
        included = session.sources(args)
        kit = kit_of(engine, chosen.model)
        prompt = kit.pack(included, None, encode=KeptEncodings(settings.cache / "tokens"))
        planned = engine.plan(chosen.model, prompt, **chosen.overrides())
        session.line.done()
        if args.json:
            found: dict[str, Any] = {"plan": output.plan_json(planned)}
            found |= {"omitted": output.omitted_json(prompt.omitted), "warnings": session.warnings}
            output.print_json(found)
        else:
            output.print_text(output.plan_text(planned))
            for omitted in prompt.omitted:
                output.print_text(f"  Not read: {output.omitted_text(omitted)}")
    return 0


def compare(args: argparse.Namespace, settings: Settings, stop: threading.Event) -> int:
    """Answer in single pass, chunked and without a document, and say what differs."""
    question = checked_question(args.question, settings)
    chosen = how(args, settings)
    with opened(args, settings, stop) as session:
        session.desk.engine.info(chosen.model)
        included = session.sources(args)
        tell_where_documents_go(session, chosen.model)
        found = compare_ways(session.desk, included, question, chosen, _announce(session))
        for answer in found.answers:
            _tell(session, answer)
        for mode, error in found.failed.items():
            session.warn(f"{output.MODES[mode]}: {error}")
        session.line.done()
        if args.json:
            output.print_json(_comparison_json(found) | {"warnings": session.warnings})
        else:
            output.print_text(_comparison_text(found))
    return 0


def _announce(session: Session) -> Any:
    def announce(mode: Mode) -> None:
        session.line.show(f"mode {mode}", output.MODES[mode])

    return announce


def _tell(session: Session, answer: Answer) -> None:
    for warning in answer.warnings:
        session.warn(warning)
    if answer.stop_reason == "stopped":
        session.warn(f"{output.MODES[answer.mode]} was stopped; what stands here is the beginning of its answer.")
    if answer.stop_reason == "length":
        session.warn(f"{output.MODES[answer.mode]} reached the longest answer allowed and may be cut there.")


def _comparison_json(found: Comparison) -> dict[str, Any]:
    return {
        "question": found.question,
        "model": found.model,
        "answers": [output.answer_json(answer) for answer in found.answers],
        "share_read": found.share_read,
        "differences": [
            {
                "mode": difference.mode,
                "claim": difference.claim,
                "citation": output.citation_json(difference.citation),
                "other": difference.other,
                "other_read_it": difference.other_read_it,
            }
            for difference in found.differences
        ],
    }


def _comparison_text(found: Comparison) -> str:
    lines = ["\n\n".join(output.answer_text(answer) for answer in found.answers), "", "Read of the documents:"]
    lines += [f"  {output.MODES[mode]}: {100 * share:.0f} %" for mode, share in found.share_read.items()]
    lines += ["", "Differences:" if found.differences else "No evidence stands in one answer only."]
    for difference in found.differences:
        read_it = "read it as well" if difference.other_read_it else "did not read it"
        said = f"{difference.claim} " if difference.claim else ""
        where = output.place(difference.citation)
        other = output.MODES[difference.other]
        lines.append(f"  {one_line(f'{output.MODES[difference.mode]}: {said}[{where}] {other} {read_it}.')}")
    return "\n".join(lines)
