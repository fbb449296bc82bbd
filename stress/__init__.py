"""Campaigns of faults against real servers on this machine; an oracle checks each response."""
