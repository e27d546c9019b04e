"""Regions: read by everybody who is logged in, drawn by admins."""

from fastapi import APIRouter, status
from sqlalchemy.orm import Session

from api.deps import Admin, Caller, ReadSession, WriteSession
from api.regions.schemas import (
    RegionCollection,
    RegionFeature,
    RegionListed,
    RegionOut,
    RegionsOut,
    region_out,
    regions_out,
)
from dispatch.regions import queries
from dispatch.regions import service as verbs

router = APIRouter(prefix="/regions", tags=["regions"])
listed = APIRouter(prefix="/api/regions", tags=["regions"])


@listed.get("/", response_model=list[RegionListed])
def list_for_apps(_: Caller, session: ReadSession) -> list[RegionListed]:
    """The regions of service, as a plain list."""
    return [RegionListed.model_validate(region) for region in queries.list_regions(session)]


@router.get("/", response_model=RegionsOut)
def list_regions(_: Caller, session: ReadSession) -> RegionsOut:
    """All regions, by slug; the same document can be imported."""
    return regions_out(list(queries.list_regions(session)))


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=RegionOut)
def create_region(body: RegionFeature, _: Admin, session: WriteSession) -> RegionOut:
    """Add a region."""
    verbs.create(session, body.draft())
    return _as_it_stands(session, body.properties.slug)


@router.post("/import/", response_model=RegionsOut)
def import_regions(body: RegionCollection, _: Admin, session: WriteSession) -> RegionsOut:
    """Add or replace these regions together, or none of them; regions that are not named stay."""
    verbs.import_all(session, [feature.draft() for feature in body.features])
    return regions_out(list(queries.list_regions(session)))


@router.get("/{slug}/", response_model=RegionOut)
def show_region(slug: str, _: Caller, session: ReadSession) -> RegionOut:
    """One region."""
    return _as_it_stands(session, slug)


@router.put("/{slug}/", response_model=RegionOut)
def replace_region(slug: str, body: RegionFeature, _: Admin, session: WriteSession) -> RegionOut:
    """Change all of a region but its slug; incidents that are open stay where they are."""
    verbs.replace(session, slug, body.draft())
    return _as_it_stands(session, slug)


@router.delete("/{slug}/", status_code=status.HTTP_204_NO_CONTENT)
def remove_region(slug: str, _: Admin, session: WriteSession) -> None:
    """Take a region away that holds neither incidents nor orders, tariffs or other regions."""
    verbs.remove(session, slug)


def _as_it_stands(session: Session, slug: str) -> RegionOut:
    return region_out(queries.get_region(session, slug))
