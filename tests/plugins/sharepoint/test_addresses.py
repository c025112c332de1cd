"""Every form of address that people paste."""

from __future__ import annotations

import base64

import pytest

from knowledge_connector_sharepoint.addresses import encoded, last_segment, parse_address

HOST = "https://contoso.sharepoint.com"


@pytest.mark.parametrize(
    ("url", "site", "segments"),
    [
        (HOST, (), ()),
        (f"{HOST}/", (), ()),
        (f"{HOST}/sites/HR", ("sites", "HR"), ("sites", "HR")),
        (f"{HOST}/sites/HR/", ("sites", "HR"), ("sites", "HR")),
        (f"{HOST}/teams/HR/sub", ("teams", "HR"), ("teams", "HR", "sub")),
        (
            "https://contoso-my.sharepoint.com/personal/ann_contoso_com",
            ("personal", "ann_contoso_com"),
            ("personal", "ann_contoso_com"),
        ),
        (
            f"{HOST}/sites/HR/Shared%20Documents/A/B",
            ("sites", "HR"),
            ("sites", "HR", "Shared Documents", "A", "B"),
        ),
        (
            f"{HOST}/:f:/r/sites/HR/Shared%20Documents/A?csf=1&web=1&e=x",
            ("sites", "HR"),
            ("sites", "HR", "Shared Documents", "A"),
        ),
        (
            f"{HOST}/sites/HR/Shared%20Documents/Forms/AllItems.aspx?id=%2Fsites%2FHR%2FShared%20Documents%2FA%20%26%20B&viewid=1",
            ("sites", "HR"),
            ("sites", "HR", "Shared Documents", "A & B"),
        ),
        (
            f"{HOST}/sites/HR/Docs/Forms/AllItems.aspx?RootFolder=%2Fsites%2FHR%2FDocs%2FC",
            ("sites", "HR"),
            ("sites", "HR", "Docs", "C"),
        ),
        (f"{HOST}/sites/HR/Docs/Forms/AllItems.aspx", ("sites", "HR"), ("sites", "HR", "Docs")),
        (f"{HOST}/sites/HR/SitePages/Home.aspx", ("sites", "HR"), ("sites", "HR")),
        (f"{HOST}/sites/HR/_layouts/15/viewlsts.aspx?view=14", ("sites", "HR"), ("sites", "HR")),
        (f"{HOST}/Shared%20Documents/A%23%25B", (), ("Shared Documents", "A#%B")),
    ],
)
def test_an_address_is_taken_apart(url: str, site: tuple[str, ...], segments: tuple[str, ...]) -> None:
    address = parse_address(url)
    assert (address.site_segments, address.segments, address.share) == (site, segments, None)


def test_the_host_is_in_lower_case() -> None:
    assert parse_address("https://Contoso.SharePoint.com/sites/HR").host == "contoso.sharepoint.com"


@pytest.mark.parametrize("kind", ["s", "g", "t", "u"])
def test_a_sharing_link_is_passed_on_as_a_whole(kind: str) -> None:
    share = parse_address(f"{HOST}/:f:/{kind}/HR/EabcDEF-1?e=4%3Ax").share
    assert share is not None
    assert share.startswith("u!")
    assert base64.urlsafe_b64decode(share[2:] + "==").decode() == f"{HOST}/:f:/{kind}/HR/EabcDEF-1"


@pytest.mark.parametrize("text", ["", "HR", "http://contoso.sharepoint.com/sites/HR", "https://", "ftp://x/y"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"https://contoso\.sharepoint\.com/sites/HR"):
        parse_address(text)


def test_each_segment_is_encoded_by_itself() -> None:
    assert encoded(("100 % sure #1", "a/b", "+&'~;ü")) == "100%20%25%20sure%20%231/a%2Fb/%2B%26%27~%3B%C3%BC"


def test_libraries_are_known_by_their_last_segment() -> None:
    assert last_segment(f"{HOST}/sites/HR/Freigegebene%20Dokumente/") == "Freigegebene Dokumente"
