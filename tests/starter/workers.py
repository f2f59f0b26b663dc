"""The image tower's training, shared by two processes of one thread each.

On a busy machine that beats two threads in one process, which wait for each other after every
operator. The learning rate follows the clock, and a checkpoint after every epoch lets a training
that was stopped go on.
"""

from __future__ import annotations

import os
import time

import numpy as np
import torch
import torch.distributed as dist
from image_tower import (
    BANK,
    BATCH,
    Crops,
    Lesson,
    Tower,
    batch_of,
    loss_of,
    optimizers,
    rate_at,
    side_at,
)
from joint import Joint, sampling_weights
from photos import Pack

WORKERS = 2


@torch.no_grad()
def average(tower: Tower, elapsed: float) -> float:
    """Mean gradients of all workers; the first worker's clock rides along."""
    grads = [p.grad for p in tower.parameters() if p.grad is not None]
    clock = torch.tensor([elapsed if dist.get_rank() == 0 else 0.0])
    flat = torch.cat([g.flatten() for g in grads] + [clock])
    dist.all_reduce(flat)
    start = 0
    for grad in grads:
        grad.copy_(flat[start : start + grad.numel()].view_as(grad))
        grad.div_(WORKERS)
        start += grad.numel()
    return float(flat[-1])


@torch.no_grad()
def follow(mean: Tower, tower: Tower, step: int) -> None:
    """A running mean of the weights, short-sighted at first."""
    keep = min(0.999, (1 + step) / (20 + step))
    for slow, fast in zip(mean.state_dict().values(), tower.state_dict().values(), strict=True):
        if slow.is_floating_point():
            slow.lerp_(fast, 1 - keep)
        else:
            slow.copy_(fast)


class Worker:
    """One of the processes: its copy of the student, and its own stream of crops."""

    def __init__(self, rank: int, lesson: Lesson) -> None:
        self.rank, self.lesson = rank, lesson
        self.saved = lesson.work / "image_tower.pt"
        self.tower, self.mean = Tower().to(memory_format=torch.channels_last), Tower()
        self.mean.load_state_dict(self.tower.state_dict())
        self.steppers = optimizers(self.tower, lesson.lr)
        self.step, self.elapsed = 0, 0.0
        if self.saved.exists():
            self._resume()
        self.joint = Joint()
        self.joint.load_state_dict(torch.load(lesson.joint_path))
        self.joint.eval()
        self.pack, self.crops = Pack(lesson.pack_dir), Crops(lesson.passes_dir)
        self.weights = sampling_weights(lesson.photos)
        self.rng = np.random.default_rng([rank, self.step])
        torch.manual_seed(rank + self.step)

    @property
    def progress(self) -> float:
        return self.elapsed / 60 / self.lesson.minutes

    def _resume(self) -> None:
        state = torch.load(self.saved)
        self.tower.load_state_dict(state["tower"])
        self.mean.load_state_dict(state["mean"])
        for stepper, kept in zip(self.steppers, state["steppers"], strict=True):
            stepper.load_state_dict(kept)
        self.step, self.elapsed = state["step"], state["elapsed"]

    def _save(self) -> None:
        part = self.saved.with_suffix(".part")
        state = {
            "tower": self.tower.state_dict(),
            "mean": self.mean.state_dict(),
            "steppers": [s.state_dict() for s in self.steppers],
            "step": self.step,
            "elapsed": self.elapsed,
        }
        torch.save(state, part)
        part.rename(self.saved)

    def _batch(self) -> tuple[torch.Tensor, list[float]]:
        """The loss of some photos, each with one of its texts among many other texts."""
        of_photo, points = self.lesson.texts.of_photo, self.lesson.text_points
        rows = self.rng.choice(len(of_photo), BATCH, replace=False, p=self.weights)
        own = torch.tensor([self.rng.choice(of_photo[i]) for i in rows])
        others = torch.from_numpy(self.rng.integers(len(points), size=BANK))
        bank = torch.cat([own, others]).unique()
        pixels, features = batch_of(rows, self.pack, self.crops, side_at(self.progress), self.rng)
        return loss_of(self.tower, self.joint, pixels, features, own, bank, points)

    def run(self) -> None:
        """Until the time is over, on all workers after the same step."""
        start, before = time.monotonic(), self.elapsed
        epoch = len(self.lesson.photos) // (BATCH * WORKERS)
        losses: list[list[float]] = []
        while self.progress < 1:
            for stepper in self.steppers:
                stepper.zero_grad()
            loss, parts = self._batch()
            loss.backward()
            self.elapsed = average(self.tower, before + time.monotonic() - start)
            for stepper in self.steppers:
                for group in stepper.param_groups:
                    group["lr"] = self.lesson.lr * rate_at(self.progress)
                stepper.step()
            self.step += 1
            losses.append(parts)
            if self.rank == 0:
                follow(self.mean, self.tower, self.step)
                if self.step % epoch == 0 or self.progress >= 1:
                    self._save()
                    told = " ".join(f"{value:.3f}" for value in np.mean(losses[-epoch:], 0))
                    print(
                        f"{time.strftime('%H:%M:%S')} epoch {self.step / epoch:.1f}, "
                        f"{self.elapsed / 60:.1f} minutes, losses {told}",
                        flush=True,
                    )


def work(rank: int, lesson: Lesson) -> None:
    """A worker process, from its start or the last checkpoint to its end."""
    torch.set_num_threads(1)
    rendezvous = lesson.work / f"rendezvous-{os.getppid()}"
    dist.init_process_group("gloo", f"file://{rendezvous}", rank=rank, world_size=WORKERS)
    Worker(rank, lesson).run()
    dist.destroy_process_group()


def train(lesson: Lesson) -> None:
    """Run the workers to the end of the time given."""
    torch.multiprocessing.spawn(work, (lesson,), nprocs=WORKERS)
