"""Tests in Chromium: the pages as people use them, against the local Ory or a real Kratos.

They run apart from the other tests (``make test-browser``), because they need Chromium.
"""
