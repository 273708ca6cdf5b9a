"""What a caller sends: messages made of parts, tools, options, and the request that holds them.

Every prompt becomes a list of ``Message``: a string is one user message, ``Message``s stay, and the OpenAI-style dicts that
everybody already has are read by ``bourn.prompts``.

House rule: plain data, validated once, when the request is made; a dialect may trust it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from bourn.errors import InputError

Role = Literal["system", "user", "assistant", "tool"]
ToolChoice = str
"""``"auto"``, ``"none"``, ``"required"``, or the name of the one tool to call."""


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Text. ``signature`` is what the provider wants back with it (Gemini)."""

    text: str
    signature: str | None = None


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The model's words for not answering."""

    text: str


class Image(msgspec.Struct, frozen=True, tag="image"):
    """An image, by ``url`` or by ``data`` (bytes, with ``media_type`` such as ``image/png``); ``detail`` is OpenAI's hint."""

    url: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    detail: str | None = None


class Reasoning(msgspec.Struct, frozen=True, tag="reasoning"):
    """Thinking, as it came. Send it back unchanged: ``signature`` proves it, ``redacted`` says that it is all there is."""

    text: str = ""
    signature: str | None = None
    redacted: bool = False
    id: str | None = None
    complete: bool = True


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call"):
    """The model wants tool ``name`` run with ``arguments``, a JSON text exactly as it came (empty means no arguments).

    ``complete`` is false where the call was cut: never run such a call. ``custom`` calls carry free text instead of JSON.
    """

    id: str | None
    name: str
    arguments: str = ""
    complete: bool = True
    custom: bool = False
    signature: str | None = None

    def parsed(self) -> dict[str, Any]:
        """The arguments as an object; ``{}`` where there are none.

        Raises ``InputError`` where there is no object to be had: the call was cut, carries free text, or is no JSON object.
        """
        if not self.complete:
            raise InputError(f"the call of {self.name!r} was cut: its arguments are not whole, so it must not be run")
        if self.custom:
            raise InputError(f"the call of {self.name!r} carries free text: read .arguments as it is")
        try:
            return msgspec.json.decode(self.arguments or "{}", type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError) as error:
            raise InputError(f"the arguments of the call of {self.name!r} are no JSON object: {error}") from error

    def result(self, content: str | tuple[Text | Image, ...], *, is_error: bool = False) -> ToolResult:
        """What the tool gave, addressed to this call: a part of the next message, whose role is ``tool``."""
        return ToolResult(self.id or "", content, is_error, self.name)


class ToolResult(msgspec.Struct, frozen=True, tag="tool_result"):
    """What tool call ``id`` gave; ``is_error`` tells the model that it failed. ``name`` is the tool's (Gemini wants it)."""

    id: str
    content: str | tuple[Text | Image, ...] = ""
    is_error: bool = False
    name: str | None = None


Part = Text | Refusal | Image | Reasoning | ToolCall | ToolResult


class Message(msgspec.Struct, frozen=True):
    """One turn: who speaks, and the parts said. ``Message("user", "hi")`` makes one ``Text`` part of the string."""

    role: Role
    content: str | tuple[Part, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The content as parts, whichever way it was given."""
        return (Text(self.content),) if isinstance(self.content, str) else self.content

    @property
    def text(self) -> str:
        """All ``Text`` parts joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


class Tool(msgspec.Struct, frozen=True):
    """A tool the model may call: ``parameters`` is a JSON schema of an object; ``strict`` asks for exact adherence."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None


class Schema(msgspec.Struct, frozen=True):
    """A JSON schema that the answer's text must follow."""

    schema: dict[str, Any]
    name: str = "answer"
    strict: bool | None = True


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of one call, with the field's usual names; ``None`` leaves the choice to the provider.

    ``reasoning`` is an effort (``"none"``, ``"minimal"``, ``"low"``, ``"medium"``, ``"high"``) or a budget in tokens;
    ``extra`` goes into the request's body untouched, over everything else.
    """

    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    reasoning: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | Annotated[int, msgspec.Meta(ge=0)] | None = None
    schema: Schema | None = None
    extra: dict[str, Any] = {}


class Request(msgspec.Struct, frozen=True):
    """One call: the provider's name for the model, the messages, the options. ``stream`` is false only in the mock.

    ``quirks`` are the words of the provider's row; a dialect heeds those that it names.
    """

    model: str
    messages: tuple[Message, ...]
    options: Options = msgspec.field(default_factory=Options)
    stream: bool = True
    quirks: frozenset[str] = frozenset()
