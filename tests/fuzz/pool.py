"""What a mutation may write: right in some nets and wrong in others."""

KERNELS = [
    "1x1",
    "3x3",
    "5x5",
    "7x7",
    "2x2",
    "4x4",
    "1x3",
    "3x1",
    "11x11",
    "1x7",
    "3x5",
    "9x9",
    "0x3",
    "31x31",
]
STRIDES = [
    "/1",
    "/2",
    "/3",
    "/4",
    "/stride",
    "/2x1",
    "/1x2",
    "",
    "/7",
    "/0",
    "/3x2",
]
MODES = ["linear", "bare"]
ACTIVATIONS = [
    "relu", "relu6", "gelu", "silu", "sigmoid", "tanh", "elu", "selu", "celu", "mish", "softplus", "softsign",
    "hardswish", "hardsigmoid", "leaky relu",
]  # fmt: skip
SWAPS = [
    ["conv", "depthwise conv", "up conv", "fc", "channel conv"],
    [
        "max pool",
        "avg pool",
        "blur pool",
        "global avg pool",
        "global max pool",
        "flatten",
    ],
    ["bn", "ln", "gn", "gn 8", "gn 1", "scale 0.1", "gain 1"],
    ACTIVATIONS,
    ["dropout 0.2", "drop path 0.1"],
    ["upsample", "depth to space", "space to depth", "shuffle", "pad"],
    [
        "basic",
        "bottleneck",
        "resnext",
        "se-basic",
        "se-bottleneck",
        "preact-basic",
        "preact-bottleneck",
        "mbconv",
    ],
    [
        "projection",
        "zero-pad",
        "zero-pad centered",
        "identity",
        "none",
        "projection always",
    ],
    ["in", "out", "stride", "x", "shortcut", "body"],
    ["concat", "relu", "sigmoid"],
]
_CONV = [
    "bias 0",
    "bias none",
    "bias -2",
    "pad 0",
    "pad 1",
    "pad 3x1",
    "groups 2",
    "dilation 2",
    "kernel 5",
    "linear",
]
OPTIONS = {
    "conv": _CONV, "depthwise conv": ["bias 0", "pad 0", "dilation 2", "kernel 5", "bare", "gelu"],
    "up conv": ["groups 2", "dilation 2", "bias 0", "pad 1"], "fc": ["bias none", "bias 1", "relu", "linear", "bare"],
    "max pool": ["pad 1", "pad 0", "ceil", "to 2x2", "dilation 2"], "avg pool": ["pad 1", "inner", "ceil", "to 1x1"],
    "blur pool": ["pad 1", "pad 0", "ceil"], "bn": ["eps 1e-3", "momentum 0.01"], "ln": ["eps 1e-3"],
    "upsample": ["bilinear"], "softmax": ["parts 2"], "part": ["of 2", "of 4"], "se": ["reduction 4", "squeeze 8"],
    "bottleneck": ["width 16", "groups 2", "dilation 2", "shortcut none"], "basic": ["dilation 2", "shortcut zero-pad"],
    "mbconv": ["expand 3", "kernel 5", "rate 0.1"], "block": ["shortcut projection", "shortcut zero-pad", "width 32"],
}  # fmt: skip
KEEPING = [
    "relu", "gelu", "silu", "sigmoid", "leaky relu 0.2", "bn", "ln", "gn 1", "gn 8", "dropout 0.1",
    "drop path 0.2", "scale 1e-6", "gain 1", "3x3 conv in", "1x1 conv in", "5x5 depthwise conv",
    "3x3 conv in bare", "3x3 conv in linear", "1x3 conv in", "3x3 conv in dilation 2",
    "3x3 avg pool /1", "3x3 max pool /1", "se", "se reduction 4", "eca", "basic in",
    "bottleneck in", "preact-basic in", "se-basic in", "mbconv in", "inverted-residual in",
    "convnext", "highway", "relu(x)", "x + x", "2*x", "1 - x", "x*sigmoid(x)", "shuffle 2",
    "softmax", "x", "3x3 conv in groups in", "{body: 3x3 conv in linear, merge: relu(body + x)}",
    "{op: conv, kernel: 3x3, width: in}", "fc in", "fc in relu", "[3x3 conv in, relu]",
    "{block: basic, out: in}", "{a: 1x1 conv in, b: 3x3 conv in, merge: a*sigmoid(b)}",
    "channel conv kernel 3", "{block: basic, out: in, shortcut: [1x1 conv out, bn]}",
    "2 x basic in", "0 x basic in",
]  # fmt: skip
LABELS = [
    "3x3 conv out", "1x1 conv in", "3x3 conv 16", "1x1 conv 2*in", "3x3 conv 8 /2", "3x3 depthwise conv",
    "5x5 depthwise conv /2", "2x2 up conv 16 /2", "4x4 up conv out /2", "3x3 conv in dilation 2", "1x7 conv out",
    "7x1 conv in bare", "2x2 conv 24 linear", "3x3 conv 12 groups 4", "3x3 conv 16 bare bias 0",
    "3x3 max pool /2", "2x2 avg pool /2", "max pool /2 ceil", "avg pool /2", "3x3 avg pool", "blur pool /2",
    "avg pool to 2x2", "max pool to 3x3", "global avg pool", "global max pool", "flatten", "upsample 2",
    "upsample 2 bilinear", "upsample to 5x7", "pad 1", "shuffle 2", "space to depth 2", "depth to space 2", "part 0 of 2", "part 1 of 2",
    "bn", "ln", "gn", "gn 4", "gn 1", "bn eps 1e-3 momentum 0.01", "relu", "gelu", "silu", "sigmoid", "tanh",
    "leaky relu 0.2", "leaky relu", "mish", "selu", "hardswish", "softmax", "softmax parts 2", "dropout 0.1",
    "drop path 0.2", "dropout 0", "drop path 0", "scale 1e-6", "scale 1", "gain 0", "gain 1", "fc 10", "fc 32 relu",
    "fc in", "fc 16 bias none", "fc 8 linear", "channel conv kernel 3", "channel conv kernel 5 bias 0", "x", "input",
    "relu(x)", "x + x", "2*x", "x/2", "1 - x", "x*sigmoid(x)", "concat(x x)", "-x", "x - 0.5", "0.5*x + 0.5*input",
]  # fmt: skip
CALLS = [
    "basic out", "bottleneck out", "basic 16", "basic 16 /2", "bottleneck 32 /2", "bottleneck 64 groups 4",
    "bottleneck 32 width 12", "basic 16 dilation 2", "resnext 128", "se", "se reduction 4", "se-basic 32",
    "se-bottleneck 64 /2", "eca", "eca-basic 16", "preact-basic 32 /2", "preact-bottleneck 64", "mbconv 24",
    "mbconv 24 /2 expand 4 kernel 5", "mbconv in rate 0.2", "inverted-residual 16", "inverted-residual 24 /2 expand 3",
    "convnext", "convnext-down 32 /2", "dense-layer", "dense-transition", "highway", "fc-highway", "blur-basic 16 /2",
    "mean-bottleneck 64 /2", "repvgg 16", "repvgg 32 /2", "res2net 64", "res2net-first 64 /2", "resnest 64",
    "split-attention 16", "shuffle-unit", "shuffle-down 48", "selective-kernel 32", "sk 64", "regnet-x 64 /2",
    "regnet-y 32", "wide-basic 32", "wide-bottleneck 64", "stem-7x7 16", "stem-c 32", "stem-4x4 16", "stem-s2d 24",
    "stem-3x3 16", "head-mean 10", "head-preact 10", "head-vgg 10 hidden 32", "fc-basic 32", "fc-preact 32",
    "shortcut-d 32 /2", "shortcut-blur 16 /2",
]  # fmt: skip
EQUATIONS = [
    "body + shortcut", "relu(body + shortcut)", "silu(body + shortcut)", "relu(body) + shortcut", "body", "body + x",
    "concat(body shortcut)", "body * sigmoid(shortcut)", "0.1*body + shortcut", "relu(0.5*body + 0.5*shortcut)",
    "body - shortcut", "body*shortcut + x", "[body + shortcut, bn, relu]", "[concat(body x), 1x1 conv out]",
    "body + body", "2*(body + shortcut)", "(body + shortcut)/2", "gelu(relu(body) + tanh(shortcut))", "act(body + x)",
    "body/index + shortcut", "body*(index + 1)/total + shortcut", "1 - body", "-body + shortcut", "body + 1",
    "relu(shortcut)", "leaky relu(body + shortcut)", "body + shortcut + x", "sigmoid(body)*x",
    "act(body + shortcut)", "[body + shortcut, act]",
]  # fmt: skip
UNITS = [
    "conv bn relu", "conv relu", "bn relu conv", "relu conv bn", "conv", "conv bn", "conv bn silu", "conv ln gelu",
    "[conv, gn 8, relu]", "[conv, bn, leaky relu 0.1]", "bn conv", "conv relu bn", "[conv, bn, hardswish]", "relu conv",
    "conv gn relu", "[bn eps 1e-3, relu, conv]", "bn relu conv bn", "conv gelu bn", "conv tanh", "[conv, gn 1, mish]",
    "conv bn act", "relu bn conv", "conv bn relu dropout",
]  # fmt: skip
SHORTCUTS = [
    "projection", "projection always", "zero-pad", "zero-pad centered", "identity", "none", "shortcut-d out /stride",
    "shortcut-blur out /stride", "shortcut-3x3 out /stride", "[avg pool /stride ceil, 1x1 conv out linear]",
    "1x1 conv out /stride bare", "[max pool /stride, 1x1 conv out]", "3x3 conv out /stride", "x", "[x, bn]",
    "[1x1 conv out /stride, relu]", "fc out",
]  # fmt: skip
OPS = [
    "{bn: {eps: 1e-3, momentum: 0.01}}", "{conv: {bias: 0}}", "{conv: {bias: none}}", "{gn: {groups: 8}}",
    "{conv: {standardize: weight}}", "{conv: {standardize: scaled, gamma: 1.7}}", "{ln: {eps: 1e-5}}",
    "{fc: {bias: none}}", "{max pool: {ceil: true}}", "{leaky relu: {slope: 0.3}}", "{conv: {dilation: 2}}",
    "{upsample: {bilinear: true}}", "{depthwise conv: {bias: 0}}", "{dropout: {rate: 0.3}}", "{blur pool: {kernel: 5}}",
]  # fmt: skip
INITS = [
    "{conv: he}", "{conv: he fan in, fc: normal 0.01}", "{conv: xavier uniform}", "{conv: lecun, fc: xavier}",
    "{zero_last: true}", "{conv: trunc normal 0.02, zero_last: true}", "{conv: torch, fc: torch}", "{fc: he uniform}",
    "{conv: normal 0}", "{conv: orthogonal}",
]  # fmt: skip
INPUTS = [
    "3x224x224", "3x32x32", "1x28x28", "1x8x8", "3x64x64", "3x7x7", "3x1x1", "3x225x223", "3x96x128", "16x32x32",
    "64x56x56", "784", "64", "12x40x1", "4x33x17", "3x299x299", "2x16x16", "3x5x300", "1x1x64", "0x8x8", "3x32",
]  # fmt: skip
RECIPES = [
    "digits", "cifar", "cifar-fast", "cifar-deep", "cifar-wide", "cifar-preact", "imagenet", "imagenet-90",
    "imagenet-modern", "imagenet-progressive", "synthetic",
]  # fmt: skip
TRAIN = [
    ("epochs", "3"), ("epochs", "0.5"), ("epochs", "200"), ("epochs", "1"), ("iterations", "500"), ("iterations", "1"),
    ("iterations", "64_000"), ("batch", "7"), ("batch", "1"), ("batch", "2"), ("batch", "100_000"), ("batch", "1000"),
    ("batch", "1437"), ("accumulate", "2"), ("accumulate", "3"), ("accumulate", "64"),
    ("optimizer", "{lr: 0.5}"), ("optimizer", "{name: adamw, lr: 1e-3}"), ("optimizer", "{name: sgd, lr: 0.1}"),
    ("optimizer", "{momentum: 0, nesterov: true}"), ("optimizer", "{weight_decay: 0.1, no_decay: [norm]}"),
    ("optimizer", "adam"), ("schedule", "cosine"), ("schedule", "{kind: steps, at: [1, 2]}"), ("schedule", "plateau"),
    ("schedule", "{kind: steps, at: [100, 150], factor: 0.2}"), ("schedule", "one-cycle"), ("schedule", "linear"),
    ("schedule", "constant"), ("warmup", "{kind: linear, length: 5}"), ("warmup", "{kind: hold, lr: 0.01, length: 1}"),
    ("warmup", "{kind: until, lr: 0.01, error: 80}"), ("warmup", "none"), ("warmup", "{kind: linear, length: 0.1}"),
    ("label_smoothing", "0.1"), ("label_smoothing", "1"), ("clip", "1.0"), ("clip", "0"), ("ema", "{decay: 0.999}"),
    ("ema", "none"), ("progressive", "{sides: [16, 24]}"), ("progressive", "{sides: [4]}"), ("progressive", "none"),
    ("progressive", "{sides: [128, 160], until: 0.5}"), ("progressive", "{sides: [5, 6, 7]}"), ("sync_bn", "true"),
    ("evaluate_every", "5"), ("evaluate_every", "1000"), ("seed", "42"), ("normalize", "per-pixel"),
    ("normalize", "scale"), ("normalize", "per-channel"), ("augment", "none"), ("augment", "{crop: none}"),
    ("augment", "{crop: {kind: pad, cells: 4}}"), ("augment", "{crop: {kind: pad, cells: 40}}"),
    ("augment", "{crop: {kind: side, side: [40, 60]}}"), ("augment", "{crop: {kind: area}}"),
    ("augment", "{crop: {kind: side, side: [256, 480]}}"), ("augment", "{flip: true}"), ("augment", "{cutout: 4}"),
    ("augment", "{cutout: 100}"), ("augment", "{mixup: 0.2, cutmix: 1.0}"), ("augment", "{randaugment: {ops: 2}}"),
    ("augment", "{rotate: 15, zoom: 0.2, shift: 2}"), ("augment", "{lighting: 0.1}"), ("augment", "{shift: 60}"),
    ("data", "{set: digits}"), ("data", "{set: digits, test: 0.4}"), ("data", "{set: cifar10}"),
    ("data", "{set: cifar100}"), ("data", "{set: cifar10, held_out: 5_000}"), ("data", "{set: synthetic}"),
    ("data", "{set: synthetic, samples: 20, validation: 5}"), ("data", "{set: synthetic, classes: 10}"),
    ("data", "{set: synthetic, classes: 7}"), ("data", "{set: folder, path: data/pictures}"),
    ("data", "{set: folder, path: data/pictures, resize: 256}"), ("data", "{set: folder, path: p, resize: 16}"),
    ("data", "{set: shards, path: data/shards}"), ("data", "{path: elsewhere}"),
]  # fmt: skip
