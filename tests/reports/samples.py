"""Checks with every possible result, as source for a pytest project."""

PASS = """
@check("containers", "healthy", "api")
def test_pass():
    pass
"""  # noqa: S105

FAIL = """
@check("containers", "restarts", "api", severity="critical")
def test_fail():
    '''One restart is a crash.'''
    print("password=hunter2")
    assert False, finding(
        api, "restarts", expected="at most 0", observed=9,
        evidence={"log": "boom\\ntoken: abcdef", "exit code": 1},
        hint=server("docker logs vpn-api"),
    )
"""

WARNING = """
@check("tls", "dates", "web")
def test_warning(warn):
    warn(finding(
        web, "certificate", expected="more than 21 days left", observed="12, token: abcdef",
    ))
"""

NO_FINDING = """
@check("containers", "bare", "api")
def test_no_finding():
    assert 1 == 2, "bare words"
"""

ODD_EXCEPTION = """
class OddError(AssertionError):
    @property
    def args(self):
        raise KeyError("token: abcdef")

@check("containers", "odd", "api")
def test_odd_exception():
    raise OddError
"""

UNOBSERVED = """
@check("datastores", "ping", "redis")
def test_unobserved(engine):
    pass
"""

UNOBSERVED_IN_CALL = """
@check("datastores", "ping", "postgres")
def test_unobserved_in_call():
    raise ConnectionLostError("exec refused\\nsecond line")
"""

CRASH = """
@check("routes", "status", "web")
def test_crash():
    secret = "password=hunter2"
    raise KeyError(secret)
"""

BROKEN_FIXTURE = """
@check("routes", "redirect", "web")
def test_broken_fixture(broken):
    pass
"""

ASSERTION_IN_FIXTURE = """
@pytest.fixture
def asserts():
    assert False, "ours"

@check("routes", "asserted", "web", waiver="never")
def test_assertion_in_fixture(asserts):
    pass
"""

BROKEN_TEARDOWN = """
@check("nginx", "config", "nginx")
def test_broken_teardown(broken_teardown):
    pass
"""

FAIL_AND_BROKEN_TEARDOWN = """
@check("nginx", "reloaded", "nginx")
def test_fail_and_broken_teardown(broken_teardown):
    assert False, finding(api, "reloaded", expected="yes", observed="no")
"""

SKIPPED = """
@check("network", "subnet", "stack", "")
def test_skipped():
    pytest.skip("not today")
"""

WAIVED = """
@check("network", "address", "stack", "", waiver="renumbered until Friday")
def test_waived():
    assert False, finding(api, "address", expected="172.20.0.2", observed="172.21.0.2")
"""

WAIVED_BUT_PASSES = """
@check("network", "ports", "stack", "", waiver="renumbered until Friday")
def test_waived_but_passes():
    pass
"""

WAIVED_BUT_BROKEN = """
@check("network", "members", "stack", "", waiver="renumbered until Friday")
def test_waived_but_broken():
    raise RuntimeError("not what was waived")
"""

TIMED_OUT = """
@check("resources", "memory", "api")
def test_timed_out(time_out):
    time_out()  # as pytest-timeout does from its signal handler
"""

WORKER_LOST = """
@check("host", "disk", "stack", "")
def test_worker_lost():
    os._exit(3)
"""

STOPPED = """
@check("host", "clock", "stack", "")
def test_stopped():
    import signal; signal.signal(signal.SIGINT, signal.default_int_handler)
    os.kill(os.getpid(), signal.SIGINT)
    import time
    time.sleep(10)
"""

OTHER_ENVIRONMENT = """
@check("containers", "healthy", "api", environment="staging")
def test_other_environment():
    pass
"""

NOT_A_CHECK = """
def test_not_a_check(broken):
    pass
"""

MATRIX = """
SUITES = "containers nginx routes health datastores resources network configuration host".split()
SERVICES = "nginx api python-api web n8n nexusai ollama pgadmin postgres redis".split()

@pytest.mark.parametrize("x", [
    pytest.param(0, marks=check(suite, "fine", service, "" if suite == "host" else service),
                 id=f"{service}-{suite}")
    for service in SERVICES for suite in SUITES if (len(suite) + len(service)) % 3
])
def test_fine(x):
    pass
"""
