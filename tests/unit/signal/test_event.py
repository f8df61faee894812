from stunkit.signal.event import Event, Happening
from stunkit.signal.message import Kind


def test_says_what_happened_to_whom():
    assert Event(Happening.CLOSED) == (Happening.CLOSED, None, None)
    assert Event(Happening.RELAYED, 1, Kind.OFFER).kind == "offer"


def test_has_a_word_for_each_thing():
    words = {str(what) for what in Happening}
    assert words == {"joined", "lost", "resumed", "left", "closed", "relayed"}
