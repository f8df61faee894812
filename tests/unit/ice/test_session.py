from stunkit.ice.session import Pacing


def test_pacing_is_that_of_the_rfcs():
    pacing = Pacing()
    assert (pacing.ta, pacing.rto, pacing.rc, pacing.rm) == (0.05, 0.5, 7, 16)
    assert pacing.patience == pacing.rto * (1 + 2 + 4 + 8 + 16 + 32 + 16)  # RFC 8863 section 4
