"""Words of other libraries and papers → ours where they mean the same, else what is said of them.

Words are looked up without case, spaces, `_` and `-`; digits count: `conv3d` is not `conv`.
"""

from __future__ import annotations

import re

from ..ops import VOCABULARY

_SEPARATORS = str.maketrans("", "", " _-")


def squeezed(word: str) -> str:
    """A word without case and separators: `Max_Pool` is `maxpool`."""
    return word.lower().translate(_SEPARATORS)


SYNONYMS = {
    alias: phrase
    for op in reversed(VOCABULARY.values())  # a word of ours stays ours
    for phrase, words in zip(op.phrases(), op.aliases, strict=False)
    for alias in words.split()
}
"""What others call an op; by torch 2.13, Keras 3, timm 1.0 and the papers."""

_ANSWERS = {
    "": "gan gumbelsoftmax lazyconv2d",
    "not in the language, and an op of your own can do it": (
        "tan sin cos clamp clip crelu hardtanh tanhshrink softshrink hardshrink"
        " threshold aconc metaaconc serf smelu snake sine phish"
        " frn filterresponsenorm switchnorm adain deformconv deformconv2d dcn"
        " involution octconv coordconv dynamicconv condconv odconv partialconv ghostconv"
        " causalconv unfold fold im2col lppool powerpool gempool softpool"
        " fractionalmaxpool rankpool crop centercrop permute"
        " squeeze unsqueeze rearrange roll embedding embeddingbag lstm gru rnn convlstm"
        " lstmcell grucell rnncell bilinear cosinesimilarity pairwisedistance"
    ),
    "`flatten` makes a vector of a map, `to 4x4` maps of a vector": "reshape view unflatten",
    "it is made of blocks and rows": (
        "inception csp elan c2f c3 asff fpn pan aspp spp sppf transformer transformerencoder"
        " transformerencoderlayer transformerdecoder transformerdecoderlayer"
    ),
    "a key of a recipe says so: `sync_bn: true`": "syncbatchnorm",
    "`conv` has `standardize: weight` or `scaled`": (
        "stdconv scaledstdconv weightnorm spectralnorm weightstandardization"
    ),
    "a patch is a convolution: `16x16 conv 192 /16`": "patchembed",
    "of two paths it is `max(a b)`, number by number": "maxout",
    "an equation has it: `exp(x)`": "exp",
    "an equation has it: `abs(x)`": "abs",
    "an equation has it: `sqrt(x)`": "sqrt",
    "queries, keys and values are a convolution's: `[1x1 conv 3*in bare, attention heads 4]`": (
        "selfattention mha mhsa multiheadattention scaleddotproductattention"
    ),
    "`position` adds a learned number for each channel and cell": (
        "posembed positionembedding positionalembedding positionalencoding"
    ),
    "`token` puts a learned vector before a sequence": "clstoken classtoken",
    "`leaky relu` has a slope that is not random": "rrelu",
    "`relu` is the plain one": "srelu frelu drelu dyrelu brelu arelu thresholdedrelu",
    "of `a: [y, part 0 of 2]` and `b: [y, part 1 of 2]` it is `a*sigmoid(b)`": "glu",
    "of `a: [y, part 0 of 2]` and `b: [y, part 1 of 2]` it is `a*gelu(b)`": "geglu",
    "of `a: [y, part 0 of 2]` and `b: [y, part 1 of 2]` it is `a*silu(b)`": "swiglu",
    "of `a: [y, part 0 of 2]` and `b: [y, part 1 of 2]` it is `a*relu(b)`": "reglu",
    "of a path `y` it is `[0 - y, softmax]`": "softmin",
    "the loss of a recipe takes logits, so end with `fc`": "logsigmoid",
    "`instance norm` is one without a learned scale": "in",
    "`bn` took its place": "lrn localresponsenorm crossmaplrn",
    "a kernel has a number for each axis of its map: `3 conv 64`, `3x3x3 conv 64`": "conv1d conv3d",
    "a kernel has a number for each axis of its map: `2 up conv 64 /2`, `2x2x2 up conv 64 /2`": (
        "convtranspose1d convtranspose3d"
    ),
    "a kernel has a number for each axis of its map: `2 max pool /2`, `2x2x2 max pool /2`": (
        "maxpool1d maxpool3d"
    ),
    "a kernel has a number for each axis of its map: `2 avg pool /2`, `2x2x2 avg pool /2`": (
        "avgpool1d avgpool3d"
    ),
    "`bn` is of maps of any axes": "batchnorm1d batchnorm3d",
    "a pointwise convolution is `1x1 conv 64`": "pwconv pointwiseconv pointwiseconvolution",
    "it is two layers: `[3x3 depthwise conv, 1x1 conv 64]`": (
        "sepconv separableconv separableconv2d dwsepconv dsconv"
    ),
    "several kernels are an option: `3x3 depthwise conv mixed 4`": (
        "mixconv mixedconv mixedconvolution mdconv"
    ),
    "groups are an option: `3x3 conv 64 groups 32`": "gconv groupconv groupedconv",
    "dilation is an option: `3x3 conv 64 dilation 2`": "dilatedconv atrousconv",
    "it is a `max pool` of what is negated": "minpool",
    "`avg pool to 7x7`, or `global avg pool` for one cell": "adaptiveavgpool",
    "`max pool to 7x7`, or `global max pool` for one cell": "adaptivemaxpool",
    "`upsample 2` makes a map larger by a factor": "maxunpool unpool resize",
    "`pixel unshuffle 2` and `shuffle` move numbers": "unshuffle",
    "`pad 3 reflect` and `pad 3 replicate` repeat the map": "reflectionpad replicationpad",
    "`pad` adds zeros, or what `reflect` or `replicate` say": "circularpad constantpad",
    "layers one after another are a list: `[3x3 conv 64, relu]`": "sequential modulelist",
    "`upsample 2 bilinear align_corners` is the same": "upsamplingbilinear",
    "`dropout` drops single numbers, `channel dropout` channels, `drop path` a whole branch": (
        "alphadropout featurealphadropout gaussiandropout dropconnect"
    ),
    "a block can be written out, as `se` is: `resgraph blocks se`": (
        "cbam gcblock nonlocal bam simam coordattention"
    ),
    "the expansion is an option of the block: `resgraph blocks mbconv`": (
        "mbconv1 mbconv3 mbconv4 mbconv6 fusedmbconv"
    ),
}
# also of ops that a package brings
_OURS = SYNONYMS.keys() | {*map(squeezed, VOCABULARY)}
FOREIGN = {
    word: answer
    for answer, words in _ANSWERS.items()
    for word in words.split()
    if word not in _OURS
}
"""Words that name something which resgraph has not → what comes near; "" where nothing does."""

