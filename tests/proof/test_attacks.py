"""The attack corpus: it is what it says, its measuring sees what it must, and our grader gives none of it anything."""

import ast
import json
import re
import shutil
import sqlite3
import sys

import pytest
from attacks import base, course, scan

from course_author.attacks import pages
from course_author.attacks.command import add_pages
from course_author.attacks.corpus import Outcome
from course_author.attacks.machine import run
from course_author.attacks.report import STOCK, report, stock_summary, total
from course_author.attacks.submission import own_points
from course_author.attacks.watch import differences, state

pytestmark = pytest.mark.part("grader")
CORPUS = base.corpus()
EVERY = [attack for attacks in CORPUS.values() for attack in attacks]
CANNOT = sys.platform != "linux" or shutil.which("unshare") is None


class _Bare(ast.NodeTransformer):
    """Leaves of a program what is no constant and no name of an exercise."""

    def visit_Constant(self, node):
        return ast.Constant(type(node.value).__name__)

    def visit_Name(self, node):
        return ast.Name("x") if node.id in course.EXERCISES else node


def _form(attack) -> tuple:
    """What is left of an attack without constants and without the exercise that it attacks."""
    own = [source for slug, source in attack.answers.items() if source != course.RIGHT[slug]]
    own = [source.replace(course.LAZY[attack.target], "").replace(course.RIGHT[attack.target], "") for source in own]
    try:
        text = "\n".join(ast.dump(_Bare().visit(ast.parse(source))) for source in own)
    except (SyntaxError, ValueError):
        text = "\n".join(own)
    made = [
        function and (function.__code__.co_code, function.__code__.co_consts)
        for function in (attack.notebook, attack.data)
    ]
    beside = attack.folder and (
        attack.folder.__code__.co_code,
        repr([c.cell_contents for c in attack.folder.__closure__ or ()]),
    )
    return text, *map(str, made), str(beside), attack.student


def test_there_are_attacks_of_every_class():
    assert list(CORPUS) == list("ABCDEFGHIJKLMN")
    assert {letter: len(attacks) for letter, attacks in CORPUS.items() if len(attacks) < 7} == {}
    assert len(EVERY) >= 130
    assert len({attack.name for attack in EVERY}) == len(EVERY)


def test_no_two_differ_in_constants_or_exercise_only():
    forms = {}
    for attack in EVERY:
        forms.setdefault(_form(attack), []).append(attack.name)
    assert [names for names in forms.values() if len(names) > 1] == []


def test_each_says_in_a_sentence_what_it_tries():
    assert [attack.name for attack in EVERY if not re.match(r"^\w[^\n]{15,}\.$", attack.tries)] == []


@pytest.mark.parametrize("slug", course.EXERCISES)
def test_right_answers_pass_and_lazy_ones_fail(slug):
    """So points on an attack's target are points that it did not deserve."""
    _, solution, visible, hidden = course.EXERCISES[slug]
    for source in (solution, course.RIGHT[slug]):
        assert _fails(source, visible) is None and _fails(source, hidden) is None
    assert _fails(course.LAZY[slug], visible) and _fails(course.LAZY[slug], hidden)


def _fails(answer, test):
    namespace = {"__name__": "cell"}
    exec(course.SETUP, namespace)
    exec(answer, namespace)
    try:
        exec(test, namespace)
    except Exception as error:
        return error
    return None


def test_every_canary_stands_in_a_hidden_test_or_solution_and_nowhere_else():
    secret = "".join(solution + hidden for _, solution, _, hidden in course.EXERCISES.values())
    shown = "".join(visible for _, _, visible, _ in course.EXERCISES.values())
    told = re.findall(r'what="(.*?)"|, "(.*?)"\n', secret)
    for word in (*course.WORDS, *course.DIGITS):
        assert word in secret.replace(".", "")
        assert word not in shown.replace(".", "") and all(word not in part for parts in told for part in parts)


