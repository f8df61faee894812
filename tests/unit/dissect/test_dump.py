import pytest

from stunkit.dissect.dump import parse_dump

DATA = bytes(range(0x20, 0x20 + 40))  # printable, so that the text beside it looks like hex too
WORDS = b"abcdef0123456789" * 2 + b"ab cd ef"

XXD = """\
00000000: 2021 2223 2425 2627 2829 2a2b 2c2d 2e2f   !"#$%&'()*+,-./
00000010: 3031 3233 3435 3637 3839 3a3b 3c3d 3e3f  0123456789:;<=>?
00000020: 4041 4243 4445 4647                      @ABCDEFG
"""
HEXDUMP_C = """\
00000000  20 21 22 23 24 25 26 27  28 29 2a 2b 2c 2d 2e 2f  | !"#$%&'()*+,-./|
00000010  30 31 32 33 34 35 36 37  38 39 3a 3b 3c 3d 3e 3f  |0123456789:;<=>?|
00000020  40 41 42 43 44 45 46 47                           |@ABCDEFG|
00000028
"""
OD = """\
0000000 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f
0000020 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f
0000040 40 41 42 43 44 45 46 47
0000050
"""
TCPDUMP = """\
12:00:00.000000 IP 10.0.0.2.40000 > 198.51.100.1.3478: UDP, length 12
\t0x0000:  2021 2223 2425 2627 2829 2a2b 2c2d 2e2f  .!"#$%&'()*+,-./
\t0x0010:  3031 3233 3435 3637 3839 3a3b 3c3d 3e3f  0123456789:;<=>?
\t0x0020:  4041 4243 4445 4647                      @ABCDEFG
"""
WIRESHARK = """\
0000   20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f    !"#$%&'()*+,-./
0010   30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f   0123456789:;<=>?
0020   40 41 42 43 44 45 46 47                           @ABCDEFG
"""
OLD_WIRESHARK = """\
0000  20 21 22 23 24 25 26 27  28 29 2a 2b 2c 2d 2e 2f    !"#$%&' ()*+,-./
0010  30 31 32 33 34 35 36 37  38 39 3a 3b 3c 3d 3e 3f   01234567 89:;<=>?
0020  40 41 42 43 44 45 46 47                            @ABCDEFG
"""


@pytest.mark.parametrize(
    "text",
    [XXD, HEXDUMP_C, OD, TCPDUMP, WIRESHARK, OLD_WIRESHARK],
    ids=["xxd", "hexdump", "od", "tcpdump", "wireshark", "old wireshark"],
)
def test_reads_the_bytes_and_not_the_text_beside_them(text):
    assert parse_dump(text) == [DATA]


def test_does_not_take_text_for_bytes_that_looks_like_hex():
    lines = []
    for start in range(0, len(WORDS), 16):
        part = WORDS[start : start + 16]
        lines.append(f"{start:08x}: {part.hex(' ', -2):<39}  {part.decode()}")
    assert parse_dump("\n".join(lines)) == [WORDS]


def test_reads_several_packets():
    assert parse_dump(TCPDUMP + TCPDUMP) == [DATA, DATA]
    assert parse_dump(WIRESHARK + "\n" + WIRESHARK) == [DATA, DATA]


def test_repeats_lines_that_were_left_out():
    text = "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n"
    assert parse_dump(text + "00000030  41  |A|\n00000031\n") == [bytes(48) + b"A"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "no line starts with an offset"),
        ("", "no line starts with an offset"),
        ("0000000 0100 5800 1221", "the byte order of some machine"),
        ("0010  00 01 02 03", "a first offset of 0010, not 0"),
        ("00000000: 0001\n00000010: 0203", "has 2 bytes, the next offset leaves room for 16"),
        ("0000  00 01\n0008  02", "line 1: it has 2 bytes"),
        ("00000000: 0001 0203\n*\n00000007: 04", "line 3: the repeated lines"),
    ],
)
def test_refuses_what_does_not_fit(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_dump(text)