TENSORS = {
    "identity": "shortcut", "skip": "shortcut", "residual": "shortcut", "res": "shortcut",
    "projection": "shortcut", "input": "x", "inputs": "x", "inp": "x", "features": "x",
}  # fmt: skip
SIGNS = {
    "add": "+", "sum": "+", "plus": "+", "sub": "-", "subtract": "-", "mul": "*",
    "multiply": "*", "times": "*", "prod": "*",
}  # fmt: skip
"""What others call the tensors of a block, and the signs of an equation."""


CONCATS = frozenset(["concat", "cat", "concatenate", "join"])
"""What others call `concat`."""

_MODULE = re.compile(r"\b(?:nn\.)?([A-Z]\w*)\([^()]*\)\(")
_DOTTED = re.compile(
    r"\b(?:torch|nn|F|functional|tf|keras|layers|ops|np|jnp|math)\.(?:[A-Za-z_]\w*\.)*(?=[A-Za-z_]\w*\()"
)
_JOINED = re.compile(
    rf"\b(?:{'|'.join(sorted(CONCATS))})\(\s*[(\[]([^()\[\]]*)[)\]]\s*(?:,[^()]*)?\)"
)
_SIGNED = re.compile(
    rf"\b({'|'.join(SIGNS)})\(\s*([A-Za-z_]\w*)\s*,\s*([A-Za-z_]\w*)\s*\)"
)


def plain_calls(text: str) -> str:
    """An equation without what Python adds: `torch.cat((a, b), 1)` is `concat(a b)`, `nn.ReLU()(x)`
    is `relu(x)`."""
    plain = _DOTTED.sub(
        "", _MODULE.sub(lambda found: f"{found[1].lower()}(", text)
    )
    plain = _JOINED.sub(
        lambda found: (
            f"concat({' '.join(found[1].replace(',', ' ').split())})"
        ),
        plain,
    )
    if plain == text:
        return text
    plain = _SIGNED.sub(
        lambda found: f"({found[2]} {SIGNS[found[1]]} {found[3]})", plain
    )
    whole = re.fullmatch(r"\(([^()]*)\)|(\w+\()\(([^()]*)\)\)", plain)
    return (whole[1] or f"{whole[2]}{whole[3]})") if whole else plain


def _plain(word: str) -> str:
    """A word as the table has it, perhaps without its axes: `MaxUnpool2d` is `maxunpool`."""
    plain = squeezed(word)
    return (
        plain
        if plain in FOREIGN
        else re.sub(r"(?<=[a-z])[123]d$", "", plain)
    )


def is_foreign(word: str) -> bool:
    """Whether a word names something that resgraph has not."""
    return _plain(word) in FOREIGN and squeezed(word) not in _OURS


def foreign(word: str) -> str:
    """What is said of a word that names something which resgraph has not; "" for any other word."""
    if not is_foreign(word):
        return ""
    near = FOREIGN[_plain(word)]
    return f"resgraph has no `{word}`{f': {near}' if near else ''}"
