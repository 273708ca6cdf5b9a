"""What the client's half of Bedrock's Converse dialect sends, and what it says that it cannot; held to AWS's service model."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourn.dialects.bedrock.converse import DIALECT
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

CLAUDE, NEW, NOVA = "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-opus-5", "us.amazon.nova-2-lite-v1:0"
USER = {"role": "user", "content": [{"text": "hi"}]}
TOOL = Tool("f", "does f", {"type": "object", "properties": {}}, strict=True)


def sent(*messages: Message, model: str = CLAUDE, **options: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body and the warnings of a request."""
    call = DIALECT.call(Request(model, messages or (Message("user", "hi"),), Options(**options)))
    assert (call.method, call.headers) == ("POST", {})
    body: dict[str, Any] = json.loads(call.body)
    return body, call.warnings


def turns(*messages: Message) -> list[dict[str, Any]]:
    """The turns sent; no warning may come."""
    body, warnings = sent(*messages)
    assert warnings == ()
    told: list[dict[str, Any]] = body["messages"]
    return told


@pytest.mark.parametrize(
    ("model", "segment"),
    [
        ("amazon.nova-lite-v1", "amazon.nova-lite-v1"),
        ("amazon.nova-lite-v1:0", "amazon.nova-lite-v1%3A0"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x.y-v1:0",
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.x.y-v1%3A0",
        ),
        ("../../x?y#z", "..%2F..%2Fx%3Fy%23z"),
    ],
)
def test_the_model_is_one_segment_of_the_path(model: str, segment: str) -> None:
    """Whatever its id holds; the last segment says whether a stream is wanted."""
    request = Request(model, (Message("user", "hi"),))
    assert DIALECT.call(request).path == f"/model/{segment}/converse-stream"
    whole = DIALECT.call(Request(model, (Message("user", "hi"),), stream=False))
    assert whole.path == f"/model/{segment}/converse"
    assert (DIALECT.parse(whole).model, DIALECT.parse(whole).stream) == (model, False)


def test_a_plain_prompt_is_a_small_body() -> None:
    """Only what is needed is sent."""
    assert sent() == ({"messages": [USER]}, ())


def test_options_have_bedrocks_names() -> None:
    """Each option that the API has is sent under its name."""
    body, warnings = sent(max_tokens=9, temperature=0.5, top_p=0.9, stop=("a", "b"), tools=(TOOL,), tool_choice="f")
    assert warnings == ()
    assert body == {
        "messages": [USER],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["a", "b"]},
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "f",
                        "description": "does f",
                        "inputSchema": {"json": {"type": "object", "properties": {}}},
                        "strict": True,
                    }
                }
            ],
            "toolChoice": {"tool": {"name": "f"}},
        },
    }


def test_what_the_api_does_not_have_is_a_warning() -> None:
    """A seed for all models, sampling for the new Claudes; nothing is dropped in silence."""
    body, warnings = sent(model=NEW, seed=1, temperature=0.0, top_p=0.5)
    assert body == {"messages": [USER]}
    assert warnings == (
        f"the sampling options temperature, top_p are left out: {NEW} takes none",
        "seed is left out: Bedrock's Converse API has none",
    )


@pytest.mark.parametrize(
    "model", ["anthropic.claude-v2:1", "anthropic.claude-instant-v1", CLAUDE, "anthropic.claude-opus-4-6-v1"]
)
def test_older_claudes_take_sampling_options(model: str) -> None:
    """Bedrock's names of models have a version of their own after the model's, and the oldest have only that."""
    assert sent(model=model, temperature=0.5)[0]["inferenceConfig"] == {"temperature": 0.5}


def test_extra_goes_over_everything() -> None:
    """What the caller puts into ``extra`` is in the body as it is."""
    body, _ = sent(max_tokens=5, extra={"inferenceConfig": {"maxTokens": 7}, "guardrailConfig": {"guardrailIdentifier": "g"}})
    assert (body["inferenceConfig"], body["guardrailConfig"]) == ({"maxTokens": 7}, {"guardrailIdentifier": "g"})


