"""What the client's half of Gemini's dialect sends, and what it says that it cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn import providers
from bourn.dialects.gemini.decoder import DIALECT
from bourn.dialects.gemini.request import UNSIGNED
from bourn.messages import (
    Image,
    Message,
    Options,
    Part,
    Reasoning,
    Refusal,
    Request,
    Schema,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from bourn.testing.strategies import json_arguments, names, texts
from tests.dialects.gemini_wire import Json

OLD, NEW = "gemini-2.5-flash", "gemini-3.8-flash"
HI = Message("user", "hi")
SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}


def sent(*messages: Message, model: str = OLD, **options: Any) -> tuple[Json, tuple[str, ...]]:
    """The body and the warnings of a request."""
    call = DIALECT.call(Request(model, messages or (HI,), Options(**options)))
    assert (call.path, call.method) == (f"/v1beta/models/{model}:streamGenerateContent?alt=sse", "POST")
    body: Json = json.loads(call.body)
    return body, call.warnings


def contents(*messages: Message, model: str = OLD) -> list[Json]:
    """The turns sent; no warning may come."""
    body, warnings = sent(*messages, model=model)
    assert warnings == ()
    told: list[Json] = body["contents"]
    return told


def config(model: str = OLD, **options: Any) -> Json:
    """The generation config sent; no warning may come."""
    body, warnings = sent(model=model, **options)
    assert warnings == ()
    told: Json = body["generationConfig"]
    return told


def test_a_plain_prompt_is_a_small_body() -> None:
    """Only what is needed is sent; the model is in the path."""
    assert sent() == ({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}, ())


@pytest.mark.parametrize(
    ("model", "quirks", "stream", "path"),
    [
        ("gemini-x", (), True, "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"),
        ("gemini-x", (), False, "/v1beta/models/gemini-x:generateContent"),
        ("models/gemini-x", (), False, "/v1beta/models/gemini-x:generateContent"),
        ("tunedModels/mine", (), False, "/v1beta/tunedModels/mine:generateContent"),
        ("gemini-x", ("v1",), False, "/v1/models/gemini-x:generateContent"),
        ("gemini-x@001", ("vertex", "x"), False, "/publishers/google/models/gemini-x@001:generateContent"),
        ("a b?c:d", (), False, "/v1beta/models/a%20b%3Fc%3Ad:generateContent"),
    ],
)
def test_the_path_says_service_model_and_stream(model: str, quirks: tuple[str, ...], stream: bool, path: str) -> None:
    """A model's name cannot break out of its place."""
    assert DIALECT.call(Request(model, (HI,), stream=stream, quirks=frozenset(quirks))).path == path


ENVIRON = {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "us-east5"}


@pytest.mark.parametrize(
    ("provider", "place", "header"),
    [
        ("gemini", "https://generativelanguage.googleapis.com/v1beta", "x-goog-api-key"),
        ("google", "https://generativelanguage.googleapis.com/v1beta", "x-goog-api-key"),
        (
            "vertex",
            "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/google",
            "authorization",
        ),
        (
            "vertex-global",
            "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google",
            "authorization",
        ),
        ("vertex-express", "https://aiplatform.googleapis.com/v1/publishers/google", "x-goog-api-key"),
    ],
)
def test_the_addresses_of_googles_services_are_those_that_were_recorded(provider: str, place: str, header: str) -> None:
    """The Gemini API with a key; Vertex in a region, world-wide, and with a key in its express mode."""
    endpoint = providers.resolve(f"{provider}/m", api_key="k", environ=ENVIRON)
    call = endpoint.dialect.call(Request(endpoint.model, (HI,), quirks=endpoint.provider.quirks))
    assert (endpoint.base_url or "") + call.path == f"{place}/models/m:streamGenerateContent?alt=sse"
    assert list(endpoint.headers()) == [header]


def test_options_have_geminis_names() -> None:
    """Each option that the API has is sent under its name; a seed of 0 is one."""
    assert config(max_tokens=9, temperature=0.5, top_p=0.9, stop=("a", "b"), seed=0) == {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "stopSequences": ["a", "b"],
        "seed": 0,
    }


def test_a_schema_is_sent_as_json_schema() -> None:
    """Untouched, with the media type that it wants."""
    assert config(schema=Schema(SCHEMA)) == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}


