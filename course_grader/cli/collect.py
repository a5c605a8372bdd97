"""`course-grader collect ZIP...`: a zip with everybody's files, as a learning platform gives it, into submitted/.

Nothing in such a zip is trusted. No file is ever written under a name from it, and every size is capped while it is
read, so paths, links and bombs lead nowhere; they are refused all the same, each in a sentence, for no honest zip holds
them. What `make submit` wrote is read by course_utils/submission.py; course_utils/inbox.py puts each in its place.

How the platforms name files was read in their sources. Canvas (lib/content_zipper.rb): name, LATE, user id, file id
and the file's own name, joined by underscores. Moodle (mod/assign/classes/downloader.php): full name, participant
number and assignsubmission_file, as a folder or in front of the file's name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import re
import unicodedata
import zipfile
from collections import defaultdict
from pathlib import Path

from nbgrader.api import Student

from course_utils import handin, inbox, submission, workbook

from ..contracts import GraderError
from ..course import plan as plans
from ..intake.zips import DAMAGE, Refused, opened, readable, refuse_odd
from ..words import shown

MAX_TOTAL = 8 << 30  # bytes unpacked from one zip; the largest honest class is far below
RATIO, FREE = 200, 1 << 20  # an entry may unpack to 200 times its size, or to 1 MB
SKIPPED = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<rest>.+)|_?)", re.DOTALL)
CANVAS = re.compile(
    r"(?:(?P<name>.+?)_)??(?P<late>LATE_)?(?P<number>\d+|anon_\w{5})_(?P<file>\d+)_(?P<rest>.+)", re.DOTALL
)


@dataclasses.dataclass(frozen=True)
class Person:
    """Whom the platform says an entry is from; `number` is what it knows the person by."""

    platform: str = ""
    name: str = ""
    number: str = ""
    late: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.platform, self.number

    def __str__(self) -> str:
        return f"{self.platform}'s {self.name or 'participant'} ({self.number})"


@dataclasses.dataclass(frozen=True)
class Found:
    """One submission in a zip, without its content. order: what decides which of several is the newest."""

    label: str
    place: int  # in the zip
    person: Person
    student: str
    unit: str
    time: object
    sha256: str
    order: tuple


def run(arguments) -> int:
    """The command."""
    course = plans.settings(arguments.course)
    lines, problems = [], []
    for path in arguments.zip:
        done = collect(course, path)
        lines += done[0]
        problems += done[1]
    if arguments.json:
        print(json.dumps({"collected": lines, "refused": problems}))
    else:
        print("\n".join([*lines, *problems, f"{len(problems)} refused" if problems else "nothing refused"]))
    return 1 if problems else 0


def collect(course: plans.Settings, path: Path) -> tuple[list[str], list[str]]:
    """Sort one zip's submissions into submitted/; returns what was done, and a sentence for each refusal."""
    lines, problems = [], []
    try:
        with opened(path) as archive:
            if len(archive.namelist()) == 2 and submission.RECORD in archive.namelist():
                return inbox.collect(course.root, [path])  # one student's own, as `make collect` takes it
            reader = Reader(archive, path.name, roster(course), handin.answer_cells(course.root))
            found, problems = reader.survey()
            for chosen, older in _newest(_undisputed(found, problems)):
                lines += [f"{one.label} is older than {chosen.label}, which counts." for one in older]
                line, problem = _sorted_in(course, reader, chosen)
                lines += [line] if line else []
                problems += [f"{chosen.label} {problem}."] if problem else []
    except Refused as refusal:
        problems.append(f"{shown(path.name)} {refusal}.")
    return lines, problems


def _sorted_in(course: plans.Settings, reader: Reader, chosen: Found) -> tuple[str, str]:
    """What was done with one submission, or else why it could not be sorted in."""
    try:
        line, problem = inbox.sort_in(course.root / "submitted", reader.read(chosen))
    except (Refused, submission.BadSubmission) as refusal:
        return "", str(refusal)
    if line and not chosen.time:
        late = "; Canvas marks it as late: for a penalty, write its timestamp.txt" if chosen.person.late else ""
        line += f" (a bare notebook does not say when it was handed in{late})"
    return line, problem


# -- who is who --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Roster:
    """The gradebook's students: by the platform's number, and by what is left of their names."""

    numbers: dict[str, str]
    names: dict[str, set[str]]

    def student(self, person: Person) -> str:
        """Who this is.

        Raises
        ------
        Refused
            If the gradebook does not say.
        """
        known = self.by_number(person)
        if known:
            return known
        found = self.names.get(_letters(person.name), set()) if person.name else set()
        if len(found) == 1:
            return next(iter(found))
        why = "two students have that name" if found else "no student has that name or lms_user_id"
        raise Refused(
            f"is from {shown(str(person))}, and in the gradebook {why}: enter it with `nbgrader db student add ID "
            f'--lms-user-id={person.number}` (or --first-name and --last-name), or ask for the zip of `make submit`'
        )  # fmt: skip

    def by_number(self, person: Person) -> str | None:
        """Moodle's participant number belongs to one assignment, so only Canvas's is a person's."""
        return self.numbers.get(person.number) if person.platform == "Canvas" else None


def roster(course: plans.Settings) -> Roster:
    """From the gradebook's table of students; nobody if there is no gradebook yet."""
    numbers, names = {}, defaultdict(set)
    with contextlib.suppress(GraderError), plans.gradebook(course) as book:
        for one in book.db.query(Student):
            first, last = one.first_name or "", one.last_name or ""
            if one.lms_user_id:
                numbers[one.lms_user_id] = one.id
            for name in {_letters(first + last), _letters(last + first)} - {""}:
                names[name].add(one.id)
    return Roster(numbers, dict(names))


