"""The workflow files name what is there: commands of the Makefile, files, and the nightly's own runner."""

import re

import pytest
import yaml

FILES = ("test", "nightly", "publish")


@pytest.fixture
def workflow(root):
    """Read a workflow. YAML takes the bare word ``on`` for true."""

    def read(name):
        made = yaml.safe_load((root / ".github" / "workflows" / f"{name}.yml").read_text())
        return made | {"on": made.pop(True)}

    return read


@pytest.mark.parametrize("name", FILES)
def test_commands_exist(workflow, root, name):
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.M))
    steps = [step for job in workflow(name)["jobs"].values() for step in job["steps"]]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    for step in steps:
        for target in re.findall(r"\bmake ([a-z]+)", step.get("run", "")):
            assert target in targets, f"make {target}"
        for script in re.findall(r"\.ci/\w+", step.get("run", "")):
            assert (root / script).is_file()


def test_the_night_runs_on_a_gpu_of_ones_own_and_keeps_its_records_and_logs(workflow):
    night = workflow("nightly")
    job = night["jobs"]["nightly"]
    assert job["runs-on"] == ["self-hosted", "gpu"] and "schedule" in night["on"]
    kept = [step for step in job["steps"] if step.get("if") == "always()"]
    assert any("_build/night/log" in step.get("with", {}).get("path", "") for step in kept)
    commands = [step.get("run", "") for step in job["steps"]]
    steps = [command.splitlines()[0].split(" ")[:2] for command in commands if command]
    assert steps == [["make", "night"], ["make", "nightly"], ["git", "add"]]


def test_nothing_from_outside_is_pasted_into_a_command(workflow):
    """An input or a branch's name may hold anything; commands only see it as a variable."""
    for name in FILES:
        for job in workflow(name)["jobs"].values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")


def test_pages_come_from_the_book(workflow):
    steps = workflow("publish")["jobs"]["build"]["steps"]
    assert any(step.get("with", {}).get("path") == "_build/html" for step in steps)
    assert workflow("publish")["on"]["workflow_run"]["workflows"] == [workflow("nightly")["name"]]


def test_workflows_install_nothing_but_what_the_lock_lists(workflow):
    for name in FILES:
        assert workflow(name)["env"]["HASHES"] == "1"
        for job in workflow(name)["jobs"].values():
            said = [step.get("run", "") for step in job["steps"]]
            assert not any("pip" in command for command in said), "installed beside make, unchecked"
            keys = [step["with"]["key"] for step in job["steps"] if step.get("uses", "").startswith("actions/cache@")]
            assert all("'.ci/lock.txt'" in key for key in keys)
