"""Writes the golden cases of the linear imputation: image.npy (24 x 20, float32),
unknown.npy (bool, one mask a case), expected.npy (float64, solved by SuperLU).

Run in this folder with numpy and scipy: python generate.py
"""

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg

HEIGHT, WIDTH = 24, 20
rng = np.random.default_rng(20220200449 % 2**32)
rows, columns = np.mgrid[:HEIGHT, :WIDTH]


def impute(image, unknown):
    """Solves sum of w (x_j - x_i) = 0 over the neighbours inside the image."""
    number = -np.ones(image.shape, int)
    number[unknown] = np.arange(unknown.sum())
    matrix = sparse.lil_matrix((unknown.sum(), unknown.sum()))
    right = np.zeros(unknown.sum())
    for y, x in zip(*np.nonzero(unknown)):
        i = number[y, x]
        for v in range(max(y - 1, 0), min(y + 2, HEIGHT)):
            for u in range(max(x - 1, 0), min(x + 2, WIDTH)):
                if (v, u) == (y, x):
                    continue
                weight = 1 / 6 if v == y or u == x else 1 / 12
                matrix[i, i] += weight
                if unknown[v, u]:
                    matrix[i, number[v, u]] -= weight
                else:
                    right[i] += weight * float(image[v, u])
    result = image.astype(np.float64)
    result[unknown] = scipy.sparse.linalg.spsolve(matrix.tocsc(), right)
    return result


image = rng.random((HEIGHT, WIDTH)).astype(np.float32)
blob = np.hypot(rows - 9, columns - 12)
all_but_one = np.ones((HEIGHT, WIDTH), bool)
all_but_one[17, 3] = False
masks = np.array(
    [
        rng.random((HEIGHT, WIDTH)) < 0.2,
        rng.random((HEIGHT, WIDTH)) < 0.9,
        blob < 7,
        blob > 4,
        (rows + columns) % 2 == 0,
        (rows % 5 == 2) | (columns % 7 == 3),
        all_but_one,
    ]
)
np.save("image.npy", image)
np.save("unknown.npy", masks)
np.save("expected.npy", np.array([impute(image, mask) for mask in masks]))
