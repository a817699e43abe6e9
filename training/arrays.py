"""Types of arrays."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Groups = npt.NDArray[np.int64]
Columns = Mapping[str, Array]
"""Named columns, each of shape (n_rows,) or (n_rows, 1), float32, NaN where missing."""
