"""An .onnx file → a spec that gives what onnxruntime gives; what ONNX lost is said."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small
import torch
from torch import nn

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from onnx import helper  # noqa: E402

from resgraph import loads  # noqa: E402
from resgraph.cli import run  # noqa: E402
from resgraph.importing import ImportRefused, from_model  # noqa: E402

INPUT = (3, 16, 16)
FLOAT = onnx.TensorProto.FLOAT


def saved(path: Path, model: nn.Module, batch: int = 2) -> str:
    torch.manual_seed(0)
    for module in model.modules():
        # a fresh one folds to no bias
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (torch.zeros(batch, *INPUT),),
            path,
            external_data=False,
            verbose=False,
        )
    return str(path)


@pytest.mark.parametrize(
    ("make", "row"),
    [
        (lambda: small.stages(small.Basic), "layer1: 2 x basic 16"),
        pytest.param(
            lambda: small.chain(
                small.Inverted(16, 32, 2), small.Gated(32, 32), width=32
            ),
            "se-basic 32",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["basic", "gated"],
)
def test_a_net_of_torch(
    tmp_path: Path, make: Callable[[], nn.Module], row: str
) -> None:
    model = make()
    found = from_model(saved(tmp_path / "net.onnx", model))
    assert found.text.startswith("# From ONNX, which keeps no dropout")
    assert "batch norms are part of the convolutions" in found.text.replace(
        "\n# ", " "
    )
    assert row in found.text
    assert found.proof.output is not None and found.proof.output < 1e-5
    ours = found.plan.module().eval()
    ours.load_state_dict(found.weights())
    images = torch.randn(2, *INPUT)
    with torch.no_grad():
        assert torch.allclose(ours(images), model(images), atol=1e-4)


def test_functions_of_tensors(tmp_path: Path) -> None:
    """A file of our own comes back: each is a word of ONNX by itself."""
    text = (
        "name: net\ninput: 3x8x8\nnet:\n  a: 3x3 conv 8 bare\n  b: [a, 3x3 conv 8 bare]\n"
        "  c: [exp(-a) + min(a b), 1x1 conv 8 bare]\n  d: sqrt(abs(max(a c)) + 1)\n"
        "  e: [min(c over channels)*d + max(d over channels), global avg pool]\n"
        "  h: [e + min(d over cells), fc 2]\n"
    )
    model = loads(text).module()
    found = from_model(saved(tmp_path / "net.onnx", model))
    assert found.proof.output is not None and found.proof.output < 1e-5


def made(
    path: Path, nodes: list[Any], arrays: dict[str, Any], free: bool
) -> str:
    """A file by hand: `x` comes in, `y` goes out."""
    first = "n" if free else 1
    info = helper.make_tensor_value_info
    constants = [
        helper.make_tensor(
            name, FLOAT, value.shape, value.flatten().tolist()
        )
        for name, value in arrays.items()
    ]
    graph = helper.make_graph(
        nodes, "net", [info("x", FLOAT, [first, 3, 8, 8])], [info("y", FLOAT, None)],
        constants,
    )  # fmt: skip
    opset = [helper.make_opsetid("", 18)]
    onnx.save(
        helper.make_model(graph, opset_imports=opset, ir_version=9), path
    )
    return str(path)


WEIGHT = {"w": torch.ones(4, 3, 3, 3)}
NORM = {name: torch.ones(4) for name in ("scale", "shift", "mean", "var")}


def conv(**options: Any) -> Any:
    return helper.make_node(
        "Conv", ["x", "w"], ["a"], pads=[1] * 4, **options
    )


@pytest.mark.parametrize("free", [True, False])
def test_norms_that_were_kept(tmp_path: Path, free: bool) -> None:
    norm = helper.make_node(
        "BatchNormalization",
        ["a", *NORM],
        ["b"],
        epsilon=1e-3,
        momentum=0.99,
    )
    pool = helper.make_node(
        "MaxPool",
        ["c"],
        ["y"],
        kernel_shape=[3, 3],
        strides=[2, 2],
        pads=[1] * 4,
    )
    nodes = [conv(), norm, helper.make_node("Relu", ["b"], ["c"]), pool]
    found = from_model(
        made(tmp_path / "net.onnx", nodes, WEIGHT | NORM, free)
    )
    assert found.text.startswith(
        "# From ONNX, which keeps no dropout, no drop path and not which layers share a weight (those"
    )
    assert "ops: {bn: {eps: 0.001, momentum: 0.01}}" in found.text
    assert "conv1: [3x3 conv 4, 3x3 max pool /2]" in found.text
    assert found.names["conv1.0.bn.running_var"] == "var"


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (
            [helper.make_node("Det", ["x"], ["y"])],
            "`Det` is not in the language",
        ),
        (
            [
                helper.make_node(
                    "MaxPool",
                    ["x"],
                    ["y"],
                    kernel_shape=[3, 3],
                    strides=[2, 2],
                    auto_pad="SAME_UPPER",
                )
            ],
            "pads one side more",
        ),
        (
            [
                conv(),
                helper.make_node(
                    "ConvTranspose", ["a", "w"], ["y"], output_shape=[8, 8]
                ),
            ],
            "with `output_shape`",
        ),
        (
            [helper.make_node("Erf", ["x"], ["y"])],
            "a quotient by the root of 2",
        ),
        (
            [
                helper.make_node("Shape", ["x"], ["s"]),
                helper.make_node("Mul", ["s", "s"], ["y"]),
            ],
            "from parameters alone",
        ),
        (
            [
                conv(),
                helper.make_node(
                    "BatchNormalization",
                    ["a", *NORM],
                    ["y", "m", "v"],
                    training_mode=1,
                ),
            ],
            "in training mode",
        ),
        (
            [helper.make_node("HardSigmoid", ["x"], ["y"])],
            "with `alpha` 0.2",
        ),
        (
            [helper.make_node("Relu", ["nowhere"], ["y"])],
            "from parameters alone",
        ),
    ],
    ids=["op", "pads", "up", "erf", "sizes", "training", "alpha", "wiring"],
)
def test_refused(tmp_path: Path, nodes: list[Any], said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        from_model(made(tmp_path / "net.onnx", nodes, WEIGHT | NORM, True))


def test_a_weight_without_numbers(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1] * 4)
    none = {"w": torch.ones(0, 3, 3, 3)}
    with pytest.raises(ImportRefused, match="come out"):
        from_model(made(tmp_path / "net.onnx", [node], none, False))


class Layer(nn.Module):
    """Vaswani et al. 2017, by linear layers on tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm, self.qkv = (
            nn.LayerNorm(width),
            nn.Linear(width, 3 * width),
        )
        self.out, self.heads = nn.Linear(width, width), heads

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, n, c = x.shape
        parts = self.qkv(self.norm(x)).reshape(
            b, n, 3, self.heads, c // self.heads
        )
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + self.out(y.transpose(1, 2).reshape(b, n, c))


