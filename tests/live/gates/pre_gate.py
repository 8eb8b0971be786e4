"""The pre gate of a deploy of the lab, from copies of its files that a test changes."""

from dataclasses import dataclass, field
from pathlib import Path

from lab import HERE, address
from lab.shapes import PRODUCTION
from tests.command_line import Ran, run
from tests.live.conftest import LAB_FILE, environments_of

GOOD = "api,web,nginx"


@dataclass
class Deploy:
    """A deploy of the lab, from copies of its compose file and its environment files."""

    folder: Path
    compose: str = (HERE / "compose.yaml").read_text(encoding="utf-8")
    environment: str = LAB_FILE.read_text(encoding="utf-8")
    variables: dict[str, str] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()

    def change(self, of: str, old: str, new: str) -> None:
        """Replace what stands in one of the two files, from where a service's name stands."""
        text: str = getattr(self, of)
        service, _, words = old.rpartition("|")
        start = text.index(f"\n  {service}:") if service else 0
        at = text.index(words, start)
        setattr(self, of, text[:at] + new + text[at + len(words) :])

    def judge(self, services: str = GOOD, *options: str) -> Ran:
        environments = environments_of(self.folder / "environments", self.environment)
        files = []
        for index, text in enumerate((self.compose, *self.overrides)):
            files.append(self.folder / f"compose-{index}.yaml")
            files[-1].write_text(text, encoding="utf-8")
        return run(
            self.folder / "out", "-m", "lab", "--gate=pre", f"--services={services}",
            environments, f"--project-dir={HERE}",
            *(f"--compose-file={file}" for file in files), *options,
            variables={**address.variables(PRODUCTION), **self.variables},
        )  # fmt: skip


def results(ran: Ran) -> dict[str, str]:
    return {name: " ".join(said) for name, said in ran.results("lab").items()}