@pytest.mark.parametrize(
    "text",
    [
        "the table was [73519.28461, 61947.30285]",
        "73_519 28.461",
        "CANARY-SMOOTH-TEST-kx41vq",
        "qv14xk-TSET-HTOOMS-YRANAC",
        "Q0FOQVJZLVNNT09USC1URVNULWt4NDF2cQ==",
        "43414e4152592d534d4f4f54482d544553542d6b783431767121",
        "PNANEL-FZBBGU-GRFG-xk41id",
        "class EhdfbjciegbError",
        "shape (7, 3, 5, 1, 9, 2, 8, 4, 6, 1)",
    ],
)
def test_a_canary_is_found_in_every_disguise(text):
    assert scan.leaks(text)


def test_honest_text_is_no_leak():
    assert (
        scan.leaks("the smoothed table is not right at index 0 (3 of 5 values differ), 0.73519 s, 2026-11-22 17:31:27")
        == []
    )
    assert scan.leaks("the factor is 7.352", loot=("7.352",)) == ["7.352"]


@pytest.mark.parametrize(
    "page",
    [
        "<script>mallory()</script>",
        "<img src=x onerror=mallory()>",
        "<a href=' java\tscript:mallory()'>x</a>",
        "<iframe></iframe>",
        "<svg onload=mallory()>",
        "<style>@import 'http://evil.example/x'</style>",
        "<meta http-equiv=refresh content=0>",
        "<img src='//evil.example/x'>",
    ],
)
def test_active_content_is_found(page):
    assert scan.active(f"<html><body><p>{page}</p></body></html>")


def test_escaped_content_is_not_active():
    assert scan.active("<p>&lt;script&gt;mallory()&lt;/script&gt;</p><script>ours()</script><a href='#x'>x</a>") == []


def test_points_are_counted_against_those_deserved():
    attack = base.attack("x", "X.", "smooth")
    full = {f"{slug}-{part}": points for slug in course.EXERCISES for part, points in (("check", 2.0), ("hidden", 6.0))}
    assert own_points(full | {"smooth-hidden": 0.0}, attack) == (0, [])
    assert own_points(full, attack) == (6.0, [])
    assert own_points(full | {"smooth-hidden": 0.0, "deal-check": 1000.0}, attack) == (998.0, [])
    assert own_points(full | {"smooth-hidden": 0.0, "bonus": 100.0}, attack) == (100.0, [])
    assert own_points({"deal-check": 2.0, "deal-hidden": 6.0}, attack) == (0, ["register", "search"])


def test_changes_to_other_peoples_data_are_seen(tmp_path):
    (tmp_path / "submitted" / "mallory").mkdir(parents=True)
    (tmp_path / "submitted" / "bea").mkdir()
    (tmp_path / "submitted" / "bea" / "a.ipynb").write_text("{}")
    before = state(tmp_path, "mallory")
    (tmp_path / "submitted" / "mallory" / "a.ipynb").write_text("own")
    assert differences(before, state(tmp_path, "mallory")) == []
    (tmp_path / "submitted" / "bea" / "a.ipynb").write_text("spoilt")
    (tmp_path / "settings.py").symlink_to("/")
    assert differences(before, state(tmp_path, "mallory")) == ["settings.py", "submitted/bea/a.ipynb"]


def test_a_changed_gradebook_is_seen(tmp_path):
    with sqlite3.connect(tmp_path / "gradebook.db") as book:
        for table in ("grade", "comment"):
            book.execute(f"create table {table} (id, notebook_id, score)")
        book.execute("create table submitted_notebook (id, assignment_id)")
        book.execute("create table submitted_assignment (id, student_id)")
        for table in ("student", "source_cell", "base_cell"):
            book.execute(f"create table {table} (id)")
        book.execute("insert into submitted_assignment values ('sa', 'mallory'), ('sb', 'bea')")
        book.execute("insert into submitted_notebook values ('na', 'sa'), ('nb', 'sb')")
        book.execute("insert into grade values (1, 'na', 0), (2, 'nb', 6)")
    before = state(tmp_path, "mallory")
    with sqlite3.connect(tmp_path / "gradebook.db") as book:
        book.execute("update grade set score = 6 where id = 1")
    assert differences(before, state(tmp_path, "mallory")) == []
    with sqlite3.connect(tmp_path / "gradebook.db") as book:
        book.execute("update grade set score = 0 where id = 2")
        book.execute("create trigger bonus after update on grade begin select 1; end")
    assert differences(before, state(tmp_path, "mallory")) == [
        "gradebook.db: grade",
        "gradebook.db: sqlite_master",
    ]


