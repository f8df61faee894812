from dataclasses import FrozenInstanceError

import pytest

from stunkit.server.settings import ANY_IPV4, ANY_IPV6, Settings


def test_sends_no_software_by_default():
    assert Settings().software is None


def test_listens_everywhere_by_default():
    assert Settings().listen == ()
    assert [str(any_address) for any_address in (ANY_IPV4, ANY_IPV6)] == [
        "0.0.0.0:3478",
        "[::]:3478",
    ]


def test_bounds_what_tcp_clients_can_take():
    settings = Settings()
    bounds = (settings.max_connections, settings.idle_timeout, settings.max_message)
    assert all(0 < bound < float("inf") for bound in (*bounds, settings.max_unsent))


def test_cannot_be_changed_behind_the_servers_back():
    with pytest.raises(FrozenInstanceError):
        Settings().software = "other"  # type: ignore[misc]
