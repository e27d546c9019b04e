"""Where packages come from: the host's own mirrors, in the suite that has them."""

from pathlib import Path

from ops.apt import Mirror, Package, mirrors_from_targets, mirrors_from_uris, plan_from_uris, sources_for

TARGETS = """\
http://mirror.example/debian/|Debian|bookworm
http://mirror.example/debian/|Debian|bookworm
http://mirror.example/debian-security/|Debian|bookworm-security
http://packages.example/tools/|Tools|bookworm
cdrom:[Debian]/|Debian|bookworm
"""
URIS = """\
'http://mirror.example/debian/dists/bookworm/InRelease' a_InRelease 0
'http://mirror.example/debian/dists/bookworm-updates/InRelease' b_InRelease 0
'http://mirror.example/debian-security/dists/bookworm-security/InRelease' c_InRelease 0
'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' d_Packages 0
"""


def test_only_the_distributions_own_archives_are_asked() -> None:
    assert mirrors_from_targets(TARGETS) == [Mirror("http://mirror.example/debian", "bookworm")]


def test_a_host_whose_lists_were_never_fetched_names_its_mirror_too() -> None:
    assert mirrors_from_uris(URIS) == [Mirror("http://mirror.example/debian", "bookworm")]


def test_debian_of_any_age_takes_the_suite_that_has_the_servers() -> None:
    (source,) = sources_for(
        [Mirror("http://mirror.example/debian", "bookworm")],
        distribution="debian",
        codename="bookworm",
        named_mirror=None,
    )
    assert source.line(Path("/keys/debian.gpg")) == (
        "deb [signed-by=/keys/debian.gpg] http://mirror.example/debian trixie main\n"
    )


def test_ubuntu_tries_its_own_suite_and_then_the_debian_beside_it() -> None:
    sources = sources_for(
        [
            Mirror("http://mirror.example/ubuntu", "noble"),
            Mirror("http://mirror.example/ubuntu", "noble-updates"),
        ],
        distribution="ubuntu",
        codename="noble",
        named_mirror=None,
    )
    assert [(source.uri, source.suite, source.keyring) for source in sources] == [
        ("http://mirror.example/ubuntu", "noble", "ubuntu-archive-keyring"),
        ("http://mirror.example/debian", "trixie", "debian-archive-keyring"),
    ]


def test_a_mirror_named_by_the_user_is_the_only_one() -> None:
    (source,) = sources_for(
        [Mirror("http://mirror.example/debian", "trixie")],
        distribution="debian",
        codename="trixie",
        named_mirror="http://near.example/debian/",
    )
    assert source.uri == "http://near.example/debian"


def test_a_plan_is_read_from_what_apt_would_fetch() -> None:
    text = (
        "Reading package lists...\n"
        "'http://mirror.example/pool/l.deb' libllvm19_1%3a19.1.7-3+b1_amd64.deb 25 SHA256:00\n"
        "'http://mirror.example/pool/p.deb' proj-data_9.6.0-1_all.deb 63 \n"
    )
    assert plan_from_uris(text) == [
        Package("libllvm19", "1:19.1.7-3+b1", 25),
        Package("proj-data", "9.6.0-1", 63),
    ]
    assert plan_from_uris(text)[0].pin == "libllvm19=1:19.1.7-3+b1"
