"""Where the photos of people are to be fetched."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from db.models import User


def _photo_address(request: Request) -> Callable[[User], str | None]:
    def find(user: User) -> str | None:
        return str(request.url_for("show_photo", user=user.uuid)) if user.photo else None

    return find


PhotoAddress = Annotated[Callable[[User], str | None], Depends(_photo_address)]
"""The address of somebody's photo, at the host that the request was sent to; None where there is none."""
