"""An emulator of SharePoint Online behind Microsoft Graph v1.0: the login host, Graph, and the host that files come from.

    login.py ─▶ token ─▶ graph.py (who, how much, which operation)
                            ├ sites.py · lists.py · pages.py (canvas.py)
                            └ files.py ─▶ delta.py · paging.py · permissions.py ─▶ driveitem.py
                                  └ 302 ─▶ download.py, through the door that stands for another host
    tenant.py (which sites and libraries) ─▶ library.py, shape.py (what is in them) ─▶ content.py (what it says)
    world.py (all of that by name) ◀─ changes.py (what people do)

Documents are reckoned from their numbers and never stored; changes are. `options.py` has the switches, `changes.py` what can happen, and
`FAULTS` of each module what can go wrong.
"""

from knowledge_connector_sharepoint.emulator.server import SharePointEmulator

__all__ = ["SharePointEmulator"]
