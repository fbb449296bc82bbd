"""No page and no state has a finding of axe-core, in any look, and none scrolls sideways on a phone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from ory_auth.local import LocalOry

from .looks import LOOKS
from .site import Site
from .states import STATES
from .visitor import Visitor

AXE = Axe()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.mark.parametrize("name", STATES)
def test_has_no_findings(scripted: Visitor, site: Site, local_ory: LocalOry, name: str) -> None:
    STATES[name].show(scripted, site)
    findings = []
    for look in LOOKS:
        look.apply(scripted.page)
        for violation in AXE.run(scripted.page, options=RULES).response["violations"]:
            nodes = "; ".join(node["html"][:160] for node in violation["nodes"])
            findings.append(f"{look.name}: {violation['id']}: {violation['help']}: {nodes}")
    assert findings == []


@pytest.mark.parametrize("name", STATES)
def test_fits_a_narrow_phone(scripted: Visitor, site: Site, local_ory: LocalOry, name: str) -> None:
    """320 pixels is also a window of 1280 at a zoom of 400 %."""
    STATES[name].show(scripted, site)
    scripted.page.set_viewport_size({"width": 320, "height": 640})
    assert scripted.page.evaluate("document.documentElement.scrollWidth") <= 320
