"""What holds for every test: no AWS account, profile or running stack is in reach."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_FOREIGN = ("AWS_", "LOCALSTACK_", "EDGE_PORT", "USE_SSL", "POWERTOOLS_")

for _name in [name for name in os.environ if name.startswith(_FOREIGN)]:
    del os.environ[_name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "ap-southeast-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

# A busy machine makes an example slow, which says nothing about the code. A history of events is
# a large example and says much, so a few dozen do; HYPOTHESIS_PROFILE=thorough takes its time.
settings.register_profile(
    "steady",
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)
settings.register_profile("thorough", settings.get_profile("steady"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
