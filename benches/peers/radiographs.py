"""The images of the comparison: phantoms drawn by `mednet demo --export`, all with lesions and boxes.

The original reads them as the database TBX11K, whose folder its configuration file names; it takes a
split as a Python file.
"""

import json
import os

#: Phantoms that are drawn. Larger data sets name some of them several times, under names of their own.
DRAWN = 200


def draw(session):
    """Draws the phantoms and writes the original's configuration."""
    session.say(f"drawing {DRAWN} phantoms")
    folder = session.folder / "phantoms"
    session.run([session.ours, "demo", "--export", folder, "--count", DRAWN, "--seed", 7])
    configuration = session.folder / "config"
    configuration.mkdir()
    (configuration / "mednet.toml").write_text(f"[datadir]\ntbx11k = {json.dumps(str(folder))}\n")


def split(session, count):
    """A data set of `count` phantoms with lesions: the path of our split file and of the original's configuration."""
    folder = session.folder / "phantoms"
    path, configuration = folder / f"split-{count}.json", session.folder / f"split_{count}.py"
    if not path.exists():
        positive = [sample for sample in json.loads((folder / "split.json").read_text())["test"] if sample[1] == 1]
        samples = []
        for index in range(count):
            name, label, boxes = positive[index % len(positive)]
            if index >= len(positive):
                copy = f"copies/{index:05}.png"
                (folder / "copies").mkdir(exist_ok=True)
                if not (folder / copy).exists():
                    os.link(folder / name, folder / copy)
                name = copy
            samples.append([name, label, boxes])
        path.write_text(json.dumps({"test": samples}))
        configuration.write_text(
            "import pathlib\n"
            "from mednet.data.classify.tbx11k import DataModule\n"
            f"datamodule = DataModule(pathlib.Path({str(path)!r}))\n"
        )
    return path, configuration


def names(session, count):
    """The names of the samples of such a data set, in its order."""
    path, _ = split(session, count)
    return [sample[0] for sample in json.loads(path.read_text())["test"]]
