from pathlib import Path

import pytest

from stunkit.errors import UsageError
from stunkit.fuzz.corpus import MAX_SIZE, Corpus


def test_what_is_added_is_loaded_again_once(tmp_path: Path):
    corpus = Corpus(tmp_path / "a" / "b")
    assert corpus.load() == ()
    for data in (b"one", b"two", b"one"):
        corpus.add(data)
    assert sorted(corpus.load()) == [b"one", b"two"]


def test_a_long_file_is_cut(tmp_path: Path):
    Corpus(tmp_path).add(bytes(MAX_SIZE + 1))
    assert [len(one) for one in Corpus(tmp_path).load()] == [MAX_SIZE]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file exists"):
        Corpus(tmp_path / "file").add(b"x")
    with pytest.raises(UsageError, match="not a directory"):
        Corpus(tmp_path / "file").load()
