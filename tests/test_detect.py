"""The small detector: which cell answers for which box, what its losses say, what is read off it, that it learns."""

import math

import pytest
import torch

from mmlib.detect.decode import decode, map50
from mmlib.detect.losses import detection_loss
from mmlib.detect.net import RARE, STRIDE, USUAL, Detector, centres
from mmlib.detect.targets import REACH, assign


def random_boxes(count, height, width, seed):
    """Boxes of all sizes with their middle in the picture."""
    luck = torch.Generator().manual_seed(seed)
    middle = torch.rand(count, 2, generator=luck) * torch.tensor([width, height])
    half = torch.rand(count, 2, generator=luck) ** 2 * 20 + 0.4
    return torch.cat([middle - half, middle + half], dim=1)


def answer_of_one_cell(row, column, boxes):
    """`assign` in words: loop over the boxes, keep the smallest that the cell may answer for."""
    x, y = STRIDE * (column + 0.5), STRIDE * (row + 0.5)
    best, smallest = -1, math.inf
    for index, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        off = max(abs(x - (x0 + x1) / 2), abs(y - (y0 + y1) / 2)) / STRIDE
        near = x0 < x < x1 and y0 < y < y1 and off <= REACH
        area = (x1 - x0) * (y1 - y0)
        if (near or off <= 0.5) and area < smallest:
            best, smallest = index, area
    return best


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_assign_equals_a_slow_loop(seed):
    boxes = random_boxes(12, 48, 64, seed)
    slow = [[answer_of_one_cell(row, column, boxes) for column in range(16)] for row in range(12)]
    assert assign(boxes, 12, 16).tolist() == slow


def test_every_box_has_a_cell_unless_smaller_ones_took_them_all():
    for seed in range(5):
        for box in random_boxes(20, 48, 64, seed):
            assert (assign(box[None], 12, 16) == 0).any(), f"nobody answers for {box.tolist()}"


def test_of_two_boxes_in_one_place_the_smaller_gets_the_middle_and_the_larger_keeps_others():
    large, small = torch.tensor([0.0, 0, 32, 32]), torch.tensor([14.0, 14, 18, 18])
    index = assign(torch.stack([large, small]), 8, 8)
    assert index[3, 3] == 1 and (index == 0).any()


def test_no_boxes_no_answers():
    assert (assign(torch.zeros(0, 4), 3, 4) == -1).all()


def test_cells_lie_where_they_say():
    at = centres(2, 3)
    assert at[:, 0, 0].tolist() == [2, 2] and at[:, 1, 2].tolist() == [10, 6]


def test_an_untrained_detector_is_sure_of_nothing_and_says_the_usual_box():
    torch.manual_seed(0)
    logits, boxes = Detector(3, classes=4, width=8)(torch.rand(2, 3, 32, 48))
    assert logits.shape == (2, 4, 8, 12) and boxes.shape == (2, 4, 8, 12)
    assert torch.allclose(logits.sigmoid(), torch.tensor(RARE))
    x, y = centres(8, 12)
    assert torch.allclose(
        boxes[0], torch.stack([x, y, x, y]) + USUAL / 2 * torch.tensor([-1.0, -1, 1, 1])[:, None, None]
    )


def test_a_picture_does_not_depend_on_its_company_nor_the_mode():
    torch.manual_seed(0)
    net, image = Detector(3, width=8), torch.rand(3, 3, 32, 32)
    torch.nn.init.normal_(net[1].what.weight)
    together, alone = net(image)[0][:1], net.eval()(image[:1])[0]
    assert torch.allclose(together, alone, atol=1e-5)


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="divisible by 16"):
        Detector()(torch.rand(1, 3, 32, 40))


def perfect(boxes, labels, height, width, classes=3):
    """The output of a detector that is sure and right."""
    index = assign(boxes, height, width)
    logits = torch.full((1, classes, height, width), -30.0)
    places = torch.zeros(1, 4, height, width)
    for row, column in (index >= 0).nonzero().tolist():
        logits[0, labels[index[row, column]], row, column] = 30.0
        places[0, :, row, column] = boxes[index[row, column]]
    return logits, places


