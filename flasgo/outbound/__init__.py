"""Where URLs given by users may lead: the guard against server-side request forgery (CWE-918)."""

from flasgo.outbound.config import SSRFConfig
from flasgo.outbound.guard import SSRFGuard, SSRFResolvedURL
from flasgo.outbound.urls import SSRFViolation

__all__ = ["SSRFConfig", "SSRFGuard", "SSRFResolvedURL", "SSRFViolation"]
