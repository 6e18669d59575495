//! What is asked, piece by piece: each simple command with what it would do.

use serde::{Deserialize, Serialize};

use crate::views::HoldView;

/// One simple command of what is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PieceView {
    /// Its words, in one line.
    pub line: String,
    /// What it is run inside (`sudo`, `xargs`), the outermost first.
    pub inside: Vec<String>,
    /// What it would do.
    pub effects: Vec<EffectView>,
    /// What of it is not known.
    pub unknowns: Vec<UnknownView>,
}

/// Something that would be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EffectView {
    /// What, in words.
    pub words: String,
    /// Under which heading it is judged.
    pub category: String,
    /// Whether it can be undone.
    pub undo: String,
}

/// Something that is not known.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnknownView {
    /// The words that it is about.
    pub text: String,
    /// The reason.
    pub why: String,
}

impl HoldView {
    /// What it would do, all pieces together: each effect once.
    pub fn effects(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for effect in self.pieces.iter().flat_map(|piece| &piece.effects).map(EffectView::line) {
            if !out.contains(&effect) {
                out.push(effect);
            }
        }
        out
    }

    /// What it would do, piece by piece, as lines of text.
    pub fn laid_out(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (number, piece) in (1_usize..).zip(&self.pieces) {
            let inside = if piece.inside.is_empty() {
                String::new()
            } else {
                format!("   (inside {})", piece.inside.join(", "))
            };
            out.push(format!("{number}. {}{inside}", piece.line));
            out.extend(piece.effects.iter().map(|effect| format!("   {}", effect.line())));
            out.extend(piece.unknowns.iter().map(|it| format!("   ? {}: {}", it.text, it.why)));
            if piece.effects.is_empty() && piece.unknowns.is_empty() {
                out.push("   nothing outside its own shell".to_owned());
            }
        }
        out.extend(self.flows.iter().map(|flow| format!("what flows: {flow}")));
        out
    }
}

impl EffectView {
    fn line(&self) -> String {
        format!("{} [{}, {}]", self.words, self.category, self.undo)
    }
}
