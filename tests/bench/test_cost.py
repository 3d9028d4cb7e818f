import pytest

from bench import cost
from bench.autoscale import DOCS
from bench.measured import images_per_second
from worker.operate import prices


def test_the_page_shows_what_the_formulas_say() -> None:
    page = (DOCS / "cost.md").read_text()
    for name, block in cost.blocks().items():
        assert f"<!-- {name} -->\n{block}\n<!-- /{name} -->" in page, "python -m bench.cost --write renews it"


def test_the_flow_is_what_the_price_lists_say_by_hand() -> None:
    flow = cost.flow()
    assert flow["notification (class B)"] == pytest.approx(0.40)
    assert flow["Pub/Sub, in and out"] == pytest.approx(2 * 1500e6 / 2**40 * 40)
    assert flow["one Firestore write, one region"] == pytest.approx(0.90)
    assert cost.floors()["push"] == 0


def test_instances_cost_less_the_more_they_do() -> None:
    hours = 1e6 / images_per_second(2) / 3600
    assert cost.compute("mig") == pytest.approx(hours * 0.067 * cost.OVER_IDEAL["mig"])
    assert cost.compute("mig") < cost.compute("worker-pool") < cost.compute("push")


def test_what_scaling_wastes_is_what_the_simulation_says() -> None:
    names = {"mig": "(ours)", "worker-pool": "pool: CPU", "push": "push ("}
    lines = (DOCS / "scaling.md").read_text().partition("<!-- policies -->")[2].splitlines()
    for runtime, name in names.items():
        line = next(line for line in lines if line.startswith("| diurnal") and name in line)
        simulated = float(line.split("|")[5])
        assert simulated <= cost.OVER_IDEAL[runtime] < simulated + 0.11


def test_every_price_says_where_it_is_from_and_only_googles_pages_confirm_one() -> None:
    for price in prices.PRICES.values():
        assert price.usd > 0
        assert price.source
        assert not (price.confirmed and "google" not in price.source)
    assert prices.COLLECTED in (DOCS / "cost.md").read_text()
