//! Listings that show more than names: what a service was configured with includes its credentials.

use model::{Arg, Segment};

use crate::knowledge::{Known, Role};
use crate::lower::Lowering;

impl Lowering<'_> {
    /// Adds what a listing of containers or of a cluster's objects shows beyond their state.
    pub(crate) fn shown(&mut self, entry: Known, args: &[Arg], segment: &mut Segment) {
        let shows = match entry.name.split_once(' ') {
            Some(("docker" | "podman", "inspect" | "container inspect")) => {
                option(args, &["-f", "--format"]).is_none_or(|format| shows_environment(&format))
            }
            Some(("kubectl" | "oc", "get" | "describe")) => {
                let output = option(args, &["-o", "--output"]).unwrap_or_default();
                if let Some((_, file)) = output.split_once("-file=") {
                    let file = Arg::Known(file.to_owned());
                    self.effect(&file, Role::Read, false, &mut segment.operations, &mut segment.unknowns);
                }
                shows_object(entry.name, args, &output)
            }
            // A formula by its path or address, or of somebody's tap, is code that is evaluated.
            Some(("brew", "info" | "list")) => {
                for word in args.iter().filter(|word| !word.text().starts_with('-')) {
                    let text = word.text();
                    if text.contains("://") {
                        self.effect(word, Role::Url, false, &mut segment.operations, &mut segment.unknowns);
                        crate::command::run_unknown(segment, text, "a formula is code, and is evaluated");
                    } else if text.contains('/') || text.ends_with(".rb") {
                        self.effect(word, Role::Script, false, &mut segment.operations, &mut segment.unknowns);
                    }
                }
                false
            }
            _ => false,
        };
        if shows {
            crate::program::act(&[Role::Secret], &mut segment.operations);
        }
    }
}

fn shows_object(name: &str, args: &[Arg], output: &str) -> bool {
    let kind = args.iter().map(Arg::text).find(|text| !text.starts_with('-')).unwrap_or("");
    let whole = output == "yaml" || output == "json" || output.to_ascii_lowercase().contains("env");
    let holds = kind.split([',', '/']).any(|kind| kind.starts_with("cm") || kind.starts_with("configmap"));
    whole || (holds && (!matches!(output, "" | "wide" | "name") || name.ends_with("describe")))
}

/// Whether a format shows all of a container, or its environment.
fn shows_environment(format: &str) -> bool {
    let lower = format.to_ascii_lowercase().replace(' ', "");
    lower.contains("env") || lower == "json" || [".config}", "json.}", "{{.}", "range"].iter().any(|it| lower.contains(it))
}

/// The value of an option, where it is there.
fn option(args: &[Arg], names: &[&str]) -> Option<String> {
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let text = word.text();
        for name in names {
            if text == *name {
                return words.next().map(|value| value.text().to_owned());
            }
            if let Some(value) = text.strip_prefix(name) {
                return Some(value.trim_start_matches('=').to_owned());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::shows_environment;

    #[test]
    fn formats() {
        for format in ["{{json .Config.Env}}", "{{json .}}", "{{.Config}}", "json", "{{range .Config.Env}}{{.}}{{end}}"] {
            assert!(shows_environment(format), "{format}");
        }
        for format in ["{{.State.Status}}", "{{.Name}}", "{{json .State}}", "{{.NetworkSettings.IPAddress}}"] {
            assert!(!shows_environment(format), "{format}");
        }
    }
}
