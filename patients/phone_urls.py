"""The addresses that a phone uses without signing in."""

from django.urls import path

from patients.views import phone

app_name = "phone"
urlpatterns = [
    path("", phone.photos, name="photos"),
    path("done/", phone.done, name="done"),
    path("over/", phone.over, name="over"),
    path("<str:code>/", phone.start, name="start"),
]
