"""The environment is read strictly, and what is wrong with it is said in one line."""

import pytest

from worker.bootstrap import open_documents, open_objects, open_publisher, open_push_check, open_subscription
from worker.errors import Forbidden, Misconfigured
from worker.settings import load


def test_defaults_need_no_environment() -> None:
    settings = load({})
    assert settings.threads == 64
    assert settings.limits.makernotes == "auto"


def test_values_are_read_and_typed() -> None:
    settings = load({"IMAGEMETA_THREADS": "7", "IMAGEMETA_MAKERNOTES": "never", "PATH": "/bin"})
    assert (settings.threads, settings.limits.makernotes) == (7, "never")


def test_a_typo_is_an_error_with_a_guess() -> None:
    with pytest.raises(Misconfigured, match="IMAGEMETA_THREDS; did you mean IMAGEMETA_THREADS"):
        load({"IMAGEMETA_THREDS": "7"})


@pytest.mark.parametrize(
    ("name", "value"), [("THREADS", "many"), ("THREADS", "0"), ("MAKERNOTES", "sometimes"), ("GRACE_SECONDS", "-1")]
)
def test_a_bad_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"IMAGEMETA_{name}"):
        load({f"IMAGEMETA_{name}": value})


def test_settings_do_not_change() -> None:
    with pytest.raises(Exception, match="frozen"):
        load({}).threads = 3


@pytest.mark.parametrize(
    ("value", "reason"),
    [("", "is not set"), ("redis://x", "no backend for 'redis'"), ("queue.db", "without a scheme")],
)
def test_a_queue_that_is_no_url_of_ours_is_refused(value: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        open_subscription(load({"IMAGEMETA_QUEUE": value}))


def test_every_opener_names_its_setting() -> None:
    settings = load(
        {"IMAGEMETA_OBJECTS": "ftp://x", "IMAGEMETA_DOCUMENTS": "mongo://x", "IMAGEMETA_TOPIC": "kafka://x"}
    )
    for open_it, name in [(open_objects, "OBJECTS"), (open_documents, "DOCUMENTS"), (open_publisher, "TOPIC")]:
        with pytest.raises(Misconfigured, match=name):
            open_it(settings)


def test_push_for_everybody_needs_a_token() -> None:
    with pytest.raises(Misconfigured, match="PUSH_AUDIENCE"):
        open_push_check(load({"IMAGEMETA_PUSH_ADDRESS": ":8080"}))
    open_push_check(load({}))({})
    check = open_push_check(load({"IMAGEMETA_PUSH_AUDIENCE": "a", "IMAGEMETA_PUSH_ACCOUNT": "b"}))
    with pytest.raises(Forbidden):
        check({})