class Vit(nn.Module):
    """Dosovitskiy et al. 2020, Figure 1."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, 4)
        self.token, self.places = (
            nn.Parameter(torch.zeros(1, n, 12)) for n in (1, 17)
        )
        self.layers = nn.Sequential(*(Layer(12, 3) for _ in range(2)))
        self.head = nn.Linear(12, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = (
            torch.cat([self.token.expand(len(x), -1, -1), x], 1)
            + self.places
        )
        return self.head(self.layers(x)[:, 0])


SPEC = """
name: vit
input: 3x16x16
unit: conv
blocks:
  self-attention:
    body:  [ln, 1 conv 3*in, attention heads 3, 1 conv in]
    merge: body + x
net:
  conv1: [4x4 conv 12 /4, positions, token, position]
  conv2: 2 x self-attention
  head:  [take token, fc 5]
"""


@pytest.mark.parametrize("ours", [True, False])
def test_attention(tmp_path: Path, ours: bool) -> None:
    """Which exporters spell out, with weights that they turn over."""
    model = loads(SPEC).module() if ours else Vit()
    for each in model.parameters():
        nn.init.normal_(each, std=0.2)
    found = from_model(saved(tmp_path / "net.onnx", model, batch=1))
    assert found.proof.output is not None and found.proof.output < 1e-5
    assert "[ln, 1 conv 3*in, attention heads 3, 1 conv in]" in found.text
    assert "[4x4 conv 12 /4, positions, token, position]" in found.text
    assert "[take token, fc 5]" in found.text
    again = found.plan.module().eval()
    again.load_state_dict(found.weights())
    images = torch.randn(2, *INPUT)
    with torch.no_grad():
        assert torch.allclose(again(images), model(images), atol=1e-4)


class Spelled(nn.Module):
    """What ONNX has no op for, and exporters spell out: GELU, group norm, response norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.group, self.slope = nn.GroupNorm(4, 8), nn.PReLU()
        self.weight, self.bias = (
            nn.Parameter(torch.randn(1, 8, 1, 1)) for _ in "ab"
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(nn.functional.pad(x, (0, 1, 0, 1)))
        x = self.slope(nn.functional.gelu(self.group(x)))
        norm = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        share = norm / (norm.mean(1, keepdim=True) + 1e-6)
        x = x + self.weight * (x * share) + self.bias
        return nn.functional.instance_norm(x).sigmoid()


def test_what_exporters_spell_out(tmp_path: Path) -> None:
    found = from_model(saved(tmp_path / "net.onnx", Spelled()))
    assert found.proof.output is not None and found.proof.output < 1e-5
    assert "3x3 conv 8 pad 0:1" in found.text
    for word in ("gn 4", "gelu", "prelu shared", "grn", "instance norm"):
        assert word in found.text
    assert "blocks:" not in found.text


class WorkedOut(nn.Module):
    """What the exporter without dynamo works out in the file: the sizes of parts, of a pad of
    channels, of what is resized."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.part = (
            nn.Conv2d(3, 8, 3, padding=1),
            nn.Conv2d(4, 4, 1),
        )
        self.down = nn.Conv2d(8, 16, 3, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one, two = self.conv(x).relu().chunk(2, 1)
        x = torch.cat([one, two, self.part(two)], 1)[:, :8]
        skip = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 4, 4))
        x = (self.down(x) + skip).relu()
        x = nn.functional.interpolate(x, (2 * x.shape[2], 2 * x.shape[3]))
        return nn.functional.log_softmax(x.mean((2, 3)), 1)


@pytest.mark.filterwarnings("ignore")
def test_sizes_that_a_file_works_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.onnx"
    net = WorkedOut().eval()
    torch.onnx.export(net, (torch.zeros(1, *INPUT),), path, dynamo=False)
    ops = {node.op_type for node in onnx.load(path).graph.node}
    assert {"Shape", "ConstantOfShape", "Gather", "Slice", "Pad"} <= ops
    capfd.readouterr()
    found = from_model(str(path))
    assert found.proof.output is not None and found.proof.output < 1e-5
    for said in (
        "part 1 of 2",
        "zero-pad centered",
        "upsample 2",
        "log softmax",
    ):
        assert said in found.text
    assert capfd.readouterr() == ("", "")
    _say_numbers(path)
    assert from_model(str(path)).text == found.text


def _say_numbers(path: Path) -> None:
    """Sizes as numbers of their nodes, as other exporters write them, in place of tensors."""
    model = onnx.load(path)
    for node in model.graph.node:
        if (
            node.op_type == "Constant"
            and node.attribute[0].t.data_type == 7
        ):
            sizes = onnx.numpy_helper.to_array(node.attribute[0].t).tolist()
            name = "value_ints" if isinstance(sizes, list) else "value_int"
            node.attribute[0].CopyFrom(helper.make_attribute(name, sizes))
    onnx.save(model, path)


@pytest.mark.parametrize("where", ["../outside.bin", "link.bin"])
def test_tensors_outside_of_the_folder_are_not_read(
    tmp_path: Path, where: str
) -> None:
    """A file may name another one for its numbers; it must lie beside it."""
    folder, outside = tmp_path / "in", tmp_path / "outside.bin"
    folder.mkdir()
    outside.write_bytes(torch.full((4, 3, 3, 3), 7.0).numpy().tobytes())
    (folder / "link.bin").symlink_to(outside)
    file = folder / "net.onnx"
    made(
        file, [conv(), helper.make_node("Relu", ["a"], ["y"])], WEIGHT, True
    )
    model = onnx.load(str(file))
    (weight,) = model.graph.initializer
    weight.raw_data = outside.read_bytes()
    onnx.external_data_helper.set_external_data(weight, where)
    weight.ClearField("float_data")
    weight.ClearField("raw_data")
    file.write_bytes(model.SerializeToString())
    with pytest.raises(ImportRefused, match="cannot be read as ONNX"):
        from_model(str(file))


def test_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"\x08\x07no protobuf")
    assert run(["import", str(file)]) == 1
    assert run(["import", str(tmp_path / "none.onnx")]) == 1
    said = capsys.readouterr().err
    assert "cannot be read as ONNX" in said
    assert "none.onnx cannot be read: there is no such file" in said
    made(file, [helper.make_node("Relu", ["x"], ["y"])], {}, True)
    assert run(["import", str(file), "--partial"]) == 2
    assert run(["show", str(file), "--format", "csv"]) == 0
    assert "relu" in capsys.readouterr().out


def test_slopes_that_start_alike_are_no_number(tmp_path: Path) -> None:
    """An exporter lays a slope anew, and keeps one of equal tensors."""
    first = helper.make_node("PRelu", ["a", "val_0"], ["b"])
    again = helper.make_node("PRelu", ["b", "val_0"], ["y"])
    arrays = WEIGHT | {"val_0": torch.full((1, 1, 1), 0.25)}
    found = from_model(
        made(tmp_path / "net.onnx", [conv(), first, again], arrays, True)
    )
    assert found.text.count("prelu") == 2 and found.plan.params == 108 + 2


class Scales(nn.Module):
    """Two layers over three sizes of a map, among others that begin alike; each of two layers of
    one weight has a bias of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.head = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1),
            *(nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 4, 1)),
        )
        self.norms = nn.ModuleList(nn.GroupNorm(2, 8) for _ in range(3))
        self.one, self.two = nn.Conv2d(8, 2, 1), nn.Conv2d(8, 2, 1)
        self.two.weight = self.one.weight

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.stem(x).relu()
        half = nn.functional.avg_pool2d(x, 2)
        maps = [x, half, nn.functional.avg_pool2d(half, 2)]
        pairs = zip(self.norms, maps, strict=True)
        given = [self.head(norm(y)) for norm, y in pairs]
        return [*given, self.one(x), self.two(half)]


