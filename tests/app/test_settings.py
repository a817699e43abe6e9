"""Settings: sources, priorities, former names, error messages, and the documents written from them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import SettingsError
from app.settings import (
    RENAMED,
    Settings,
    create_env_file,
    load_model_settings,
    load_settings,
    log_deprecated_names,
    log_readable_secrets,
)
from tests.known import KEY, SETTINGS

NAMES = {name.upper() for name in Settings.model_fields}


def test_the_tests_know_every_setting() -> None:
    assert NAMES == SETTINGS


def test_every_setting_has_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description and field.description.endswith("."), name
        assert field.description.count("`") % 2 == 0, name


def test_env_example_and_readme_are_up_to_date(repository: Path) -> None:
    command = [sys.executable, str(repository / "scripts" / "settings_docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_env_example_sets_every_setting_to_its_default(plain_environment: Path, repository: Path) -> None:
    example = (repository / ".env.example").read_text("utf-8")
    assert set(re.findall("^([A-Z0-9_]+)=", example, re.MULTILINE)) == NAMES
    (plain_environment / ".env").write_text(example.replace("\nAPI_KEY=\n", f"\nAPI_KEY={KEY}\n"))
    from_example = load_settings()
    (plain_environment / ".env").write_text(f"API_KEY={KEY}\n")
    assert from_example == load_settings()


def test_the_readme_lists_every_setting(repository: Path) -> None:
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| ", (repository / "README.md").read_text("utf-8"), re.MULTILINE)
    assert set(rows) == NAMES and len(rows) == len(NAMES)


FORMER = [("MODEL_PATH", "MODEL_URI"), ("MAX_IN_WORK", "THREAD_POOL_SIZE"), ("MAX_WAITING", "THREAD_POOL_QUEUE")]


def test_every_former_name_is_tested() -> None:
    assert {former.lower(): name.lower() for former, name in FORMER} == RENAMED
    assert {name for _, name in FORMER} <= NAMES


@pytest.mark.parametrize("name", ["API_KEY", "MODEL_SERVER_API_KEY"])
def test_blanks_around_a_key_are_not_part_of_it(
    plain_environment: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv(name, f" {KEY}\n")
    key = getattr(load_settings(), name.lower())
    assert key.get_secret_value() == KEY
    monkeypatch.setenv(name, f"{KEY} {KEY}")
    with pytest.raises(SettingsError, match=f"{name}.* must be printable ASCII without spaces"):
        load_settings()


def test_a_byte_order_mark_of_the_file_is_no_part_of_the_first_name(plain_environment: Path) -> None:
    (plain_environment / ".env").write_bytes(b"\xef\xbb\xbf" + f"API_KEY={KEY}\nPORT=7\n".encode())
    assert load_settings().port == 7


@pytest.mark.parametrize("origin", ["environment", "file"])
@pytest.mark.parametrize(("former", "name"), FORMER)
def test_a_former_name_still_works_with_a_warning(
    plain_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    origin: str,
    former: str,
    name: str,
) -> None:
    (plain_environment / ".env").write_text(f"API_KEY={KEY}\n" + (f"{former}=7\n" if origin == "file" else ""))
    if origin == "environment":
        monkeypatch.setenv(former, "7")
    settings = load_settings()
    assert str(getattr(settings, name.lower())) == "7"
    log_deprecated_names(settings)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"{former} is deprecated" in caplog.text and f"use {name} instead" in caplog.text


def test_present_names_cause_no_warning(plain_environment: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = "".join(f"{name}=7\n" for _, name in FORMER)
    (plain_environment / ".env").write_text(f"API_KEY={KEY}\n{lines}MODEL_PATH=\n")
    log_deprecated_names(load_settings())
    assert not caplog.records


def test_commands_for_models_know_the_former_name(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_PATH", "elsewhere")
    settings = load_model_settings()
    assert settings.model_uri == "elsewhere"
    assert settings.deprecated_names == {"MODEL_PATH": "MODEL_URI"}


@pytest.mark.parametrize(("former", "name"), FORMER)
def test_different_values_under_both_names_are_an_error_that_names_both(
    plain_environment: Path, monkeypatch: pytest.MonkeyPatch, former: str, name: str
) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv(former, "7")
    monkeypatch.setenv(name, "8")
    with pytest.raises(SettingsError, match=f"^{former}: is the former name of {name}, .*; remove {former}$"):
        load_settings()
    monkeypatch.setenv(name, "7")
    assert str(getattr(load_settings(), name.lower())) == "7"


def test_the_default_under_a_former_name_gives_way(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that an older version made lists every setting with its default."""
    (plain_environment / ".env").write_text(f"API_KEY={KEY}\nMODEL_PATH=models\nMODEL_URI=s3://bucket/prefix\n")
    assert load_settings().model_uri == "s3://bucket/prefix"


