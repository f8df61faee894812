from stunkit.signal.fault import Fault


def test_only_what_can_be_mended_is_not_final():
    assert {one for one in Fault if not one.is_final} == {"malformed", "already-joined", "alone"}
