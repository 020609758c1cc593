//! Where the files of maps are below their output folder.

use mednet_saliency::TargetClass;
use serde::{Deserialize, Serialize};

/// Folder of the maps for whichever class has the highest logit.
pub const HIGHEST: &str = "highest-output";

/// Whether maps lie in folders of their methods. The first run into a folder decides, by the
/// methods that it was asked for; later runs follow, however the work is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// `imgs/a.npy`: the folder is of one method.
    OneMethod,
    /// `gradcam/imgs/a.npy`: each method has a folder.
    ByMethod,
}

impl Layout {
    /// The layout for a number of methods.
    #[must_use]
    pub fn for_methods(count: usize) -> Self {
        match count {
            0 | 1 => Self::OneMethod,
            _ => Self::ByMethod,
        }
    }

    /// The folder of the maps of a method for a class, below the output folder, with `/` at its
    /// end unless it is empty.
    #[must_use]
    pub fn folder(self, method: &str, target: TargetClass, class: usize, outputs: usize) -> String {
        let mut folder = String::new();
        if self == Self::ByMethod {
            folder.push_str(method);
            folder.push('/');
        }
        if outputs > 1 {
            match target {
                TargetClass::Highest => folder.push_str(HIGHEST),
                TargetClass::All | TargetClass::Index(_) => folder.push_str(&class.to_string()),
            }
            folder.push('/');
        }
        folder
    }
}

/// At which resolution maps are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// Enlarged to the image, values in `[0, 1]`, as every tool expects them.
    #[default]
    Image,
    /// As the method made them at the explained layer: a thousandth of the size. They are enlarged
    /// when they are read, to the very bits that [`Storage::Image`] would have stored.
    Layer,
}

impl std::str::FromStr for Storage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "image" => Ok(Self::Image),
            "layer" => Ok(Self::Layer),
            other => Err(format!(
                "`{other}` is no resolution to store maps at: expected image or layer{}",
                mednet_base::suggest::hint(other, ["image", "layer"])
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_follow_methods_and_classes() {
        let folder = |layout: Layout, target, outputs| layout.folder("gradcam", target, 1, outputs);
        assert_eq!(folder(Layout::OneMethod, TargetClass::Highest, 1), "");
        assert_eq!(folder(Layout::ByMethod, TargetClass::All, 1), "gradcam/");
        assert_eq!(
            folder(Layout::OneMethod, TargetClass::Highest, 3),
            "highest-output/"
        );
        assert_eq!(
            folder(Layout::ByMethod, TargetClass::Index(1), 3),
            "gradcam/1/"
        );
    }
}
