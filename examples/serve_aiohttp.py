"""A chat endpoint with aiohttp, for clients of OpenAI's chat completions; see serve_fastapi.py for how to ask it.

python examples/serve_aiohttp.py 8000 anthropic/claude-sonnet-5-5

aiohttp does not cancel a handler whose browser is gone unless it is told to: `handler_cancellation=True`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

import bourn

MODEL = sys.argv[2] if len(sys.argv) > 2 else "local/smollm2-135m"
CLIENT = web.AppKey("client", bourn.Client)


async def connections(app: web.Application) -> AsyncIterator[None]:
    async with bourn.Client() as app[CLIENT]:
        yield


async def chat(request: web.Request) -> web.StreamResponse:
    asked = await request.json()
    async with bourn.to_sse(request.app[CLIENT].stream(MODEL, asked["messages"]), "openai-chat") as body:
        try:
            await body.open()
        except bourn.BournError as error:
            return web.json_response({"error": bourn.explain(error).message}, status=503 if error.retryable else 500)
        response = web.StreamResponse(headers=body.headers)
        await response.prepare(request)
        with suppress(ConnectionResetError):  # the browser is gone
            async for data in body:
                await response.write(data)
    return response


app = web.Application()
app.cleanup_ctx.append(connections)
app.add_routes([web.post("/chat", chat)])

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    web.run_app(app, host="127.0.0.1", port=port, handler_cancellation=True)
