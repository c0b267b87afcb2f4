"""Use cases of her plan.

`content` what it offers · `documents` what PINs open · `reading` both · `screening` the red flags · `decoys`.
"""

from api.safety_plans.service.content import load_content

__all__ = ["load_content"]
