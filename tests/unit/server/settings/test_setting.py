from dataclasses import FrozenInstanceError, dataclass

import pytest

from stunkit.server.settings.kinds import Flag, Whole
from stunkit.server.settings.setting import setting, settings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Kitchen:
    """Where it is cooked."""

    max_pots: int = setting(Whole("a number"), 3, "Pots.", unit="litres")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """All of it."""

    kitchen: Kitchen = Kitchen()
    is_open: bool = setting(Flag(), default=False, help_text="Open?", needs_restart=True)


def test_is_a_field_with_a_default():
    assert House() == House(kitchen=Kitchen(max_pots=3), is_open=False)
    assert House(is_open=True).is_open
    with pytest.raises(FrozenInstanceError):
        House().is_open = True  # type: ignore[misc]


def test_finds_what_a_tree_declares_with_its_top_first():
    top, pots = settings_of(House)
    assert (top.section, top.name, top.key, top.option) == ("", "is_open", "is_open", "--is-open")
    assert (pots.section, pots.name) == ("kitchen", "max_pots")
    assert (pots.key, pots.option) == ("kitchen.max_pots", "--kitchen-max-pots")
    assert (top.needs_restart, pots.needs_restart) == (True, False)
    assert (pots.default, pots.help, pots.unit) == (3, "Pots.", "litres")


def test_finds_its_value_in_a_tree():
    top, pots = settings_of(House)
    house = House(kitchen=Kitchen(max_pots=5), is_open=True)
    assert (top.of(house), pots.of(house)) == (True, 5)


def test_may_have_another_name_on_the_command_line():
    (top, _) = settings_of(House)
    assert top._replace(alias="--open").option == "--open"
