"""Breaks section 11: framing."""

from __future__ import annotations

from bourn.contract.reference import ReferenceStream, reference
from bourn.contract.registry import sabotage
from bourn.events import Other

_BOM = b"\xef\xbb\xbf"


class ByLine(ReferenceStream):
    """Looks at every line before it is read; by itself it breaks nothing."""

    held = b""

    def decode(self, content: bytes) -> None:
        lines = (self.held + content).splitlines(keepends=True)
        whole = not lines or lines[-1].endswith((b"\n", b"\r"))
        self.held = b"" if whole else lines.pop()
        super().decode(b"".join(map(self.line, lines)))

    def line(self, line: bytes) -> bytes:
        """What is read instead of a line."""
        return line


class WantsSpace(ByLine):
    """Knows data only by ``data: ``."""

    def line(self, line: bytes) -> bytes:
        return b"" if line.startswith(b"data:") and not line.startswith(b"data: ") else line


class OneLine(ByLine):
    """Takes the first line of an event's data for all of it."""

    taken = False

    def line(self, line: bytes) -> bytes:
        more = self.taken and line.startswith(b"data:")
        self.taken = line.startswith(b"data:")
        return b"" if more else line


class TwoEndsInOne(ReferenceStream):
    """Takes CR LF for two line ends where a read ended between them."""

    def decode(self, content: bytes) -> None:
        super().decode(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))


class OnlyLf(ReferenceStream):
    """Takes a CR for a letter."""

    def decode(self, content: bytes) -> None:
        super().decode(content.replace(b"\r", b"\x0b"))


class TellsComments(ByLine):
    """Gives comments as events."""

    def line(self, line: bytes) -> bytes:
        if line.startswith(b":"):
            self.events.append(Other("comment", line.decode()))
        return line


class TellsPings(ByLine):
    """Gives pings as events."""

    def line(self, line: bytes) -> bytes:
        if line.startswith(b"event: ping"):
            self.events.append(Other("ping", None))
        return line


sabotage("11.1", "with lines ended by CR LF, the answer ended with TruncatedError", reference("only LF", OnlyLf))
sabotage("11.1", "with no space after the colons, the answer ended with TruncatedError", reference("wants a space", WantsSpace))
sabotage("11.1", "with data of several lines, the answer ended with PayloadError", reference("one line", OneLine))
sabotage("11.1", "with data of several lines and CR LF split over reads, the", reference("two ends in one", TwoEndsInOne))
sabotage("11.1", "with comments, event 1 was Other", reference("tells comments", TellsComments))
sabotage("11.1", "with pings, event 1 was Other", reference("tells pings", TellsPings))


class KeepsMark(ReferenceStream):
    """Knows no byte-order mark."""

    def judge_head(self) -> None:
        super().judge_head()
        self.framer.feed(b"\n")


class WantsWholeMark(KeepsMark):
    """Knows a byte-order mark only where it comes in one piece."""

    begun = False

    def decode(self, content: bytes) -> None:
        super().decode(content if self.begun else content.removeprefix(_BOM))
        self.begun = self.begun or bool(content)


class IgnoresEveryMark(ReferenceStream):
    """Ignores byte-order marks wherever they stand."""

    def decode(self, content: bytes) -> None:
        super().decode(content.replace(_BOM, b""))


class IgnoresMarksOfReads(ReferenceStream):
    """Ignores a byte-order mark at the beginning of each read, but the first."""

    begun = False

    def decode(self, content: bytes) -> None:
        super().decode(content.removeprefix(_BOM) if self.events or self.given > 1 else content)


sabotage("11.2", "with a leading byte-order mark, event 3 was", reference("keeps the mark", KeepsMark))
sabotage("11.2", "with a leading byte-order mark split over reads, event 3", reference("wants a whole mark", WantsWholeMark))
sabotage("11.2", "with two leading byte-order marks, of which the sec", reference("ignores every mark", IgnoresEveryMark))
sabotage("11.2", "with a byte-order mark in mid-stream, which makes", reference("ignores marks of reads", IgnoresMarksOfReads))


class SplitsLines(ByLine):
    """Takes lines from ``str.splitlines``."""

    def line(self, line: bytes) -> bytes:
        return "\n".join(line.decode(errors="replace").splitlines()).encode() + b"\n"


class MakesSpaces(ByLine):
    """Makes a space of a line separator."""

    def line(self, line: bytes) -> bytes:
        return line.replace("\u2028".encode(), b" ")


class SplitsAtVt(ByLine):
    """Takes VT for a line end."""

    def line(self, line: bytes) -> bytes:
        return line.replace(b"\x0b", b"\n")


sabotage("11.3", "with U+2028 in its text, the answer ended with PayloadError", reference("splits lines", SplitsLines))
sabotage("11.3", "with U+2028 in its text, the text that came was 'one two three.'", reference("makes spaces", MakesSpaces))
sabotage("11.3", "with VT in a comment, the answer ended with PayloadError", reference("splits at VT", SplitsAtVt))


class DecodesReads(ReferenceStream):
    """Decodes every read by itself."""

    def decode(self, content: bytes) -> None:
        super().decode(content.decode(errors="replace").encode())


class BelievesCharset(ReferenceStream):
    """Decodes as the head says."""

    def decode(self, content: bytes) -> None:
        believed = "iso-8859-1" in self.body.headers.get("content-type", "")
        super().decode(content.decode("latin-1").encode() if believed else content)


class StrictLines(ByLine):
    """Lets the error of decoding out as it is."""

    def line(self, line: bytes) -> bytes:
        return line.decode().encode()


class DropsBytes(ByLine):
    """Drops what is no UTF-8."""

    def line(self, line: bytes) -> bytes:
        return line.decode(errors="ignore").encode()


sabotage("11.4", "with characters split over reads, the text that came was", reference("decodes reads", DecodesReads))
sabotage("11.4", "with charset=iso-8859-1 in the head, the text that came was", reference("believes charset", BelievesCharset))
sabotage("11.4", "'error', and two bytes that are no UTF-8 were passed over", reference("replaces", invalid_utf8="error"))
sabotage("11.4", "made UnicodeDecodeError: ", reference("strict lines", StrictLines))
sabotage("11.4", "which is none of its errors", reference("raw error", StrictLines, invalid_utf8="error"))
sabotage("11.4", "no UTF-8 made the text 'It was", reference("drops bytes", DropsBytes))


class KnowsAllEvents(ByLine):
    """Takes an event that it does not know for a mistake."""

    def line(self, line: bytes) -> bytes:
        if b"bourn.unknown" in line:
            raise ValueError("'bourn.unknown' is no event type")
        return line


class KnowsAllFields(ByLine):
    """Takes a field that it does not know for a mistake."""

    def line(self, line: bytes) -> bytes:
        if line.startswith(b"bourn"):
            raise ValueError("'bourn' is no field")
        return line


class KnowsAllMembers(ByLine):
    """Passes over data with a member that it does not know, unless it is the last."""

    def line(self, line: bytes) -> bytes:
        return b"" if b"bourn_odd" in line and b"times" in line else line


sabotage("11.5", "with unknown events, the answer ended with ValueError", reference("knows all events", KnowsAllEvents))
sabotage("11.5", "with unknown fields of event streams, the answer ended", reference("knows all fields", KnowsAllFields))
sabotage("11.5", "with unknown members of JSON objects, the text that came", reference("knows all members", KnowsAllMembers))
