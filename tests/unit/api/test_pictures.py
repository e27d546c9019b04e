"""What a picture is by its first bytes."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.people.pictures import MOST_SIDE_PX, Picture, PictureKind, look
from api.refusals import WrongField
from tests.pictures import jpeg, png, webp, webp_extended, webp_lossless, webp_lossy

Make = Callable[[int, int], bytes]
KINDS: dict[Make, PictureKind] = {
    png: PictureKind.PNG,
    jpeg: PictureKind.JPEG,
    webp_lossy: PictureKind.WEBP,
    webp_lossless: PictureKind.WEBP,
    webp_extended: PictureKind.WEBP,
}


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("size", [(3, 2), (1, 1), (640, 480), (8_000, 7_999)])
def test_type_and_size_are_read_from_the_header(make: Make, size: tuple[int, int]) -> None:
    assert look(make(*size)) == Picture(KINDS[make], *size)


@pytest.mark.parametrize("start_of_frame", [0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xCF])
def test_a_jpeg_may_begin_its_frame_in_any_way(start_of_frame: int) -> None:
    assert look(jpeg(start_of_frame=start_of_frame)) == Picture(PictureKind.JPEG, 3, 2)


@pytest.mark.parametrize("make", [png, jpeg, webp_lossy, webp_lossless, webp_extended])
@pytest.mark.parametrize("size", [(MOST_SIDE_PX + 1, 2), (2, MOST_SIDE_PX + 1)])
def test_a_picture_that_would_fill_the_memory_of_who_opens_it_is_refused(
    make: Make, size: tuple[int, int]
) -> None:
    with pytest.raises(WrongField, match="pixels each way"):
        look(make(*size))


@pytest.mark.parametrize("make", [png, jpeg, webp_lossy])
def test_a_picture_without_an_extent_is_refused(make: Make) -> None:
    with pytest.raises(WrongField, match="pixels each way"):
        look(make(0, 2))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GIF89a" + bytes(20), id="another type"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="a document"),
        pytest.param(png()[:20], id="cut PNG"),
        pytest.param(jpeg()[:12], id="cut JPEG"),
        pytest.param(b"\xff\xd8\xff\xda" + bytes(40), id="JPEG without a frame"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x00\xff\xe0\x00\x00", id="JPEG with empty segments"),
        pytest.param(webp(b"VP8 ", bytes(20)), id="WebP without a start code"),
        pytest.param(webp(b"ALPH", bytes(20)), id="WebP without a picture"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(WrongField, match="JPEG, PNG or WebP"):
        look(data)


@given(st.sampled_from([b"\xff\xd8\xff", png()[:16], b"RIFF\0\0\0\0WEBPVP8X", b""]), st.binary(max_size=200))
def test_whatever_comes_is_a_picture_or_refused(start: bytes, rest: bytes) -> None:
    with suppress(WrongField):
        look(start + rest)
