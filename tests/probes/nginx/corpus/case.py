"""One configuration of the corpus."""

from dataclasses import dataclass

ROOT = "/srv/site"
FILES = ("index.html", "about.html", "static/app.js", "docs/index.html", "index.php")
"""The files below the root."""


@dataclass(frozen=True)
class Case:
    """A configuration and requests."""

    name: str
    http: str
    """What is in its `http` block."""
    requests: tuple[str, ...]
    """URLs; a port other than 80 is one that nginx listens on."""
    stream: str = ""

    @property
    def text(self) -> str:
        """The whole configuration."""
        stream = f"stream {{\n{self.stream}\n}}\n" if self.stream else ""
        return (
            "worker_processes 1;\nerror_log stderr emerg;\npid /run/corpus.pid;\n"
            f"events {{ worker_connections 64; }}\n{stream}"
            f"http {{\naccess_log off;\nmap_hash_bucket_size 128;\n{self.http}\n}}\n"
        )
