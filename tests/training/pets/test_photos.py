"""Photos are read, labelled and split reproducibly."""

from pathlib import Path

import pytest

from tests.pictures import encoded, synthetic_image
from training.errors import SourceError
from training.pets.photos import HELD_OUT_BREEDS, Photo, digest, of_split, read_photos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty synthetic photos of four breeds."""
    for number, (label, breed) in enumerate([("cat", "Bengal"), ("cat", "Sphynx"), ("dog", "boxer"), ("dog", "pug")]):
        (tmp_path / label).mkdir(exist_ok=True)
        for photo in range(10):
            (tmp_path / label / f"{breed}_{photo}.jpg").write_bytes(
                encoded(synthetic_image(100 * number + photo), "JPEG")
            )
    (tmp_path / "cat" / "notes.txt").write_text("no photo")
    return tmp_path


def test_folder_and_file_name_give_label_and_breed(folder: Path) -> None:
    photos = read_photos(folder)
    assert [photo.label for photo in photos] == [0] * 20 + [1] * 20
    assert {photo.breed for photo in photos} == {"Bengal", "Sphynx", "boxer", "pug"}
    assert all(len(photo.source) == 64 for photo in photos)


def test_held_out_breeds_are_never_trained_on(folder: Path) -> None:
    photos = read_photos(folder)
    assert {photo.breed for photo in of_split(photos, "breeds")} == {"Sphynx", "pug"} <= set(HELD_OUT_BREEDS)
    splits = [of_split(photos, split) for split in ("train", "tune", "test", "breeds")]
    assert sum(map(len, splits)) == len(photos)


def test_shares_of_the_splits_are_those_stated_on_the_card() -> None:
    sources = [f"{(2 * index + 1) * 2**32 // 200:08x}" for index in range(100)]
    photos = [Photo(Path("x.jpg"), 0, "Bengal", source) for source in sources]
    assert [len(of_split(photos, split)) for split in ("test", "tune", "train", "breeds")] == [15, 8, 77, 0]


def test_new_photos_move_no_photo_to_another_split(folder: Path) -> None:
    before = {photo.path: photo.split for photo in read_photos(folder)}
    (folder / "cat" / "Bengal_new.jpg").write_bytes(encoded(synthetic_image(999), "JPEG"))
    after = {photo.path: photo.split for photo in read_photos(folder)}
    assert before.items() <= after.items() and len(after) == len(before) + 1


def test_photos_of_one_source_file_stay_together(folder: Path) -> None:
    lines = [f"{photo.path.parent.name}/{photo.path.name},Bengal,{'ab' * 32}" for photo in read_photos(folder)]
    (folder / "manifest.csv").write_text("\n".join(["file,breed,src_sha256", *lines]))
    photos = read_photos(folder)
    assert {photo.breed for photo in photos} == {"Bengal"} and len({photo.split for photo in photos}) == 1


def test_the_digest_does_not_depend_on_the_folder(folder: Path, tmp_path: Path) -> None:
    first = digest(read_photos(folder))
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for label in ("cat", "dog"):
        (folder / label).rename(moved / label)
    assert digest(read_photos(moved)) == first
    (moved / "cat" / "Bengal_0.jpg").unlink()
    assert digest(read_photos(moved)) != first


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [("rm dog", "cannot be read"), ("empty dog", "contains no photos"), ("manifest", "no columns")],
)
def test_a_folder_without_photos_is_rejected(folder: Path, spoil: str, reason: str) -> None:
    if spoil == "manifest":
        (folder / "manifest.csv").write_text("a,b\n1,2\n")
    else:
        for path in (folder / "dog").iterdir():
            path.unlink()
    if spoil == "rm dog":
        (folder / "dog").rmdir()
    with pytest.raises(SourceError, match=reason):
        read_photos(folder)
