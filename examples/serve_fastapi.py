"""A chat endpoint with FastAPI: the answer of any model, in the protocol of Vercel's `useChat`.

python examples/serve_fastapi.py 8000 openai/gpt-6-luna
curl -N localhost:8000/chat -d '{"messages": [{"role": "user", "content": "Why is the sky blue?"}]}'

A browser that goes away closes the model's connection: the server cancels the response, and the body closes the stream.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

import bourn

MODEL = sys.argv[2] if len(sys.argv) > 2 else "local/smollm2-135m"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with bourn.Client() as app.state.client:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/chat")
async def chat(request: Request) -> StreamingResponse:
    asked = await request.json()
    body = bourn.to_sse(request.app.state.client.stream(MODEL, asked["messages"]), "ai-sdk-ui")
    await body.open()  # a model that refuses at once is answered with a status
    return StreamingResponse(body, headers=body.headers)


@app.exception_handler(bourn.BournError)
async def refused(_: Request, error: bourn.BournError) -> JSONResponse:
    return JSONResponse({"error": bourn.explain(error).message}, 503 if error.retryable else 500)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