def test_an_answer_by_a_schema_is_asked_for_as_text() -> None:
    """The schema goes into ``outputConfig`` as the text of its JSON."""
    body, warnings = sent(schema=Schema({"type": "object"}, "thing"))
    assert (body["outputConfig"], warnings) == (
        {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "thing", "schema": '{"type":"object"}'}}}},
        (),
    )


@pytest.mark.parametrize(
    ("choice", "told"), [("auto", {"auto": {}}), ("required", {"any": {}}), ("g", {"tool": {"name": "g"}})]
)
def test_the_choice_of_a_tool(choice: str, told: dict[str, Any]) -> None:
    """Two words, and any other is a tool's name."""
    assert sent(tools=(TOOL, Tool("g")), tool_choice=choice)[0]["toolConfig"]["toolChoice"] == told


def test_no_tool_is_said_by_sending_none() -> None:
    """Bedrock has no word for it, and refuses calls in the conversation whose tools are not declared."""
    assert sent(tools=(TOOL,), tool_choice="none") == ({"messages": [USER]}, ())
    history = (Message("user", "a"), Message("assistant", (ToolCall("t", "f"),)), Message("tool", (ToolResult("t", "1"),)))
    body, warnings = sent(*history, tools=(TOOL,), tool_choice="none")
    assert "toolChoice" not in body["toolConfig"]
    assert warnings == ("tool_choice 'none' is left out: Bedrock has no word for it, and the conversation needs the tools",)


Wish = Literal["none", "minimal", "low", "medium", "high", "xhigh"] | int
ADAPTIVE = {"thinking": {"type": "adaptive", "display": "summarized"}}


