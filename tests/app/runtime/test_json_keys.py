"""Keys that an object has twice, and texts that are cleared without a search."""

import json
import random
from typing import Any

import pytest
from pydantic import BaseModel

from app.runtime.json_keys import key_counter, may_repeat_keys, repeated_keys


class Hop(BaseModel):
    """A part of a beer."""

    name: str
    grams: float = 0.0


class Beer(BaseModel):
    """A request with nested objects."""

    abv: float | None = None
    hops: list[Hop] | None = None
    more: dict[str, Any] | None = None
    best: Hop | None = None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"abv": 1, "abv": 1}', ["abv"]),
        (b'{"abv" :1,"hops":[],"abv"\n:2,"abv":3}', ["abv", "abv"]),
        (b'{"hops": [{"name": "a"}, {"name": "b", "grams": 1, "name": "c"}]}', ["hops.1.name"]),
        (b'{"hops": [[1, 2, [3]], {"a": {"b": 1}, "b": [{}, {"c": 0, "c": 0}]}]}', ["hops.1.b.1.c"]),
        (b'{"a": 1, "\\u0061": 2}', ["a"]),
        (b'{"a\\"b": 1, "a\\"b": 2}', ['a"b']),
        ('{"ö": 1, "\\u00f6": 2, "o\\u0308": 3}'.encode(), ["ö"]),
        (b'{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 1}]}', []),
        (b'{"a": "b\\": {\\"a\\": 1, \\"a\\": 2}", "c": "}{", "d": ":[,"}', []),
        (b'{"a": "a", "b": "b", "c": ["a", "a"]}', []),
        (b'[{"a": 1}, {"a": 1, "a": [0, 0, {"a": 1, "b": 2, "b": 3}]}]', ["1.a", "1.a.2.b"]),
        (b'{"": 1, "": 2}', [""]),
        (b"[1, 2]", []),
        (b"true", []),
    ],
)
def test_each_key_that_an_object_has_twice_is_found(text: bytes, expected: list[str]) -> None:
    assert repeated_keys(text) == expected


def test_the_search_agrees_with_the_standard_library() -> None:
    made = random.Random(1)

    def value(depth: int) -> str:
        kind = made.randrange(6 if depth else 3)
        if kind == 0:
            return made.choice(["1", "-2.5e3", "true", "null", '""', '"a:b"', '"{"', '"\\\\\\""', '"]"'])
        if kind < 3:
            return f'"{made.choice("abc")}"'
        parts = [value(depth - 1) for _ in range(made.randrange(4))]
        if kind == 3:
            return f"[{','.join(parts)}]"
        members = " , ".join(f'"{made.choice("abcdefgh")}" : {part}' for part in parts)
        return f"{{{members}}}"

    repeated: list[Any] = []
    texts = [value(5) for _ in range(3_000)]
    for text in texts:
        repeated.clear()
        json.loads(text, object_pairs_hook=lambda pairs: repeated.extend(pairs[len(dict(pairs)) :]))
        assert len(repeated_keys(text.encode())) == min(20, len(repeated)), text
        assert may_repeat_keys(text.encode(), json.loads(text)) or not repeated
    assert sum(bool(repeated_keys(text.encode())) for text in texts) > 200


@pytest.mark.parametrize(
    ("text", "may_repeat"),
    [
        (b"{}", False),
        (b'{"abv": 5}', False),
        (b'{"abv": null, "hops": [{"name": "a: b"}, {"name": "c", "grams": 1}]}', False),
        (b'{"best": {"name": "::"}, "more": {"a:b": [{"c": ":"}, [[1]]], "d": 1.5}}', False),
        (b'{"abv": 5, "abv": 5}', True),
        (b'{"hops": [{"name": "a", "name": "a"}]}', True),
        (b'{"more": {"a": 1, "a": 1}}', True),
        (b'{"best": {"name": "\\u003a", "name": "\\u003a"}}', True),
        (b'{"abv": 5, "unknown": 1}', True),
    ],
)
def test_a_text_whose_keys_are_all_in_its_value_is_not_searched(text: bytes, may_repeat: bool) -> None:
    assert may_repeat_keys(text, Beer.model_validate_json(text)) is may_repeat


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (b"{}", 0),
        (b'{"abv": 5, "hops": null}', 2),
        (b'{"hops": []}', 1),
        (b'{"hops": [{"name": "a"}, {"name": "a", "grams": 2}], "abv": 1}', 5),
    ],
)
def test_the_keys_of_a_model_and_of_its_lists_are_counted(text: bytes, keys: int) -> None:
    assert key_counter(Beer)(Beer.model_validate_json(text)) == keys
    assert key_counter(Hop)(Hop(name="a")) == 1


def test_many_repeated_keys_are_named_up_to_a_limit_and_far_ones_without_their_path() -> None:
    assert len(repeated_keys(b'{"a":1' + b',"a":1' * 100 + b"}")) == 20
    far = b'{"beers":[' + b'"x",' * 400_000 + b'{"abv":1,"abv":2}]}'
    assert repeated_keys(far) == ["abv"]
