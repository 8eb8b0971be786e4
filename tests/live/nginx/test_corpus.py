"""A real nginx sends the requests of the whole corpus where the reader says."""

import pytest

from tests.probes.nginx.corpus import answers
from tests.probes.nginx.corpus.comparison import contradicts, read

pytestmark = pytest.mark.live


def test_nginx_still_answers_so() -> None:
    cases = {case.name: case for case in answers.all_cases() if not case.stream}
    observed = answers.ask(cases.values())
    assert set(observed) == set(answers.recorded()) & set(cases)
    assert [
        f"{name} {url}: read {found}, observed {places}"
        for name, requests in observed.items()
        for url, places in requests.items()
        if contradicts(found := read(cases[name], url), places)
    ] == []