@pytest.mark.parametrize(
    ("model", "wish", "fields", "output"),
    [
        (CLAUDE, 2000, {"thinking": {"type": "enabled", "budget_tokens": 2000}}, None),
        (CLAUDE, "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}, None),
        (CLAUDE, "none", {"thinking": {"type": "disabled"}}, None),
        (NEW, "high", ADAPTIVE, {"effort": "high"}),
        (NEW, 0, {"thinking": {"type": "disabled"}}, None),
        (NOVA, "low", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, None),
        (NOVA, "none", {"reasoningConfig": {"type": "disabled"}}, None),
        ("openai.gpt-oss-120b-1:0", "medium", {"reasoning_effort": "medium"}, None),
        ("moonshotai.kimi-k2.5", "high", {"reasoning_effort": "high"}, None),
        ("us.openai.gpt-5.6-luna", "xhigh", {"reasoning": {"effort": "xhigh"}}, None),
        ("us.openai.gpt-5.6-luna", 0, {"reasoning": {"effort": "none"}}, None),
    ],
)
def test_each_family_is_asked_to_think_in_its_own_words(model: str, wish: Wish, fields: Any, output: Any) -> None:
    """A budget or an effort, where the family has it; no limit of tokens is made up."""
    body, warnings = sent(model=model, reasoning=wish)
    assert (body["additionalModelRequestFields"], body.get("outputConfig"), warnings) == (fields, output, ())
    assert "inferenceConfig" not in body


@pytest.mark.parametrize(
    ("model", "wish", "fields", "says"),
    [
        (
            NOVA,
            "minimal",
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
            "'minimal' is sent as effort 'low'",
        ),
        (NOVA, 2000, None, "budget of 2000 tokens is left out"),
        (NEW, 2000, ADAPTIVE, "budget of 2000 tokens is left out"),
        ("openai.gpt-oss-20b-1:0", "xhigh", {"reasoning_effort": "high"}, "'xhigh' is sent as effort 'high'"),
        ("openai.gpt-oss-20b-1:0", "none", None, "'none' is left out"),
        ("openai.gpt-5", "minimal", {"reasoning": {"effort": "low"}}, "'minimal' is sent as effort 'low'"),
        ("amazon.nova-pro-v1:0", "high", None, "how amazon.nova-pro-v1:0 is asked for it is not known here; say it in extra="),
    ],
)
def test_a_wish_that_a_family_cannot_be_told_is_a_warning(model: str, wish: Wish, fields: Any, says: str) -> None:
    """The nearest word is sent, or nothing; either way it is said."""
    body, (warning,) = sent(model=model, reasoning=wish)
    assert body.get("additionalModelRequestFields") == fields
    assert says in warning


def test_thinking_without_room_is_left_out_with_a_warning() -> None:
    """A limit that leaves no room for the least budget there is."""
    body, (warning,) = sent(reasoning="low", max_tokens=500)
    assert body == {"messages": [USER], "inferenceConfig": {"maxTokens": 500}}
    assert "reasoning is left out" in warning


def test_novas_high_effort_takes_no_limits() -> None:
    """It refuses them, so they are left out and said; others stay."""
    body, warnings = sent(model=NOVA, reasoning="high", max_tokens=9, temperature=0.5, top_p=0.5, stop=("x",))
    assert body["inferenceConfig"] == {"stopSequences": ["x"]}
    assert warnings == ("maxTokens, temperature, topP are left out: Nova takes none with reasoning 'high'",)
    assert "inferenceConfig" not in sent(model=NOVA, reasoning="high", max_tokens=9)[0]
    assert sent(model=NOVA, reasoning="medium", max_tokens=9)[0]["inferenceConfig"] == {"maxTokens": 9}


def test_a_schema_and_an_effort_share_their_section() -> None:
    """Both are in ``outputConfig``."""
    assert sent(model=NEW, reasoning="low", schema=Schema({}))[0]["outputConfig"].keys() == {"textFormat", "effort"}


def test_system_messages_become_the_system_field() -> None:
    """One block each; empty ones are nothing, and a late one is moved, with a warning."""
    body, warnings = sent(
        Message("system", "a"), Message("user", "hi"), Message("system", (Text("b"),)), Message("system", " ")
    )
    assert (body["system"], body["messages"]) == ([{"text": "a"}, {"text": "b"}], [USER])
    assert warnings == ("a system message in mid-conversation is moved to the beginning: Bedrock has one place for it",)
    assert "system" not in sent(Message("system", ""), Message("user", "hi"))[0]


def test_turns_of_one_side_are_merged() -> None:
    """User and assistant alternate; what a tool gave is the user's and comes first; what is blank is left out."""
    assert turns(
        Message("user", "a"),
        Message("user", " \n"),
        Message("user", (Text("b"), Text(""))),
        Message("assistant", (Text("c"), ToolCall("t1", "f", '{"x": 1}'), ToolCall("t2", "g"))),
        Message("user", "d"),
        Message("tool", (ToolResult("t1", "1"), ToolResult("t2", "", is_error=True))),
    ) == [
        {"role": "user", "content": [{"text": "a"}, {"text": "b"}]},
        {
            "role": "assistant",
            "content": [
                {"text": "c"},
                {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"x": 1}}},
                {"toolUse": {"toolUseId": "t2", "name": "g", "input": {}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "t1", "content": [{"text": "1"}]}},
                {"toolResult": {"toolUseId": "t2", "content": [], "status": "error"}},
                {"text": "d"},
            ],
        },
    ]


def test_thinking_goes_back_as_it_came() -> None:
    """Signed and redacted thinking is sent; what nobody signed, or another provider did, is not, with a warning."""
    kept = (Reasoning("Hm", "c2ln"), Reasoning(signature="cmVk", redacted=True))
    assert turns(Message("user", "a"), Message("assistant", kept))[1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "cmVk"}},
    ]
    for foreign in (Reasoning("Hm"), Reasoning("Hm", "sig", id="rs_1")):
        body, (warning,) = sent(Message("user", "a"), Message("assistant", (foreign, Text("b"))))
        assert body["messages"][1]["content"] == [{"text": "b"}]
        assert "take back only their own" in warning


