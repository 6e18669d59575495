//! Listings that show more than names: what a service was configured with includes its credentials.

use model::{Arg, Segment};

use crate::knowledge::{Known, Role};
use crate::lower::Lowering;
use crate::program::Parsed;

impl Lowering<'_> {
    /// Adds what a listing of containers or of a cluster's objects shows beyond their state.
    pub(crate) fn shown(&mut self, entry: Known, args: &[Arg], segment: &mut Segment) {
        let shows = match entry.name.split_once(' ') {
            Some(("docker" | "podman", "inspect" | "container inspect")) => {
                let parsed = self.parse(entry, args);
                last(&parsed, &["-f", "--format"]).is_none_or(|format| !shows_state(format))
            }
            Some(("kubectl" | "oc", "get" | "describe")) => {
                let parsed = self.parse(entry, args);
                for (_, output) in &parsed.settings {
                    if let Some((_, file)) = output.text().split_once("-file=") {
                        let file = Arg::Known(file.to_owned());
                        self.effect(&file, Role::Read, false, &mut segment.operations, &mut segment.unknowns);
                    }
                }
                shows_object(entry.name, &parsed)
            }
            // A formula by its path or address, or of a third party's tap, is code that is evaluated.
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

fn shows_object(name: &str, parsed: &Parsed) -> bool {
    let template = parsed.settings.iter().any(|(option, _)| option == "--template");
    let names = match last(parsed, &["-o", "--output"]).map(|output| output.known()) {
        None => true,
        Some(output) => matches!(output, Some("" | "wide" | "name")),
    };
    let state = || {
        let output = last(parsed, &["-o", "--output"]).and_then(|output| output.known()).unwrap_or("");
        let (kind, format) = output.split_once('=').unwrap_or((output, ""));
        matches!(kind, "custom-columns" | "jsonpath")
            && format.split(',').all(|column| {
                // `NAME:.metadata.name`; one path in braces, and nothing that ranges over what is not named.
                let path = column.split_once(':').map_or(column, |(_, path)| path);
                is_state(path.trim_matches(['{', '}']).trim_start_matches("$"), OBJECT_STATE)
            })
    };
    let kinds = parsed.operands.iter().map(|operand| operand.text());
    let holds = kinds.flat_map(|kind| kind.split([',', '/'])).any(|kind| kind == "cm" || kind.starts_with("configmap"));
    template || !(names || state()) || (holds && name.ends_with("describe"))
}

/// Fields of a container that say how it does, and nothing of what it was given.
const CONTAINER_STATE: &[&str] = &[
    "state",
    "name",
    "id",
    "created",
    "image",
    "platform",
    "driver",
    "restartcount",
    "networksettings",
    "sizerw",
    "sizerootfs",
    "config.image",
    "config.hostname",
    "hostconfig.restartpolicy",
    "hostconfig.networkmode",
    "hostconfig.memory",
    "hostconfig.portbindings",
    "mounts",
];

/// Fields of a cluster's objects that say how they do.
const OBJECT_STATE: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.labels",
    "metadata.creationtimestamp",
    "metadata.uid",
    "status",
    "spec.replicas",
    "spec.nodename",
    "spec.clusterip",
    "spec.type",
    "spec.ports",
    "kind",
    "apiversion",
];

/// Whether a path (`.State.Status`, `.items[*].metadata.name`) leads below one of the fields.
fn is_state(path: &str, fields: &[&str]) -> bool {
    let lower = path.to_ascii_lowercase();
    let Some(inside) = lower.strip_prefix('.') else { return false };
    let inside = ["items[*].", "items[0]."].iter().find_map(|items| inside.strip_prefix(items)).unwrap_or(inside);
    let plain = inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-[]*".contains(&byte));
    plain
        && !inside.contains("..")
        && fields
            .iter()
            .any(|field| inside.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])))
}

/// Whether all that a format (`{{.State.Status}} {{json .Mounts}}`) shows of a container is its state. What is not
/// read with certainty shows everything.
fn shows_state(format: &Arg) -> bool {
    let Some(text) = format.known() else { return false };
    let mut rest = text;
    let mut shown = false;
    while let Some((_, inside)) = rest.split_once("{{") {
        let Some((action, after)) = inside.split_once("}}") else { return false };
        let action = action.trim_matches([' ', '-']);
        let path = action.strip_prefix("json ").unwrap_or(action).trim();
        if !is_state(path, CONTAINER_STATE) {
            return false;
        }
        shown = true;
        rest = after;
    }
    shown
}

/// The last value of an option: that is the one which counts.
fn last<'a>(parsed: &'a Parsed, names: &[&str]) -> Option<&'a Arg> {
    parsed.settings.iter().rev().find(|(option, _)| names.contains(&option.as_str())).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use model::Arg;

    use super::shows_state;

    #[test]
    fn formats() {
        let shows = |format: &str| shows_state(&Arg::Known(format.to_owned()));
        for format in [
            "{{json .Config.Env}}",
            "{{json .}}",
            "{{.Config}}",
            "json",
            "{{range .Config.Env}}{{.}}{{end}}",
            "{{. | json}}",
            "{{index . \"Config\"}}",
            "{{.State.Status}}{{.Args}}",
            "",
        ] {
            assert!(!shows(format), "{format}");
        }
        for format in [
            "{{.State.Status}}",
            "{{.Name}}",
            "{{json .State}}",
            "{{.NetworkSettings.IPAddress}}",
            "{{.Id}} {{.Created}}",
        ] {
            assert!(shows(format), "{format}");
        }
    }
}
