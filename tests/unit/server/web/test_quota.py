from stunkit.server.web import quota
from stunkit.server.web.quota import Quota

ONE, OTHER = b"1", b"2"


def test_counts_each_source_by_itself():
    counts = Quota(10.0)
    assert [counts.admit(ONE, 2, 5.0) for _ in range(3)] == [True, True, False]
    assert counts.admit(OTHER, 2, 5.0)


def test_counts_the_last_window_too():
    counts = Quota(10.0)
    assert counts.admit(ONE, 1, 5.0)
    assert not counts.admit(ONE, 1, 15.0)
    assert counts.admit(ONE, 1, 25.0)
    assert counts.admit(ONE, 1, 95.0)


def test_remembers_only_so_many(monkeypatch):
    monkeypatch.setattr(quota, "MOST_SOURCES", 3)
    counts = Quota(10.0)
    for number in range(10):
        counts.admit(bytes([number]), 1, 5.0)
    assert len(counts._counts) <= 3
