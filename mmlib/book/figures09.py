"""The figures of chapter 9, so that its notebooks show each of them in one line.

`runs` are those that `read_records("fusenet_ris")` gives, `numbers` is the frame of their numbers at preset night.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib import show
from mmlib.book import figures
from mmlib.book.figures import record
from mmlib.book.numbers import Runs, interval, mean, missing, plain, plus_minus
from mmlib.results import load_claims
from mmlib.show.html import Html

if TYPE_CHECKING:
    import pandas

PAPER = "fusenet_ris"
LARGE = (384, 512)
STREETS = (2_000_000, 2_000_001)
"""Test streets of the demonstration, drawn by clear day with a medium crowd."""

ARMS = {
    "blind": "doesn't read",
    "noun_only": "is told the noun",
    "position_only": "sees another street",
    "without_localization": "no localization",
    "fusenet_ris": "FuseNet-RIS",
}
LOOKS = {
    "blind": {"color": "C6", "marker": "o"},
    "noun_only": {"color": "C5", "marker": "x"},
    "position_only": {"color": "C4", "marker": "^"},
    "without_localization": {"color": "C3", "marker": "v"},
    "fusenet_ris": {"color": "C1", "marker": "P"},
}
CLASS_ARMS = {"source_only": "no words", "text_guided": "asked by name", "pseudo_labels": "and its own labels"}
KINDS = ("class", "group", "colour", "place", "size", "nearness", "combination", "motion", "heat")


def _knobs():
    from mmlib.scenes import Knobs

    return Knobs(time="day", fog=0.0, glare=0.0, crowding=0.5)


# ---------------------------------------------------------------------------------------------------------------------
# Build and train: streets and words


@cache
def street_of(seed: int, size: tuple[int, int] = LARGE) -> dict:
    """One street of the demonstration with its phrases: rgb, labels, segments, phrases, without a batch axis."""
    from mmlib.data.phrases import spoken

    told = spoken([seed], size=size, knobs=_knobs(), fields=("rgb", "ir", "flow"))
    return {name: value[0] for name, value in told.items()}


def opening(seed: int) -> Html:
    """A street and what some phrases mean in it."""
    from mmlib.data.phrases import mask_of

    street = street_of(seed)
    chosen = []
    for kind in ("class", "group", "colour", "place", "nearness", "size", "combination", "motion"):
        phrases = [phrase for phrase in street["phrases"] if phrase.kind == kind]
        chosen += phrases[-1:]
    segments = street["segments"].long()
    return show.frames(
        [spotlight(street["rgb"], mask_of(segments, phrase.segments)) for phrase in chosen],
        names=[phrase.text for phrase in chosen],
        start=2,
        alt="A street in which the pixels that a phrase means are lit up",
        caption="One picture, many questions. What is lit is what the phrase means: MiniStreet knows it exactly.",
    )


def spotlight(rgb: Tensor, mask: Tensor) -> Tensor:
    """A picture (3, H, W) in which all but the mask (H, W) is dark grey; a tint would change the colour it names."""
    dark = 0.35 * rgb.mean(dim=0, keepdim=True).expand_as(rgb)
    return torch.where(mask.bool(), rgb, dark)


def sayings(seed: int) -> Html:
    """All phrases about a street, by kind."""
    phrases = street_of(seed)["phrases"]
    rows = []
    for kind in KINDS:
        texts = [phrase.text for phrase in phrases if phrase.kind == kind]
        if texts:
            more = f" and {len(texts) - 4} more" if len(texts) > 4 else ""
            rows.append([kind, str(len(texts)), ", ".join(texts[:4]) + more])
    return show.table(
        rows, columns=["kind", "phrases", "such as"], caption="What can be said about one street", cards=True
    )


GLOVE_WORDS = (
    "car",
    "vehicle",
    "person",
    "rider",
    "red",
    "blue",
    "left",
    "right",
    "largest",
    "nearest",
    "street",
    "tree",
)


def glove_lists() -> dict[str, list]:
    """The nearest words of some, with cosines, for a page where GloVe isn't at hand."""
    from mmlib.text import glove

    vectors = glove()
    return {word: [[other, round(cosine, 3)] for other, cosine in vectors.nearest(word, 5)] for word in GLOVE_WORDS}


