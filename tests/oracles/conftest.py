"""What the comparisons share: each is made with every backend."""

import pytest
from core.twins import BACKENDS, Way


@pytest.fixture(params=BACKENDS)
def way(request: pytest.FixtureRequest) -> Way:
    """How a network is computed."""
    return BACKENDS[request.param](request)
