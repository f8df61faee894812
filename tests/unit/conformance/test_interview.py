"""The machine, moved by hand."""

import pytest

from stunkit.conformance.conversation import Ask
from stunkit.conformance.interview import GAP, STREAM_PATIENCE, TRIES, Interview
from stunkit.conformance.subject import Subject
from stunkit.conformance.tally import NEGLIGIBLE, Tally
from stunkit.endpoint import Endpoint
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Site
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from stunkit.wire.uri import Transport

SERVER = Endpoint.of("198.51.100.1", 3478)
OTHER = Endpoint.of("198.51.100.2", 3479)
LOCALS = (Endpoint.of("10.0.0.2", 40000), Endpoint.of("10.0.0.2", 40001))
WAIT = 0.25
INDICATION = Message.build(MessageClass.INDICATION, Method.BINDING, bytes(12), ()).raw


class Talk:
    """An interview whose procedure asks what it is given, in order, and returns all it heard."""

    def __init__(self, *asks, transport=Transport.UDP, tally=None):
        self.subject = Subject(SERVER, transport, LOCALS, self._id)
        self._number = 0
        self.tally = tally or Tally()
        self.now = 0.0
        self.machine = Interview(self.subject, self._procedure(asks), self.tally, WAIT, self.now)

    def _id(self):
        self._number += 1
        return self._number.to_bytes(12, "little")

    @staticmethod
    def _procedure(asks):
        heard = []
        for ask in asks:
            heard += [(yield ask)]
        return heard

    def sent(self):
        return self.machine.sends()

    def wait(self, seconds=WAIT):
        self.now += seconds
        self.machine.tick(self.now)
        return self.sent()

    def answer(self, data, source=SERVER, local=LOCALS[0]):
        response = respond(Received(data, local, source), Site())
        self.machine.receive(response.data, source, local, self.now)

    @property
    def heard(self):
        (result,) = self.machine.events()
        return result

    def answer_controls(self, *, limit=2 * TRIES):
        """Let time pass, answering whatever is not the question."""
        for _ in range(limit):
            for one in self.wait():
                if one.data != INDICATION:
                    self.answer(one.data)
            if self.machine.deadline() is None:
                return


def plain(number=99):
    return Message.request(Method.BINDING, number.to_bytes(12, "little")).raw


def test_the_first_answer_ends_a_question():
    talk = Talk(Ask(plain()))
    ((data, to, local),) = talk.sent()
    assert (data, to, local) == (plain(), SERVER, LOCALS[0])
    talk.now = 0.07
    talk.answer(data)
    (heard,) = talk.heard
    assert heard.tries == 1
    assert heard.arrivals[0].after == pytest.approx(0.07)
    assert heard.arrivals[0].source == SERVER
    assert talk.machine.deadline() is None


def test_a_question_without_answer_is_asked_again_beside_controls():
    talk = Talk(Ask(INDICATION))
    talk.sent()
    (control,) = talk.wait()
    assert Message.decode(control.data).is_request
    talk.answer(control.data)
    assert [one.data for one in talk.sent()] == [INDICATION]
    assert talk.tally == Tally(1, 1)


def test_silence_is_sure_once_chance_is_negligible():
    talk = Talk(Ask(INDICATION))
    talk.sent()
    talk.answer_controls()
    (heard,) = talk.heard
    assert heard.is_silence
    assert heard.chance <= NEGLIGIBLE
    assert heard.controls == heard.answered == heard.tries < TRIES


def test_what_other_cases_learned_of_the_path_shortens_the_wait():
    talk = Talk(Ask(INDICATION), tally=Tally(200, 200))
    talk.sent()
    talk.answer_controls()
    assert talk.heard[0].tries < 4


def test_a_dogged_question_uses_every_try():
    talk = Talk(Ask(INDICATION, is_dogged=True), tally=Tally(200, 200))
    talk.sent()
    talk.answer_controls()
    assert talk.heard[0].tries == TRIES


def test_silence_of_everything_is_unknown():
    talk = Talk(Ask(INDICATION))
    talk.sent()
    for _ in range(2 * TRIES):
        talk.wait()
    (heard,) = talk.heard
    assert not heard.is_silence
    assert heard.tries == TRIES
    assert heard.answered == 0


def test_controls_that_stop_being_answered_make_silence_unknown():
    # as by a limit that sets in: what others saw before counts for nothing then
    talk = Talk(Ask(INDICATION), tally=Tally(500, 500))
    talk.sent()
    for _ in range(2 * TRIES):
        talk.wait()
    assert not talk.heard[0].is_silence


