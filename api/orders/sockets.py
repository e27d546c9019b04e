"""How a socket that watches orders is served; what it wants to know stands with its route."""

from functools import partial
from typing import Annotated

from fastapi import Path, WebSocket

from api import sockets
from api.orders.interests import Interest
from api.orders.watching import Onlooker, Onlookers, Render
from api.sockets import Hear
from db.states import Role

_ANYBODY = frozenset(Role)

Id = Annotated[int, Path(ge=1, le=2**63 - 1)]


async def watch(
    socket: WebSocket, interest: Interest, render: Render, *, hear: Hear[Onlooker] | None = None
) -> None:
    """Tell the caller what is new, for as long as it is theirs to know."""
    onlookers: Onlookers = socket.app.state.onlookers
    welcome = partial(Onlooker, interest=interest, render=render)
    await sockets.serve(socket, onlookers, needs=_ANYBODY, welcome=welcome, hear=hear)
