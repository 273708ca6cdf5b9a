"""Reports for the tests of their writers: every verdict, and a stranger who says what no page should believe."""

from __future__ import annotations

from typing import Any

from bourn.contract import Report, RuleResult
from bourn.contract.rule import get
from bourn.contract.verdict import CheckResult, Evidence, Line, Verdict

HOSTILE = (
    "</title></style><script>hacked = 1</script><img src=http://192.0.2.1/x onerror='hacked = 1'>\"' \x1b[2J\u202e\ud800&amp;"
)

TRACE = [
    Line(0.0, "server", "got POST /v1/chat/completions"),
    Line(0.0, "server", "sends 190 bytes", "b'HTTP/1.1 200 OK'"),
    Line(0.0, "reader", "got", "Start(id='x')"),
    Line(5.0, "server", "Wait(seconds=5.0)"),
    Line(5.0, "reader", "got", "ConnectionLostError: gone"),
    Line(5.0, "trace", "7 lines are left out here"),
    Line(5.0, "reader", "closed the stream: done"),
]

JOURNAL: dict[str, Any] = {
    "opened": 1,
    "connections": [
        {
            "at": 0.0,
            "peer": "eof",
            "peer_at": 5.0,
            "exchanges": [
                {
                    "at": 0.0,
                    "method": "POST",
                    "path": "/v1/chat/completions",
                    "faults": ["reset(event=6)"],
                    "notes": ["by the way"],
                    "bytes_sent": 1756,
                    "ending": "cut",
                    "ended_at": 5.0,
                }
            ],
        }
    ],
}


def evidence(words: str = "the usual answer") -> Evidence:
    """Something of everything."""
    return Evidence(
        seed=7,
        scenario=words,
        suspension="suspension 3: stream.py:12 in read",
        trace=list(TRACE),
        journals=[JOURNAL],
        disturbances=["loop: Task was destroyed"],
        output="printed\n",
        traceback="Traceback (most recent call last):\n  File",
        figures={"bytes held": [100, 120, 110, 400], "worst stall, s": [0.0625], "items in a row": 64},
    )


def result(
    id: str, verdict: Verdict, message: str = "", *, known: bool = False, should: bool = False, found: Evidence | None = None
) -> RuleResult:
    """A result with one check."""
    check = CheckResult("some_check", "data", "SHOULD" if should else "MUST", verdict, message, seconds=0.25)
    check.evidence = found or Evidence(seed=7)
    return RuleResult(get(id), [check], known)


def report(*results: RuleResult, subject: str = "mine") -> Report:
    """A report of so many results."""
    return Report(subject, "openai-chat", list(results), 7, 1.25, {"bourn": "0", "python": "3"})


def every_verdict(words: str = "it hung") -> Report:
    """A report with every verdict, known failures, a rule that has both aspects, and ``words`` wherever a stranger speaks."""
    both = [
        CheckResult("kept_its_words", "data", "MUST", "PASS", notes=[words], seconds=0.5, evidence=evidence()),
        CheckResult("left_nothing", "clean-up", "MUST", "FAIL", words, seconds=0.5, evidence=evidence(words)),
    ]
    strange = evidence(words)
    strange.trace = [Line(0.0, words, words, words), *TRACE]
    strange.output = strange.traceback = strange.suspension = words
    strange.disturbances = [words]
    strange.figures = {words: words, f"{words} twice": [1, 2, 3]}
    return report(
        result("1.1", "FAIL", words, should=True, found=evidence()),
        result("1.2", "PASS", found=evidence()),
        result("1.3", "FAIL", words, known=True, found=evidence()),
        result("1.4", "PASS", known=True),
        result("1.5", "SKIP", words),
        RuleResult(get("4.2"), both),
        result("5.1", "SKIP", "it was given no connect="),
        result("9.1", "ERROR", words, found=strange),
        result("10.1", "INFO", found=evidence()),
        RuleResult(get("12.2"), []),
        subject=words,
    )
