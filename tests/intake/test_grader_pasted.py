"""Pictures pasted into Markdown cells: which are kept, what is said of the others, what the record has of them."""

import base64
import io

import nbformat
import numpy as np
import plain_course
import pytest
from PIL import Image
from plain_course import UNIT, hand_in, named, released
from recording import Graded, record

from course_grader.contracts import Verdict
from course_grader.course import plan
from course_grader.intake import pictures
from course_grader.intake import submission as intake

pytestmark = pytest.mark.part("grader")


def drawn(kind="PNG", size=(3, 2), **options):
    """A picture as a program saves it, in base64."""
    file = io.BytesIO()
    Image.fromarray(np.zeros((size[1], size[0], 3), np.uint8)).save(file, kind, **options)
    return base64.b64encode(file.getvalue()).decode()


PNG, JPEG = drawn(), drawn("JPEG")


def said_to_measure(width, height):
    """The JPEG with another size in its frame: what a browser would make room for."""
    raw = bytearray(base64.b64decode(JPEG))
    place = raw.index(b"\xff\xc0") + 5
    raw[place : place + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return base64.b64encode(bytes(raw)).decode()


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return plain_course.make(tmp_path_factory.mktemp("course"))


def read(course, attachments, own=()):
    """What is taken of a submission whose essay has these attachments, and whose own cells have those."""
    notebook = released(course, "second")
    named(notebook)["why"].update(source="See ![a](attachment:a).", attachments=attachments)
    for place, one in enumerate(own):
        notebook.cells.append(nbformat.v4.new_markdown_cell(f"own {place}", attachments=one))
    made = plan.load(plan.settings(course), UNIT, "second")
    return made, intake.whole(plain_course.as_bytes(notebook), made, "ada")


def test_png_and_jpeg_are_kept_in_answers_and_own_cells(course):
    made, (submission, prose, pasted) = read(
        course, {"a": {"image/png": PNG}}, [{}, {"b c": {"image/jpeg": [JPEG[:10], JPEG[10:]]}}]
    )
    assert pasted["why"]["a"].keys() == {"image/png"} and pictures.png(pasted["why"]["a"]["image/png"])
    assert pasted["text 2"] == {"b c": {"image/jpeg": JPEG}} and pasted.keys() == {"why", "text 2"}
    assert len(prose) == 2 and not [note for note in submission.notes if "pasted" in note]


@pytest.mark.parametrize(
    "attachments",
    [
        {"a": {"image/svg+xml": "<svg onload=alert(1)>"}},
        {"a": {"text/html": "<script>alert(1)</script>"}},
        {"a": {"image/png": JPEG}},
        {"a": {"image/jpeg": PNG}},
        {"a": {"image/png": "no base64 <b>"}},
        {"a": {"image/png": PNG[: len(PNG) // 2]}},
        {"a": {"image/jpeg": JPEG[:40]}},
        {"a": {"image/jpeg": said_to_measure(60_000, 60_000)}},
        {"a": {"image/jpeg": said_to_measure(0, 2)}},
        {"a": {"image/jpeg": base64.b64encode(b"\xff\xd8\xff\xe0\0\0").decode()}},
        {"a": {"image/png": {"image/png": PNG}}},
        {"a": PNG},
        {"a": None},
        {"a\ud800": {"image/png": PNG}},
        {"a" * 300: {"image/png": PNG}},
        {"a": {"image/png": base64.b64encode(b"\x89PNG" + b"x" * (3 << 20)).decode()}},
    ],
)
def test_anything_else_is_left_out_with_a_note(course, attachments):
    _, (submission, _, pasted) = read(course, attachments)
    (note,) = [note for note in submission.notes if "pasted" in note]
    assert pasted == {} and note.startswith("1 of the files pasted into the cell why are not shown: only PNG and JPEG")


@pytest.mark.parametrize("attachments", [["a"], "a", 3, {}, None])
def test_attachments_that_are_none(course, attachments):
    assert read(course, attachments)[1][2] == {}


def test_a_notebook_has_so_many_and_no_more(course):
    many = {f"{number}": {"image/png": PNG} for number in range(15)}
    _, (submission, _, pasted) = read(course, many, [many])
    assert [len(one) for one in pasted.values()] == [15, 5]
    assert [note for note in submission.notes if "10 of the files pasted into the cell of the student's own" in note]


def test_large_ones_share_what_there_is(course):
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    large = {f"{number}": {"image/png": base64.b64encode(file.getvalue()).decode()} for number in range(6)}
    assert 1 << 20 < len(file.getvalue()) < 2 << 20 and len(read(course, large)[1][2]["why"]) == 4


def test_the_graded_notebook_has_them_and_depends_on_them(course):
    keys = set()
    for picture in (PNG, drawn(size=(4, 4))):
        made, (submission, prose, pasted) = read(course, {"a": {"image/png": picture}}, [{"b": {"image/png": picture}}])
        one = Graded(made, submission, prose, pasted, verdict=Verdict(UNIT, "second", "ada"))
        keys.add(one.key)
        folder = hand_in(course, "ada", names=())
        assert folder.is_dir()
        record(course, UNIT, "ada", one)
        path = course / "autograded" / "ada" / UNIT / "second.ipynb"
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        kept = [cell.attachments for cell in notebook.cells if "attachments" in cell]
        assert kept == [{"a": pasted["why"]["a"]}, {"b": pasted["text 1"]["b"]}]
    assert len(keys) == 2
