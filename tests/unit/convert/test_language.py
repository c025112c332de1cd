from __future__ import annotations

import pytest

from knowledge_connector.convert.pipeline import ConverterSet
from knowledge_connector.convert.plugin import register_converters
from knowledge_connector.model import Raw

pytest.importorskip("py3langid", reason="the extra [language] is not installed")
CONVERTERS = ConverterSet.of(register_converters())


def language(text: str, media_type: str = "text/markdown", *, wanted: bool = True) -> object:
    settings = {name: {"language": wanted} for name in ("markdown", "html")}
    return CONVERTERS.convert(Raw(text.encode(), media_type), settings).metadata.get("language")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("# Pumpe\n\nMan muss den Ventilring der Pumpe jährlich prüfen.", "de"),
        ("Check the valve ring of the pump every year, and write it down.", "en"),
        ("Vérifiez la bague de la pompe chaque année, et notez-le.", "fr"),
        ("Проверяйте кольцо насоса каждый год.", "ru"),
        ("# 2024\n\n```python\nfor number in range(10): print(number)\n```", None),
        ("ok", None),
    ],
)
def test_the_language_is_told_by_the_prose(text: str, code: str | None) -> None:
    assert language(text) == code


def test_nobody_looks_unless_asked_and_what_the_document_says_is_believed() -> None:
    assert language("Check the valve ring of the pump every year.", wanted=False) is None
    assert language('<html lang="nl"><p>Check the valve ring of the pump every year.', "text/html") == "nl"
