"""A chat endpoint with Starlette, in the protocol AG-UI; see serve_fastapi.py for how to ask it.

python examples/serve_starlette.py 8000 openai/gpt-6-luna
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

import bourn

MODEL = sys.argv[2] if len(sys.argv) > 2 else "local/smollm2-135m"


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
    async with bourn.Client() as client:
        yield {"client": client}


async def chat(request: Request) -> StreamingResponse:
    asked = await request.json()
    stream = request.state.client.stream(MODEL, asked["messages"])
    body = bourn.to_sse(stream, "ag-ui", thread_id=asked.get("threadId"), run_id=asked.get("runId"))
    await body.open()
    return StreamingResponse(body, headers=body.headers)


async def refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, bourn.BournError)
    return JSONResponse({"error": bourn.explain(error).message}, 503 if error.retryable else 500)


app = Starlette(
    routes=[Route("/chat", chat, methods=["POST"])], lifespan=lifespan, exception_handlers={bourn.BournError: refused}
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
