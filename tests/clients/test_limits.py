"""A limit on how long an attempt may take."""

import asyncio

import pytest

from empkit.clients.limits import Limits


async def limited(limits, work):
    """What `work` returns; `ran out` when it took too long."""
    limit = limits.begin()
    try:
        return await work
    except asyncio.CancelledError:
        if not limit.is_all():
            raise
        return "ran out"
    finally:
        limits.end(limit)


def test_each_attempt_has_a_timeout_of_its_own():
    async def run():
        clock = asyncio.get_running_loop().time
        limits = Limits(0.5)

        async def lasted():
            began = clock()
            assert await limited(limits, asyncio.Event().wait()) == "ran out"
            return clock() - began

        first = asyncio.create_task(lasted())
        release = asyncio.Event()
        released = asyncio.create_task(limited(limits, release.wait()))
        await asyncio.sleep(0.1)  # so that the second begins later
        second = asyncio.create_task(lasted())
        assert not released.done()
        release.set()
        assert await released is True
        assert min(await asyncio.gather(first, second)) >= 0.5  # however late this machine is
        assert await limited(limits, asyncio.sleep(0, "at once")) == "at once"
        assert first.cancelling() == second.cancelling() == 0  # our own request was taken back

    asyncio.run(run())


def test_an_attempt_that_is_cancelled_from_outside_does_not_count_as_timed_out():
    async def run():
        task = asyncio.create_task(limited(Limits(10.0), asyncio.Event().wait()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