def test_layers_of_equal_weights_are_one(tmp_path: Path) -> None:
    """Norms that begin alike are not, where they stand alone; nor is what has a bias of its own."""
    model = Scales()
    found = from_model(saved(tmp_path / "net.onnx", model))
    text = found.text
    assert text.count("again") == 1 + 2, text  # the comment has one
    assert text.count("gn 2") == 4
    own = found.plan.params - sum(p.numel() for p in model.parameters())
    assert own == 16  # the weight of two
    ours = found.plan.module().eval()
    ours.load_state_dict(found.weights())
    images = torch.randn(2, *INPUT)
    with torch.no_grad():
        pairs = zip(ours(images), model(images), strict=True)
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in pairs)


class Enlarged(nn.Module):
    """Transposed convolutions that double a map, with cells behind its last and without."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, 2, 1)
        self.up = nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1)
        self.other = nn.ConvTranspose2d(8, 4, 4, 2, 1, groups=2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.down(x).relu()
        return (self.up(x) - self.other(x)).abs()


def test_transposed_convolutions(tmp_path: Path) -> None:
    model = Enlarged()
    found = from_model(saved(tmp_path / "net.onnx", model))
    assert found.plan.params == sum(p.numel() for p in model.parameters())
    assert "4x4 up conv out /2 bias none groups 2" in found.text, found.text
    assert "3x3 up conv out /2\n" in found.text and "abs(" in found.text
    ours = found.plan.module().eval()
    ours.load_state_dict(found.weights())
    images = torch.randn(2, *INPUT)
    with torch.no_grad():
        assert torch.allclose(ours(images), model(images), atol=1e-5)


def test_an_adaptive_pool_that_onnx_writes_as_indices_has_a_fix(
    tmp_path: Path,
) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(5))
    file = saved(tmp_path / "net.onnx", model, 1)
    with pytest.raises(
        ImportRefused, match=r"`GatherND` .* adaptive pool .* or its \.pt2"
    ):
        from_model(file)


class Unpadded(nn.Module):
    """As a U-Net brings maps to one size, which they have."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.pad(self.conv(x), [0, 0, 0, 0]) * 2


def test_a_pad_of_nothing_is_nothing(tmp_path: Path) -> None:
    text = from_model(saved(tmp_path / "net.onnx", Unpadded())).text
    assert "3x3 conv 4" in text and "pad" not in text.partition("net:")[2]
