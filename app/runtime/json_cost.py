"""The memory that JSON takes once it is parsed, estimated from the characters that begin or separate its values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JsonCost:
    """Bytes of memory for each character of a kind, for one way of parsing. Call it with JSON, or a piece of it."""

    byte: int
    comma: int
    bracket: int
    brace: int
    colon: int
    quote: int = 0

    def __call__(self, text: bytes) -> int:
        """Return the memory in bytes that the text takes once it is parsed, at most."""
        return (
            self.byte * len(text)
            + self.comma * text.count(b",")
            + self.bracket * text.count(b"[")
            + self.brace * text.count(b"{")
            + self.colon * text.count(b":")
            + (self.quote and self.quote * text.count(b'"'))
        )
