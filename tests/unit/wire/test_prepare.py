import sys
from collections.abc import Callable

import pytest

from stunkit.errors import Unencodable
from stunkit.wire.prepare import is_complete, opaque_string, saslprep

BOTH = pytest.mark.parametrize("prepare", [opaque_string, saslprep])
PRINTABLE = bytes(range(0x20, 0x7F)).decode()


@BOTH
@pytest.mark.parametrize("text", [PRINTABLE, " ", "TheMatrIX"])
def test_leaves_printable_ascii_when_the_library_is_missing(
    prepare: Callable[[str], str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "precis_i18n", None)
    monkeypatch.setitem(sys.modules, "scramp", None)
    assert prepare(text) == text


@pytest.mark.parametrize(
    ("prepare", "library", "profile"),
    [(opaque_string, "precis_i18n", "OpaqueString"), (saslprep, "scramp", "SASLprep")],
)
def test_names_the_extra_when_the_library_is_missing(
    prepare: Callable[[str], str], library: str, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Unencodable, match=rf"{profile} .* -m pip install 'stunkit\[auth\]'`"):
        prepare("é")


@pytest.mark.parametrize("library", ["precis_i18n", "scramp"])
def test_is_complete_with_both_libraries(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_complete()
    monkeypatch.setitem(sys.modules, library, None)
    assert not is_complete()


@BOTH
@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("マトリックス", "マトリックス"),
        ("e\u0301", "é"),
        ("a\u3000b", "a b"),
        ("a\u00a0b", "a b"),
        ("É", "É"),
    ],
)
def test_prepares_other_text(prepare: Callable[[str], str], text: str, prepared: str) -> None:
    assert prepare(text) == prepared


# RFC 5769 section 2.4: SASLprep folds compatibility forms and drops the soft hyphen
def test_folds_the_vectors_password_with_saslprep() -> None:
    assert saslprep("The\u00adM\u00aatr\u2168") == "TheMatrIX"


def test_keeps_compatibility_forms_with_opaque_string() -> None:
    assert opaque_string("M\u00aatr\u2168") == "M\u00aatr\u2168"  # NFC; RFC 8265 section 4.2.2


@pytest.mark.parametrize("text", ["The\u00adM", "a\x07", "\x7f", "\ud800", "\ue000", "\u200b"])
def test_refuses_what_opaque_string_forbids(text: str) -> None:
    with pytest.raises(Unencodable, match="forbidden by OpaqueString"):
        opaque_string(text)


@pytest.mark.parametrize(
    "text", ["a\x07", "\x7f", "\ud800", "\ue000", "\u0627a", "\u0221", "\U000e0001"]
)
def test_refuses_what_saslprep_forbids(text: str) -> None:
    with pytest.raises(Unencodable, match="forbidden by SASLprep"):
        saslprep(text)


def test_refuses_empty_text_with_opaque_string_also_when_the_library_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "precis_i18n", None)
    with pytest.raises(Unencodable, match="empty"):  # RFC 8265 section 4.2.2
        opaque_string("")


def test_leaves_empty_text_with_saslprep() -> None:
    assert saslprep("") == ""
