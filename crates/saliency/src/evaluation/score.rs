//! The four scores that methods are compared by.

/// What a map of one sample is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The combined completeness score of ROAD (Rong et al. 2022, arXiv:2202.00449): half the
    /// difference of the mean changes when the least and the most salient pixels are removed.
    Aopc,
    /// Proportional energy (Wang et al. 2020, arXiv:1910.01279): the share of the map's sum that
    /// lies inside the boxes.
    Energy,
    /// Average saliency focus: the mean of the map inside the boxes.
    Focus,
    /// The product of the first two.
    Weighted,
}

/// All scores, in the order of tables and plots.
pub const SCORES: [Score; 4] = [Score::Aopc, Score::Energy, Score::Focus, Score::Weighted];

impl Score {
    /// The key in files.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Aopc => "aopc",
            Self::Energy => "energy",
            Self::Focus => "focus",
            Self::Weighted => "weighted",
        }
    }

    /// The name in the headers of tables.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::Aopc => "AOPC-Combined",
            Self::Energy => "PropEng",
            Self::Focus => "AvgSalFocus",
            Self::Weighted => "ROAD-Weighted PropEng",
        }
    }

    /// The name in plots.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Aopc => "AOPC-Combined",
            Self::Energy => "Proportional Energy",
            Self::Focus => "Average Saliency Focus",
            Self::Weighted => "ROAD-Weighted Proportional Energy",
        }
    }
}