def glove_neighbours(runs: Runs) -> Html:
    """A slider over words: the nearest ones in GloVe, from the vectors themselves or from a record."""
    from mmlib.data.folders import DataMissing

    run = record(runs, "fusenet_ris")
    try:
        lists = glove_lists()
    except DataMissing:
        lists = run.values.get("glove") if run else None
    if not lists:
        text = "GloVe's vectors are not on this machine: python data_scripts/obtain.py glove says how."
        return Html(f"<p><em>{text}</em></p>", text)
    words = list(lists)
    tables = []
    for word in words:
        rows = [[other, float(cosine)] for other, cosine in lists[word]]
        tables.append(show.table(rows, columns=[f"nearest to “{word}”", "cosine"], formats=".2f"))
    return show.frames(
        tables,
        names=words,
        start=words.index("right"),
        alt="For each word the five nearest ones: left is among those of right, and those of red are other colours",
        caption="GloVe, 100 dimensions (Pennington et al., 2014). 1 is the same direction, 0 none in common.",
    )


def senses(seed: int, size: tuple[int, int]) -> Html:
    """A street in colour, in motion and in heat, as the network gets it."""
    from mmlib.flow import flow_to_rgb

    street = street_of(seed, size)
    pictures = [(street["rgb"], "colour"), (flow_to_rgb(street["flow"][None])[0], "motion"), (street["ir"], "heat")]
    return show.images(
        pictures,
        columns=3,
        width=256,
        pixelated=True,
        alt="The street as a colour picture, as a field of motion and as an infrared picture",
        caption="Three senses of one street, at the size that the network sees.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Build and train: the network


def idea() -> Html:
    """The network's parts, as a drawing."""
    box, arrow, line = figures.box, figures.arrow, figures.line
    drawn = [
        box(4, 4, 130, "phrase"),
        box(4, 66, 130, "text encoder", figures.ORANGE),
        box(226, 4, 130, "picture"),
        box(226, 66, 130, "encoder: 3 maps", figures.BLUE),
        box(226, 128, 130, "fusion", figures.GREEN),
        box(4, 128, 130, "localization", figures.GREEN),
        box(226, 190, 130, "mask module", figures.GREEN),
        box(226, 252, 130, "mask"),
        arrow((69, 38), (69, 66)),
        arrow((291, 38), (291, 66)),
        arrow((291, 100), (291, 128)),
        arrow((291, 162), (291, 190)),
        arrow((291, 224), (291, 252)),
        arrow((69, 100), (69, 128)),
        line("M134 90L226 136m-8 -1l8 1l-5 -7"),
        arrow((226, 150), (134, 150)),
        arrow((69, 162), (69, 207), (226, 207)),
    ]
    said = (
        "A phrase goes through the text encoder, a picture through an encoder to three maps. Both meet in the fusion. "
    )
    said += "The localization says where; fused map and response make the mask."
    caption = "FuseNet-RIS. What is green runs once for each phrase, what is blue once for each picture."
    return figures.drawing(drawn, 290, said, caption)


def full_size(words: int = 0) -> nn.Module:
    """Our reading of the paper's network, with GloVe's 300 dimensions; on the device `meta`, so nothing is computed."""
    from mmlib.models import fusenet_ris as ris

    with torch.device("meta"):
        encoder = ris.SegNetEncoder()
        fusion = ris.Fusion(encoder.channels, ris.NoGate(), ris.NoGate(), ris.Gate(512, 512))
        text = ris.TextEncoder(torch.empty(words, 300))
        return ris.FuseNetRIS(text, encoder, fusion, ris.Localization(), ris.MaskModule())


def parameters(net: nn.Module) -> Html:
    """Parameters of the parts of a network, and of the paper's in our reading."""
    full = full_size()
    names = {"text": "text encoder", "encoder": "encoder", "fusion": "fusion", "localization": "localization"}
    names["mask"] = "mask module"
    rows = []
    for part, name in names.items():
        rows.append([name, *(f"{figures.count(getattr(system, part)):,}" for system in (full, net))])
    whole, small = figures.count(full), figures.count(net)
    rows.append(["together", f"{whole:,}", f"{small:,}"])
    return show.table(
        rows,
        columns=["part", "our reading of the paper's", "ours"],
        caption="Learned numbers of each part",
        footer=f"The paper's without the table of word vectors. Ours is smaller by a factor of {whole / small:.0f}.",
    )


def losses(logs: Sequence[object]) -> Html:
    """The terms of the loss during a short training. logs: from `train`, one for each stage."""
    terms: dict[str, list[float]] = {}
    for log in logs:
        for name, values in log.columns.items():
            if name.startswith("term "):
                terms.setdefault(name.removeprefix("term "), []).extend(values)

    def draw(ax) -> None:
        for name, values in terms.items():
            ax.plot(values, label=name)
        ax.set(xlabel="step", ylabel="loss", ylim=(0, None))
        ax.legend()

    caption = "The short training on this page. The jumps are the phrases: a step that asks for the sky is an easy one."
    return show.plot(draw, alt="The terms of the loss jump about and begin to fall", caption=caption)


def learning(runs: Runs) -> Html:
    """How often the right thing is found on val streets, during the published runs of seed 0."""
    run = record(runs, "fusenet_ris")
    return figures.learning(
        runs,
        {arm: ARMS[arm] for arm in ("fusenet_ris", "noun_only", "blind")},
        LOOKS,
        "right",
        axis="right one of several, %",
        limits=(0, 100),
        luck=100 * run.values["which"]["luck"] if run else None,
        alt="How often each network finds the right thing, step by step, beside luck",
        caption="The published runs of seed 0, on val streets. Luck is that of the test streets.",
    )


def course(runs: Runs) -> Html:
    """The paper's Figure 5 from a record: loss and overlap over the training."""
    run = record(runs, "fusenet_ris")
    if run is None:
        return missing("The paper's Figure 5")
    told = run.values["learning"]

    def draw(fig) -> None:
        above, below = fig.subplots(2, 1, sharex=True)
        above.plot(figures.steps_of_curve(run), run.training.curve, color="C0")
        above.set(ylabel="loss", ylim=(0, None))
        below.plot(told["step"], [100 * value for value in told["oiou"]], "o-", color="C1")
        below.set(xlabel="step", ylabel="overall IoU, %", ylim=(0, None))

    caption = (
        "The published run of seed 0: the mean loss of sixteen parts of the training, and the overlap on val streets."
    )
    return show.plot(
        draw, size=(5.4, 4.4), alt="The loss falls and the overlap rises over the training", caption=caption
    )


def times(runs: Runs) -> Html:
    """The paper's Figure 4 from a record: what a phrase costs."""
    run = record(runs, "fusenet_ris")
    if run is None or "time" not in run.values:
        return missing("The paper's Figure 4")
    told = run.values["time"]
    names = {"encode_ms": "encoding the picture", "phrase_ms": "one phrase"}
    names["all_ms"] = f"{told['phrases']} phrases, encoded once"
    names["apart_ms"] = f"{told['phrases']} phrases, each with its encoding"
    spent = {name: told[key] for key, name in names.items()}

    def draw(ax) -> None:
        bars = ax.barh(list(spent), list(spent.values()), color="C0")
        ax.bar_label(bars, fmt=" %.1f")
        ax.set(xlabel="milliseconds", xlim=(0, 1.2 * max(spent.values())))
        ax.invert_yaxis()

    caption = (
        f"One picture of 192 × 256 pixels on {run.machine.device}, {run.machine.precision}; the last bar is computed."
    )
    return show.plot(draw, size=(5.4, 2.4), alt="Most of the time goes into encoding the picture", caption=caption)


def health_of(runs: Runs, now: Mapping) -> Html:
    """The health of the published run of seed 0, or else of the run that was just made."""
    return figures.run_health(record(runs, "fusenet_ris"), now)


# ---------------------------------------------------------------------------------------------------------------------
# The demonstration

Say = Callable[[Tensor, list[str]], tuple[Tensor, Tensor]]
WORDS = 12
"""Words of the longest phrase of the grammar, with room to spare."""


def freeze(say: Say, size: tuple[int, int]) -> dict[str, Tensor]:
    """A network's answers to all phrases of the grammar about the demonstration's streets, as small tensors of bytes.

    say: rgb (1, 3, H, W) and phrases -> probabilities (N, H, W) and response maps (N, r, c), both in [0, 1].
    """
    from mmlib.data.phrases import all_phrases

    texts = all_phrases()
    kept = {"texts": torch.tensor(list("\n".join(texts).encode()), dtype=torch.uint8)}
    for seed in STREETS:
        rgb = street_of(seed, tuple(size))["rgb"][None]
        masks, responses, weights = [], [], []
        for text in texts:
            words = text.split()
            without = [" ".join(words[:k] + words[k + 1 :]) for k in range(len(words))]
            probabilities, response = say(rgb, [text, *without])
            small = F.avg_pool2d(probabilities[:1], 2)[0] > 0.5  # (H/2, W/2)
            masks.append(_packed(small))
            responses.append((255 * response[0]).round().to(torch.uint8))
            weights.append(_weights(probabilities))
        kept[f"masks_{seed}"] = _deflated(torch.stack(masks))
        kept[f"responses_{seed}"] = torch.stack(responses)
        kept[f"weights_{seed}"] = torch.stack(weights)
    return kept


def _weights(probabilities: Tensor) -> Tensor:
    """By how many percent the mask (the first) changes without each word (the others): (WORDS,) uint8."""
    whole, without = probabilities[:1], probabilities[1:]
    shared = torch.minimum(whole, without).sum(dim=(1, 2)) / torch.maximum(whole, without).sum(dim=(1, 2))
    made = torch.zeros(WORDS, dtype=torch.uint8)
    made[: len(without)] = (100 * (1 - shared.nan_to_num(1.0))).round().to(torch.uint8)
    return made


def _packed(mask: Tensor) -> Tensor:
    """A mask (h, w) as bytes of eight pixels each."""
    bits = mask.flatten().view(-1, 8).to(torch.uint8)
    return (bits << torch.arange(7, -1, -1, dtype=torch.uint8)).sum(dim=1).to(torch.uint8)


def _deflated(values: Tensor) -> Tensor:
    """Bytes in less room: most masks are nearly empty."""
    packed = zlib.compress(bytes(values.flatten().tolist()), level=9)
    return torch.tensor(list(packed), dtype=torch.uint8)


def _inflated(packed: Tensor) -> Tensor:
    """The bytes again, (N,) uint8."""
    return torch.tensor(list(zlib.decompress(bytes(packed.tolist()))), dtype=torch.uint8)


def _unpacked(packed: Tensor, size: tuple[int, int]) -> Tensor:
    """The mask again, bool (h, w)."""
    bits = packed[:, None] >> torch.arange(7, -1, -1, dtype=torch.uint8)
    return (bits & 1).bool().view(size)


@cache
def published() -> dict[str, Tensor] | None:
    """The frozen answers of the published network; None where they aren't there."""
    from mmlib.results import load_weights

    try:
        return load_weights(f"{PAPER}/demonstration")
    except FileNotFoundError:
        return None


def answers(kept: Mapping[str, Tensor], seed: int) -> dict[str, tuple[show.Answer, float | None]]:
    """Each phrase with its frozen answer about a street, and its overlap with what is meant, if anything is."""
    from mmlib.data.phrases import mask_of

    size = (192, 256)
    street = street_of(seed, size)
    truth = {phrase.text: phrase.segments for phrase in street["phrases"]}
    segments = street["segments"].long()[::2, ::2]
    texts = bytes(kept["texts"].tolist()).decode().split("\n")
    masks = _inflated(kept[f"masks_{seed}"]).view(len(texts), -1)
    made = {}
    for row, text in enumerate(texts):
        mask = _unpacked(masks[row], segments.shape)
        overlap = None
        if text in truth:
            meant = mask_of(segments, truth[text])
            overlap = float((mask & meant).sum() / (mask | meant).sum().clamp(min=1))
            note = f"The phrase fits this street: mask and what is meant overlap by {100 * overlap:.0f} % (IoU)."
        else:
            note = "Nothing in this street fits these words, or no single thing does; the network answers all the same."
        if not mask.any():
            note += " The mask is empty."
        response = kept[f"responses_{seed}"][row].float() / 255
        weights = kept[f"weights_{seed}"][row, : len(text.split())].tolist()
        made[text] = (show.Answer(mask, response, weights, note), overlap)
    return made


def demonstration(seed: int) -> Html:
    """A street that can be asked in the printed page."""
    kept = published()
    if kept is None:
        return missing("The demonstration")
    told = {text: answer for text, (answer, _) in answers(kept, seed).items()}
    return show.phrasebook(
        street_of(seed)["rgb"],
        told,
        start="the car on the left",
        alt="A street by day with cars and people; the mask of a phrase lights up",
        caption=f"{len(told)} phrases, answered by the network of seed 0 and frozen. Beside each word: by how "
        "much the mask changes without it.",
    )


def demonstration_scores() -> Html:
    """How well the demonstration's phrases are answered, kind by kind, and the worst of them."""
    kept = published()
    if kept is None:
        return missing("How well it answers")
    rows, worst = [], []
    for number, seed in enumerate(STREETS, 1):
        kinds = {phrase.text: phrase.kind for phrase in street_of(seed, (192, 256))["phrases"]}
        for text, (answer, overlap) in answers(kept, seed).items():
            if overlap is not None:
                rows.append((kinds[text], overlap, bool(answer.mask.any())))
                worst.append((overlap, f"{text} (street {number})"))
    table = []
    for kind in KINDS:
        here = [(overlap, marked) for name, overlap, marked in rows if name == kind]
        if here:
            found = sum(overlap >= 0.5 for overlap, _ in here)
            empty = sum(not marked for _, marked in here)
            table.append([kind, str(len(here)), str(found), str(empty)])
    failed = "; ".join(text for _, text in sorted(worst)[:6])
    return show.table(
        table,
        columns=["kind", "phrases", "IoU ≥ 50 %", "empty"],
        caption="The demonstration's phrases that mean something in their street",
        footer=f"Empty: no pixel is marked. The worst: {failed}.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? The paper's table

PRINTED = {"Sign": "traffic_light", "vege": "bus", "fence": "bicycle"}
"""Headings of the paper's table, and the class that our claims file takes their numbers for."""

ROWS = {"CRST": ("crst", "crst"), "uta (IntraDA)": ("uta", "intrada"), "Source only": ("source_only", "source_only")}
COLUMNS = ("road", "sidewalk", "building", "wall", "fence", "pole", "light", "sign", "veg", "terrain", "sky", "person")
COLUMNS += ("rider", "car", "truck", "bus", "train", "motor", "bike")
LONG = {"light": "traffic light", "sign": "traffic sign", "veg": "vegetation", "motor": "motorcycle", "bike": "bicycle"}
CLASSES_PRINTED = (
    "road",
    "sidewalk",
    "building",
    "wall",
    "traffic_light",
    "sky",
    "person",
    "rider",
    "bus",
    "car",
    "bicycle",
)


def detective(heading: str) -> Html:
    """One column of the paper's table beside what was published for each of the nineteen classes; a slider chooses."""
    claims = load_claims(PAPER)
    tables = []
    for column in COLUMNS:
        rows = []
        for name, (printed, published_row) in ROWS.items():
            ours = claims.cell(f"results.{printed}.{PRINTED[heading]}").value
            theirs = claims.cell(f"published.{published_row}.{column}").value
            rows.append([name, ours, theirs, "the same" if ours == theirs else ""])
        columns = ["method", f"printed under “{heading}”", f"published for {LONG.get(column, column)}", ""]
        tables.append(show.table(rows, columns=columns))
    start = COLUMNS.index({"Sign": "sign", "vege": "veg", "fence": "fence"}[heading])
    return show.frames(
        tables,
        names=[LONG.get(column, column) for column in COLUMNS],
        start=start,
        alt=f"The numbers printed under {heading} beside those published for each of the nineteen classes",
        caption="Move the slider until the two columns agree.",
    )


def printed_table() -> Html:
    """The paper's table as it stands."""
    claims = load_claims(PAPER)
    heads = ["road", "sidewalk", "building", "wall", "Sign", "sky", "person", "rider", "vege", "car", "fence", "mIoU"]
    rows = []
    for name in ("source_only", "crst", "misl", "uta", "ours"):
        cells = [claims.cell(f"results.{name}.{column}") for column in (*CLASSES_PRINTED, "miou")]
        rows.append([cells[0].row, *(cell.value for cell in cells)])
    return show.table(rows, columns=["method", *heads], caption="GTA5 to Cityscapes, IoU in percent, headed as printed")


def means() -> Html:
    """The printed mean beside the mean of what is printed."""
    claims = load_claims(PAPER)
    rows = []
    for name in ("source_only", "crst", "misl", "uta", "ours"):
        total = claims.cell(f"results.{name}.miou")
        values = [float(claims.cell(f"results.{name}.{column}").value) for column in CLASSES_PRINTED]
        rows.append([total.row, float(total.value), sum(values) / 11, (19 * float(total.value) - sum(values)) / 8])
    return show.table(
        rows,
        columns=["method", "mIoU as printed", "mean of the eleven", "mean of the other eight"],
        formats={"mIoU as printed": ".1f", "mean of the eleven": ".2f", "mean of the other eight": ".1f"},
        caption="The printed mean isn't that of what is printed",
        footer="The last column follows if the printed mean is over nineteen classes.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? Which of several


def which(numbers: pandas.DataFrame) -> Html:
    """How often the right one of several is found, seed by seed and arm by arm, and by luck."""
    return figures.seed_by_seed(
        numbers,
        "which.right",
        ARMS,
        LOOKS,
        axis="right one of several, % of phrases",
        limits=(0, 100),
        lines=False,
        luck=mean(numbers, "fusenet_ris", "which.luck"),
        alt="How often each network finds the right one of several, one mark per run, beside luck",
        caption="One mark per run. Phrases by colour, place, size, nearness and combinations, known from training.",
    )


def _scored(numbers: pandas.DataFrame, arm: str, metric: str) -> str | None:
    """The mean over seeds with half the width of its interval; of a single run its value; None without any."""
    found, one = interval(numbers, arm, metric), mean(numbers, arm, metric)
    return plus_minus(found) or (None if one is None else f"{one:.1f}")


def _phrases(numbers: pandas.DataFrame, path: str) -> str | None:
    """How many phrases a score of FuseNet-RIS rests on."""
    count = plain(numbers, "fusenet_ris", f"{path}.phrases")
    return None if count is None else f"{count:.0f}"


def kinds(numbers: pandas.DataFrame) -> Html:
    """The right one of several, for each kind of phrase."""
    chosen = ("fusenet_ris", "noun_only", "position_only", "blind")
    rows = []
    for kind in KINDS[2:]:
        right = [mean(numbers, arm, f"kinds.{kind}.right") for arm in chosen]
        luck = mean(numbers, "fusenet_ris", f"kinds.{kind}.luck")
        rows.append([kind, _phrases(numbers, f"kinds.{kind}"), luck, *right])
    return figures.scored(
        "Kinds of phrases",
        rows,
        columns=["kind", "phrases", "luck", *(ARMS[arm] for arm in chosen)],
        formats=".1f",
        caption="The right one of several, % of phrases, mean over seeds",
        footer="Phrases: how many a run is asked. Motion and heat can't be seen in a picture, so what is found there "
        "above luck was guessed from something else, such as the side from which a car is seen. –: not run yet.",
    )


def pairs(numbers: pandas.DataFrame) -> Html:
    """Both of two opposed phrases right: the positive control."""
    rows = []
    for arm, name in ARMS.items():
        found = _scored(numbers, arm, "pairs.both")
        if found is not None:
            rows.append([name, found, mean(numbers, arm, "which.right")])
    if not rows:
        return missing("Both of a pair")
    luck, asked = mean(numbers, "fusenet_ris", "pairs.luck"), plain(numbers, "fusenet_ris", "pairs.pairs")
    return show.table(
        rows,
        columns=["network", "both of a pair, %", "one phrase, %"],
        formats=".1f",
        caption="Two opposed phrases about the same street: how often both are answered right",
        footer=f"Luck gets both right in {luck:.1f} % of the {asked:.0f} pairs. ± is half the width of the 95% "
        "interval; a number without it is a single run.",
    )


def controls(numbers: pandas.DataFrame) -> Html:
    """Overlap and choice of every control beside the network."""
    rows = []
    asked = {
        "asked_shuffled_words": "its words shuffled",
        "asked_noun_alone": "asked for the noun alone",
        "asked_another_phrase": "asked something else",
    }
    for arm, name in ARMS.items():
        values = [mean(numbers, arm, metric) for metric in ("test.oiou", "calibrated.oiou", "test.miou", "which.right")]
        rows.append([name, *values, mean(numbers, arm, "test.empty")])
    for path, name in asked.items():
        values = [mean(numbers, "fusenet_ris", f"{path}.{score}") for score in ("oiou", "miou", "which.right", "empty")]
        rows.append([f"FuseNet-RIS, {name}", values[0], None, *values[1:]])
    everything = mean(numbers, "fusenet_ris", "everything.oiou")
    if everything is not None:
        rows.append(["marking everything", everything, everything, None, None, 0.0])
    return figures.scored(
        "The controls",
        rows,
        columns=["network", "overall IoU", "at its threshold", "mean IoU", "right one", "empty masks"],
        formats=".1f",
        caption="All test phrases, in percent, mean over seeds",
        footer="At its threshold: at the probability that suits each network best on val streets.",
    )


def combinations(numbers: pandas.DataFrame) -> Html:
    """Combinations of words that training had, and those that it never had."""
    rows = []
    for path, name in (("old", "known"), ("new", "never seen together")):
        values = [mean(numbers, "fusenet_ris", f"{path}.{score}") for score in ("right", "luck", "miou")]
        rows.append([name, _phrases(numbers, path), *values, mean(numbers, "noun_only", f"{path}.right")])
    return figures.scored(
        "New combinations",
        rows,
        columns=["combination", "phrases", "right one", "luck", "mean IoU", "told the noun alone"],
        formats=".1f",
        caption="Phrases that mean one of several, in percent",
    )


def nouns(numbers: pandas.DataFrame) -> Html:
    """People, riders and cars."""
    rows = []
    for noun in ("person", "rider", "car"):
        values = [mean(numbers, "fusenet_ris", f"nouns.{noun}.{score}") for score in ("right", "luck", "miou", "empty")]
        rows.append([noun, _phrases(numbers, f"nouns.{noun}"), *values])
    return figures.scored(
        "People, riders and cars",
        rows,
        columns=["noun", "phrases", "right one", "luck", "mean IoU", "empty masks"],
        formats=".1f",
        caption="Phrases that mean one of several, in percent",
    )


def senses_table(numbers: pandas.DataFrame) -> Html:
    """Phrases about motion and warmth, with and without the senses."""
    chosen = {
        "fusenet_ris": "colour alone",
        "more_senses": "with motion and heat",
        "senses_shuffled": "another street's",
    }
    rows = []
    for kind in ("motion", "heat"):
        values = [mean(numbers, arm, f"kinds.{kind}.right") for arm in chosen]
        rows.append([kind, mean(numbers, "fusenet_ris", f"kinds.{kind}.luck"), *values])
    return figures.scored(
        "More senses",
        rows,
        columns=["kind", "luck", *chosen.values()],
        formats=".1f",
        caption="The right one of several, % of phrases, mean over seeds",
    )


TRIALS = {
    "gates": {
        "gates_coarse": "coarsest map alone",
        "gates_all": "tanh on all three",
        "fusenet_ris": "open ones on the finer",
    },
    "rate": {"rate_5e4": "5e-4", "fusenet_ris": "1e-3", "rate_2e3": "2e-3"},
    "rate of the noun": {"noun_rate_5e4": "5e-4", "noun_only": "1e-3", "noun_rate_2e3": "2e-3"},
    "encoder": {"segnet": "SegNet's", "encoder_alone": "MobileNetV2 without the decoder", "fusenet_ris": "with it"},
    "places": {"places_fine": "768", "fusenet_ris": "192"},
    "streets": {"streets_192": "192", "fusenet_ris": "384", "streets_768": "768"},
}


def trials(runs: Runs, chosen: Sequence[str]) -> Html:
    """Settings that were tried on seed 0, judged on val streets; kinds of phrases on test streets."""
    rows = []
    for setting in chosen:
        tried = {variant: record(runs, variant) for variant in TRIALS[setting]}
        if sum(run is not None for run in tried.values()) < 2:  # one setting alone is no comparison
            continue
        for variant, value in TRIALS[setting].items():
            run = tried[variant]
            if run is not None:
                kinds_of = run.values["kinds"]
                right = [100 * kinds_of[kind]["right"] for kind in ("colour", "place", "combination")]
                rows.append([f"{setting}: {value}", 100 * run.values["learning"]["right"][-1], *right])
    return figures.scored(
        f"Other settings ({', '.join(chosen)})",
        rows,
        columns=["setting", "val", "colour", "place", "combination"],
        groups=[("", 2), ("test", 3)],
        formats=".1f",
        caption="The right one of several, % of phrases; one run each, seed 0",
    )


def domains(numbers: pandas.DataFrame) -> Html:
    """Class mode: what is learned in one style, tested in both."""
    rows = []
    for arm, name in CLASS_ARMS.items():
        found = [interval(numbers, arm, f"{domain}.miou") for domain in ("source", "target")]
        if found[0] is not None:
            rows.append([name, *(plus_minus(one) for one in found)])
    if not rows:
        return missing("Class mode")
    floor = [mean(numbers, "text_guided", f"{domain}.floor") for domain in ("source", "target")]
    rows.insert(0, ["commonest class (floor)", *(f"{value:.1f}" for value in floor)])
    return show.table(
        rows,
        columns=["network", "source style", "target style"],
        caption="Mean IoU over eleven classes, points, with half the width of the 95% interval",
    )


def classes(numbers: pandas.DataFrame) -> Html:
    """IoU of each class in the target's style."""
    caption = "IoU of each class in the target's style, points, mean over seeds"
    return figures.classes(numbers, CLASS_ARMS, "target.iou", caption)


def camvid(numbers: pandas.DataFrame) -> Html:
    """Real streets: phrases made by rule, asked of networks that have seen drawn streets only."""
    rows = []
    for arm in ("blind", "noun_only", "without_localization", "fusenet_ris"):
        found = _scored(numbers, arm, "camvid.miou")
        if found is not None:
            rows.append([ARMS[arm], found])
    if not rows:
        return missing("Real streets")
    everything = mean(numbers, "fusenet_ris", "camvid.everything")
    asked = plain(numbers, "fusenet_ris", "camvid.phrases")
    return show.table(
        rows,
        columns=["network", "mean IoU"],
        caption="CamVid: the leftmost, rightmost or largest car, pedestrian or bicyclist, in percent",
        footer=f"{asked:.0f} phrases. Marking everything has a mean IoU of {everything:.1f} %. ± is half the width of "
        "the 95% interval over seeds, not over drives; a number without it is a single run.",
    )


def twice(numbers: pandas.DataFrame, metric: str = "which.right", arms: Mapping[str, str] = ARMS) -> Html:
    """What twice the steps change, on the seeds that have both."""
    return figures.twice(
        numbers, metric, arms, "After the published steps of reading, and after twice as many, in percent"
    )


def judged_health(runs: Runs) -> Html:
    """The worst reading of each part at the end of training, over all judged runs."""
    parts = ("text encoder", "gate", "localization", "mask module")
    return figures.judged_health(runs, {**ARMS, **CLASS_ARMS}, parts)
