"""What people can set so that the debug toolbar does not show session cookies."""

import re

from django.views.debug import SafeExceptionReporterFilter


class HidesSessions(SafeExceptionReporterFilter):
    hidden_settings = re.compile(SafeExceptionReporterFilter.hidden_settings.pattern + "|SESSION", re.IGNORECASE)
