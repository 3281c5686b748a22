"""Figures that only the store knows."""

from domain.errors import StoreError
from gateway.probes import Probes
from gateway.telemetry import PrometheusTelemetry


async def test_the_disagreement_of_live_and_batch_is_among_the_figures():
    telemetry = PrometheusTelemetry("test")

    async def measure():
        telemetry.gauge("identity_disagreement", 0.0125)

    async def ping():
        return None

    await Probes(ping, {}, measure).measure()
    assert b"knownas_identity_disagreement 0.0125" in telemetry.exposition()


async def test_figures_stay_as_they_were_while_the_store_does_not_answer():
    async def measure():
        raise StoreError("the store is away")

    async def ping():
        return None

    await Probes(ping, {}, measure).measure()
    await Probes(ping, {}).measure()
