"""The program of the child process: serves one model file over HTTP on loopback until its standard input ends.

It reads one line of JSON, the order: ``model`` (path), ``name``, ``sha256`` (or null), ``key``, ``path`` (to import from). It
answers with one line: ``{"base_url": ...}`` once requests are served, or ``{"kind": ..., "error": ...}`` and exits.

House rule: it imports nothing of bourn and starts as a plain script. It must never outlive its parent: standard input ends when
the parent does, however it dies. llama.cpp holds the interpreter while it loads, so for that time Linux is asked to do it.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import json
import os
import signal
import sys
from typing import Any

PARAMETERS: dict[str, Any] = {
    "port": 0,  # the kernel picks a free one while binding: it cannot be taken
    "hostnames": ["127.0.0.1"],
    "n_parallel": 4,  # answers at once; more wait for their turn
    "n_ctx": 4 * 4096,  # tokens, divided among them; the memory for it is taken at the start
    "kv_unified": False,  # in a shared cache an answer at temperature 0 depends on what else is being answered
    "cache_ram_mib": 0,  # else up to 8 GiB of old prompts are kept
    "warmup": False,  # seconds of start for nothing that the first answer would notice
    "ui": False,
    "verbosity": 1,  # errors only; they go to standard error
}
"""What is set on ``xllamacpp.CommonParams``; everything else is llama.cpp's default."""

ENVIRONMENT = {"OMP_WAIT_POLICY": "passive"}
"""Unless set otherwise. llama.cpp's threads meet thousands of times a token and spin meanwhile: on a busy machine that is slow
beyond use (two cores and two other busy processes: minutes for an answer of seconds)."""

ONE_THREAD = 256 << 20
"""Bytes of a model below which a second thread does not hasten an answer (SmolLM2-135M, two idle cores: 0.46 s and 0.48 s)."""

PROMPT_THREADS = 4
"""Threads, at most, that read the prompt of a small model: that work comes in large pieces, and a second one does help."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Read the order, serve, and leave when standard input ends."""
    answers = _own_stdout()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the parent
    line = sys.stdin.buffer.readline()
    if not line:
        return
    _die_with_starter(signal.SIGKILL.value if hasattr(signal, "SIGKILL") else 0)
    server, answer = _serve(json.loads(line))
    _die_with_starter(0)  # the thread that started this process now ends; Linux would take that for the parent's death
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.close()
    if server is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # nobody reads it from now on
        sys.stdin.buffer.read()
    os._exit(0)  # nothing is worth a clean-up that could hang


def _own_stdout() -> Any:
    """Standard output for the answer alone: whatever native code prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _die_with_starter(number: int) -> None:
    """Have Linux send this process a signal when the thread that started it ends (prctl(2)); 0 takes that back."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def _serve(order: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """Start the server: it (to be kept, it stops with its last reference) and the answer, or ``None`` and what went wrong."""
    sys.path[:] = order["path"]
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        xllamacpp = importlib.import_module("xllamacpp")
    except ModuleNotFoundError as error:
        return None, {"kind": "missing", "error": str(error)}
    except ImportError as error:
        return None, {"kind": "import", "error": str(error)}
    if order["sha256"] and _sha256(order["model"]) != order["sha256"]:
        return None, {"kind": "damaged", "error": ""}
    try:
        server = xllamacpp.Server(_parameters(xllamacpp, order))
    except RuntimeError:  # its words are always the same; the reason is on standard error
        return None, {"kind": "load", "error": ""}
    return server, {"base_url": server.listening_address}


def _sha256(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib would double the time to start
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parameters(xllamacpp: Any, order: dict[str, Any]) -> Any:
    """The parameters for an order; only where there is a GPU is it worth the time to ask what fits into its memory."""
    params = xllamacpp.CommonParams()
    for name, value in PARAMETERS.items():
        setattr(params, name, value)
    params.model.path = order["model"]
    params.model_alias = {order["name"]}
    params.api_keys = [order["key"]]
    if os.path.getsize(order["model"]) < ONE_THREAD:  # noqa: PTH202 - pathlib would double the time to start
        params.cpuparams.n_threads = 1
        params.cpuparams_batch.n_threads = min(PROMPT_THREADS, os.cpu_count() or 1)
    cpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    params.fit_params = any(device["type"] != cpu for device in xllamacpp.get_device_info())
    return params


if __name__ == "__main__":
    main()
