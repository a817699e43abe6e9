"""Settings: README, .env.example and the class agree, and each is read from where it may stand."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.errors import SettingsError
from app.settings import Settings, create_env_file, load_settings
from tests.known import KEY, SETTINGS

NAMES = {name.upper() for name in Settings.model_fields}


def defaults() -> dict[str, str]:
    """Each setting's default as it is written in a file."""
    plain = {name.upper(): field.get_default() for name, field in Settings.model_fields.items()}
    return {name: _written(value) for name, value in plain.items()} | {"API_KEY": ""}


def _written(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or value == () else str(value)


def test_the_tests_know_every_setting() -> None:
    assert NAMES == SETTINGS


def test_env_example_has_each_setting_with_its_default_and_a_comment(repository: Path) -> None:
    lines = (repository / ".env.example").read_text("utf-8").splitlines()
    stated = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert stated == {**defaults(), "API_KEY": ""}
    for number, line in enumerate(lines):
        if line and not line.startswith("#"):
            assert lines[number - 1].startswith("# "), f"{line} has no comment"


def test_the_readme_has_each_setting_with_its_default(repository: Path) -> None:
    readme = (repository / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| (?:`([^`]*)`)? *\|", readme, re.MULTILINE))
    assert rows == {**defaults(), "API_KEY": ""}


def test_every_setting_says_what_it_is() -> None:
    source = Path(Settings.__module__.replace(".", "/") + ".py")
    text = (Path(__file__).parents[2] / source).read_text("utf-8")
    for name in Settings.model_fields:
        assert re.search(rf'^    {name}: .*\n    """.+\."""$', text, re.MULTILINE), name


def test_the_environment_goes_before_the_file(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (plain_environment / ".env").write_text(f"API_KEY={KEY}\nPORT=1234\nHOST=0.0.0.0\nMODEL_PATH=elsewhere\n")
    monkeypatch.setenv("PORT", "4321")
    monkeypatch.setenv("docs_enabled", "false")
    settings = load_settings()
    assert (settings.port, settings.host, settings.model_path) == (4321, "0.0.0.0", Path("elsewhere"))
    assert settings.docs_enabled is False
    assert settings.api_key.get_secret_value() == KEY


def test_settings_that_are_not_ours_are_let_be(plain_environment: Path) -> None:
    (plain_environment / ".env").write_text(f"API_KEY={KEY}\nSOMEONE_ELSES=1\n")
    assert load_settings().port == 8000


def test_the_key_shows_in_no_representation(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    settings = load_settings()
    assert not any(KEY in shown for shown in (repr(settings), str(settings), settings.model_dump_json()))


@pytest.mark.parametrize("key", ["", "x" * 15, " " * 20, "a key with some spaces", "ключ-из-многих-букв", "tab\t" * 5])
def test_a_key_that_cannot_be_used_is_refused_and_not_shown(
    plain_environment: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("API_KEY", key)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith("API_KEY ")
    assert not key.strip() or key not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_of_16_characters_will_do(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "x" * 16)
    assert load_settings().api_key.get_secret_value() == "x" * 16


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "-1"), ("PORT", "65536"), ("PORT", "80.5"), ("PORT", ""), ("LOG_LEVEL", "loud"), ("DOCS_ENABLED", "7")],
)
def test_a_wrong_setting_is_named(
    plain_environment: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: "):
        load_settings()


def test_every_wrong_setting_is_named_at_once(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "PORT", "LOG_LEVEL":
        monkeypatch.setenv(name, "wrong")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert all(f"{name}" in str(caught.value) for name in ("API_KEY", "PORT", "LOG_LEVEL"))


def test_two_programs_that_start_at_once_make_one_env_file(
    plain_environment: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one's file comes between the look and the write."""
    (plain_environment / ".env.example").write_bytes((repository / ".env.example").read_bytes())
    exists = Path.exists

    def late(path: Path, **more: bool) -> bool:
        found = exists(path, **more)
        path.write_text("API_KEY=the-other-one-was-first\n")
        return found

    monkeypatch.setattr(Path, "exists", late)
    assert create_env_file() is None
    monkeypatch.undo()
    assert {path.name for path in plain_environment.iterdir()} == {".env", ".env.example"}
    assert (plain_environment / ".env").read_text() == "API_KEY=the-other-one-was-first\n"


def test_without_an_example_no_env_file_is_made(plain_environment: Path) -> None:
    assert create_env_file() is None
    assert list(plain_environment.iterdir()) == []


def test_where_no_file_can_be_written_nothing_is_left_half_done(plain_environment: Path, repository: Path) -> None:
    resource = pytest.importorskip("resource")
    (plain_environment / ".env.example").write_bytes((repository / ".env.example").read_bytes())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(SettingsError, match="^.env cannot be made here: File too large"):
            create_env_file()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in plain_environment.iterdir()] == [".env.example"]
