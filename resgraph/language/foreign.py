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
    "": (
        "tan sin cos exp clamp clip abs gan crelu hardtanh tanhshrink softshrink hardshrink"
        " threshold gumbelsoftmax aconc metaaconc serf smelu snake sine phish maxout rmsnorm grn"
        " evonorm frn filterresponsenorm switchnorm syncbatchnorm adain deformconv deformconv2d dcn"
        " involution octconv coordconv dynamicconv condconv odconv partialconv ghostconv lazyconv2d"
        " causalconv stdconv scaledstdconv unfold fold im2col lppool powerpool gempool softpool"
        " fractionalmaxpool rankpool spp sppf crop centercrop reshape view transpose permute"
        " squeeze unsqueeze rearrange roll selfattention mha mhsa multiheadattention transformer"
        " embedding posembed positionalencoding patchembed clstoken lstm gru rnn convlstm inception"
        " csp elan c2f c3 asff fpn pan aspp"
    ),
    "`split-attention` weighs the parts of a map": "attention",
    "`leaky relu 0.25` has a slope that is not learned": "prelu",
    "`leaky relu` has a slope that is not random": "rrelu",
    "`relu` is the plain one": "srelu frelu drelu dyrelu brelu arelu thresholdedrelu",
    "`gelu` is the exact one": "quickgelu gelutanh geluapprox fastgelu newgelu",
    "of `a: [y, part 0 of 2]` and `b: [y, part 1 of 2]` it is `a*sigmoid(b)`": "glu",
    "of `a: [y, part 0 of 2]` and `b: [y, part 1 of 2]` it is `a*gelu(b)`": "geglu",
    "of `a: [y, part 0 of 2]` and `b: [y, part 1 of 2]` it is `a*silu(b)`": "swiglu",
    "of `a: [y, part 0 of 2]` and `b: [y, part 1 of 2]` it is `a*relu(b)`": "reglu",
    "of a path `y` it is `[0 - y, softmax]`": "softmin",
    "the loss of a recipe takes logits, so end with `fc`": "logsoftmax logsigmoid",
    "`gn` with as many groups as channels is an affine one": "in instancenorm instancenorm2d",
    "`bn` took its place": "lrn localresponsenorm crossmaplrn",
    "`conv` has `standardize: weight`": "weightnorm spectralnorm weightstandardization",
    "maps have two axes": (
        "conv1d conv3d convtranspose1d convtranspose3d batchnorm1d batchnorm3d maxpool1d maxpool3d "
        "avgpool1d avgpool3d"
    ),
    "a pointwise convolution is `1x1 conv 64`": "pwconv pointwiseconv pointwiseconvolution",
    "it is two layers: `[3x3 depthwise conv, 1x1 conv 64]`": (
        "sepconv separableconv separableconv2d dwsepconv dsconv"
    ),
    "groups are an option: `3x3 conv 64 groups 32`": "gconv groupconv groupedconv",
    "dilation is an option: `3x3 conv 64 dilation 2`": "dilatedconv atrousconv",
    "it is a `max pool` of what is negated": "minpool",
    "`avg pool to 7x7`, or `global avg pool` for one cell": "adaptiveavgpool adaptiveavgpool2d",
    "`max pool to 7x7`, or `global max pool` for one cell": "adaptivemaxpool adaptivemaxpool2d",
    "`upsample 2` makes a map larger by a factor": "maxunpool unpool resize interpolate",
    "`space to depth 2` is PixelUnshuffle; `shuffle` deals out channels": "unshuffle",
    "`pad` adds zeros": "reflectionpad reflectionpad2d replicationpad replicationpad2d",
    "`dropout` drops single numbers, `drop path` a whole branch": (
        "dropblock dropblock2d dropout2d spatialdropout "
        "alphadropout featurealphadropout gaussiandropout dropconnect"
    ),
    "a block can be written out, as `se` is: `resgraph blocks se`": (
        "cbam gcblock nonlocal bam simam coordattention"
    ),
    "the expansion is an option of the block: `resgraph blocks mbconv`": (
        "mbconv1 mbconv3 mbconv4 mbconv6 fusedmbconv"
    ),
}
_OURS = SYNONYMS.keys() | map(squeezed, VOCABULARY)  # also of ops that a package brings
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
    plain = _DOTTED.sub("", _MODULE.sub(lambda found: f"{found[1].lower()}(", text))
    plain = _JOINED.sub(
        lambda found: f"concat({' '.join(found[1].replace(',', ' ').split())})", plain
    )
    if plain == text:
        return text
    plain = _SIGNED.sub(
        lambda found: f"({found[2]} {SIGNS[found[1]]} {found[3]})", plain
    )
    whole = re.fullmatch(r"\(([^()]*)\)|(\w+\()\(([^()]*)\)\)", plain)
    return (whole[1] or f"{whole[2]}{whole[3]})") if whole else plain


def is_foreign(word: str) -> bool:
    """Whether a word names something that resgraph has not."""
    return squeezed(word) in FOREIGN


def foreign(word: str) -> str:
    """What is said of a word that names something which resgraph has not; "" for any other word."""
    plain = squeezed(word)
    if plain not in FOREIGN:
        return ""
    near = FOREIGN[plain]
    return f"resgraph has no `{word}`{f': {near}' if near else ''}"
