#!/usr/bin/env bash
# pycocotools 2.0.11: COCOeval writes the number of the annotation that a detection met, and takes 0 for "none". An
# annotation whose `id` is 0 can be met by nothing: the detection that fits it is a false alarm, and the object is
# missed. One would have guessed that an `id` is a name, of which any number will do, as the images' and the categories'
# 0 does: a converter that numbers with enumerate makes a file that everything reads, and perfect detections of two
# images have an AP of 0.25. Of a large data set it is one object of its class; of a small one, of rare classes or of a
# unit test it is the result. Numbered from 1, the AP is 1.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pycocotools==2.0.11 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import contextlib
import importlib.metadata
import io

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

BOX = [10, 10, 50, 50]


def scores(annotation=1, image=1, category=1):
    """AP and recall of two images whose objects are found exactly; each kind is numbered from the number given."""
    truth = COCO()
    truth.dataset = {
        "images": [{"id": image + n, "width": 100, "height": 100} for n in range(2)],
        "categories": [{"id": category, "name": "ship"}],
        "annotations": [
            dict(id=annotation + n, image_id=image + n, category_id=category, bbox=BOX, area=2500, iscrowd=0)
            for n in range(2)
        ],
    }
    truth.createIndex()
    found = [dict(image_id=image + n, category_id=category, bbox=BOX, score=0.9 - 0.1 * n) for n in range(2)]
    evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return round(float(evaluation.stats[0]), 3), round(float(evaluation.stats[8]), 3)


with contextlib.redirect_stdout(io.StringIO()):
    seen = {"all from 1": scores(), "images from 0": scores(image=0), "categories from 0": scores(category=0)}
    zero = scores(annotation=0)
print("pycocotools", importlib.metadata.version("pycocotools"), "AP and recall of exact boxes", seen)
print("annotations from 0", zero)
assert set(seen.values()) == {(1.0, 1.0)}
assert zero == (0.252, 0.5), "this has changed"
PY