@pytest.mark.parametrize(
    ("model", "wish", "told"),
    [
        (NEW, "low", {"thinkingLevel": "low", "includeThoughts": True}),
        (NEW, "medium", {"thinkingLevel": "medium", "includeThoughts": True}),
        (NEW, "high", {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-flash-latest", "high", {"thinkingLevel": "high", "includeThoughts": True}),
        (OLD, "none", {"thinkingBudget": 0}),
        (OLD, "minimal", {"thinkingBudget": 1024, "includeThoughts": True}),
        (OLD, "high", {"thinkingBudget": 24576, "includeThoughts": True}),
        ("tunedModels/mine", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        (OLD, 0, {"thinkingBudget": 0}),
        (NEW, 500, {"thinkingBudget": 500, "includeThoughts": True}),
    ],
)
def test_reasoning_is_a_level_or_a_budget(model: str, wish: str | int, told: Json) -> None:
    """A level from Gemini 3 on, a budget before it and where one is given; the thoughts are asked for too."""
    call = DIALECT.call(Request(model, (HI,), Options(reasoning=wish)))  # type: ignore[arg-type]  # words of the table
    assert json.loads(call.body)["generationConfig"] == {"thinkingConfig": told}
    assert call.warnings == ()


@pytest.mark.parametrize(("wish", "level"), [("none", "low"), ("minimal", "low"), ("xhigh", "high")])
def test_a_level_that_not_every_model_takes_is_told(wish: str, level: str) -> None:
    """The nearest one is sent."""
    body, warnings = sent(model=NEW, reasoning=wish)
    assert body["generationConfig"]["thinkingConfig"]["thinkingLevel"] == level
    assert warnings == (f"reasoning {wish!r} is sent as the level {level!r}, the nearest that every model of Gemini 3 takes",)


def test_tools_are_declared_with_json_schemas() -> None:
    """All in one list; a tool without parameters has no schema."""
    body, warnings = sent(tools=(Tool("f", "does", SCHEMA), Tool("g")), tool_choice="auto")
    declared = [{"name": "f", "description": "does", "parametersJsonSchema": SCHEMA}, {"name": "g"}]
    assert body["tools"] == [{"functionDeclarations": declared}]
    assert warnings == ()


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("f", {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_the_choice_of_a_tool_is_a_mode(choice: str, told: Json) -> None:
    """A name is the one function that is allowed."""
    assert sent(tool_choice=choice)[0]["toolConfig"] == {"functionCallingConfig": told}


def test_a_strict_tool_is_told() -> None:
    """Gemini has no such wish."""
    assert sent(tools=(Tool("f", strict=True), Tool("g", strict=False)))[1] == (
        "strict of tool 'f' is left out: Gemini has no such wish for a single tool",
    )


def test_extra_is_merged_into_the_objects_of_the_body() -> None:
    """One more option does not push out the others; what is no object replaces."""
    extra = {"generationConfig": {"topK": 5, "temperature": 1}, "safetySettings": [1], "contents": [2]}
    body, _ = sent(max_tokens=9, temperature=0.5, extra=extra)
    assert body == {
        "contents": [2],
        "safetySettings": [1],
        "generationConfig": {"maxOutputTokens": 9, "temperature": 1, "topK": 5},
    }


def test_system_messages_have_a_place_of_their_own() -> None:
    """One that comes later is moved there, and told."""
    body, warnings = sent(Message("system", "a"), Message("system", "b"), HI, Message("system", "c"))
    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}, {"text": "c"}]}
    assert [content["role"] for content in body["contents"]] == ["user"]
    assert warnings == ("a system message in mid-conversation is moved to the beginning: Gemini has one place for it",)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (Text("a"), {"text": "a"}),
        (Text("a", "s"), {"text": "a", "thoughtSignature": "s"}),
        (Text("", "s"), {"text": "", "thoughtSignature": "s"}),
        (Refusal("no"), {"text": "no"}),
        (Reasoning("hm"), {"text": "hm", "thought": True}),
        (Reasoning("", "s"), {"text": "", "thought": True, "thoughtSignature": "s"}),
        (
            ToolCall("i", "f", '{"a": 1}', signature="s"),
            {"functionCall": {"id": "i", "name": "f", "args": {"a": 1}}, "thoughtSignature": "s"},
        ),
        (ToolCall(None, "f"), {"functionCall": {"name": "f", "args": {}}}),
        (Image(data=b"\0", media_type="image/webp"), {"inlineData": {"mimeType": "image/webp", "data": "AA=="}}),
        (Image(data=b"\0"), {"inlineData": {"mimeType": "image/png", "data": "AA=="}}),
        (Image("https://h/a.PNG?b.gif"), {"fileData": {"mimeType": "image/png", "fileUri": "https://h/a.PNG?b.gif"}}),
        (Image("https://h/a"), {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://h/a"}}),
        (Image("gs://b/a", media_type="image/heic"), {"fileData": {"mimeType": "image/heic", "fileUri": "gs://b/a"}}),
        (ToolResult("i", "9", name="f"), {"functionResponse": {"id": "i", "name": "f", "response": {"output": "9"}}}),
        (ToolResult("", "no", is_error=True, name="f"), {"functionResponse": {"name": "f", "response": {"error": "no"}}}),
        (
            ToolResult("i", (Text("a"), Text("b"), Image(data=b"\0")), name="f"),
            {
                "functionResponse": {
                    "id": "i",
                    "name": "f",
                    "response": {"output": "ab"},
                    "parts": [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}],
                }
            },
        ),
    ],
)
def test_a_part_is_written_as_gemini_wants_it(part: Part, told: Json) -> None:
    """Every part has its place, and nothing had to be left out."""
    assert contents(Message("assistant", (part,))) == [{"role": "model", "parts": [told]}]


@pytest.mark.parametrize("part", [Text(""), Refusal(""), Reasoning("")])
def test_an_empty_part_is_not_sent(part: Part) -> None:
    """The API refuses an empty text."""
    assert contents(Message("assistant", (part, Text("a")))) == [{"role": "model", "parts": [{"text": "a"}]}]
    assert contents(HI, Message("assistant", (part,))) == [{"role": "user", "parts": [{"text": "hi"}]}]


def test_messages_of_one_role_are_one_turn() -> None:
    """All results of parallel calls must come in one; they know their tools' names by the calls, and text stays apart."""
    calls = Message("assistant", (ToolCall("i", "f"), ToolCall("j", "g")))
    turns = contents(HI, calls, Message("tool", (ToolResult("i", "1"),)), Message("tool", (ToolResult("j", "2"),)), HI)
    assert [content["role"] for content in turns] == ["user", "model", "user", "user"]
    assert [part["functionResponse"]["name"] for part in turns[2]["parts"]] == ["f", "g"]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Reasoning("hm", id="rs_1"), "reasoning of another provider is left out"),
        (Reasoning(signature="s", redacted=True), "reasoning of another provider is left out"),
        (ToolCall("i", "f", '{"a', complete=False), "the cut call of tool 'f' is left out"),
        (ToolCall("i", "f", "x", custom=True), "the arguments of tool 'f' are no JSON object"),
        (ToolResult("i", "9"), "the result of call 'i' names no tool"),
        (Image("https://h/a", detail="low"), "the detail of an image is left out"),
        (Image("http://h/a"), "an image is named by an http: URL"),
    ],
)
def test_what_cannot_be_said_is_told_once(part: Part, words: str) -> None:
    """One sentence, however often it comes."""
    _, warnings = sent(Message("user", (part, part)), HI)
    assert len(warnings) == 1
    assert warnings[0].startswith(words)


