"""What may be done with regions. Incidents that are open stay in the region they were opened in."""

from collections.abc import Sequence

from sqlalchemy import delete, exists, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from broker.topics import DEFAULT_REGION
from db.models import Incident, Order, Region, Tariff
from dispatch import areas
from dispatch.errors import Conflict, WrongFields
from dispatch.regions import rules
from dispatch.regions.queries import NoSuchRegion, lock_region
from dispatch.regions.rules import Draft, Faults
from dispatch.shapes import Shape

_FAR_M = 1_000_000
"""So far from all other regions, an area that would fit among them when swapped is taken for a slip."""


def create(session: Session, draft: Draft) -> None:
    """Add a region; a slug that is in use is refused."""
    _lock_map(session)
    if session.scalar(select(exists().where(Region.slug == draft.slug))):
        raise SlugTaken(draft.slug)
    _save(session, [draft], [""])


def replace(session: Session, slug: str, draft: Draft) -> None:
    """Change all of a region but its slug, which stands in the topics of its alerts."""
    _lock_map(session)
    if not session.scalar(select(exists().where(Region.slug == slug))):
        raise NoSuchRegion(slug)
    if draft.slug != slug:
        raise WrongFields(
            {"properties.slug": f"must stay {slug!r}: a slug stands in the topics of its alerts"}
        )
    _save(session, [draft], [""])


def import_all(session: Session, drafts: Sequence[Draft]) -> None:
    """Add or replace these regions together, or none of them; what is not among them stays."""
    _lock_map(session)
    _save(session, drafts, [f"features.{number}." for number in range(len(drafts))])


def remove(session: Session, slug: str) -> None:
    """Take a region away; one that holds incidents or other regions stays."""
    _lock_map(session)
    region = lock_region(session, slug)
    if slug == DEFAULT_REGION:
        raise Conflict("default cannot go: it takes what lies in no other region")
    reasons = _reasons_to_stay(session, region)
    if reasons:
        raise Conflict(f"{slug} cannot go: it has {' and '.join(reasons)}")
    try:
        with session.begin_nested():
            session.execute(delete(Region).where(Region.id == region.id))
    except IntegrityError:  # somebody called for help there just now
        raise Conflict(f"{slug} cannot go: something has just been put into it") from None


class SlugTaken(Conflict):
    """Another region bears this slug."""

    code = "taken"
    field = "properties.slug"

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is a region {slug} already")


def _lock_map(session: Session) -> None:
    """One change at a time: two that are each right may make a circle together."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('regions'))"))


def _reasons_to_stay(session: Session, region: Region) -> list[str]:
    children = session.scalars(select(Region.slug).where(Region.parent_id == region.id).order_by(Region.slug))
    inside = list(children)
    reasons = []
    if inside:
        more = f" and {len(inside) - 3} more" if len(inside) > 3 else ""
        reasons.append(f"{len(inside)} regions below it ({', '.join(inside[:3])}{more})")
    incidents = session.scalar(
        select(func.count()).select_from(Incident).where(Incident.region == region.slug)
    )
    if incidents:
        reasons.append(f"{incidents} incidents, whose record names it")
    orders = session.scalar(select(func.count()).select_from(Order).where(Order.region == region.slug))
    if orders:
        reasons.append(f"{orders} orders, whose record names it")
    if tariffs := session.scalars(select(Tariff.service).where(Tariff.region == region.slug)).all():
        reasons.append(f"tariffs for {', '.join(sorted(tariffs))}")
    return reasons


def _save(session: Session, drafts: Sequence[Draft], places: Sequence[str]) -> None:
    known = _parents(session)
    coming = {draft.slug: draft.parent for draft in drafts}
    wrong: Faults = {}
    seen: set[str] = set()
    for draft, place in zip(drafts, places, strict=True):
        faults = rules.faults_of(draft)
        if draft.slug in seen:
            faults["properties.slug"] = f"there are two regions {draft.slug!r} here"
        seen.add(draft.slug)
        if draft.parent is not None and draft.parent not in known and draft.parent not in coming:
            faults.setdefault("properties.parent", f"there is no region {draft.parent[:63]!r}")
        if draft.area is not None and "geometry" not in faults:
            said = areas.find_invalidity(session, draft.area) or _swapped(session, draft.slug, draft.area)
            if said:
                faults["geometry"] = said
        wrong |= {place + field: message for field, message in faults.items()}
    for draft, place in zip(drafts, places, strict=True):
        if way := rules.find_cycle(known | coming, [draft.slug]):
            wrong.setdefault(f"{place}properties.parent", f"makes a circle: {' in '.join(way)}")
    if wrong:
        raise WrongFields(wrong)
    _write(session, drafts)


def _write(session: Session, drafts: Sequence[Draft]) -> None:
    slugs = [draft.slug for draft in drafts]
    regions = {
        region.slug: region for region in session.scalars(select(Region).where(Region.slug.in_(slugs)))
    }
    for draft in drafts:
        region = regions.setdefault(draft.slug, Region(slug=draft.slug))
        region.name, region.priority = draft.name, draft.priority
        region.area = None if draft.area is None else areas.stored(draft.area)
        session.add(region)
    session.flush()
    # Only now does each of them have an id, whatever their order was.
    ids = {row.slug: row.id for row in session.execute(select(Region.slug, Region.id))}
    for draft in drafts:
        regions[draft.slug].parent_id = None if draft.parent is None else ids[draft.parent]
    session.flush()


def _parents(session: Session) -> dict[str, str | None]:
    parent = aliased(Region)
    rows = session.execute(
        select(Region.slug, parent.slug.label("parent")).outerjoin(parent, parent.id == Region.parent_id)
    )
    return {row.slug: row.parent for row in rows}


def _swapped(session: Session, slug: str, shape: Shape) -> str | None:
    """Latitude and longitude may both be on the globe and yet swapped: then it lies among the others."""
    area = areas.stored(shape)
    flipped = areas.stored([[[(lat, lon) for lon, lat in ring] for ring in polygon] for polygon in shape])
    if any(abs(lon) > 90 for polygon in shape for ring in polygon for lon, _ in ring):
        return None
    others = select(Region.id).where(Region.slug != slug, Region.area.is_not(None))
    near = others.where(func.ST_DWithin(Region.area, area, _FAR_M))
    meant = others.where(func.ST_Intersects(Region.area, flipped))
    # The second is asked only where the first finds nothing, which is hardly ever.
    if session.scalar(select(near.exists())) or not session.scalar(select(meant.exists())):
        return None
    return (
        "lies far from all other regions, and among them with latitude and longitude swapped:"
        " GeoJSON writes [longitude, latitude]"
    )
