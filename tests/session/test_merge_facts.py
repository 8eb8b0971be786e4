"""Facts that were gathered again replace the old ones, and nothing else changes."""

from datetime import timedelta

from stackproof.fixtures.session.facts.store import merge_facts
from stackproof.probes.gather import NOT_NEEDED
from stackproof.unobserved import Unobserved
from tests import shop
from tests.shop import container, facts

PAUSED, RUNS = container(status="paused"), container()
NOT_GATHERED = Unobserved(reason=NOT_NEEDED)
LATER = shop.AT + timedelta(seconds=2)


def test_by_subject() -> None:
    old = facts(containers={"api": PAUSED, "web": RUNS}, usage={"api": shop.USAGE})
    new = facts(
        containers={"api": RUNS}, gathered_at=LATER, host=NOT_GATHERED, networks=NOT_GATHERED
    )
    merged = merge_facts(old, new)
    assert merged.containers == {"api": RUNS, "web": RUNS}
    assert (merged.usage, merged.host, merged.networks) == (old.usage, old.host, old.networks)
    assert merged.gathered_at == LATER


def test_facts_about_the_environment_are_replaced() -> None:
    old = facts(containers={"api": RUNS, "web": RUNS})
    merged = merge_facts(old, facts(containers={"api": RUNS}))
    assert not isinstance(merged.listed, Unobserved)
    assert merged.listed.keys() == {"api"}


def test_facts_that_became_unobserved() -> None:
    old = facts(containers={"api": PAUSED, "web": RUNS})
    gone = Unobserved(reason="engine x: refused")
    merged = merge_facts(old, facts(containers={"api": gone}, machine=gone, listed=gone))
    assert (merged.containers["api"], merged.machine, merged.listed) == (gone, gone, gone)
    assert merged.containers["web"] == RUNS


def test_facts_that_were_not_gathered_stay() -> None:
    """What is added to the facts after the gather holds for the whole run."""
    old = facts(alarms={"nginx": ()})
    assert merge_facts(old, facts(containers={"api": RUNS})).alarms == {"nginx": ()}