def test_images_are_bytes() -> None:
    """Four formats, or an object of S3's; an image by URL, of another type, or with a detail is said."""
    data = Image(data=b"\x89PNG", media_type="image/png")
    assert turns(Message("user", (data, Image("s3://b/k", media_type="image/webp"))))[0]["content"] == [
        {"image": {"format": "png", "source": {"bytes": "iVBORw=="}}},
        {"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://b/k"}}}},
    ]
    for image, says in (
        (Image("https://x/y.png"), "an image by URL is left out"),
        (Image(data=b"x", media_type="image/tiff"), "an image of type image/tiff is left out"),
    ):
        body, (warning,) = sent(Message("user", (Text("a"), image)))
        assert body["messages"][0]["content"] == [{"text": "a"}]
        assert says in warning
    body, (warning,) = sent(Message("user", (Image(data=b"x", detail="low"),)))
    assert body["messages"][0]["content"][0]["image"]["format"] == "png"
    assert "the detail of an image" in warning


def test_a_result_may_hold_images() -> None:
    """Text and image in their order."""
    result = ToolResult("t", (Text("a"), Image(data=b"x", media_type="image/gif")))
    assert turns(Message("tool", (result,)))[0]["content"][0]["toolResult"]["content"] == [
        {"text": "a"},
        {"image": {"format": "gif", "source": {"bytes": "eA=="}}},
    ]


def test_calls_that_cannot_be_sent_as_they_are_are_said() -> None:
    """A cut call is left out; arguments that are no object are wrapped; another provider's signature and ids are let go."""
    cut = ToolCall("t", "f", '{"a', complete=False)
    body, (warning,) = sent(Message("user", "a"), Message("assistant", (cut, Text("b"))))
    assert body["messages"][1]["content"] == [{"text": "b"}]
    assert "the cut call of tool 'f'" in warning
    body, (warning,) = sent(Message("assistant", (ToolCall("t", "f", "free text"),)))
    assert body["messages"][0]["content"][0]["toolUse"]["input"] == {"input": "free text"}
    assert "no JSON object" in warning
    _, (warning,) = sent(Message("assistant", (Text("a", "sig"),)))
    assert "another provider's" in warning
    long = "call/" + "x" * 80
    said = turns(Message("assistant", (ToolCall(long, "f"),)), Message("tool", (ToolResult(long, "1"),)))
    ids = said[0]["content"][0]["toolUse"]["toolUseId"], said[1]["content"][0]["toolResult"]["toolUseId"]
    assert ids == ("x" * 64, "x" * 64)
    assert turns(Message("assistant", (ToolCall(None, "f g"),)))[0]["content"][0]["toolUse"]["toolUseId"] == "f_g"


def test_a_refusal_goes_back_as_text() -> None:
    """The dialect has no other word."""
    assert turns(Message("user", "a"), Message("assistant", (Refusal("No."),)))[1]["content"] == [{"text": "No."}]


@pytest.fixture(scope="module")
def model() -> Any:
    """Validates a body by the service model that AWS publishes in botocore."""
    session = pytest.importorskip("botocore.session", reason="botocore is in the dependency group sdk").get_session()
    validate = pytest.importorskip("botocore.validate", reason="botocore is in the dependency group sdk")
    shape = session.get_service_model("bedrock-runtime").operation_model("ConverseStream").input_shape
    return lambda body: validate.ParamValidator().validate({"modelId": "m", **body}, shape).generate_report()


