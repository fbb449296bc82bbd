from customers import views
from django.contrib.auth.views import LoginView
from django.urls import path

urlpatterns = [
    path("", views.home, name="home"),
    path("orders/", views.orders, name="orders"),
    path("accounts/login/", LoginView.as_view(template_name="login.html"), name="login"),
]
