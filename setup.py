"""Build in a temporary directory, not in `build/`, which keeps modules that were removed since."""

from tempfile import TemporaryDirectory

from setuptools import setup
from setuptools.command.build import build


class Build(build):
    """The build command, in a new directory."""

    def initialize_options(self) -> None:
        """Set the default of `--build-base`."""
        super().initialize_options()
        self._temporary = TemporaryDirectory()  # it lasts as long as the command
        self.build_base = self._temporary.name


setup(cmdclass={"build": Build})
