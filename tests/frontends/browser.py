"""Front ends that read what is written: JavaScript programs, run against a server that sends given bytes.

They find their packages in the folder that NODE_PATH names (`npm install ai @ag-ui/client` makes its `node_modules`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bourn.frontends import SseBody
from bourn.mock import Reply, ThreadedServer

HERE = Path(__file__).parent
NODE = shutil.which("node")


async def collected(body: AsyncIterator[bytes]) -> list[bytes]:
    """All that a body gives."""
    return [data async for data in body]


def read(script: str, package: str, body: SseBody, data: list[bytes]) -> Any:
    """What the front end says of an answer; skips where it is not installed."""
    if NODE is None:
        pytest.skip("node is not installed")
    with ThreadedServer(lambda _: Reply(200, dict(body.headers), data)) as server:
        command = [NODE, str(HERE / script), server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own script
    if f"Cannot find module '{package}'" in done.stderr:
        pytest.skip(f"{package} is not installed for {NODE}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
