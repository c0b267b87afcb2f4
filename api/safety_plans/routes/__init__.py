"""URLs of her plan, and of what staff use for it."""

from api.safety_plans.routes import pages, screening, shares

control_blueprints = (screening.control,)
app_blueprints = (pages.blueprint, shares.blueprint, screening.app)
