"""torch's flash kernel against `longdoc.attention.kernel`, in alternation, by processor time; random bfloat16 keys.

    python -m benchmarks.compare_kernel [--keys 4096,16384,32768] [--threads 1]

Queries as in a prefill step of the bundled reader. Prints nanoseconds a score and the ratio, above 1 where the
products are faster. Real text, whose rows leap now and then, gains less: time a read as well before deciding.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from longdoc.attention.kernel import attend_full
from longdoc.attention.merge import Partial

_KV_HEADS, _GROUP, _QUERIES, _DIM = 2, 3, 1024, 64
_ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--keys", default="4096,16384,32768")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"{'keys':>8} {'flash, ns':>10} {'products, ns':>13} {'ratio':>6}")
    for n_keys in (int(word) for word in given.keys.split(",")):
        query = (torch.randn(_KV_HEADS, _GROUP, _QUERIES, _DIM) * 2).bfloat16()
        keys, values = torch.randn(2, _KV_HEADS, n_keys, _DIM).bfloat16()
        flash_s, products_s = alternating(
            lambda q=query, k=keys, v=values: flash(q, k, v),  # type: ignore[misc]  # a lambda with defaults
            lambda q=query, k=keys, v=values: attend_full(q, k, v, scale=_DIM**-0.5),  # type: ignore[misc]  # a lambda with defaults
        )
        scores = _KV_HEADS * _GROUP * _QUERIES * n_keys / 1e9
        print(f"{n_keys:>8,} {flash_s / scores:>10.2f} {products_s / scores:>13.2f} {flash_s / products_s:>6.2f}")


def flash(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> Partial:
    """Attend as `longdoc.attention.partial` does where every query sees every key."""
    rows = query.flatten(1, 2).unsqueeze(0)
    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    return Partial(*kernel(rows, keys.unsqueeze(0), values.unsqueeze(0), scale=_DIM**-0.5))


def alternating(*works: Callable[[], object]) -> list[float]:
    """Return the best processor seconds of each work, run in turns."""
    found: list[list[float]] = [[] for _ in works]
    for _ in range(_ROUNDS + 1):
        for work, seconds in zip(works, found, strict=True):
            began = time.process_time()
            work()
            seconds.append(time.process_time() - began)
    return [min(seconds[1:]) for seconds in found]


if __name__ == "__main__":
    main()
