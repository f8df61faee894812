from stunkit.dissect.field import Field, chain


def test_chains_fields_and_leaves_empty_ones_out():
    one, two = chain(4, [(2, "a", "x"), (0, "nothing", ""), (3, "b", "y")])
    assert one == Field(4, 2, "a", "x")
    assert two == Field(6, 3, "b", "y")
    assert two.end == 9


def test_walks_in_order_and_tells_leaves():
    inner = Field(0, 2, "outer", fields=chain(0, [(1, "a", ""), (1, "b", "")]))
    assert [field.name for field in inner.walk()] == ["outer", "a", "b"]
    assert [field.name for field in inner.leaves()] == ["a", "b"]


def test_moves_with_all_that_is_in_it():
    field = Field(0, 2, "outer", fields=chain(0, [(2, "a", "")])).moved(8)
    assert (field.offset, field.fields[0].offset) == (8, 8)
