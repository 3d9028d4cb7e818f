"""What an instance does: the one place from which scaling and cost take images per second."""

IMAGES_PER_CORE = 465.0
"""Camera images per second on one core with the default 64 threads: docs/performance.md, first table."""

CPU_WHEN_FULL = 0.73
"""CPU, 0 to 1, that a core shows when it can do no more: 465/s at 1.57 ms. No autoscaler will ever see more."""

IN_HAND_SECONDS = 0.095
"""From delivery to durable, on average: docs/performance.md, Threads."""

CORES_PER_VCPU = 0.5
"""A vCPU is one thread of a core that has two. Assumed: nobody measured a cloud's machine yet."""


def images_per_second(vcpus: float) -> float:
    """What an instance with so many vCPUs is expected to do."""
    return IMAGES_PER_CORE * CORES_PER_VCPU * vcpus
