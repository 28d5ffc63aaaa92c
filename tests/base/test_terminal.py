"""Names and words of other people do not steer a terminal."""

import json

from fathom.base.errors import DataError
from fathom.base.terminal import one_line, visible

EVIL = "a\x1b[31m\x9b2J\u202eb\u2028\x00\U000e0041\ud800"


def test_what_steers_is_spelled_out() -> None:
    shown = visible(EVIL)
    assert shown == r"a\u001b[31m\u009b2J\u202eb\u2028\u0000\udb40\udc41\ud800"
    assert shown.isprintable()
    assert visible("größe 色\u00a0€\n\tb") == "größe 色\u00a0€\n\tb"
    assert one_line("a\nb") == r"a\u000ab"


def test_json_stays_what_it_was() -> None:
    text = json.dumps({EVIL: [EVIL]}, ensure_ascii=False, indent=1)
    assert json.loads(visible(text)) == {EVIL: [EVIL]}


def test_errors_keep_to_their_beats() -> None:
    error = DataError("No 'y\x1b[2J'.", where="a\n  do:  pay", got="x")
    assert str(error) == "No 'y\\u001b[2J'.\n  where:    a\\u000a  do:  pay\n  got:      x"
    assert error.to_dict()["where"] == "a\n  do:  pay"