def test_a_control_elsewhere_is_counted_for_itself():
    talk = Talk(Ask(plain(), control=OTHER), tally=Tally(500, 500))
    talk.sent()
    for _ in range(2 * TRIES):
        for one in talk.wait():
            if one.destination == OTHER:
                talk.answer(one.data, OTHER)
        if talk.machine.deadline() is None:
            break
    (heard,) = talk.heard
    assert heard.is_silence
    assert heard.tries > 5  # 500 answers of the server itself do not count
    assert talk.tally == Tally(500, 500)


def test_an_answer_counts_wherever_it_comes_from_and_to():
    talk = Talk(Ask(plain()))
    talk.sent()
    talk.answer(plain(), OTHER, LOCALS[1])
    arrival = talk.heard[0].arrivals[0]
    assert (arrival.source, arrival.local) == (OTHER, LOCALS[1])


def test_what_has_a_strange_id_counts_for_who_looks_for_it_while_nothing_else_was_asked():
    talk = Talk(Ask(plain(), takes_any=True))
    talk.sent()
    talk.answer(plain(1000))
    assert len(talk.heard[0].arrivals) == 1


def test_what_has_a_strange_id_is_for_who_had_the_port_before():
    talk = Talk(Ask(INDICATION))
    talk.sent()
    talk.answer(plain(1000))
    assert talk.machine.deadline() is not None
    talk.answer_controls()
    assert talk.heard[0].arrivals == ()


def test_what_has_a_strange_id_does_not_count_beside_a_control():
    talk = Talk(Ask(INDICATION, takes_any=True))
    talk.sent()
    talk.wait()
    talk.answer(plain(1000))
    assert talk.machine.events() == []


def test_a_late_answer_to_the_question_before_does_not_count():
    talk = Talk(Ask(plain(1)), Ask(plain(2)))
    talk.answer(plain(1))
    talk.answer(plain(1))
    assert talk.machine.events() == []
    talk.answer(plain(2))
    assert [len(one.arrivals) for one in talk.heard] == [1, 1]


def test_lingering_collects_what_comes_on_top():
    talk = Talk(Ask(plain(), linger=0.3))
    talk.answer(plain())
    talk.answer(plain())
    assert talk.machine.events() == []
    talk.wait(0.3)
    assert len(talk.heard[0].arrivals) == 2


def test_several_pieces_leave_one_after_the_other():
    talk = Talk(Ask(b"one", (b"two", b"three"), is_repeated=False))
    leaving = [talk.sent()[0].data]
    leaving += [talk.wait(GAP)[0].data for _ in range(2)]
    assert leaving == [b"one", b"two", b"three"]
    talk.wait()
    assert talk.heard[0].arrivals == ()
    assert talk.machine.sends_so_far == 3


def test_one_answered_control_makes_silence_sure_over_a_stream():
    talk = Talk(Ask(INDICATION), transport=Transport.TCP)
    talk.sent()
    (control,) = talk.wait()
    talk.answer(control.data)
    talk.wait()
    (heard,) = talk.heard
    assert heard.is_silence
    assert heard.chance == 0.0
    assert heard.tries == 1


def test_an_answer_that_a_control_overtook_counts():
    talk = Talk(Ask(plain()), transport=Transport.TCP)
    talk.sent()
    (control,) = talk.wait()
    talk.answer(control.data)
    talk.answer(plain())
    talk.wait()
    assert talk.heard[0].is_success


def test_an_unanswered_control_leaves_a_stream_unknown():
    talk = Talk(Ask(INDICATION), transport=Transport.TCP)
    talk.sent()
    talk.wait()
    talk.wait(STREAM_PATIENCE)
    assert not talk.heard[0].is_silence


def test_the_end_of_a_stream_ends_every_question():
    talk = Talk(Ask(plain(1)), Ask(plain(2)), transport=Transport.TCP)
    talk.sent()
    talk.machine.unreachable(SERVER, LOCALS[0], "reset", 0.1)
    first, second = talk.heard
    assert (first.closed, first.tries) == ("reset", 1)
    assert (second.closed, second.tries) == ("reset", 0)
    assert talk.sent() == []


def test_finishing_sends_the_end_after_the_question():
    talk = Talk(Ask(plain(), finishes=True), transport=Transport.TCP)
    assert [one.data for one in talk.sent()] == [plain(), b""]
    talk.wait(STREAM_PATIENCE)
    assert talk.heard[0].arrivals == ()


def test_icmp_proves_nothing():
    talk = Talk(Ask(plain()))
    talk.machine.unreachable(SERVER, LOCALS[0], "connection refused", 0.1)
    assert talk.machine.events() == []


def test_nothing_more_is_heard_after_the_end():
    talk = Talk(Ask(plain()))
    talk.answer(plain())
    assert talk.heard
    talk.answer(plain())
    talk.machine.tick(100.0)
    assert talk.machine.events() == []


def test_a_procedure_may_ask_nothing():
    assert Talk().heard == []
