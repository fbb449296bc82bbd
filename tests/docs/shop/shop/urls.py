from customers import views
from django.urls import include, path

urlpatterns = [
    path("", views.home, name="home"),
    path("orders/", views.orders, name="orders"),
    path("accounts/", include("django.contrib.auth.urls")),
]