def _letters(name: str) -> str:
    """A name without all that a platform may have dropped or changed in it."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", name)).casefold()


def whose(name: str) -> tuple[Person | None, str]:
    """(who, by the platform's naming, the file's own name) of an entry."""
    parts = name.split("/")
    for part in parts[:-1]:
        if found := MOODLE.fullmatch(part):
            return Person("Moodle", found["name"], found["number"]), parts[-1]
    found = MOODLE.fullmatch(parts[-1])
    if found and found["rest"]:
        return Person("Moodle", found["name"], found["number"]), found["rest"]
    if found := CANVAS.fullmatch(parts[-1]):
        return Person("Canvas", found["name"] or "", found["number"], bool(found["late"])), found["rest"]
    return None, parts[-1]


# -- reading -----------------------------------------------------------------------------------------------------------


class Reader:
    """Reads the entries of one open zip, each up to its cap, and all of them together up to MAX_TOTAL."""

    def __init__(self, archive: zipfile.ZipFile, name: str, people: Roster, answers: dict[str, set[str]]):
        self._archive, self._name, self._people, self._answers = archive, name, people, answers
        self._infos = archive.infolist()
        self._left = MAX_TOTAL

    def survey(self) -> tuple[list[Found], list[str]]:
        """All submissions, without their content, and a sentence for each entry that is none."""
        found, problems = [], []
        for place, info in enumerate(self._infos):
            name = readable(info)
            if info.is_dir() or SKIPPED.search(name):
                continue
            label = f"{shown(self._name)}: {shown(name)}"
            try:
                found.append(self._found(place, name, label))
            except (Refused, submission.BadSubmission) as refusal:
                problems.append(f"{label} {refusal}.")
        return found, problems

    def _found(self, place: int, name: str, label: str) -> Found:
        refuse_odd(self._infos[place], name)
        person, own = whose(name)
        one = self._submission(place, name, own, person)
        known = self._people.by_number(person) if person else None
        if known and known != one.student:
            raise Refused(
                f"says that it is {one.student}'s, but comes from {shown(str(person))}, who is {known} in the "
                "gradebook: ask both, then use `make collect` on the right one"
            )  # fmt: skip
        if one.unit not in self._answers:
            raise Refused(f"is for unit {shown(one.unit)!r}, which release/ does not have")
        order = (one.time is not None, one.time or self._infos[place].date_time, one.sha256)
        return Found(label, place, person or Person(), one.student, one.unit, one.time, one.sha256, order)

    def read(self, found: Found) -> submission.Submission:
        """The submission with its content, for the inbox."""
        self._left = MAX_TOTAL
        name = readable(self._infos[found.place])
        person, own = whose(name)
        return self._submission(found.place, name, own, person)

    def _submission(self, place: int, name: str, own: str, person: Person | None) -> submission.Submission:
        kind = own.lower().rpartition(".")[2]
        if kind == "zip":
            data = self._bytes(place, submission.MAX_ZIP)
            try:
                return submission.read_archive(io.BytesIO(data), Path(name))
            except OSError as error:
                raise Refused(f"is not a readable zip ({error})") from None
        if kind != "ipynb":
            raise Refused("is neither a notebook nor a zip")
        if person is None:
            raise Refused("does not say whose it is: ask for the zip that `make submit` writes")
        data = self._bytes(place, submission.MAX_NOTEBOOK)
        try:
            notebook = workbook.read_notebook(data)
        except ValueError as error:
            raise Refused(f"holds no usable notebook ({error})") from None
        unit = handin.unit_of(notebook, self._answers)
        if unit is None:
            raise Refused("is the notebook of no unit in release/: most of its answer cells are missing")
        return submission.Submission(Path(name), unit, self._people.student(person), None, workbook.sha256(data), data)

    def _bytes(self, place: int, cap: int) -> bytes:
        """An entry's content; the cap holds whatever the zip says about its size."""
        info = self._infos[place]
        if info.file_size > cap:
            raise Refused(f"unpacks to {info.file_size:,} bytes, where {cap:,} are the most allowed")
        if info.file_size > FREE and info.file_size > RATIO * info.compress_size:
            raise Refused(f"unpacks to more than {RATIO} times its size, as only a zip bomb does")
        try:
            with self._archive.open(info) as member:
                data = member.read(min(cap, self._left) + 1)
        except (OSError, *DAMAGE) as error:
            raise Refused(f"cannot be unpacked ({shown(str(error)) or type(error).__name__})") from None
        self._left -= len(data)
        if self._left < 0:
            raise Refused(f"is too much: more than {MAX_TOTAL >> 30} GB have been unpacked from this zip already")
        if len(data) > cap:
            raise Refused(f"unpacks to more than {cap:,} bytes, the most allowed")
        return data


# -- choosing ----------------------------------------------------------------------------------------------------------


def _undisputed(found: list[Found], problems: list[str]) -> list[Found]:
    """Without those that two people handed in under one student's id: a person has to decide who that is."""
    people = defaultdict(set)
    for one in found:
        people[one.student].add(one.person.key)
    for one in found:
        if len(people[one.student]) > 1:
            problems.append(
                f"{one.label} says that it is {one.student}'s, and so does another person's in this zip: ask both, "
                "then use `make collect` on the right one."
            )
    return [one for one in found if len(people[one.student]) == 1]


def _newest(found: list[Found]):
    """(the newest, the others) of each student and unit. One that says its time stands above one that does not."""
    groups = defaultdict(list)
    for one in sorted(found, key=lambda one: one.order):
        groups[one.student, one.unit].append(one)
    for group in groups.values():
        yield group[-1], [one for one in group[:-1] if one.sha256 != group[-1].sha256]
