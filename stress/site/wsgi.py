"""The project under WSGI."""

from django.core.wsgi import get_wsgi_application

from stress.site.worker import load

application = load(get_wsgi_application)