def test_a_former_name_in_the_environment_overrides_the_file(
    plain_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (plain_environment / ".env").write_text(f"API_KEY={KEY}\nTHREAD_POOL_SIZE=3\nMAX_WAITING=5\n")
    monkeypatch.setenv("MAX_IN_WORK", "7")
    monkeypatch.setenv("THREAD_POOL_QUEUE", "9")
    settings = load_settings()
    assert (settings.thread_pool_size, settings.thread_pool_queue) == (7, 9)


def test_a_wrong_value_under_a_former_name_is_an_error_that_names_both(
    plain_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv("MAX_IN_WORK", "0")
    with pytest.raises(SettingsError, match=r"^THREAD_POOL_SIZE \(formerly MAX_IN_WORK\): .*greater"):
        load_settings()


def test_an_empty_source_of_models_is_the_default(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_URI", "")
    assert load_model_settings().model_uri == "models"


def test_the_environment_overrides_the_file(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (plain_environment / ".env").write_text(f"API_KEY={KEY}\nPORT=1234\nHOST=0.0.0.0\nMODEL_URI=elsewhere\n")
    monkeypatch.setenv("PORT", "4321")
    monkeypatch.setenv("docs_enabled", "false")
    settings = load_settings()
    assert (settings.port, settings.host, settings.model_uri) == (4321, "0.0.0.0", "elsewhere")
    assert settings.docs_enabled is False
    assert settings.api_key and settings.api_key.get_secret_value() == KEY


def test_unknown_settings_are_ignored(plain_environment: Path) -> None:
    (plain_environment / ".env").write_text(f"API_KEY={KEY}\nSOMEONE_ELSES=1\n")
    assert load_settings().port == 8000


def test_the_key_appears_in_no_representation(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    settings = load_settings()
    assert not any(KEY in shown for shown in (repr(settings), str(settings), settings.model_dump_json()))


@pytest.mark.parametrize("key", ["", "x" * 15, " " * 20, "a key with some spaces", "ключ-из-многих-букв", "tab\t" * 5])
def test_an_unusable_key_is_rejected_and_not_shown(
    plain_environment: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("API_KEY", key)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith("API_KEY ")
    assert not key.strip() or key not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_of_16_characters_is_accepted(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "x" * 16)
    key = load_settings().api_key
    assert key and key.get_secret_value() == "x" * 16


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PORT", port) for port in ("-1", "65536", "80.5", "")),
        ("LOG_LEVEL", "loud"),
        ("DOCS_ENABLED", "7"),
        *(("ROOT_PATH", path) for path in ("beer", "/a//b", "/a/../b", "/./a", "/a b", "/ä", "/a%20b", "/a?b", "//a")),
        ("ROOT_PATH", f"/{'a' * 200}"),
        *(("CORS_ORIGINS", f"https://{host}") for host in ("a/", "a/b", "A.a", "ä", "*.a", "a:", "a:443", "a@b", "")),
        *(("CORS_ORIGINS", origin) for origin in ("a.example", "null", "https://a,*", "http://a:80", "//a")),
    ],
)
def test_a_wrong_setting_is_named(
    plain_environment: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: "):
        load_settings()


@pytest.mark.parametrize(
    ("value", "prefix"),
    [
        ("/beer", "/beer"),
        ("/beer/", "/beer"),
        ("/a-b/c.d", "/a-b/c.d"),
        ("/", ""),
        ("", ""),
        ("/..a", "/..a"),
    ],
)
def test_a_root_path_may_end_with_a_slash(
    plain_environment: Path, monkeypatch: pytest.MonkeyPatch, value: str, prefix: str
) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv("ROOT_PATH", value)
    assert load_settings().root_path == prefix


def test_origins_of_pages_are_separated_by_commas(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    origins = ("https://a.example", "http://localhost:3000", "http://[::1]:8080", "capacitor://localhost")
    monkeypatch.setenv("CORS_ORIGINS", ", ".join(origins))
    assert load_settings().cors_origins == origins
    monkeypatch.setenv("CORS_ORIGINS", "*")
    assert load_settings().cors_origins == ("*",)


def test_several_workers_are_refused_on_windows(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv("WORKERS", "2")
    assert load_settings().workers == 2
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SettingsError, match="^WORKERS: must be 1 on Windows"):
        load_settings()


def test_every_wrong_setting_is_named_at_once(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "PORT", "LOG_LEVEL":
        monkeypatch.setenv(name, "wrong")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert all(f"{name}" in str(caught.value) for name in ("API_KEY", "PORT", "LOG_LEVEL"))


def test_two_programs_that_start_at_once_create_one_env_file(
    plain_environment: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other program creates its file between the check and the write."""
    (plain_environment / ".env.example").write_bytes((repository / ".env.example").read_bytes())
    exists = Path.exists

    def late(path: Path, **more: bool) -> bool:
        result = exists(path, **more)
        path.write_text("API_KEY=the-other-one-was-first\n")
        return result

    monkeypatch.setattr(Path, "exists", late)
    assert create_env_file() is None
    monkeypatch.undo()
    assert {path.name for path in plain_environment.iterdir()} == {".env", ".env.example"}
    assert (plain_environment / ".env").read_text() == "API_KEY=the-other-one-was-first\n"


def test_without_an_example_no_env_file_is_created(plain_environment: Path) -> None:
    assert create_env_file() is None
    assert list(plain_environment.iterdir()) == []


def test_a_failed_write_leaves_no_file(plain_environment: Path, repository: Path) -> None:
    resource = pytest.importorskip("resource")
    (plain_environment / ".env.example").write_bytes((repository / ".env.example").read_bytes())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(SettingsError, match="^.env cannot be created: File too large"):
            create_env_file()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in plain_environment.iterdir()] == [".env.example"]


@pytest.mark.parametrize(
    ("mode", "folder", "warned"),
    [(0o600, 0o755, False), (0o644, 0o755, True), (0o640, 0o711, True), (0o644, 0o700, False)],
)
def test_secrets_that_other_users_may_read_are_warned_of(
    plain_environment: Path, caplog: pytest.LogCaptureFixture, mode: int, folder: int, warned: bool
) -> None:
    """By the names of the files' settings; a folder that others may not enter protects them."""
    (plain_environment / "private").mkdir()
    keys = plain_environment / "private" / "keys.json"
    for path in (keys, plain_environment / ".env"):
        path.write_text("")
        path.chmod(mode)
        path.parent.chmod(folder)
    log_readable_secrets(Settings(api_key=KEY, api_keys_file=keys))
    messages = [record.getMessage() for record in caplog.records]
    assert [message.split()[0] for message in messages] == [".env", "API_KEYS_FILE"] * warned
    plain_environment.chmod(0o700)
