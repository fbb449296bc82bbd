"""The forms of Ory's flows with Django's form API, for layouts that a project makes by hand."""

from __future__ import annotations

from .pages.flow_forms import FlowForm, FlowForms

__all__ = ["FlowForm", "FlowForms"]