ids = st.text(max_size=70).filter(bool)
media_types = st.sampled_from(["image/png", "image/bmp"])
parts: dict[str, st.SearchStrategy[Part]] = {
    "user": st.builds(Text, texts) | st.builds(Image, data=st.binary(min_size=1, max_size=4), media_type=media_types),
    "assistant": st.builds(Text, texts)
    | st.builds(ToolCall, ids, names, json_arguments | texts)
    | st.builds(Reasoning, texts, st.none() | names),
    "tool": st.builds(ToolResult, ids, texts | st.lists(st.builds(Text, texts), max_size=2).map(tuple), st.booleans()),
}  # fmt: skip
messages = st.sampled_from(["user", "assistant", "tool"]).flatmap(
    lambda role: st.builds(Message, st.just(role), st.lists(parts[role], min_size=1, max_size=3).map(tuple))
)
options = st.builds(
    Options,
    max_tokens=st.none() | st.integers(1, 9000),
    temperature=st.none() | st.floats(0, 1),
    stop=st.lists(texts, max_size=2).map(tuple),
    tools=st.lists(st.builds(Tool, names, st.sampled_from(["", "d"]), strict=st.none() | st.booleans()), max_size=2).map(tuple),
    tool_choice=st.none() | st.sampled_from(["auto", "none", "required", "f"]),
    reasoning=st.none() | st.sampled_from(["none", "low", "xhigh"]) | st.integers(0, 5000),
    schema=st.none() | st.builds(Schema, st.just({"type": "object"})),
)


@given(
    which=st.sampled_from([CLAUDE, NEW, NOVA, "openai.gpt-oss-20b-1:0", "x.y"]),
    said=st.lists(messages, min_size=1, max_size=4).map(tuple),
    wanted=options,
)
def test_whatever_is_asked_fits_the_service_model(model: Any, which: str, said: tuple[Message, ...], wanted: Options) -> None:
    """No name, type or limit in a body is another than AWS says, and what is said is read back."""
    call = DIALECT.call(Request(which, said, wanted))
    body = json.loads(call.body)
    assert model(body) == ""
    for turn in body["messages"]:
        assert turn["content"]
    assert all(one["role"] != other["role"] for one, other in zip(body["messages"], body["messages"][1:], strict=False))


words = texts.map("w{}".format)
images = st.builds(Image, data=st.binary(min_size=1), media_type=st.just("image/png"))
made = st.builds(ToolCall, id=names, name=names, arguments=json_arguments)
spoken = st.one_of(
    st.builds(Text, words),
    st.builds(Reasoning, texts, names),
    st.builds(Reasoning, signature=names, redacted=st.sampled_from([True])),
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """System, then user and assistant in turn, every call with its result: what the API takes."""
    asked = st.builds(Text, words) | images
    conversation = [Message("system", text) for text in draw(st.lists(words, max_size=2))]
    for _ in range(draw(st.integers(1, 3))):
        conversation.append(Message("user", tuple(draw(st.lists(asked, min_size=1, max_size=3)))))
        calls = draw(st.lists(made, max_size=2, unique_by=lambda call: call.id))
        conversation.append(Message("assistant", (*draw(st.lists(spoken, min_size=1, max_size=3)), *calls)))
        if calls:
            content = words | st.lists(asked, min_size=2, max_size=2).map(tuple)
            conversation.append(
                Message("tool", tuple(ToolResult(call.id or "", draw(content), draw(st.booleans())) for call in calls))
            )
    return tuple(conversation)


def meant(said: tuple[Message, ...]) -> list[tuple[str, list[Any]]]:
    """What a conversation says: arguments as values, since their spelling is not kept on the wire."""
    return [(message.role, [_meant(part) for part in message.parts]) for message in said]


def _meant(part: Part) -> Any:
    return (part.id, part.name, json.loads(part.arguments or "{}")) if isinstance(part, ToolCall) else part


@given(conversations())
def test_a_conversation_survives_both_halves(said: tuple[Message, ...]) -> None:
    """What the client writes, the server reads as the same messages; nothing is warned of."""
    call = DIALECT.call(Request(CLAUDE, said, Options(tools=(TOOL,))))
    assert call.warnings == ()
    assert meant(DIALECT.parse(call).messages) == meant(said)
