"""The stream contract: fifty-four numbered rules that any asynchronous LLM stream can be held to, ours or anybody's.

    from bourn import contract

    def connect(base_url: str): ...                      # gives a stream that asks base_url, in the dialect
    subject = contract.Subject(name="mine", connect=connect, dialect="openai-chat", text=lambda event: event.text)
    report = await contract.check(subject)               # or contract.run(subject), where no loop runs
    print(report.text())
    assert report.ok

The same from pytest: see ``Suite``; on the command line: ``bourn verify package.module:subject``. What is declared decides what
can be judged: see ``Subject``. The rules are in ``rules.toml`` (``contract.RULES``).

How to write a check
--------------------
A coroutine function in ``checks/<section>.py``; the files there are found by themselves::

    @check("1.3")                                        # mode w: needs connect; more with needs=("text", "terminal")
    async def end_is_final(stage: Stage) -> None:
        guest = await stage.open()                       # factory(), or connect() to a server with scripts.ANSWER
        reading = await guest.read()                     # .items .end .clean .error
        outcome = await guest.next(within=1)             # .item .error .ended .failed; never raises what the subject raises
        require(outcome.ended, f"the call after the end gave {outcome}")

- ``check(id, needs=, aspect="data"|"clean-up", level=, clock="virtual"|"real", deadline=, alone=)``. A rule may have several
  checks; one that looks at data and at clean-up has one of each. ``level="SHOULD"`` is for a part of a MUST rule that is only
  asked for. Time is virtual unless the rule measures real time: a wait costs nothing, and a limit of the subject's that fires
  at 20 s fires at 20.0 s of ``stage.now()``.
- ``require(condition, message)`` is the only assertion. The message says what the subject *did*, in the past tense. Take one
  ``require`` away and a self-test must fail, so each needs a saboteur that only it catches: ``bench/mutate_contract.py`` tries.
- ``skip(reason)`` where the rule cannot be judged; ``stage.inform(note)`` for what is recorded and never failed. A rule that is
  kept by the plain answer and can be tried in more ways tries only those that fit: ``stage.fits(fault)``, ``stage.can_fail``.
- ``guest.read(most, within)``, ``guest.next(within)``, ``guest.close(within)`` are bounded: a wait that is too long is a FAIL
  by itself. ``guest.pull()`` (one read; a cancellation comes through), ``guest.closing()``, ``guest.stream`` and
  ``guest.iterator`` are unbounded, for what bounds or cancels them itself; the whole check is bounded all the same.
  ``guest.forget()`` drops every reference that the kit has. An error in making a stream is the outcome of its first read.
- ``stage.open(answer, fault=)`` is a stream of a server of its own; ``stage.failing()`` one that will raise. ``place = await
  stage.serve(answer, fault=, send_buffer=)`` is the server alone: ``place.open(client)``, ``place.client()`` (one client for
  several streams), ``stage.change(place, answer, fault=)`` (what it answers from now on), ``place.journal``,
  ``place.server.signal(name)``, ``await place.gone(within, what)``. Answers are those of ``bourn.mock``: scenarios with faults,
  in any dialect; or a ``Reply`` or a list of ops for exact bytes.
- ``stage.dice`` is seeded; ``stage.disturbances.of("loop", "unraisable", "warning")`` is what was complained about;
  ``stage.evidence.figures[name] = ...`` keeps measured figures (numbers, or lists of them for pictures);
  ``stage.evidence.suspension`` the point of a cancellation (``bourn.testing.suspensions``). Probes for tasks, threads, sockets,
  stalls and memory are in ``bourn.testing``.
- A check may return a function: it is called when the loop is closed, and may ``require`` things of what came after.

How to write a saboteur
-----------------------
In ``saboteurs/<section>.py``: the reference stream with one thing changed, and words that the verdict must have::

    class Reborn(ReferenceStream):
        async def more(self) -> None: ...

    sabotage("1.3", "the second call at the end gave", reference("begins anew", Reborn))

``bourn.contract.proving`` tests the kit itself: ``require_failure("1.3", subject, "words of the verdict")``, ``require_skip``,
``require_pass``; they raise ``AssertionError``.

House rule: the kit imports neither our client nor pytest; it must judge strangers.
"""

from __future__ import annotations

from bourn.contract.report import Report, RuleResult
from bourn.contract.rule import RULES, SECTIONS, Rule
from bourn.contract.runner import check, run
from bourn.contract.subject import Call, Partial, Subject
from bourn.contract.suite import Suite, hold
from bourn.contract.verdict import CheckResult, Evidence, Line, Verdict

__all__ = [
    "RULES",
    "SECTIONS",
    "Call",
    "CheckResult",
    "Evidence",
    "Line",
    "Partial",
    "Report",
    "Rule",
    "RuleResult",
    "Subject",
    "Suite",
    "Verdict",
    "check",
    "hold",
    "run",
]