def test_stock_nbgrader_was_measured_on_the_same_corpus():
    told = json.loads(STOCK.read_text(encoding="utf-8"))
    # Attacks that were changed since wait for the next `make attacks STOCK=1`; nine in ten must be measured.
    runnable = {attack.name for attack in EVERY if not attack.harmful}
    assert set(told["attacks"]) <= runnable and len(told["attacks"]) >= 0.9 * len(runnable)
    assert told["left out"] == {attack.name: attack.harmful for attack in EVERY if attack.harmful}
    assert re.fullmatch(r"gained \d+ of \d+, leaked \d+, changed \d+, stopped \d+", stock_summary())


def _graded(attacks):
    """What came of attacks with the real engine, by name."""
    if CANNOT:
        pytest.skip("attacks need Linux namespaces around them, in case the sandbox fails")
    return {one.name: one for one in run("ours", [attack.name for attack in attacks])}


def _won(outcomes):
    return [json.dumps({key: value for key, value in vars(one).items() if value})[:500] for one in outcomes if one.won]


@pytest.fixture(scope="module")
def outcomes():
    return _graded([base.CONTROL, *(attack for attack in EVERY if not attack.long)])


def test_the_control_is_caught(outcomes):
    """Points that are not deserved, and a canary in an output, are found when they are there."""
    control = outcomes["control"]
    assert (control.gained, control.leaked, control.stopped) == (6.0, ["CANARY-SMOOTH-TEST-kx41vq"], "")


def test_nothing_is_won(outcomes):
    """No point, no hidden byte, no change; and all that is honest keeps its points."""
    ones = [one for name, one in outcomes.items() if name != "control"]
    assert _won(ones) == []
    assert total(ones).startswith(f"gained 0 of {len(ones)}, leaked 0, changed 0, live 0; stock nbgrader: ")
    assert len(ones) >= 240


@pytest.mark.full
def test_nothing_is_won_by_those_that_take_long():
    assert _won(_graded([attack for attack in EVERY if attack.long]).values()) == []


@pytest.mark.full
def test_nothing_is_live_on_formgraders_pages():
    """The rendering class, and all payloads as prose, in a real Chromium; test_grader_rendering.py has more of it."""
    outcomes = [Outcome(attack.name, "J") for attack in CORPUS["J"]]
    add_pages(outcomes)
    assert _won(outcomes) == [] and len(outcomes) == len(CORPUS["J"]) + 1


def test_what_the_pages_show_counts_for_its_attack(monkeypatch):
    monkeypatch.setattr(pages, "look", lambda names: {name: [f"rang {name}"] for name in names})
    outcomes = [Outcome("x", "J"), Outcome("y", "A")]
    add_pages(outcomes)
    assert [one.live for one in outcomes] == [["rang x"], [], [f"rang {pages.PAYLOADS}"]]


def test_what_is_live_is_won(capsys):
    report([Outcome("x", "J", live=["rang 1"]), Outcome("y", "J")])
    told = capsys.readouterr().out
    assert "2 attacks: gained 0, leaked 0, changed 0, live 1\n" in told and "J x: live ['rang 1']" in told
    assert Outcome("x", "J", live=["rang 1"]).won and not Outcome("y", "J").won


def test_the_report_names_what_was_won(capsys):
    report([Outcome("x", "A", gained=6.0), Outcome("y", "A", leaked=["CARDQX81"], lost=["deal"])])
    told = capsys.readouterr().out
    assert "2 attacks: gained 1, leaked 1, changed 0, live 0, lost 1\n" in told and "A x: gained 6.0" in told
    assert told.splitlines()[-1].startswith("gained 1 of 2, leaked 1, changed 0, live 0; stock nbgrader: ")
