//! What each code means, why it matters and what to do: `mednet explain CODE`, and the table in
//! the documentation.

/// What is said about one code.
#[derive(Debug, Clone, Copy)]
pub struct CatalogueEntry {
    /// The code.
    pub code: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Why it matters.
    pub reason: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// Finds a code, in upper or lower case.
#[must_use]
pub fn find(code: &str) -> Option<&'static CatalogueEntry> {
    CATALOGUE
        .iter()
        .find(|entry| entry.code.eq_ignore_ascii_case(code.trim()))
}

/// The page of the documentation, in Markdown.
#[must_use]
pub fn document() -> String {
    let mut text = String::from(
        "# Diagnostics\n\n\
         What `mednet` says about results that may not mean what they seem to mean. Codes with `W` \
         are shown by default,\nthose with `N` with `-v`. `mednet explain CODE` prints the same. \
         This page is generated from\n`crates/study/src/diagnostic/catalogue.rs`.\n",
    );
    for entry in CATALOGUE {
        text.push_str(&format!(
            "\n## {}: {}\n\n{}\n\n*Why it matters.* {}\n\n*What to do.* {}\n",
            entry.code, entry.title, entry.meaning, entry.reason, entry.remedy
        ));
    }
    text
}

/// All codes, in order.
pub static CATALOGUE: &[CatalogueEntry] = &[
    CatalogueEntry {
        code: "W001",
        title: "boxes outside the picture",
        meaning: "A box of the annotation has no pixel in the picture.",
        reason: "Its share of the saliency is 0 whatever the map shows. Most often the boxes \
                 were drawn on pictures of another size (the boxes of NIH ChestX-ray14 belong \
                 to pictures of 1024 x 1024) than those that are read.",
        remedy: "Compare the size of the pictures with the one that the annotation refers to. Use the \
                 pictures that were annotated, or scale the boxes.",
    },
    CatalogueEntry {
        code: "W002",
        title: "boxes clipped at the edge of the picture",
        meaning: "A box reaches beyond the picture; only its part inside counts.",
        reason: "A pixel or two come from rounding. More are a sign that boxes and pictures do \
                 not belong together.",
        remedy: "Look at a few with `mednet saliency view --show-groundtruth`.",
    },
    CatalogueEntry {
        code: "W003",
        title: "boxes that vanish in the resize",
        meaning: "A box is so small that no pixel of it is left at the size of the network's input, or \
                  its width or height is 0.",
        reason: "Its share of the saliency is 0 whatever the map shows.",
        remedy: "Leave such boxes out of the split, or use a network with a larger input.",
    },
    CatalogueEntry {
        code: "W004",
        title: "signed maps",
        meaning: "A map has values below zero, as those of LIME, RISE, Integrated Gradients or LRP \
                  have.",
        reason: "Shares of a signed sum mean nothing: a map and its negative can score the same.",
        remedy: "Decide what counts, the positive part, the negative part or the magnitude, and store that: \
                 `numpy.maximum(map, 0)` or `numpy.abs(map)`.",
    },
    CatalogueEntry {
        code: "W005",
        title: "maps beyond 1",
        meaning: "A map has values above 1, such as 0 to 255.",
        reason: "The average saliency focus grows with the scale of the map, so that it cannot be \
                 compared with others. Proportional energy and ROAD do not depend on the scale.",
        remedy: "Divide each map by its maximum.",
    },
    CatalogueEntry {
        code: "W006",
        title: "empty maps",
        meaning: "A map is zero everywhere: nothing in the image speaks for the class, or the method failed \
                  on it.",
        reason: "An empty map scores 0 for its boxes and ranks no pixel above another. Means over many of \
                 them say little about the others.",
        remedy: "Look at how many there are for each method. Another layer (`--layer`) or another class \
                 (`--target-class`) may be the right question.",
    },
    CatalogueEntry {
        code: "W007",
        title: "all maps of a method are empty",
        meaning: "Every map that the run has of a method is zero everywhere.",
        reason: "Nothing was explained. Most often the layer has no gradient, the class is one that the \
                 network never gives, or the weights are not those of a trained network.",
        remedy: "Check `--layer`, `--target-class` and `--weight`.",
    },
    CatalogueEntry {
        code: "W008",
        title: "much of the order of the pixels is chance",
        meaning: "More than a tenth of the pixels have the very value at which a removal stops; which of \
                  them go is drawn by chance.",
        reason: "ROAD then measures the draw more than the map. It is so with maps that are mostly 0.",
        remedy: "Average over draws (`--repeats 10`), and compare with `-s control-random`.",
    },
    CatalogueEntry {
        code: "W009",
        title: "scores that cannot move",
        meaning: "The logit of the class is beyond 20 or -20, where its sigmoid is 1 or 0 to eight digits.",
        reason: "Whatever is removed from the image, the score stays: ROAD is 0 for every map.",
        remedy: "Use `--score softmax` if the classes exclude each other. Check that images are normalised as \
                 in training (`--normalize`).",
    },
    CatalogueEntry {
        code: "W010",
        title: "16-bit pictures that use fewer bits",
        meaning: "The largest value of a 16-bit picture is that of a film of 12 bits or fewer.",
        reason: "Values are divided by 65535, so that the picture is nearly black to the network, and \
                 nothing like what it was trained on.",
        remedy: "Convert the pictures to the full range, as those of the training were.",
    },
    CatalogueEntry {
        code: "W011",
        title: "pictures turned by their orientation tag",
        meaning: "A TIFF file says that its picture is stored turned or mirrored; it was turned upright, as Pillow \
                  does.",
        reason: "Boxes refer to the upright picture. If they were drawn on the stored one, they are wrong.",
        remedy: "Look at a few with `mednet saliency view --show-groundtruth`.",
    },
    CatalogueEntry {
        code: "W012",
        title: "orientation tag that is not applied",
        meaning: "A JPEG or PNG file says that its picture is stored turned or mirrored. It is read as stored, as \
                  Pillow and torchvision do.",
        reason: "A viewer shows another picture than the network sees.",
        remedy: "If the network was trained on upright pictures, store them upright (`exiftran -a`, or \
                 `PIL.ImageOps.exif_transpose`).",
    },
    CatalogueEntry {
        code: "W013",
        title: "maps of other weights",
        meaning: "Maps were made with other weights than those that score them.",
        reason: "Completeness asks the network itself: the scores say how well the maps explain another network.",
        remedy: "Give the weights that made the maps, or make the maps again.",
    },
    CatalogueEntry {
        code: "W014",
        title: "averaged weights left aside",
        meaning: "The checkpoint holds averaged (EMA) weights beside the plain ones, which are used.",
        reason: "Published results may be those of the averaged weights.",
        remedy: "Save the weights that you mean in a file of their own.",
    },
    CatalogueEntry {
        code: "W015",
        title: "entries that the network has no use for",
        meaning: "The checkpoint holds weights that are no part of the network.",
        reason: "It may be the checkpoint of another network that has the same layers and more.",
        remedy: "Check the model's name.",
    },
    CatalogueEntry {
        code: "W016",
        title: "unknown normalisation",
        meaning: "The checkpoint does not say how images are normalised; they are taken as they are, in [0, 1].",
        reason: "A network that was trained on normalised images sees others now; its logits and maps are \
                 wrong without looking wrong.",
        remedy: "Give `--normalize imagenet`, `--normalize MEAN,STD`, or `--normalize none`.",
    },
    CatalogueEntry {
        code: "W017",
        title: "boxes moved by a guess",
        meaning: "No model was named, and the map is a square of another size than the picture: the boxes were \
                  padded to a square and resized.",
        reason: "If the pictures were squashed or cropped instead, the boxes are in the wrong place.",
        remedy: "Name the model.",
    },
    CatalogueEntry {
        code: "W018",
        title: "samples without boxes",
        meaning: "A sample has the label that is scored, and no boxes.",
        reason: "It cannot be scored and is not part of the means.",
        remedy: "Nothing, if the data set is not annotated as a whole.",
    },
    CatalogueEntry {
        code: "W019",
        title: "calls in a checkpoint",
        meaning: "The file holds calls that Python would execute when it opens the file. This program executes \
                  nothing; it read the weights.",
        reason: "Somebody who opens the file with `torch.load(..., weights_only=False)` runs them.",
        remedy: "Do not trust the file. Ask where it comes from.",
    },
    CatalogueEntry {
        code: "W020",
        title: "output folder that is a link",
        meaning: "The output folder, or one below it, is a link to another folder.",
        reason: "Files are written and replaced there.",
        remedy: "Nothing, if that is what you want.",
    },
    CatalogueEntry {
        code: "W021",
        title: "options from a file",
        meaning: "A configuration file sets options of this command.",
        reason: "The command does other things than what was typed says.",
        remedy: "Nothing, if that is what you want. What is typed wins over the file.",
    },
    CatalogueEntry {
        code: "W022",
        title: "little memory",
        meaning: "The memory that this process may use is less than the run is likely to need.",
        reason: "A program that gets no memory ends at once, without naming the sample.",
        remedy: "Raise the limit, or use fewer threads (`--parallel 1`).",
    },
    CatalogueEntry {
        code: "W023",
        title: "samples of other labels",
        meaning: "Overlays are drawn for samples of one label.",
        reason: "The others are not shown.",
        remedy: "Choose another label with `--target-label`.",
    },
    CatalogueEntry {
        code: "W024",
        title: "damaged JPEG",
        meaning: "The coded pixels of a JPEG are damaged; what could not be decoded is gray.",
        reason: "The network sees a picture that nobody has taken.",
        remedy: "Get the file again. If it is damaged at its source, leave the sample out.",
    },
    CatalogueEntry {
        code: "N101",
        title: "images that the original would erase",
        meaning: "So many pixels of a map are equal that the original's ranking removes all of them.",
        reason: "The original's score is then that of an image of zeros.",
        remedy: "Nothing: the default mode removes exactly the share that is asked for.",
    },
    CatalogueEntry {
        code: "N102",
        title: "pictures that were converted",
        meaning: "The alpha channel was dropped, a palette was converted to colours, or the depth was changed.",
        reason: "The network sees something else than a viewer shows.",
        remedy: "Nothing, if the pictures of the training were read the same way.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        let order = |code: &str| (code.starts_with('N'), code.to_owned());
        for pair in CATALOGUE.windows(2) {
            assert!(
                order(pair[0].code) < order(pair[1].code),
                "{}",
                pair[1].code
            );
        }
        assert_eq!(find("w004").unwrap().title, "signed maps");
        assert!(find("W999").is_none());
    }
}
