"""The reader agrees with a real nginx, of which the answers are recorded."""

import pytest

from stackproof.facts.proxy import Destination
from tests.probes.nginx.corpus import answers
from tests.probes.nginx.corpus.case import Case
from tests.probes.nginx.corpus.comparison import contradicts, is_undecided, read

_MOST_UNDECIDED = 0.1


Compared = dict[tuple[str, str], tuple[Destination | str, list[str]]]


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {case.name: case for case in answers.all_cases()}


@pytest.fixture(scope="module")
def compared(cases: dict[str, Case]) -> Compared:
    """By case and URL, what is read and what was observed."""
    return {
        (name, url): (read(cases[name], url), observed)
        for name, requests in answers.recorded().items()
        for url, observed in requests.items()
    }


def test_reader_agrees_with_nginx(compared: Compared) -> None:
    assert len({name for name, _ in compared}) >= 300
    contradictions = [
        f"{name} {url}: read {found}, observed {observed}"
        for (name, url), (found, observed) in compared.items()
        if contradicts(found, observed)
    ]
    assert contradictions == []
    undecided = [
        found if isinstance(found, str) else found.depends_on
        for found, _ in compared.values()
        if is_undecided(found)
    ]
    assert len(undecided) / len(compared) <= _MOST_UNDECIDED
    assert set(undecided) == {"$http_x_variant"}


def test_each_server_of_a_group_answers(compared: Compared, cases: dict[str, Case]) -> None:
    """What is read is not more than what nginx does."""
    more = [
        f"{name} {url}: read {found}, observed {observed}"
        for (name, url), (found, observed) in compared.items()
        if isinstance(found, Destination) and not found.depends_on
        and "split_clients" not in cases[name].http
        and set(found.leads_to) != set(observed)
    ]  # fmt: skip
    assert more == []