def test_a_perfect_answer_costs_nothing_and_is_read_off_whole():
    boxes, labels = torch.tensor([[3.0, 5, 21, 30], [30, 8, 38, 12], [40, 20, 60, 44]]), torch.tensor([0, 2, 0])
    output = perfect(boxes, labels, 12, 16)
    terms = detection_loss(output, [boxes], [labels])
    assert terms["class"] < 1e-6 and terms["box"] < 1e-6
    found = decode(output)
    assert len(found[0]["boxes"]) == 3 and {tuple(b) for b in found[0]["boxes"].tolist()} == {
        tuple(b) for b in boxes.tolist()
    }
    assert map50(found, [{"boxes": boxes, "labels": labels}], ("a", "b", "c")) == {
        "map50": 1.0,
        "ap50": {"a": 1.0, "b": None, "c": 1.0},
    }


def test_the_losses_of_one_box_by_hand():
    # One box of 8 x 8 around the middle of four cells of a 2 x 2 grid, all of which answer for it.
    boxes, labels = torch.tensor([[0.0, 0, 8, 8]]), torch.tensor([0])
    logits = torch.zeros(1, 1, 2, 2)  # probability 1/2 everywhere
    places = torch.tensor([0.0, 0, 8, 4])[None, :, None, None].expand(1, 4, 2, 2)  # half of the box
    terms = detection_loss((logits, places), [boxes], [labels])
    assert terms["class"].item() == pytest.approx(0.25 * 0.5**2 * math.log(2), rel=1e-5)  # alpha (1-p)^2 (-log p)
    assert terms["box"].item() == pytest.approx(0.5, rel=1e-5)  # IoU 1/2, and the hull is the box itself


def test_a_batch_without_any_box_still_teaches_that_nothing_is_there():
    net = Detector(1, width=8)
    terms = detection_loss(
        net(torch.rand(2, 1, 32, 32)), [torch.zeros(0, 4)] * 2, [torch.zeros(0, dtype=torch.long)] * 2
    )
    assert terms["box"] == 0 and terms["class"] > 0
    sum(terms.values()).backward()
    assert net[1].what.bias.grad.abs().sum() > 0


def test_of_boxes_on_one_thing_the_best_stays():
    logits, places = torch.full((1, 2, 1, 3), -9.0), torch.zeros(1, 4, 1, 3)
    logits[0, 0, 0], logits[0, 1, 0, 0] = torch.tensor([2.0, 1.0, 0.0]), 1.5
    places[0, :, 0, 0], places[0, :, 0, 1] = torch.tensor([0.0, 0, 4, 4]), torch.tensor([0.0, 0, 4, 3.5])
    places[0, :, 0, 2] = torch.tensor([8.0, 0, 13, 4])  # one pixel over the edge
    found = decode((logits, places))[0]
    assert found["labels"].tolist() == [0, 1, 0], "another class may lie on the same place"
    assert found["boxes"].tolist() == [[0, 0, 4, 4], [0, 0, 4, 4], [8, 0, 12, 4]]
    assert found["scores"].tolist() == pytest.approx([1 / (1 + math.exp(-s)) for s in (2.0, 1.5, 0.0)])


def test_nothing_to_measure_is_said():
    empty = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long)}
    with pytest.raises(ValueError, match="at least one true box"):
        map50([empty | {"scores": torch.zeros(0)}], [empty], ("a",))


def marked(count=6, height=40, width=56):
    """Black pictures with one bright rectangle each, in the colour of its class, and its box."""
    rgb, boxes = torch.zeros(count, 3, height, width), []
    for i in range(count):
        x, y = 3 + 5 * i, 2 + 4 * i
        rgb[i, :, y : y + 9, x : x + 12] = 0.3
        rgb[i, i % 3, y : y + 9, x : x + 12] = 1
        boxes.append(torch.tensor([[float(x), y, x + 12, y + 9]]))
    return {"rgb": rgb, "boxes": boxes, "box_labels": [torch.tensor([i % 3]) for i in range(count)]}


def test_it_learns_four_pictures_by_heart():
    torch.manual_seed(0)
    batch = {k: v[:4] for k, v in marked(height=48, width=64).items()}
    net = Detector(3, width=8)
    adam = torch.optim.AdamW(net.parameters(), lr=5e-3)
    for _ in range(150):
        loss = sum(detection_loss(net(batch["rgb"]), batch["boxes"], batch["box_labels"]).values())
        adam.zero_grad()
        loss.backward()
        adam.step()
    targets = [{"boxes": b, "labels": c} for b, c in zip(batch["boxes"], batch["box_labels"])]
    assert map50(decode(net(batch["rgb"])), targets, ("a", "b", "c"))["map50"] > 0.9
