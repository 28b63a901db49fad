"""What other programs call the keys of a spec, a recipe and a study (of several, that which is one
there), the kinds of a recipe, and the options of `resgraph build`."""

from __future__ import annotations

KEYS = {
    "architecture": "net", "batch_size": "batch", "beta1": "betas", "clip_grad": "clip",
    "constants": "let", "data_dir": "path", "dataset": "data", "decay": "weight_decay",
    "defaults": "ops", "description": "about", "eta_min": "end", "flops": "macs",
    "gamma": "factor", "gflops": "macs", "grad_clip": "clip", "hflip": "flip",
    "horizontal_flip": "flip", "inherit": "extends", "kind": "name set", "layers": "net",
    "learning_rate": "lr", "lr_schedule": "schedule", "lr_scheduler": "schedule",
    "max_epochs": "epochs", "max_iters": "iterations", "metric": "measure", "milestones": "at",
    "model": "net", "models": "nets", "modules": "blocks", "name": "study kind set",
    "network": "net", "networks": "nets", "num_classes": "classes", "num_epochs": "epochs",
    "optim": "optimizer", "overrides": "set", "parameters": "params grid", "params": "grid",
    "repeats": "seeds", "root": "path", "scheduler": "schedule", "seed": "seeds", "space": "grid",
    "specs": "nets", "steps": "iterations", "test_size": "test", "title": "name study",
    "total_steps": "iterations", "train_iters": "iterations", "training": "train",
    "type": "kind name set", "var": "let", "variables": "let", "vars": "let", "wd": "weight_decay",
}  # fmt: skip
LOOSE_KEYS = frozenset([
    "beta1", "decay", "eta_min", "num_classes", "params", "seed", "space", "steps", "test_size",
])  # fmt: skip
"""Of these, what may mean something else, or count otherwise."""

KINDS = {
    "cifar": "cifar10",
    "imagefolder": "folder",
    "imagenet": "folder",
    "multistep": "steps",
}
LOOSE_KINDS = frozenset(["cifar", "imagenet"])
"""Of these, what may mean something else: CIFAR-100 is one too, and shards may hold ImageNet."""

FOREIGN_KINDS = (
    "adam nadam radam adamax adagrad adadelta adafactor adabelief rmsprop rprop lamb lars lion sgdw"
    " sgdp muon lbfgs exponential poly plateau onecycle cyclic mnist fashionmnist kmnist emnist"
    " svhn stl10 tinyimagenet places365 coco voc flowers102 food101 pets center five augmix"
    " autoaugment trivialaugment"
)
"""Optimizers, schedules, data sets and crops that resgraph has not; one letter can part them from
those it has."""
_IDX = "`{set: idx, path: …}` reads its official files"
OTHERWISE = {
    "adam": "`adamw` with `weight_decay: 0` is Adam",
    "mnist": _IDX,
    "fashionmnist": _IDX,
    "kmnist": _IDX,
}
"""How some of these, and kinds of their names, are said here."""
OWN_DATA = (
    "pictures of your own are `{set: folder, path: …}`, a folder per class,"
    " or a `list` of files"
)

_OPTIONS = {
    "device": "device cuda gpu gpus accelerator",
    "precision": "precision amp mixed_precision fp16 bf16 fp32 half autocast dtype",
    "compile": "compile torch_compile jit",
    "layout": "layout channels_last memory_format",
    "checkpointing": "checkpointing gradient_checkpointing activation_checkpointing recompute",
    "sharding": "sharding fsdp zero",
    "deterministic": "deterministic",
    "workers": "workers num_workers",
    "threads": "threads num_threads",
    "tensorboard": "tensorboard",
    "output": "output_dir save_dir log_dir logdir",
    "save-every": "save_every checkpoint_every save_freq",
}
OPTIONS = {
    word: option
    for option, words in _OPTIONS.items()
    for word in words.split()
}
"""Keys that say how a run is done and not what is learned → the option of `resgraph build`."""
