//! Expansions of parameters, taken apart: whose value they give, what they evaluate, and whether they can be an error.

use brush_parser::word::{Parameter, ParameterExpr};

/// Whether an expansion of a parameter can be an error, which ends the line.
pub(crate) fn fails(expression: &ParameterExpr) -> bool {
    use ParameterExpr as E;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let subscript =
        |parameter: &Parameter| matches!(parameter, Parameter::NamedWithIndex { index, .. } if !digits(index));
    match expression {
        E::Substring { parameter, length, indirect, .. } => {
            *indirect || subscript(parameter) || length.as_ref().is_some_and(|length| !digits(length.value.trim()))
        }
        E::IndicateErrorIfNullOrUnset { .. } => true,
        E::AssignDefaultValues { parameter, indirect, .. } => *indirect || !matches!(parameter, Parameter::Named(_)),
        E::Parameter { parameter, indirect }
        | E::ParameterLength { parameter, indirect }
        | E::Transform { parameter, indirect, .. }
        | E::UseDefaultValues { parameter, indirect, .. }
        | E::UseAlternativeValue { parameter, indirect, .. }
        | E::RemoveSmallestSuffixPattern { parameter, indirect, .. }
        | E::RemoveLargestSuffixPattern { parameter, indirect, .. }
        | E::RemoveSmallestPrefixPattern { parameter, indirect, .. }
        | E::RemoveLargestPrefixPattern { parameter, indirect, .. }
        | E::UppercaseFirstChar { parameter, indirect, .. }
        | E::UppercasePattern { parameter, indirect, .. }
        | E::LowercaseFirstChar { parameter, indirect, .. }
        | E::LowercasePattern { parameter, indirect, .. }
        | E::ReplaceSubstring { parameter, indirect, .. } => *indirect || subscript(parameter),
        E::VariableNames { .. } | E::MemberKeys { .. } => false,
    }
}

/// The variable whose value an expansion gives out, if it does.
pub(crate) fn value_of(expression: &ParameterExpr) -> Option<&str> {
    let parameter = match expression {
        ParameterExpr::ParameterLength { .. }
        | ParameterExpr::UseAlternativeValue { .. }
        | ParameterExpr::VariableNames { .. }
        | ParameterExpr::MemberKeys { .. } => return None,
        ParameterExpr::Parameter { parameter, .. }
        | ParameterExpr::Transform { parameter, .. }
        | ParameterExpr::UseDefaultValues { parameter, .. }
        | ParameterExpr::AssignDefaultValues { parameter, .. }
        | ParameterExpr::IndicateErrorIfNullOrUnset { parameter, .. }
        | ParameterExpr::RemoveSmallestSuffixPattern { parameter, .. }
        | ParameterExpr::RemoveLargestSuffixPattern { parameter, .. }
        | ParameterExpr::RemoveSmallestPrefixPattern { parameter, .. }
        | ParameterExpr::RemoveLargestPrefixPattern { parameter, .. }
        | ParameterExpr::UppercaseFirstChar { parameter, .. }
        | ParameterExpr::UppercasePattern { parameter, .. }
        | ParameterExpr::LowercaseFirstChar { parameter, .. }
        | ParameterExpr::LowercasePattern { parameter, .. }
        | ParameterExpr::Substring { parameter, .. }
        | ParameterExpr::ReplaceSubstring { parameter, .. } => parameter,
    };
    match parameter {
        Parameter::Named(name)
        | Parameter::NamedWithIndex { name, .. }
        | Parameter::NamedWithAllIndices { name, .. } => Some(name),
        Parameter::Positional(_) | Parameter::Special(_) => None,
    }
}

/// The name under which a parameter's value is kept.
pub(crate) fn name_of(parameter: &Parameter) -> Option<String> {
    use brush_parser::word::SpecialParameter as S;
    match parameter {
        Parameter::Named(name) => Some(name.clone()),
        Parameter::Positional(number) => Some(number.to_string()),
        Parameter::Special(S::AllPositionalParameters { .. }) => Some("@".to_owned()),
        Parameter::Special(S::ShellName) => Some("0".to_owned()),
        Parameter::Special(_) | Parameter::NamedWithIndex { .. } | Parameter::NamedWithAllIndices { .. } => None,
    }
}

/// Parameters that are always numbers: `$?`, `$$`, `$#`, `$!`, and variables that the shell keeps as such.
pub(crate) fn is_number(parameter: &Parameter) -> bool {
    use brush_parser::word::SpecialParameter as S;
    match parameter {
        Parameter::Special(special) => {
            matches!(
                special,
                S::PositionalParameterCount | S::LastExitStatus | S::ProcessId | S::LastBackgroundProcessId
            )
        }
        Parameter::Named(name) => matches!(
            name.as_str(),
            "RANDOM" | "SECONDS" | "UID" | "EUID" | "PPID" | "LINENO" | "BASHPID" | "EPOCHSECONDS"
        ),
        Parameter::Positional(_) | Parameter::NamedWithIndex { .. } | Parameter::NamedWithAllIndices { .. } => false,
    }
}

/// An expansion taken apart: what the shell expands further, and what it evaluates as arithmetic.
pub(crate) struct Parts<'a> {
    pub(crate) words: Vec<&'a str>,
    pub(crate) arithmetic: Vec<&'a str>,
    pub(crate) indirect: bool,
}

pub(crate) fn parts(expression: &ParameterExpr) -> Parts<'_> {
    use ParameterExpr as E;
    let (mut words, mut arithmetic): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let (parameter, indirect) = match expression {
        E::Parameter { parameter, indirect }
        | E::ParameterLength { parameter, indirect }
        | E::Transform { parameter, indirect, .. } => (parameter, *indirect),
        E::UseDefaultValues { parameter, default_value: text, indirect, .. }
        | E::AssignDefaultValues { parameter, default_value: text, indirect, .. }
        | E::IndicateErrorIfNullOrUnset { parameter, error_message: text, indirect, .. }
        | E::UseAlternativeValue { parameter, alternative_value: text, indirect, .. }
        | E::RemoveSmallestSuffixPattern { parameter, pattern: text, indirect }
        | E::RemoveLargestSuffixPattern { parameter, pattern: text, indirect }
        | E::RemoveSmallestPrefixPattern { parameter, pattern: text, indirect }
        | E::RemoveLargestPrefixPattern { parameter, pattern: text, indirect }
        | E::UppercaseFirstChar { parameter, pattern: text, indirect }
        | E::UppercasePattern { parameter, pattern: text, indirect }
        | E::LowercaseFirstChar { parameter, pattern: text, indirect }
        | E::LowercasePattern { parameter, pattern: text, indirect } => {
            words.extend(text.as_deref());
            (parameter, *indirect)
        }
        E::Substring { parameter, offset, length, indirect } => {
            arithmetic.push(&offset.value);
            arithmetic.extend(length.as_ref().map(|length| length.value.as_str()));
            (parameter, *indirect)
        }
        E::ReplaceSubstring { parameter, pattern, replacement, indirect, .. } => {
            words.push(pattern);
            words.extend(replacement.as_deref());
            (parameter, *indirect)
        }
        E::VariableNames { .. } | E::MemberKeys { .. } => return Parts { words, arithmetic, indirect: false },
    };
    if let Parameter::NamedWithIndex { index, .. } = parameter {
        arithmetic.push(index);
    }
    Parts { words, arithmetic, indirect }
}