def test_calls_of_another_model_are_marked_for_gemini_3() -> None:
    """Without a signature on a turn's first call it refuses the request; older ones want none, and own calls have theirs."""
    foreign = Message("assistant", (Text("a"), ToolCall("i", "f"), ToolCall("j", "g")))
    own = Message("assistant", (ToolCall("i", "f", signature="s"), ToolCall("j", "g")))
    body, warnings = sent(foreign, HI, own, model=NEW)
    signatures = [[part.get("thoughtSignature") for part in content["parts"]] for content in body["contents"]]
    assert signatures == [[None, UNSIGNED, None], [None], ["s", None]]
    assert warnings == ("a turn of calls without Gemini's signature is sent with a mark that asks not to check it",)
    assert UNSIGNED not in json.dumps(sent(foreign, model=OLD))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns that the dialect can say without a loss."""
    image = st.builds(Image, data=st.binary(min_size=1), media_type=st.just("image/png"))
    text = st.builds(Text, texts, st.none() | names)
    call = st.builds(ToolCall, st.none() | names, names, json_arguments, signature=st.none() | names)
    result = st.builds(ToolResult, names, texts, st.booleans(), names)
    said = {
        "system": st.lists(st.builds(Text, texts), min_size=1, max_size=1),
        "user": st.lists(text | image, min_size=1, max_size=3),
        "assistant": st.lists(text | call | st.builds(Reasoning, texts, st.none() | names), min_size=1, max_size=3),
        "tool": st.lists(result, min_size=1, max_size=3),
    }
    roles = draw(st.lists(st.sampled_from(["user", "assistant", "tool"]), min_size=1, max_size=5))
    roles = [role for place, role in enumerate(roles) if place == 0 or role != roles[place - 1]]
    first = draw(st.sampled_from([[], ["system"]]))
    return tuple(Message(role, tuple(draw(said[role]))) for role in [*first, *roles])  # type: ignore[arg-type]  # roles


@given(conversations())
def test_the_server_reads_what_the_client_writes(messages: tuple[Message, ...]) -> None:
    """Parse undoes call, but that arguments come back as compact JSON."""
    call = DIALECT.call(Request(OLD, messages))
    assert call.warnings == ()
    request = DIALECT.parse(call)
    assert [message.role for message in request.messages] == [message.role for message in messages]
    for got, said in zip(request.messages, messages, strict=True):
        assert [_plain(part) for part in got.parts] == [_plain(part) for part in said.parts]


def _plain(part: Part) -> Any:
    if isinstance(part, ToolCall):
        return part.id, part.name, json.loads(part.arguments or "{}"), part.signature
    return part


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(max_tokens=5, temperature=1.0, top_p=0.5, stop=("x",), seed=7),
        Options(tools=(Tool("f", "d", SCHEMA), Tool("g")), tool_choice="f"),
        Options(tools=(Tool("g"),), tool_choice="required", reasoning="none"),
        Options(reasoning=500, schema=Schema(SCHEMA)),
        Options(extra={"safetySettings": [1], "generationConfig": {"topK": 5}}),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_options_survive_both_halves(options: Options, stream: bool) -> None:
    """For everything that the format can say."""
    request = Request(OLD, (HI,), options, stream)
    assert DIALECT.parse(DIALECT.call(request)) == Request(OLD, (Message("user", (Text("hi"),)),), options, stream)
