"""Which engine makes the attempts of a run, as its flags say."""

from collections.abc import Awaitable, Callable

from pipeline.errors import UsageError
from pipeline.events import Summary

Render = Callable[..., Awaitable[Summary]]


def by_engine(
    engine: str, address: str | None, workers: int | None
) -> Callable[[Render], Awaitable[Summary]]:
    """Return what renders a run with an engine.

    Raises:
        UsageError: a flag is missing, or is another engine's.
    """
    if engine == "local":
        if address is not None or workers is not None:
            flag = "--workers" if address is None else "--ray-address"
            raise UsageError(f"{flag} is for workers of a Ray cluster", hint="add --engine ray")
        return lambda render: render()
    if address is None:
        raise UsageError(
            "--engine ray needs the address of a cluster: it starts none",
            hint="--ray-address HOST:PORT, of its head; the port is usually 6379",
        )
    where = address

    async def on_ray(render: Render) -> Summary:
        # An extra: only here.
        from pipeline.engines.on_ray.engine import ray_engine  # noqa: PLC0415

        async with ray_engine(where, workers) as made:
            return await render(crew=made.crew, gather=made.gather)

    return on_ray
