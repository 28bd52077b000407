"""A batch becomes writes: which events are known, which may not speak, which fold into what.

Pure: what is in the tables goes in, what should be written comes out.
"""

from __future__ import annotations
