"""The real terraform in a folder of its own, attached to the stand-in for Google's provider."""

import json
import os
import shutil
import subprocess
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STACK = ROOT / "terraform"
HERE = Path(__file__).parent
SCHEMAS = {"7.41.0": HERE / "stub" / "schema-7.json", "8.7.0": HERE / "stub" / "schema-8.json"}
"""Both ends of what versions.tf allows."""
RUNTIMES = ("mig", "worker-pool", "push")

_NOT_THE_STACK = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "*.tfstate*", "*.tfvars")


def environment(name: str, lock: Path) -> Path:
    """The `bin` folder of .venv-NAME, which is made at the first call and whenever the lock has changed."""
    folder = ROOT / f".venv-{name}"
    ready, digest = folder / "ready", sha256(lock.read_bytes()).hexdigest()
    if not ready.exists() or ready.read_text() != digest:
        venv.create(folder, clear=True, with_pip=True)
        options = ["-qq", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", *options, "-r", lock], check=True)
        ready.write_text(digest)
    return folder / "bin"


@contextmanager
def provider(schema: Path) -> Iterator[str]:
    """A running provider with that schema; the value is how terraform attaches to it."""
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "STUB_SCHEMA": str(schema)}
    python = environment("tf", HERE / "requirements.lock") / "python"
    command = [str(python), "-m", "tests.terraform.stub.provider"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line, f"the stand-in for the provider did not start: exit code {process.wait()}"
            yield line.strip()
        finally:
            process.stdin.close()  # it ends with its standard input


class Workspace:
    """A copy of the stack in which `terraform`, a command, may write. `attach` is from `provider`."""

    def __init__(self, folder: Path, terraform: str, attach: str) -> None:
        self.folder = folder
        self._terraform = terraform
        self._attach = attach
        if not folder.exists():
            shutil.copytree(STACK, folder, ignore=_NOT_THE_STACK)

    def copy(self, folder: Path) -> "Workspace":
        """Another copy, initialised if this one is."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("*.tfstate*"))
        return Workspace(folder, self._terraform, self._attach)

    def run(self, *arguments: str, within: str = ".") -> subprocess.CompletedProcess[str]:
        """Run terraform below the folder, whatever comes of it."""
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TF_REATTACH_PROVIDERS": self._attach,
            "TF_CLI_CONFIG_FILE": os.devnull,
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }
        command = [self._terraform, *arguments]
        folder = self.folder / within
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)

    def succeed(self, *arguments: str, within: str = ".") -> str:
        """Run terraform, which must succeed; return what it printed."""
        done = self.run(*arguments, within=within)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write_variables(self, **variables: Any) -> None:
        """Give the variables that every command takes."""
        (self.folder / "test.auto.tfvars.json").write_text(json.dumps(variables))

    def apply(self) -> subprocess.CompletedProcess[str]:
        """Apply everything."""
        return self.run("apply", "-auto-approve", "-input=false", "-no-color", "-refresh=false", "-lock=false")

    def state(self) -> Any:
        """All that was applied, as `terraform show -json` prints it."""
        return json.loads(self.succeed("show", "-json"))
