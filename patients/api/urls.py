"""Addresses of the REST interface."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from patients.api import views

app_name = "api"

router = SimpleRouter()
router.register("patients", views.PatientViewSet, basename="patient")
router.register("visits", views.VisitViewSet, basename="visit")
router.register("photos", views.PhotoViewSet, basename="photo")

urlpatterns = [
    *router.urls,
    path("patients/<uuid:patient>/visits/", views.PatientVisits.as_view(), name="patient-visits"),
    path("visits/<uuid:visit>/photos/", views.VisitPhotos.as_view(), name="visit-photos"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
]
