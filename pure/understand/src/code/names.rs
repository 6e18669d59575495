//! Names in a code: which it defines, which it takes from modules, and which it gives another meaning.

use super::calls::Language;
use super::scan::Token;

/// Names that the code itself defines: functions, parameters and variables that hold what it made.
pub(super) fn own_names(tokens: &[Token]) -> Vec<&str> {
    let mut names = Vec::new();
    for pair in tokens.windows(2) {
        if let [Token::Word(keyword), Token::Word(name)] = pair
            && matches!(keyword.as_str(), "def" | "sub" | "function" | "class" | "lambda" | "fn")
        {
            names.push(name.as_str());
        }
    }
    names
}

/// Whether a word gives a known name another meaning, or a thing another name: internals (`__…__`), and a module that
/// is used as a value.
pub(super) fn rebinds(tokens: &[Token], at: usize, language: &Language, word: &str) -> bool {
    let internal = word.contains("__") && !matches!(word, "__name__" | "__file__" | "__init__");
    let imported = at.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(|before| {
        matches!(before, Token::Word(word) if matches!(word.as_str(), "import" | "from" | "use"))
            || *before == Token::Mark(',')
    });
    internal || (language.name == "Python" && !imported && language.modules_known.contains(&word))
}

pub(super) fn unknown_modules<'a>(tokens: &'a [Token], at: usize, language: &Language) -> Vec<&'a str> {
    /// What may be taken out of a module under its own name.
    const TAKEN: &[&str] = &[
        "Path",
        "datetime",
        "timedelta",
        "date",
        "Counter",
        "defaultdict",
        "deque",
        "pprint",
        "chain",
        "reduce",
        "partial",
        "sqrt",
        "randint",
        "choice",
        "environ",
    ];
    let from = matches!(at.checked_sub(2).and_then(|at| tokens.get(at)), Some(Token::Word(word)) if word == "from");
    if from {
        let names =
            tokens.iter().skip(at.saturating_add(1)).take_while(|token| !matches!(token, Token::Mark(';' | '\n')));
        let untaken = |token: &'a Token| match token {
            Token::Word(word) if !TAKEN.contains(&word.as_str()) => Some(word.as_str()),
            Token::Word(_) | Token::Text(..) | Token::Number | Token::Mark(_) => None,
        };
        return names.filter_map(untaken).collect();
    }
    let words = tokens.iter().skip(at.saturating_add(1)).take_while(|token| !matches!(token, Token::Mark(';' | '\n')));
    let mut renamed = false;
    let mut unknown = Vec::new();
    for token in words {
        match token {
            Token::Word(word) if word == "as" => {
                renamed = true;
                unknown.push("a module under another name");
            }
            Token::Word(word) if word == "import" => break,
            Token::Word(word) if !renamed => {
                let top = word.split(['.', ':']).next().unwrap_or(word);
                if !language.modules_known.contains(&top) && !language.modules_known.contains(&word.as_str()) {
                    unknown.push(word.as_str());
                }
            }
            Token::Text(text, _) if !language.modules_known.contains(&text.trim_start_matches("node:")) => {
                unknown.push(text.as_str())
            }
            Token::Mark(',') => renamed = false,
            Token::Mark(')') => break,
            Token::Word(_) | Token::Text(..) | Token::Number | Token::Mark(_) => {}
        }
    }
    unknown
}
