"""Is a running set-up well? Every part of it is looked at, in the order in which a message passes."""

from collections.abc import Callable, Iterator

from worker.errors import WorkerError
from worker.inspection import CloudInspection, FolderInspection, SwitchedOff, Unanswered
from worker.operate import bucket_checks, folder_checks, machine_checks, queue_checks, remedies, store_checks
from worker.operate.findings import Finding, State, asked, broken, well
from worker.operate.remedies import project_of
from worker.operate.wanted import Wanted

Check = Callable[[CloudInspection, Wanted], Iterator[Finding]]

_CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("topic", "pubsub", queue_checks.topic),
    ("subscription", "pubsub", queue_checks.subscription),
    ("dead letters", "pubsub", queue_checks.dead_letters),
    ("buckets", "storage", bucket_checks.buckets),
    ("database", "firestore", store_checks.database),
    ("indexes", "firestore", store_checks.indexes),
    ("regions", "firestore", store_checks.regions),
    ("clock", "storage", machine_checks.clock),
)
"""What a check is about, the API that it needs, and the check itself."""
APIS = ("pubsub", "storage", "firestore")


def of_cloud(look: CloudInspection, wanted: Wanted) -> Iterator[Finding]:
    """The findings about a set-up in the cloud. What needs an API that does not answer is left out."""
    yield from asked("libraries", machine_checks.libraries())
    credentials = _credentials(look)
    yield credentials
    if credentials.state is State.RED:
        return
    silent = set()
    for api in APIS:
        finding = _api(look, wanted, api)
        silent |= {api} if finding.state is State.RED else set()
        yield finding
    for name, api, check in _CHECKS:
        if api not in silent:
            yield from asked(name, check(look, wanted))


def of_folder(look: FolderInspection) -> Iterator[Finding]:
    """The findings about a folder and its catalog."""
    for name, check in folder_checks.CHECKS:
        yield from asked(name, check(look))


def is_well(findings: list[Finding]) -> bool:
    """Whether nothing is red."""
    return all(finding.state is not State.RED for finding in findings)


def _credentials(look: CloudInspection) -> Finding:
    try:
        account = look.account()
    except WorkerError as error:
        return broken("credentials", f"nobody is logged in here: {error}", remedies.log_in())
    return well("credentials", f"they are valid{f', of {account}' if account else ''}")


def _api(look: CloudInspection, wanted: Wanted, api: str) -> Finding:
    project = wanted.project if api == "firestore" else project_of(wanted.subscription)
    try:
        look.answers(api)
    except SwitchedOff as error:
        return broken(f"api {api}", str(error), remedies.enable(api, project))
    except Unanswered as error:
        return Finding(f"api {api}", State.UNKNOWN, str(error))
    except WorkerError as error:
        return broken(f"api {api}", f"it does not answer: {error}", f"curl -sS https://{api}.googleapis.com/")
    return well(f"api {api}", "it answers")
