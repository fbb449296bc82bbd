"""The project under ASGI."""

from django.core.asgi import get_asgi_application

from stress.site.worker import load

application = load(get_asgi_application)
