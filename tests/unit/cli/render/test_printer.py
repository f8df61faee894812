import json

from stunkit.cli.render.printer import Form, Printer


def use(form: Form, capsys) -> str:
    printer = Printer(form, "stunkit/test/1")
    printer.say([[("one", "")]])
    printer.say([[("two", "")]])
    printer.put("message", lambda: {"a": 1}, name="x")
    printer.put("message", lambda: {"a": 2})
    printer.finish()
    return capsys.readouterr().out


def test_prints_text_in_blocks(capsys):
    assert use(Form.TEXT, capsys) == "one\n\ntwo\n"


def test_prints_a_line_for_each_thing(capsys):
    first, second = map(json.loads, use(Form.LINES, capsys).splitlines())
    assert first == {"schema": "stunkit/test/1", "kind": "message", "name": "x", "a": 1}
    assert second["a"] == 2


def test_prints_one_document(capsys):
    assert json.loads(use(Form.DOCUMENT, capsys)) == {
        "schema": "stunkit/test/1",
        "messages": [{"name": "x", "a": 1}, {"a": 2}],
    }


def test_document_has_an_empty_list_where_nothing_came(capsys):
    Printer(Form.DOCUMENT, "stunkit/test/1", ["message"]).finish()
    assert json.loads(capsys.readouterr().out) == {"schema": "stunkit/test/1", "messages": []}
