"""Discovery: the committed domains, and ignored or skipped modules."""

from pathlib import Path
from typing import cast

import pytest

from app import domains
from app.domains.beer.api import BeerApi
from app.domains.discovery import discover, present, select
from app.errors import SettingsError


def test_each_committed_domain_is_discovered_once_and_beer_is_the_first() -> None:
    kinds = discover()
    assert kinds[0] is BeerApi
    assert len(set(kinds)) == len(kinds)


def test_a_module_without_a_domain_api_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "found_by_the_test.py").write_text("DOMAIN = print\n")
    (tmp_path / "silent_for_the_test.py").write_text("")
    monkeypatch.setattr(domains, "__path__", [*domains.__path__, str(tmp_path)])
    assert [kind for kind in cast(list[object], discover()) if kind is print] == [print]


def test_a_domain_whose_packages_are_not_installed_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, needed in ("with_its_needs", "json"), ("without_its_needs", "no_such_package"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"NEEDS = ({needed!r},)\n")
        (tmp_path / name / "api.py").write_text(f"DOMAIN = {name!r}\n" + f"import {needed}\n")
    monkeypatch.setattr(domains, "__path__", [*domains.__path__, str(tmp_path)])
    assert [kind for kind in cast(list[object], discover()) if isinstance(kind, str)] == ["with_its_needs"]


def test_models_are_selected_with_their_domain() -> None:
    assert [domain.models for domain in select(discover(), ["cat-dog"])] == [("cat-dog",)]
    assert select(discover(), [name for domain in discover() for name in domain.models]) == discover()


@pytest.mark.parametrize(
    ("names", "reason"),
    [(["beer-ibu"], "beer-ibu and beer-ibu-recipe are served together"), (["iris", "cats"], "there are beer-ibu, ")],
)
def test_an_impossible_selection_is_an_error(names: list[str], reason: str) -> None:
    with pytest.raises(SettingsError, match=f"MODELS: .*{reason}"):
        select(discover(), names)


def test_models_without_a_folder_are_left_out_unless_there_is_none_at_all(tmp_path: Path) -> None:
    assert present(discover(), tmp_path) == discover()
    (tmp_path / "beer-ibu").mkdir()
    (beer,) = present(discover(), tmp_path)
    assert issubclass(beer, BeerApi)
    assert list(beer.models) == [
        "beer-ibu",
        "beer-ibu-recipe",
    ]  # a missing beer-ibu-recipe is an error when it is loaded
    (tmp_path / "beer-ibu-style").mkdir()
    assert present(discover(), tmp_path) == [BeerApi]


def test_a_domain_does_without_an_optional_model_that_is_not_named() -> None:
    (beer,) = select(discover(), ["beer-ibu", "beer-ibu-recipe"])
    assert list(beer.models) == ["beer-ibu", "beer-ibu-recipe"] and "beer-ibu-style" in BeerApi.models
    assert select(discover(), BeerApi.models) == [BeerApi]
