"""Grading on a Dask cluster: workers die, come late and are slow, the scheduler goes away; nobody's points change."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest
import scale_class
from plain_course import UNIT
from scale_class import KINDS, assert_right, fill, grade, verdicts
from scale_cluster import Cluster

from course_grader.cli import main as cli
from course_grader.contracts import CannotStart
from course_grader.engine import pool, worker

pytestmark = pytest.mark.part("scale")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    course = scale_class.make(tmp_path_factory.mktemp("cluster") / "course")
    course.joinpath("made.json").write_text(json.dumps(fill(course, 2 * len(KINDS))))
    return course


@pytest.fixture
def course(original, tmp_path):
    return shutil.copytree(original, tmp_path / "course")


@pytest.fixture
def made(course):
    return json.loads((course / "made.json").read_text())


def begin(course, cluster, *arguments):
    """Start a run on the cluster; returns when its first submission is graded."""
    process = subprocess.Popen(
        scale_class.command(course, "--cluster", cluster.address, "--json", *arguments),
        env=scale_class.surroundings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.said = process.stderr.readline()
    return process


def finish(process, status=0, timeout=300):
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == status, out[-1500:] + process.said + err[-1500:]
    return json.loads(out), process.said + err


def assert_once(document, made):
    """Each submission was recorded once."""
    assert sorted(one["student"] for one in document["submissions"]) == sorted(made)
    assert {one["status"] for one in document["submissions"]} == {"graded"}


def test_a_worker_dies_another_comes_late(course, made, tmp_path):
    """The same verdicts as one process gives."""
    with Cluster(tmp_path / "cluster") as cluster:
        first, _ = cluster.add(), cluster.add()
        run = begin(course, cluster)
        first.kill()
        cluster.add()
        document, _ = finish(run)
    assert_once(document, made)
    assert_right(course, made)
    twin = shutil.copytree(course, tmp_path / "twin")
    grade(twin, "--jobs", 1, "--regrade")
    assert verdicts(twin) == verdicts(course)


def test_no_scheduler_is_one_sentence(course, capsys, monkeypatch):
    monkeypatch.setattr(pool, "CONNECT_S", 1)
    status = cli.main(["grade", UNIT, "--course", str(course), "--cluster", "tcp://127.0.0.1:9", "--json"])
    out, err = capsys.readouterr()
    assert status == 2
    assert json.loads(out)["error"].startswith("No Dask scheduler answers at tcp://127.0.0.1:9 (")
    assert err.count("\n") == 1


def test_another_version_on_a_worker_is_refused():
    asked = json.loads(worker.packed(worker.Job("", "full", ())))
    said = worker.judge_packed(json.dumps(asked | {"version": "of last year"}))
    with pytest.raises(CannotStart, match="has another version of the grader"):
        worker.unpacked(said)


@pytest.mark.full
def test_a_scheduler_that_is_restarted(course, made, tmp_path):
    """What was under way is sent once more, to the new one."""
    with Cluster(tmp_path / "cluster") as cluster:
        cluster.add()
        run = begin(course, cluster)
        cluster.scheduler.kill()
        cluster.scheduler.wait()
        time.sleep(2)
        cluster.start()
        cluster.add()
        document, told = finish(run)
    assert_once(document, made)
    assert_right(course, made)


@pytest.mark.full
def test_a_scheduler_that_stays_away_ends_in_a_sentence_and_the_next_run_goes_on(
    course, made, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(pool, "PATIENCE_S", 5.0)
    with Cluster(tmp_path / "cluster") as cluster:
        cluster.add()
        real, seen = pool.Cluster._ended, []

        def ended(self, *arguments):
            seen.append(1)
            if len(seen) == 3:
                cluster.scheduler.kill()
            return real(self, *arguments)

        monkeypatch.setattr(pool.Cluster, "_ended", ended)
        arguments = ["grade", UNIT, "--course", str(course), "--cluster", cluster.address, "--json"]
        assert cli.main(arguments) == 1
        out, err = capsys.readouterr()
        document = json.loads(out)
        assert f"The cluster at {cluster.address} has given no sign for 5 s" in document["error"]
        assert document["error"] in err
        assert 0 < len(document["submissions"]) < len(made)
        cluster.scheduler.wait()
        cluster.start()
        cluster.add()
        again, _ = finish(begin(course, cluster))
        assert [one["status"] for one in again["submissions"]].count("unchanged") == len(document["submissions"])
    assert_right(course, made)


@pytest.mark.full
def test_a_cluster_without_workers_waits_and_then_says_so(course, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(pool, "PATIENCE_S", 3.0)
    with Cluster(tmp_path / "cluster") as cluster:
        assert cli.main(["grade", UNIT, "--course", str(course), "--cluster", cluster.address]) == 2
    assert "no worker is connected" in capsys.readouterr().err


@pytest.mark.full
def test_a_slow_worker_costs_time_and_nothing_else(course, made, tmp_path):
    with Cluster(tmp_path / "cluster") as cluster:
        slow, _ = cluster.add(), cluster.add()
        run, over = begin(course, cluster), threading.Event()

        def brake():
            while not over.is_set():
                os.kill(slow.pid, signal.SIGSTOP)
                time.sleep(0.9)
                os.kill(slow.pid, signal.SIGCONT)
                time.sleep(0.1)

        braking = threading.Thread(target=brake)
        braking.start()
        try:
            document, _ = finish(run)
        finally:
            over.set()
            braking.join()
    assert_once(document, made)
    assert_right(course, made)


# -- machines without a shared disk ------------------------------------------------------------------------------------

NET = "10.213.7"


@pytest.fixture
def machines(tmp_path):
    """Three network namespaces on one bridge, as machines; the commands that run a program in each."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need root and iproute2")
    names = [f"cg{os.getpid()}-{number}" for number in range(3)]
    hub = names[0]
    done = []
    try:
        for name in names:
            _ip("netns", "add", name)
            done.append(name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "addr", "add", f"{NET}.1/24", "dev", "bridge")
        _ip("-n", hub, "link", "set", "bridge", "up")
        for number, name in enumerate(names[1:], 2):
            _ip("-n", hub, "link", "add", f"to{number}", "type", "veth", "peer", "name", "out", "netns", name)
            _ip("-n", hub, "link", "set", f"to{number}", "master", "bridge", "up")
            _ip("-n", name, "addr", "add", f"{NET}.{number}/24", "dev", "out")
            _ip("-n", name, "link", "set", "out", "up")
        yield [["ip", "netns", "exec", name] for name in names]
    finally:
        for name in done:
            _ip("netns", "delete", name)


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def without(folder, command):
    """The command in a mount namespace where this folder is empty."""
    return [*command, "unshare", "--mount", "sh", "-c", f'mount -t tmpfs none "{folder}" && exec "$@"', "sh"]


def test_machines_that_share_a_network_and_no_disk(course, made, machines, tmp_path):
    """Plans and submissions travel as bytes: a worker sees nothing of the course's folder."""
    here, *others = machines
    with Cluster(tmp_path / "cluster", host=f"{NET}.1", inside=here) as cluster:
        (tmp_path / "cluster" / "scratch").mkdir()
        for command in others:
            seen = subprocess.run([*without(course, command), "ls", course], capture_output=True, text=True, check=True)
            assert seen.stdout == ""
            cluster.add(inside=without(course, command))
        process = subprocess.run(
            [*here, *scale_class.command(course, "--cluster", cluster.address, "--json")],
            env=scale_class.surroundings(), capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert process.returncode == 0, process.stderr
        assert_once(json.loads(process.stdout), made)
        logs = "".join(cluster.log(f"worker {number}") for number in (1, 2))
        assert f"{NET}.2" in logs and f"{NET}.3" in logs
    assert_right(course, made)
