"""What a machine must be known by for its timings to mean something; no names, no paths."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform

import psutil

_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16", "f16c", "asimd", "bf16", "sve")
_PACKAGES = ("torch", "transformers", "llama-cpp-python", "gguf", "numpy")


def describe(threads: int) -> dict[str, str | int | list[str]]:
    """Return processor, cores, memory, threads used (0: each engine's default) and versions."""
    model, flags = platform.machine(), set[str]()
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpus:
        for line in cpus:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                model = value.strip()
            if name.strip() in ("flags", "Features"):
                flags.update(value.split())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "processor": model,
        "flags": [flag for flag in _FLAGS if flag in flags],
        "cores": cores,
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "threads": threads,
        "python": platform.python_version(),
        "system": platform.system(),
        **{package: _version(package) for package in _PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
