//! Risk: a score from 0 to 100, the factors that made it, and its level.

/// One named contribution to the score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// A stable name, such as `irreversible`.
    pub name: &'static str,
    /// Points added (or taken away).
    pub points: i32,
    /// Why, for people.
    pub why: String,
}

/// Levels: LOW 0–24, MEDIUM 25–49, HIGH 50–79, CRITICAL 80–100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 0–24.
    Low,
    /// 25–49.
    Medium,
    /// 50–79.
    High,
    /// 80–100.
    Critical,
}

impl Level {
    /// The level of a score.
    pub const fn of_score(score: u8) -> Self {
        match score {
            0..=24 => Self::Low,
            25..=49 => Self::Medium,
            50..=79 => Self::High,
            80..=u8::MAX => Self::Critical,
        }
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High, Self::Critical].into_iter().find(|level| level.as_str() == text)
    }
}

/// The score with its factors. The factors add up to the score before it is clamped to 0–100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// What made the score.
    pub factors: Vec<Factor>,
}

impl Risk {
    /// The score, 0–100.
    pub fn score(&self) -> u8 {
        let sum = self.factors.iter().fold(0_i32, |sum, factor| sum.saturating_add(factor.points));
        u8::try_from(sum.clamp(0, 100)).unwrap_or(100)
    }

    /// The level of the score.
    pub fn level(&self) -> Level {
        Level::of_score(self.score())
    }
}
