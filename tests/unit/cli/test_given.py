import io
import sys

import pytest

from stunkit.cli.given import Given, gather
from stunkit.errors import UsageError
from stunkit.net.capture import Capture
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from tests.packets import ALICE, SERVER, datagram, ethernet, ip, pcap, udp

RAW = Message.request(1, bytes(range(12)), [Software("abc")]).raw


def found(*arguments: str, wanted: str | None = None) -> list[Given]:
    return [one for one in gather(arguments, wanted) if isinstance(one, Given)]


def test_takes_an_argument_for_bytes_where_there_is_no_such_file():
    assert found(RAW.hex()) == [Given("argument", "hex", RAW)]


def test_takes_the_words_that_a_shell_made_for_one_message():
    assert found(*RAW.hex(" ", 4).split()) == [Given("argument", "hex", RAW)]


def test_takes_whole_messages_for_several():
    assert [one.data for one in found(RAW.hex(), RAW.hex())] == [RAW, RAW]


@pytest.mark.parametrize(
    ("content", "form"),
    [(RAW, "raw"), (RAW.hex().encode(), "hex"), (repr(RAW).encode(), "python")],
)
def test_reads_a_file(tmp_path, content, form):
    path = tmp_path / "message"
    path.write_bytes(content)
    assert found(str(path)) == [Given(str(path), form, RAW)]


def test_reads_stdin_without_arguments(monkeypatch):
    for arguments in ((), ("-",)):
        buffer = io.BufferedReader(io.BytesIO(RAW.hex().encode()))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(buffer))
        assert found(*arguments) == [Given("stdin", "hex", RAW)]


def test_opens_a_capture(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(pcap([datagram(ALICE, SERVER, RAW)]))
    (capture,) = gather([str(path)], None)
    assert isinstance(capture, Capture)
    with capture:
        assert len(list(capture)) == 1


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (ethernet(ip(ALICE, SERVER, udp(ALICE, SERVER, RAW))), 42),
        (ip(ALICE, SERVER, udp(ALICE, SERVER, RAW)), 28),
    ],
)
def test_takes_the_message_out_of_a_packet(data, offset):
    (given,) = found(data.hex())
    assert given.data == RAW
    assert given.packet is not None
    assert (given.packet.source, given.packet.offset) == (ALICE, offset)


def test_leaves_what_is_no_packet_as_it_is():
    assert found("80" * 40)[0].data == b"\x80" * 40


def test_takes_the_format_that_is_given(tmp_path):
    path = tmp_path / "hex"
    path.write_bytes(RAW.hex().encode())
    assert found(str(path), wanted="raw")[0].data == RAW.hex().encode()
    assert found("SGVsbG8", wanted="base64")[0].data == b"Hello"
    with pytest.raises(UsageError, match="neither pcap nor pcapng"):
        found(str(path), wanted="capture")
    with pytest.raises(UsageError, match="there is none"):
        found(RAW.hex(), wanted="capture")


@pytest.mark.parametrize("argument", ["no-such-file", "zz\0zz", "x" * 5000])
def test_names_what_is_neither_file_nor_bytes(argument):
    with pytest.raises(UsageError, match="is not a file that exists, nor bytes in any notation"):
        found(argument)


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("no-such.pcap", "no such file or directory"),
        ("/no/such", "no such file or directory"),
        ("./", "is a directory"),
        ("/" + "x" * 5000, "file name too long"),
    ],
)
def test_says_of_a_file_name_why_it_cannot_be_read(argument, reason):
    with pytest.raises(UsageError) as caught:
        found(argument)
    assert str(caught.value).endswith(f" is not a file to read: {reason}")


def test_says_of_a_directory_that_it_is_one(tmp_path, monkeypatch):
    (tmp_path / "word").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="'word' is not a file to read: is a directory"):
        found("word")


def test_names_a_file_that_fails_while_it_is_read(monkeypatch):
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _) -> int:
            raise OSError(5, "Input/output error")

    stdin = io.TextIOWrapper(io.BufferedReader(Broken()))
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(UsageError, match="'stdin' is not a file to read: input/output error"):
        found()


@pytest.mark.parametrize("text", ["", " \n"])
def test_says_that_there_is_nothing(tmp_path, text):
    path = tmp_path / "nothing"
    path.write_text(text)
    for argument in (str(path), text):
        with pytest.raises(UsageError, match=r"is not bytes of a message, .*: it is empty$"):
            found(argument)


def test_names_the_file_whose_text_is_no_bytes(tmp_path):
    path = tmp_path / "letter"
    path.write_text("Dear Sir or Madam,")
    with pytest.raises(UsageError) as caught:
        found(str(path))
    assert caught.value.text == str(path)


def test_refuses_a_file_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("stunkit.cli.given.MOST_BYTES", 10)
    path = tmp_path / "long"
    path.write_bytes(RAW)
    with pytest.raises(UsageError, match="over 10 bytes"):
        found(str(path))
