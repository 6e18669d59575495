//! Risk: a score from 0 to 100, the factors that made it, and its level.

use crate::words;

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

words! {
    /// Levels: LOW 0–24, MEDIUM 25–49, HIGH 50–79, CRITICAL 80–100.
    Level {
        /// 0–24.
        Low = "low",
        /// 25–49.
        Medium = "medium",
        /// 50–79.
        High = "high",
        /// 80–100.
        Critical = "critical",
    }
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
